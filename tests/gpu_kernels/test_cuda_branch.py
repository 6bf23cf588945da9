"""What a GPU would be given computes the same bits, run on host threads in place of a GPU.

The kernels' CUDA branch (lanes as threads, the twin loop of `distance_axis`, shared memory and
barriers) is compiled for the host: 128 threads are a block. It shows the logic of that branch; it
shows nothing about CuPy, NVRTC's code or a GPU's arithmetic.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from isocentra.gpu_kernels import (
    Compute,
    Interpolation,
    cpu,
    polygon_coverage,
    resample,
    signed_distance,
)
from isocentra.gpu_kernels.kernel import KERNELS, Launch
from isocentra.gpu_kernels.sources import LANES, SOURCE_FOLDER

pytestmark = pytest.mark.slow

Arrays = list[npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Compile the CUDA branch of all kernels for the host."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not here")
    folder = tmp_path_factory.mktemp("cuda")
    entries = "".join(
        f'extern "C" __global__ void block_{name}(void** a) {{ run_block({name}, a, GK_W); }}\n'
        for name in KERNELS
    )
    text = f'#include "cuda_on_threads.h"\n#include "{SOURCE_FOLDER}/all.cpp"\n{entries}'
    (folder / "block.cpp").write_text(text)
    command = [
        "g++", "-std=c++17", "-O2", "-march=x86-64-v3", "-shared", "-fPIC", "-ffp-contract=off",
        "-fvisibility=hidden", f"-DGK_W={LANES}", f"-I{Path(__file__).parent}", "-pthread",
        str(folder / "block.cpp"), "-o", str(folder / "block.so"),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return ctypes.CDLL(str(folder / "block.so"))


def everything(shape: tuple[int, int, int]) -> Arrays:
    random = np.random.default_rng(4)
    volume = ndimage.gaussian_filter(random.standard_normal(shape), 1).astype(np.float32)
    shift = (random.standard_normal((3, *shape)) * 2).astype(np.float32)
    shift[:, 0, 0, 0] = np.nan
    mask = (volume > 0.02).astype(np.uint8)
    lone = np.zeros(shape, np.uint8)
    lone[-1, 0, -1] = 1
    ring = random.uniform(-3, 60, (40, 2))
    rows = np.array([0, 15, 40], np.int32)
    mapping: dict[str, Any] = {"shape": shape, "matrix": np.eye(3, 4) * 0.97}
    out = [
        resample(volume, displacement=field, order=order, **mapping)
        for order in Interpolation
        for field in (shift, None)
    ]
    out += [
        signed_distance(kinds, (3.0, 0.98, 0.98), band)
        for kinds in (mask, lone)
        for band in (None, 4.0)
    ]
    return [*out, polygon_coverage(ring, rows, (shape[1], shape[2]))]


@pytest.mark.parametrize("shape", [(5, 9, 150), (7, 4, 128), (3, 21, 33), (1, 1, 1), (2, 1, 257)])
def test_the_cuda_branch_gives_the_bits_of_the_cpu(
    shape: tuple[int, int, int], block: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = everything(shape)
    ran = set()

    def run_on_threads(launch: Launch, _compute: Compute) -> None:
        ran.add(launch.kernel.name)
        values, arguments = cpu._argument_block(launch)
        block[f"block_{launch.kernel.name}"](arguments)
        del values

    monkeypatch.setattr(cpu, "run", run_on_threads)
    got = everything(shape)
    assert ran >= {"resample_cubic_field", "distance_axis", "distance_low", "coverage_rows"}
    differing = [
        n
        for n, (a, b) in enumerate(zip(got, expected, strict=True))
        if not np.array_equal(a, b, equal_nan=True)
    ]
    assert differing == []
