"""The machine that a result was made on, as far as results depend on it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

__all__ = ["Machine", "this_machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What distinguishes one installation from another."""

    name: str
    """Its name in the network."""
    system: str
    """Operating system and its release."""
    processor: str
    """Architecture and number of cores that this process may use."""
    python: str


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    return Machine(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()}",
        processor=f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        python=platform.python_version(),
    )
