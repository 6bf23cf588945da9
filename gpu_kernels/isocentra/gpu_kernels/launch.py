"""One call for both devices: the arrays say where a kernel runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from isocentra.gpu_kernels import cpu, gpu
from isocentra.gpu_kernels.arrays import AnyArray, ArrayModule, is_on_gpu
from isocentra.gpu_kernels.device import Compute, Device
from isocentra.gpu_kernels.inventory import resolve
from isocentra.gpu_kernels.kernel import Launch, prepare

__all__ = ["brought_home", "launch", "workplace"]


def launch(
    name: str,
    arguments: tuple[Any, ...],
    teams: int,
    compute: Compute,
    run: Callable[[Launch], None] | None = None,
) -> None:
    """Check a launch and run it where its arrays live; `run` records it in the tests."""
    checked = prepare(name, arguments, teams)
    if teams == 0:
        return
    if run is not None:
        run(checked)
    elif checked.on_gpu:
        gpu.run(checked)
    else:
        cpu.run(checked, compute)


@contextmanager
def workplace(compute: Compute, array: AnyArray) -> Iterator[ArrayModule]:
    """Give the array module of the place of work: CuPy where `array` or `compute` says so.

    A CuPy array stays on its device; a numpy array goes to the GPU that `compute` names.
    """
    if is_on_gpu(array):
        with array.device:
            yield gpu.import_cupy()
    elif resolve(compute).device is Device.CUDA:
        cupy = gpu.import_cupy()
        with cupy.cuda.Device(compute.ordinal):
            yield cupy
    else:
        yield np


def brought_home(result: AnyArray, like: AnyArray) -> AnyArray:
    """Return a result as the kind of array that came in: numpy for numpy, CuPy for CuPy."""
    return result.get() if is_on_gpu(result) and not is_on_gpu(like) else result
