"""The bits of a result depend on nothing but the input: not on threads, instruction level or lanes.

The memory test runs the same cases under the address sanitiser, with sizes that end inside a team.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from isocentra.gpu_kernels import (
    Compute,
    CpuLevel,
    Interpolation,
    KernelsMissingError,
    StaleKernelsError,
    cpu,
    polygon_coverage,
    resample,
    signed_distance,
)

Arrays = list[npt.NDArray[np.float32]]


def everything(compute: Compute, scale: int = 1) -> Arrays:
    """One result of each kernel; large enough for seven threads with `scale` 3."""
    random = np.random.default_rng(1)
    shape = (11 * scale, 13 * scale, 150)
    volume = ndimage.gaussian_filter(random.standard_normal(shape), 1).astype(np.float32)
    shift = (random.standard_normal((3, *shape)) * 2).astype(np.float32)
    matrix = np.hstack([np.eye(3) * 0.97, [[0.3], [0.2], [0.1]]])
    ring = random.uniform(-3, 45 * scale, (60, 2))
    mask = (volume > 0).astype(np.uint8)
    rows = np.array([0, 20, 60], np.int32)
    out = [
        resample(
            volume, shape=shape, matrix=matrix, displacement=field, order=order, compute=compute
        )
        for order in Interpolation
        for field in (shift, None)
    ]
    out += [signed_distance(mask, (3.0, 0.98, 0.98), band, compute=compute) for band in (None, 4.0)]
    return [*out, polygon_coverage(ring, rows, (40 * scale, 131), compute=compute)]


def differing(one: Arrays, other: Arrays) -> list[int]:
    return [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if not np.array_equal(a, b)]


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    expected = everything(Compute(threads=1), 3)
    assert differing(everything(Compute(threads=threads), 3), expected) == []


def test_both_instruction_levels_give_the_same_bits() -> None:
    try:
        cpu.library(CpuLevel.V3)
    except KernelsMissingError as error:
        pytest.skip(f"no second level on this processor: {error.what}")
    if cpu.best_level() is not CpuLevel.V3:
        pytest.skip("this processor has no AVX2 with FMA")
    expected = everything(Compute(level=CpuLevel.V3))
    assert differing(everything(Compute(level=CpuLevel.V2)), expected) == []


def use(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    loaded = cpu.open_library(file)
    monkeypatch.setattr(cpu, "library", lambda _level: loaded)


@pytest.mark.slow
def test_lanes_run_backwards_give_the_same_bits(
    compile_library: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that depends on its neighbour, or undefined behaviour (a trap), would show."""
    expected = everything(Compute())
    file = tmp_path / "libgk_reversed.so"
    traps = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    compile_library(file, "-O1", "-DGK_REVERSED", "-march=x86-64-v2", *traps)
    use(monkeypatch, file)
    assert differing(everything(Compute()), expected) == []


UNDER_SANITISER = """
import itertools, pathlib, sys
import numpy as np
from isocentra.gpu_kernels import Compute, Interpolation, cpu, polygon_coverage, resample
from isocentra.gpu_kernels import signed_distance
loaded = cpu.open_library(pathlib.Path(sys.argv[1]))
cpu.library = lambda level: loaded
random = np.random.default_rng(0)
one = Compute(threads=1, level=2)
for shape in [*itertools.product((1, 2, 3), (1, 2, 5), (1, 2, 127, 128, 129, 255)), (30, 31, 40)]:
    volume = random.standard_normal(shape).astype(np.float32)
    shift = (random.standard_normal((3, *shape)) * 4).astype(np.float32)
    shift[:, 0, 0, 0] = (np.nan, np.inf, -1e30)
    for order in Interpolation:
        for field in (shift, None):
            resample(volume, shape=shape, matrix=np.eye(3, 4), displacement=field, order=order,
                     compute=one)
    for band in (None, 2.0):
        signed_distance((volume > 0).view(np.uint8), (3.0, 1.0, 1.0), band, compute=one)
    ring = random.uniform(-3, 140, (40, 2))
    polygon_coverage(ring, np.array([0, 40], np.int32), shape[1:], compute=one)
print("clean")
"""


@pytest.mark.slow
def test_no_kernel_reads_or_writes_outside_its_arrays(
    compile_library: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "libgk_asan.so"
    compile_library(file, "-O1", "-g", "-march=x86-64-v2", "-fsanitize=address")
    query = ["g++", "-print-file-name=libasan.so"]
    runtime = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    environment = os.environ | {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [sys.executable, "-c", UNDER_SANITISER, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.stdout == "clean\n", run.stderr[-4000:]


@pytest.mark.slow
def test_the_sanitiser_would_see_a_read_outside(
    compile_library: Callable[..., str], tmp_path: Path
) -> None:
    """The test above can fail: a volume that claims one row too many is caught."""
    file = tmp_path / "libgk_asan.so"
    compile_library(file, "-O1", "-g", "-march=x86-64-v2", "-fsanitize=address")
    query = ["g++", "-print-file-name=libasan.so"]
    runtime = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    script = """
import pathlib, sys
import numpy as np
from isocentra.gpu_kernels import Compute, cpu, launch
loaded = cpu.open_library(pathlib.Path(sys.argv[1]))
cpu.library = lambda level: loaded
source, target = np.ones((4, 5, 130), np.float32), np.empty((4, 6, 130), np.float32)
launch.launch("bspline_row", (source, target, 130, 24), 48, Compute(threads=1, level=2))
"""
    environment = os.environ | {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [sys.executable, "-c", script, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "heap-buffer-overflow" in run.stderr


def test_a_library_of_other_sources_is_refused(
    compile_library: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "libgk_stale.so"
    compile_library(file, "-O0", built_from="0" * 64)
    with pytest.raises(StaleKernelsError, match="other kernel sources") as caught:
        cpu.open_library(file)
    assert "cmake --build" in caught.value.do


def test_the_symbols_a_library_needs_are_those_of_libc_and_libm() -> None:
    """No C++ runtime is linked: one wheel serves every Python and every distribution."""
    run = subprocess.run(
        ["ldd", cpu.library(cpu.best_level())._name], capture_output=True, text=True, check=True
    )
    needed = {line.split()[0].split(".")[0].rsplit("/")[-1] for line in run.stdout.splitlines()}
    assert needed <= {"linux-vdso", "libc", "libm", "ld-linux-x86-64"}


def test_of_two_libraries_the_one_that_fits_the_sources_is_taken(
    compile_library: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editable install has two folders: what lies in the first may be old."""
    old = tmp_path / "libgk_v3.so"
    compile_library(old, "-O0", built_from="0" * 64)
    fresh = [*cpu._found("libgk_v3.so"), *cpu._found("libgk_base.so")]
    monkeypatch.setattr(cpu, "_found", lambda _name: [old, *fresh])
    cpu.library.cache_clear()
    assert cpu.library(CpuLevel.V3)._name == str(fresh[0])
    monkeypatch.setattr(cpu, "_found", lambda _name: [old])
    cpu.library.cache_clear()
    with pytest.raises(StaleKernelsError):
        cpu.library(CpuLevel.V3)
    cpu.library.cache_clear()
