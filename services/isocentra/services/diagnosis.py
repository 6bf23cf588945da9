"""What works on this machine: Python, libraries, kernels, GPU, disk."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from isocentra import gpu_kernels
from isocentra.gpu_kernels import Compute, Device
from isocentra.result import Result, Software, program_version
from isocentra.services.machine import Machine, this_machine
from isocentra.verdict import Check, Status, verdict

__all__ = ["DiagnosisResult", "diagnose"]

SCHEMA = "isocentra.doctor.v1"
LEAST_PYTHON = (3, 11)
LEAST_DISK_GIB = 2.0
LEAST_MEMORY_GIB = 3.0


@dataclass(frozen=True, kw_only=True)
class DiagnosisResult(Result):
    """What `isocentra doctor` says."""

    machine: Machine


def diagnose() -> DiagnosisResult:
    """Look at this machine.

    Returns
    -------
    DiagnosisResult
        One check per thing; FAIL where a job could not run. A GPU is no requirement: its absence
        is told, not failed.
    """
    kernels = gpu_kernels.describe()
    checks = (
        _python(),
        _libraries(),
        _rooms(),
        _kernels(kernels),
        _gpu(),
        _memory(),
        _disk(),
    )
    return DiagnosisResult(
        schema=SCHEMA,
        status=verdict(checks),
        checks=checks,
        inputs=(),
        software=Software(version=program_version(), device=kernels.name, kernels=kernels.kernels),
        machine=this_machine(),
    )


def _check(name: str, *, good: bool, message: str) -> Check:
    status = Status.PASS if good else Status.FAIL
    return Check(name=name, status=status, value=None, limit=None, unit="", message=message)


def _python() -> Check:
    found = ".".join(str(n) for n in sys.version_info[:3])
    good = sys.version_info[:2] >= LEAST_PYTHON
    wanted = ".".join(str(n) for n in LEAST_PYTHON)
    return _check(
        "python",
        good=good,
        message=f"Python {found}." if good else f"Use Python {wanted} or later.",
    )


def _libraries() -> Check:
    """Look whether every declared library is there."""
    try:
        declared = requires("isocentra") or []
    except PackageNotFoundError:
        return _check("libraries", good=False, message="Isocentra is not installed: pip install .")
    names = [line.split(";")[0] for line in declared if "extra ==" not in line]
    missing = []
    for line in names:
        name = line.split(">")[0].split("=")[0].split("<")[0].split("[")[0].strip()
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return _check(
            "libraries",
            good=False,
            message=f"Missing: {', '.join(missing)}. Install Isocentra again with pip.",
        )
    return _check("libraries", good=True, message=f"All {len(names)} libraries are there.")


def _rooms() -> Check:
    """Look whether the parts of the program come from one place."""
    names = ("errors", "bolus3d", "gpu_kernels", "services")
    try:
        for name in names:
            importlib.import_module(f"isocentra.{name}")
    except ImportError as error:
        return _check(
            "program",
            good=False,
            message=f"A part cannot be imported ({error.name}). Install Isocentra again with pip.",
        )
    return _check("program", good=True, message=f"Isocentra {program_version()}.")


def _kernels(found: gpu_kernels.DeviceReport) -> Check:
    message = f"{found.name}." if not found.finding else f"{found.finding} {found.do}"
    return _check("kernels", good=found.usable, message=message)


def _gpu() -> Check:
    found = gpu_kernels.describe(Compute(device=Device.CUDA))
    message = (
        f"{found.name}."
        if found.usable
        else f"None is used; the CPU does all the work. {found.finding} {found.do}"
    )
    return _check("gpu", good=True, message=message)


def _memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return _check(
        "memory",
        good=total >= LEAST_MEMORY_GIB,
        message=f"{total:.1f} GiB; a design needs up to 2 GiB.",
    )


def _disk() -> Check:
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free / 2**30
    writable = os.access(folder, os.W_OK)
    good = writable and free >= LEAST_DISK_GIB
    message = f"{free:.1f} GiB free in the folder for temporary files."
    if not good:
        message += " Free some space, or set TMPDIR to a folder that can be written."
    return _check("disk", good=good, message=message)
