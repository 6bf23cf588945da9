"""Write docs/reference/licences.md: every locked distribution with its licence and its role.

python docs/scripts/licences.py          (in an environment installed from requirements.lock)
"""

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "licences.md"

INTRODUCTION: Final = """# Licences of what is installed

Made by `python docs/scripts/licences.py` from the metadata of the distributions that
`requirements.lock` names; do not edit. Why these libraries, and which stay out:
[decision 0005](../decisions/0005-libraries-and-licences.md).

*product*: installed with Isocentra. *tests*: only with the extra `test` (the tests, the build and
the linters). Nothing of these is part of Isocentra's own wheel.
"""

SAID_IN_TEXT: Final = {
    "embreex": "BSD-2-Clause; Embree itself Apache-2.0",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "Matplotlib (PSF-based)",
    "reportlab": "BSD-3-Clause",
    "scikit-image": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "trimesh": "MIT",
}
"""Read in the licence file by a person, where the metadata hold only that file's text."""

BESIDE: Final = {
    "numpy": "OpenBLAS BSD; libgfortran GPL-3 with the runtime exception",
    "opencv-python": "FFmpeg LGPL-2.1, Qt 5 LGPL-3 (separate files); needs the system's libGL",
    "scipy": "OpenBLAS BSD; libgfortran GPL-3 with the runtime exception",
    "nvidia-cuda-nvrtc-cu12": "not used by the product; the extra cuda12 names it for GPUs",
}
"""What a wheel holds beside its own code, and remarks."""


def locked() -> dict[str, str]:
    """Return version by canonical name, from requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def product_names() -> set[str]:
    """Return the canonical names that Isocentra without extras brings, by their metadata."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [canonicalize_name(Requirement(r).name) for r in project["dependencies"]]
    found: set[str] = set()
    environment = {**{k: str(v) for k, v in default_environment().items()}, "extra": ""}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(environment):
                waiting.append(canonicalize_name(needed.name))
    return found


def licence(dist: Distribution) -> str:
    """Return the licence of a distribution in one short phrase."""
    name = canonicalize_name(dist.name)
    if name in SAID_IN_TEXT:
        return SAID_IN_TEXT[name]
    metadata = dist.metadata.json
    classifiers = [str(line) for line in metadata.get("classifier", ())]
    kinds = ", ".join(c.split("::")[-1].strip() for c in classifiers if c.startswith("License ::"))
    text = str(metadata.get("license_expression") or metadata.get("license") or kinds)
    if "\n" in text or len(text) > 60:
        text = kinds
    if not text:
        raise SystemExit(f"{name}: no licence in the metadata; read it and add it to SAID_IN_TEXT")
    return re.sub(r"\s+", " ", text)


def page() -> str:
    """Return the page as it must be."""
    product = product_names()
    rows = ["| distribution | version | licence | for | beside it |", "|---|---|---|---|---|"]
    for name, version in sorted(locked().items()):
        role = "product" if name in product else "tests"
        beside = BESIDE.get(name, "")
        rows.append(f"| {name} | {version} | {licence(distribution(name))} | {role} | {beside} |")
    return "\n".join([INTRODUCTION, *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
