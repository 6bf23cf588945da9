"""What this room refuses. It lies under `isocentra.errors` and cannot use its family.

KernelError
├── KernelsMissingError   no library was built for this machine
├── StaleKernelsError     the library was built from other sources
├── LaunchError           arguments that a kernel does not take
└── NoGpuError            a GPU was asked for and none can be used
"""

from __future__ import annotations

__all__ = ["KernelError", "KernelsMissingError", "LaunchError", "NoGpuError", "StaleKernelsError"]


class KernelError(Exception):
    """Base of all: what was found, and what to do about it."""

    def __init__(self, what: str, *, do: str) -> None:
        super().__init__(f"{what} {do}")
        self.what = what
        self.do = do


class KernelsMissingError(KernelError):
    """No compiled library lies beside the package."""


class StaleKernelsError(KernelError):
    """The compiled library was built from other sources than the package holds."""


class LaunchError(KernelError, ValueError):
    """Arguments that the declared kernel does not take."""


class NoGpuError(KernelError):
    """A GPU was asked for and none can be used."""
