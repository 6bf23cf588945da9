"""What this machine offers, for `isocentra doctor` and for the record of a result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isocentra.gpu_kernels import cpu, gpu
from isocentra.gpu_kernels.device import ON_CPU, Compute, CpuLevel, Device
from isocentra.gpu_kernels.errors import KernelError, NoGpuError
from isocentra.gpu_kernels.sources import source_hash

__all__ = ["DeviceReport", "describe", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """A device, and whether kernels run on it."""

    device: Device
    usable: bool
    name: str
    """As it is recorded in a result: ``cpu x86-64-v3, 8 threads`` or ``cuda:0 <card>``."""
    kernels: str
    """Hash of the kernel sources."""
    finding: str = ""
    """What is wrong or slow; empty where nothing is."""
    do: str = ""
    """The next step, where there is a finding."""


def resolve(compute: Compute) -> Compute:
    """Return the choice with `Device.AUTO` decided.

    Raises
    ------
    NoGpuError
        A GPU is demanded and none can be used.
    """
    if compute.device is Device.CPU:
        return compute
    try:
        gpu.device_name(compute.ordinal)
    except NoGpuError:
        if compute.device is Device.CUDA:
            raise
        return replace(compute, device=Device.CPU)
    return replace(compute, device=Device.CUDA)


def describe(compute: Compute = ON_CPU) -> DeviceReport:
    """Report what the choice means on this machine. Never raises for a missing device.

    `Device.AUTO` reports the device that would be used.
    """
    try:
        chosen = resolve(compute)
        if chosen.device is Device.CUDA:
            name = f"cuda:{chosen.ordinal} {gpu.device_name(chosen.ordinal)}"
            return DeviceReport(device=Device.CUDA, usable=True, name=name, kernels=source_hash())
        return _describe_cpu(chosen)
    except (KernelError, OSError) as error:
        return DeviceReport(
            device=compute.device,
            usable=False,
            name=str(compute.device),
            kernels=source_hash(),
            finding=getattr(error, "what", str(error)),
            do=getattr(error, "do", "Build the kernels on this machine."),
        )


def _describe_cpu(compute: Compute) -> DeviceReport:
    level = compute.level or cpu.best_level()
    cpu.library(level)
    slow = level is CpuLevel.V2
    return DeviceReport(
        device=Device.CPU,
        usable=True,
        name=f"cpu x86-64-v{level.value}, {compute.thread_count} threads",
        kernels=source_hash(),
        finding="The processor or the build has no AVX2 with FMA: 4 to 20 times slower."
        if slow
        else "",
        do="Use a processor of 2013 or later; results are the same." if slow else "",
    )
