"""The GPU road: the kernel sources through CuPy. The only module that imports CuPy.

Launch ──► cupy.RawModule (NVRTC) ──► grid of teams × block of lanes, on CuPy's current stream
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from isocentra.gpu_kernels.arrays import ArrayModule
from isocentra.gpu_kernels.errors import NoGpuError
from isocentra.gpu_kernels.kernel import Launch
from isocentra.gpu_kernels.sources import LANES, NVRTC_OPTIONS, source_text

__all__ = ["device_name", "import_cupy", "run"]

_REMEDY = "Use --device cpu, or install a driver and the extra isocentra[cuda12] or [cuda13]."


class _RawModule(Protocol):
    """What is used of cupy.RawModule."""

    def get_function(self, name: str) -> Callable[..., None]: ...


def import_cupy() -> ArrayModule:
    """Import CuPy.

    Raises
    ------
    NoGpuError
        It is not installed or does not load.
    """
    try:
        return import_module("cupy")
    except (ImportError, OSError) as error:
        raise NoGpuError(f"CuPy cannot be imported ({error}).", do=_REMEDY) from error


@lru_cache(maxsize=16)
def device_name(ordinal: int) -> str:
    """Return the name of a CUDA device after it has added a number.

    Raises
    ------
    NoGpuError
        CuPy, the driver or the device is absent, or the sum did not run.
    """
    cupy = import_cupy()
    try:
        with cupy.cuda.Device(ordinal):
            total = int(cupy.ones(3).sum())
            name = cupy.cuda.runtime.getDeviceProperties(ordinal)["name"].decode()
    except (RuntimeError, OSError, ImportError, ValueError) as error:
        raise NoGpuError(f"CUDA device {ordinal} does not run ({error}).", do=_REMEDY) from error
    if total != 3:
        raise NoGpuError(f"CUDA device {ordinal} adds three ones to {total}.", do=_REMEDY)
    return str(name)


@lru_cache(maxsize=32)
def _module(source: str) -> _RawModule:
    cupy = import_cupy()
    module: _RawModule = cupy.RawModule(
        code=source_text(source), options=NVRTC_OPTIONS, backend="nvrtc"
    )
    return module


def run(launch: Launch) -> None:
    """Queue a launch on CuPy's current device and stream; it is not waited for."""
    function = _module(launch.kernel.source).get_function(launch.kernel.name)
    function((launch.teams,), (LANES,), launch.arguments)
