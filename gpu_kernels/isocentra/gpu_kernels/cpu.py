"""The CPU road: the compiled kernels, loaded by ctypes, their teams spread over threads.

Launch ──► libgk_v2.so | libgk_v3.so ──► ranges of teams on a thread pool
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from isocentra.gpu_kernels.arrays import AnyArray
from isocentra.gpu_kernels.device import Compute, CpuLevel
from isocentra.gpu_kernels.errors import KernelsMissingError, LaunchError, StaleKernelsError
from isocentra.gpu_kernels.kernel import KERNELS, Launch
from isocentra.gpu_kernels.sources import source_hash

__all__ = ["best_level", "library", "open_library", "run", "run_with"]

_TEAMS_PER_THREAD: Final = 64
"""Below this a second thread costs more (0.1 ms) than it saves."""

_PIECES_PER_THREAD: Final = 8
"""Uneven pieces balance, and none is long."""

_BUILD: Final = (
    "Install the package again (pip install .), or in a checkout: cmake -S . -B build/dev"
    " && cmake --build build/dev && cp build/dev/libgk_*.so gpu_kernels/isocentra/gpu_kernels/."
)

Entry = Callable[[Any, int, int], None]


def run(launch: Launch, compute: Compute) -> None:
    """Run all teams of a launch and wait for them."""
    run_with(library(compute.level or best_level()), launch, compute.thread_count)


def run_with(loaded: ctypes.CDLL, launch: Launch, threads: int) -> None:
    """Run all teams with a given library: any split of the teams gives the same bits."""
    entry = _entry(loaded, launch.kernel.name)
    values, block = _argument_block(launch)
    count = min(threads, max(1, launch.teams // _TEAMS_PER_THREAD))
    if count == 1:
        entry(block, 0, launch.teams)  # ctypes releases the GIL
    else:
        step = -(-launch.teams // (count * _PIECES_PER_THREAD))
        pool = _pool(os.getpid(), count)
        pieces: list[Future[None]] = []
        try:
            for begin in range(0, launch.teams, step):
                end = min(begin + step, launch.teams)
                pieces.append(pool.submit(_piece, entry, (block, values, launch), begin, end))
            for piece in pieces:
                piece.result()
        finally:  # of an interrupted launch only what runs already is finished
            for piece in pieces:
                piece.cancel()
    del values  # the block points into them: they had to live until here


def _piece(entry: Entry, kept: tuple[Any, object, Launch], begin: int, end: int) -> None:
    """Run some teams; `kept` holds the arrays: the thread may outlive an interrupted caller."""
    entry(kept[0], begin, end)


@lru_cache(maxsize=2)
def _pool(process: int, count: int) -> ThreadPoolExecutor:
    # Keyed by the process: threads do not survive a fork, so a child makes its own.
    return ThreadPoolExecutor(count, f"kernels-{process}")


@lru_cache(maxsize=1)
def best_level() -> CpuLevel:
    """Return the fastest level that is built and that this processor runs."""
    lowest = library(CpuLevel.V2)
    fast = int(lowest.gk_cpu_level()) >= CpuLevel.V3 and bool(_found("libgk_v3.so"))
    return CpuLevel.V3 if fast else CpuLevel.V2


@lru_cache(maxsize=4)
def library(level: CpuLevel) -> ctypes.CDLL:
    """Load the library of a level.

    Raises
    ------
    KernelsMissingError
        It was not built.
    StaleKernelsError
        It was built from other sources.
    """
    names = ("libgk_v2.so", "libgk_base.so") if level is CpuLevel.V2 else ("libgk_v3.so",)
    stale: StaleKernelsError | None = None
    for file in (file for name in names for file in _found(name)):
        try:
            return open_library(file)
        except StaleKernelsError as error:
            stale = error
    raise stale or KernelsMissingError(
        f"No kernel library {' or '.join(names)} lies beside the package.", do=_BUILD
    )


def open_library(file: Path) -> ctypes.CDLL:
    """Load one library file and refuse it when it was built from other sources."""
    loaded = ctypes.CDLL(str(file))
    loaded.gk_source_hash.restype = ctypes.c_char_p
    built = loaded.gk_source_hash().decode()
    if built != source_hash():
        raise StaleKernelsError(
            f"{file.name} was built from other kernel sources ({built[:12]}…) than the package"
            f" holds ({source_hash()[:12]}…).",
            do=_BUILD,
        )
    return loaded


def _found(name: str) -> list[Path]:
    # The package's own path only: an editable install has two folders there, and a library found
    # over sys.path could belong to another installation.
    folders = (Path(folder) for folder in import_module("isocentra.gpu_kernels").__path__)
    return [folder / name for folder in folders if (folder / name).is_file()]


@lru_cache(maxsize=128)
def _entry(loaded: ctypes.CDLL, name: str) -> Entry:
    letters = ctypes.create_string_buffer(256)
    getattr(loaded, f"gk_sig_{name}")(letters)
    if letters.value.decode() != KERNELS[name].signature:
        raise LaunchError(
            f"Kernel {name} is declared {KERNELS[name].signature} and compiled"
            f" {letters.value.decode()}.",
            do="Correct the declaration in kernel.py.",
        )
    entry = loaded[f"gk_run_{name}"]
    entry.argtypes = [ctypes.c_void_p, ctypes.c_longlong, ctypes.c_longlong]
    entry.restype = None
    return entry


def _argument_block(launch: Launch) -> tuple[list[Any], Any]:
    # What cuLaunchKernel takes: one pointer per argument, to a pointer or to the scalar itself.
    values = [
        np.array([_address(value)], dtype=np.uint64)
        if isinstance(value, np.ndarray)
        else np.array([value])
        for value in launch.arguments
    ]
    return values, (ctypes.c_void_p * len(values))(*map(_address, values))


def _address(array: AnyArray) -> int:
    address: int = array.__array_interface__["data"][0]  # four times as fast as .ctypes.data
    return address
