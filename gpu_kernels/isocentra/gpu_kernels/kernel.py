"""What a kernel takes, declared once and checked before it runs on either device.

name, arguments, teams ──prepare──► Launch ──► cpu.run | gpu.run | a recorder in the tests
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from isocentra.gpu_kernels.arrays import AnyArray, is_on_gpu
from isocentra.gpu_kernels.errors import LaunchError

__all__ = ["KERNELS", "Kernel", "Launch", "prepare"]

_TYPES: Final = MappingProxyType(
    {
        letter: np.dtype(name)
        for letter, name in zip("fdiqB", ("f4", "f8", "i4", "i8", "u1"), strict=True)
    }
)

_LIMITS: Final = MappingProxyType({"i": (-(2**31), 2**31), "q": (-(2**63), 2**63), "B": (0, 256)})
"""Least whole number of a letter, and the first that is too large."""

_MOST_TEAMS: Final = 2**31 - 1
"""Largest gridDim.x; y and z would stop at 65,535."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The declaration of one entry point."""

    name: str
    source: str
    """File in src/."""
    arguments: tuple[str, ...]
    """A letter for a scalar (f d i q B), after p for a pointer that is read, P for one written."""

    @property
    def signature(self) -> str:
        """The letters as the compiled library reports them."""
        return "".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Launch:
    """What will run: checked, typed, ready for either device."""

    kernel: Kernel
    arguments: tuple[Any, ...]
    """Arrays, and scalars as numpy scalars of the kernel's exact type."""
    teams: int
    on_gpu: bool


def _declare(*lines: tuple[str, str, str]) -> MappingProxyType[str, Kernel]:
    return MappingProxyType(
        {name: Kernel(name, source, tuple(letters.split())) for name, source, letters in lines}
    )


KERNELS: Final = _declare(
    ("resample_linear", "resample.cu", "pf i i i pf Pf i i i f"),
    ("resample_linear_field", "resample.cu", "pf i i i pf pf Pf i i i f"),
    ("resample_cubic", "resample.cu", "pf i i i pf Pf i i i f"),
    ("resample_cubic_field", "resample.cu", "pf i i i pf pf Pf i i i f"),
    ("bspline_axis", "bspline.cu", "pf Pf i i q"),
    ("bspline_row", "bspline.cu", "pf Pf i q"),
    ("distance_row", "distance.cu", "pB Pf i q f f"),
    ("distance_low", "distance.cu", "pf Pf i q"),
    ("distance_axis", "distance.cu", "pf pf Pf i i q f i"),
    ("coverage_rows", "coverage.cu", "pi pd pd pd Pf i i"),
)


def prepare(name: str, arguments: tuple[Any, ...], teams: int) -> Launch:
    """Check arguments against the declaration and give scalars their exact type.

    CuPy does not check what it hands to a raw kernel: a Python int travels as 64 bit.

    Raises
    ------
    LaunchError
        Another number of arguments, another dtype, an array that is not C-contiguous or is
        read-only where it is written, arrays on both devices, a scalar that does not fit.
    """
    kernel = KERNELS[name]
    if len(arguments) != len(kernel.arguments):
        raise _refused(name, f"takes {len(kernel.arguments)} arguments, {len(arguments)} given")
    pairs = tuple(zip(arguments, kernel.arguments, strict=True))
    places = {is_on_gpu(value) for value, letters in pairs if len(letters) == 2}
    if len(places) != 1:
        raise _refused(name, "has arrays on the CPU and on a GPU in one call")
    if not 0 <= teams <= _MOST_TEAMS:
        raise _refused(name, f"cannot run {teams} teams")
    checked = tuple(
        _array(name, position, value, letters)
        if len(letters) == 2
        else _scalar(name, position, value, letters)
        for position, (value, letters) in enumerate(pairs)
    )
    return Launch(kernel, checked, teams, places.pop())


def _array(name: str, position: int, array: AnyArray, letters: str) -> AnyArray:
    dtype = _TYPES[letters[1]]
    if array.dtype != dtype or not array.flags.c_contiguous:
        raise _refused(
            name, f"takes a C-contiguous {dtype} as argument {position}, not {array.dtype}"
        )
    if letters[0] == "P" and not is_on_gpu(array) and not array.flags.writeable:
        raise _refused(name, f"writes argument {position}, which is read-only")
    return array


def _scalar(name: str, position: int, value: float, letter: str) -> np.generic:
    if letter in _LIMITS:
        least, end = _LIMITS[letter]
        if int(value) != value or not least <= value < end:
            raise _refused(name, f"argument {position} = {value} does not fit {_TYPES[letter]}")
    typed: np.generic = _TYPES[letter].type(value)
    return typed


def _refused(name: str, what: str) -> LaunchError:
    return LaunchError(f"Kernel {name} {what}.", do="Call it through the functions of this room.")
