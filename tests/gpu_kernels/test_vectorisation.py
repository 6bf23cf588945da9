"""Lane loops are vectorised: a change of source that loses that costs a factor of 2 to 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from isocentra.gpu_kernels.sources import SOURCE_FOLDER

NOT_VECTORISED = {
    "GK_LANES(l, w) {                           // a lane does a row": "holds loops of its own",
    "GK_LANES(l, w) o[l] = GK_P(acc, l);": "becomes memcpy",
    "GK_LANES(l, w) { least[l] = a[l]; most[l] = a[l]; }": "becomes memcpy",
    "GK_LANES(l, w) GK_P(acc, l) = 0;": "becomes memset",
}
"""Lane loops that the report does not name, and why that is right."""


def lane_loops(text: str) -> dict[int, str]:
    """Lines of the loops over lanes that the CPU runs, the helper loops among them."""
    cpu_only = re.sub(
        r"#ifdef __CUDACC__.*?#else", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL
    )
    return {
        number: line.strip()
        for number, line in enumerate(cpu_only.splitlines(), 1)
        if re.search(r"GK_LANES\(l, (?!1\))|for \(int l = 0; l < w", line)
    }


@pytest.mark.slow
def test_every_lane_loop_is_reported_as_vectorised(
    compile_library: Callable[..., str], tmp_path: Path
) -> None:
    report = compile_library(
        tmp_path / "libgk_v3.so", "-O3", "-march=x86-64-v3", "-fopt-info-vec-optimized"
    )
    found = set(re.findall(r"(\w+\.cu):(\d+):\d+: optimized: .*loop vectorized", report))
    missing = [
        f"{file.name}:{number} {line}"
        for file in sorted(SOURCE_FOLDER.glob("*.cu"))
        for number, line in lane_loops(file.read_text()).items()
        if (file.name, str(number)) not in found and line not in NOT_VECTORISED
    ]
    assert not missing, "\n".join(missing)
