"""Every kernel compiles for the GPUs we name, with what it may use and nothing it may not.

No GPU is needed: NVRTC's wheel compiles and ptxas reports. The step of CI that has no GPU.
"""

from __future__ import annotations

import re

import pytest

from isocentra.gpu_kernels import KernelError, nvrtc
from isocentra.gpu_kernels.kernel import KERNELS

PARAMETER = {"f": "f32", "d": "f64", "i": "u32", "q": "u64", "B": "u8"}
FORBIDDEN = r"\.approx|\.ftz|\batom\.|\bred\."
SOURCES = sorted({kernel.source for kernel in KERNELS.values()})

pytestmark = pytest.mark.skipif(
    nvrtc.library_file() is None, reason="the wheel nvidia-cuda-nvrtc-cu12 is not installed"
)
EACH = pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)


@EACH
@pytest.mark.parametrize("name", list(KERNELS))
def test_the_entry_takes_what_is_declared(name: str, architecture: str) -> None:
    kernel = KERNELS[name]
    ptx = nvrtc.compile_source(kernel.source, architecture).ptx
    entry = re.search(rf"\.entry {name}\((.*?)\)", ptx, re.DOTALL)
    assert entry is not None
    wanted = ["u64" if len(letters) == 2 else PARAMETER[letters] for letters in kernel.arguments]
    assert re.findall(r"\.param \.(\w+)", entry[1]) == wanted


@EACH
@pytest.mark.parametrize("name", list(KERNELS))
def test_registers_suffice_and_nothing_is_spilled(name: str, architecture: str) -> None:
    usage = nvrtc.compile_source(KERNELS[name].source, architecture).usage[name]
    assert usage.spilled_bytes == 0
    assert 0 < usage.registers <= 64
    assert usage.occupancy(architecture) >= 0.5


@EACH
@pytest.mark.parametrize("source", SOURCES)
def test_arithmetic_is_ieee_and_no_order_is_left_to_chance(source: str, architecture: str) -> None:
    ptx = nvrtc.compile_source(source, architecture).ptx
    assert re.findall(FORBIDDEN, ptx) == []
    assert ".local" not in ptx  # an array that did not fit in registers


@EACH
def test_products_are_fused_only_where_the_source_says_so(architecture: str) -> None:
    fused = {s: "fma.rn.f" in nvrtc.compile_source(s, architecture).ptx for s in SOURCES}
    assert fused == {
        "bspline.cu": True, "coverage.cu": False, "distance.cu": False, "resample.cu": True,
    }  # fmt: skip


@EACH
def test_every_entry_of_a_source_is_declared(architecture: str) -> None:
    for source in SOURCES:
        ptx = nvrtc.compile_source(source, architecture).ptx
        declared = {kernel.name for kernel in KERNELS.values() if kernel.source == source}
        assert set(re.findall(r"\.entry (\w+)\(", ptx)) == declared


def test_the_patterns_find_what_they_forbid() -> None:
    assert re.search(FORBIDDEN, "div.approx.f32 %f1, %f2, %f3;")
    assert re.search(FORBIDDEN, "atom.global.add.f32 %f1, [%rd1], %f2;")
    assert re.search(FORBIDDEN, "red.global.add.f32 [%rd1], %f2;")
    assert not re.search(FORBIDDEN, "ld.shared.f32 %f1, [%r2];")


def test_a_source_that_does_not_compile_shows_the_compilers_words() -> None:
    with pytest.raises(KernelError, match="identifier"):
        nvrtc.compile_source("library.cpp", "sm_90")
