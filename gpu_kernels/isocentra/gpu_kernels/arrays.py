"""Arrays of two kinds behind one name: numpy on the CPU, CuPy on a GPU."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["AnyArray", "ArrayModule", "is_on_gpu"]

AnyArray: TypeAlias = Any
"""A numpy or CuPy array. CuPy ships no types; what is used of it behaves as numpy's."""

ArrayModule: TypeAlias = Any
"""The module numpy, or the module cupy."""


def is_on_gpu(array: AnyArray) -> bool:
    """Whether an array lives on a CUDA device."""
    return hasattr(array, "__cuda_array_interface__")
