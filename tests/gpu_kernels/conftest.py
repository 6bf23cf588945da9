"""The places where kernels can run, and libraries compiled in special ways."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from isocentra.gpu_kernels import Compute, Device, describe
from isocentra.gpu_kernels.sources import SOURCE_FOLDER, source_hash

GPU = Compute(device=Device.CUDA)

FLAGS = (
    "-std=c++17",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-exceptions",
    "-fno-rtti",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def place(request: pytest.FixtureRequest) -> Compute:
    """Where to compute; the GPU is skipped with the reason why it cannot be used."""
    if request.param == "cpu":
        return Compute()
    report = describe(GPU)
    if not report.usable:
        pytest.skip(f"no CUDA device is here: {report.finding}")
    return GPU


@pytest.fixture
def compile_library() -> Callable[..., str]:
    """Compile all kernels to a file with extra flags; returns what the compiler says."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not here")

    def compile_to(target: Path, *extra: str, built_from: str | None = None) -> str:
        define = f'-DGK_SOURCE_HASH="{built_from or source_hash()}"'
        sources = [str(SOURCE_FOLDER / name) for name in ("all.cpp", "library.cpp")]
        command = [compiler, *FLAGS, define, *extra, *sources, "-o", str(target), "-lm"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stderr

    return compile_to
