"""The choice of a device is an argument, and what a machine offers is told, not guessed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isocentra.gpu_kernels import (
    Compute,
    CpuLevel,
    Device,
    KernelsMissingError,
    NoGpuError,
    compute_from,
    cpu,
    describe,
    resolve,
)
from isocentra.gpu_kernels.sources import SOURCE_FOLDER, source_hash


@pytest.mark.parametrize(
    ("text", "device", "ordinal"),
    [
        ("auto", Device.AUTO, 0),
        ("cpu", Device.CPU, 0),
        ("cuda", Device.CUDA, 0),
        ("CUDA:2", Device.CUDA, 2),
    ],
)
def test_the_command_line_form_is_read(text: str, device: Device, ordinal: int) -> None:
    assert compute_from(text, threads=3) == Compute(device=device, ordinal=ordinal, threads=3)


@pytest.mark.parametrize("text", ["", "gpu", "cpu:1", "cuda:", "cuda:-1", "cuda:1:2", "auto:0"])
def test_another_text_is_refused_with_the_forms_that_are_read(text: str) -> None:
    with pytest.raises(ValueError, match="auto, cpu, cuda or cuda:N"):
        compute_from(text)


def test_threads_and_ordinal_must_be_possible() -> None:
    with pytest.raises(ValueError, match="threads"):
        Compute(threads=0)
    with pytest.raises(ValueError, match="numbered from 0"):
        Compute(ordinal=-1)


def test_without_a_number_all_processors_of_this_process_are_used() -> None:
    assert Compute().thread_count == len(os.sched_getaffinity(0))
    assert Compute(threads=3).thread_count == 3


def test_the_cpu_is_always_there_and_named() -> None:
    report = describe()
    assert report.usable
    assert report.device is Device.CPU
    assert report.name.startswith("cpu ")
    assert report.kernels == source_hash()


def test_the_slow_level_says_that_it_is_slow() -> None:
    report = describe(Compute(level=CpuLevel.V2))
    assert report.usable
    assert "slower" in report.finding
    assert report.do


def test_auto_falls_back_to_the_cpu_and_a_demanded_gpu_does_not() -> None:
    if describe(Compute(device=Device.CUDA)).usable:
        pytest.skip("a CUDA device is here")
    assert resolve(Compute(device=Device.AUTO)).device is Device.CPU
    assert describe(Compute(device=Device.AUTO)).device is Device.CPU
    with pytest.raises(NoGpuError, match=r"CuPy|CUDA") as caught:
        resolve(Compute(device=Device.CUDA))
    assert "--device cpu" in caught.value.do


def test_a_demanded_gpu_that_is_not_there_is_reported_and_does_not_raise() -> None:
    report = describe(Compute(device=Device.CUDA, ordinal=99))
    assert not report.usable
    assert report.finding
    assert report.do


def test_a_missing_library_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_found", lambda _name: [])
    cpu.library.cache_clear()
    with pytest.raises(KernelsMissingError, match=r"libgk_v3\.so") as caught:
        cpu.library(CpuLevel.V3)
    assert "cmake" in caught.value.do
    cpu.library.cache_clear()


def test_libraries_are_looked_for_beside_the_package_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "isocentra" / "gpu_kernels").mkdir(parents=True)
    (tmp_path / "isocentra" / "gpu_kernels" / "libgk_elsewhere.so").touch()
    (tmp_path / "libgk_elsewhere.so").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert cpu._found("libgk_elsewhere.so") == []


def test_the_hash_covers_every_source_that_the_library_compiles() -> None:
    included = {
        line.split('"')[1]
        for line in (SOURCE_FOLDER / "all.cpp").read_text().splitlines()
        if line.startswith("#include")
    }
    assert included == {file.name for file in SOURCE_FOLDER.glob("*.cu")}
    assert {file.suffix for file in SOURCE_FOLDER.iterdir()} == {".cu", ".cpp", ".h"}
