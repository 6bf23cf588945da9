"""Where kernels run, as an argument.

"auto" | "cpu" | "cuda[:N]" ──compute_from──► Compute ──inventory.resolve──► cpu.py | gpu.py
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

__all__ = ["ON_CPU", "Compute", "CpuLevel", "Device", "compute_from"]


class Device(StrEnum):
    """What runs the kernels."""

    AUTO = "auto"
    """The GPU where one works, the CPU otherwise."""
    CPU = "cpu"
    CUDA = "cuda"


class CpuLevel(IntEnum):
    """Instruction level of the CPU library. All give the same bits."""

    V2 = 2
    """x86-64-v2, and `base` on other processors."""
    V3 = 3
    """x86-64-v3: AVX2 and FMA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Where and how kernels run."""

    device: Device = Device.CPU
    ordinal: int = 0
    """Number of the CUDA device."""
    threads: int | None = None
    """CPU threads; None: as many as this process may use."""
    level: CpuLevel | None = None
    """CPU library; None: the best that this processor runs."""

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"{self.threads} threads; give at least 1, or None for all")
        if self.ordinal < 0:
            raise ValueError(f"CUDA device {self.ordinal}; devices are numbered from 0")

    @property
    def thread_count(self) -> int:
        """`threads`, or the number of processors that this process may use."""
        return self.threads or len(os.sched_getaffinity(0))


ON_CPU: Final = Compute()
"""The CPU, all its threads, the best library: what every operation uses unless told otherwise."""


def compute_from(text: str, *, threads: int | None = None) -> Compute:
    """Read the device choice of the command line: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    ValueError
        Another text, or fewer than one thread.
    """
    found = re.fullmatch(r"(auto|cpu|cuda)(?::(\d{1,3}))?", text.strip().lower())
    if found is None or (found[2] is not None and found[1] != "cuda"):
        raise ValueError(f"{text!r} is no device; say auto, cpu, cuda or cuda:N")
    return Compute(device=Device(found[1]), ordinal=int(found[2] or 0), threads=threads)
