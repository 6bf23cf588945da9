"""Fixtures for all tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import jsonschema
import numpy as np
import pytest

SCHEMAS = Path(__file__).parents[1] / "docs" / "reference" / "schemas"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real scans, plans and meshes beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data (../shared/data) is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def held_to_schema() -> Callable[[str], dict[str, Any]]:
    """Return a function that parses a result.json's text and holds it to its committed schema."""

    def parse(text: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(text)
        schema = json.loads((SCHEMAS / f"{result['schema']}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(result)
        return result

    return parse


@pytest.fixture(scope="session")
def mesh_files(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the nineteen meshes with known faults."""
    folder = tmp_path_factory.mktemp("meshes")
    with ZipFile(shared_data / "bolus" / "meshes.zip") as archive:
        archive.extractall(folder)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedPart:
    """What two independent programs say about a file that is to be printed."""

    repairs: dict[str, int]
    """admesh's counters of what it had to repair; empty for a file that it does not read (3MF)."""
    manifold: bool
    open_edges: int
    facets_reversed: int
    parts: int
    volume_cm3: float
    """PrusaSlicer's volume of the mesh."""
    extruded_cm3: float
    """Filament in the G-code."""
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Lowest and highest x, y, z of the extruding moves from the first layer change on."""
    exit_code: int

    @property
    def ratio(self) -> float:
        """Extruded over mesh volume; 1.02 to 1.03 for a good part."""
        return self.extruded_cm3 / self.volume_cm3


REPAIRS = (
    "Total disconnected facets", "Degenerate facets", "Edges fixed", "Facets removed",
    "Facets added", "Facets reversed", "Backwards edges", "Normals fixed",
)  # fmt: skip


@pytest.fixture(scope="session")
def slice_part(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SlicedPart]:
    """Judge a file with admesh and PrusaSlicer: `slice_part(path, bed_mm=(223, 223, 205))`.

    The commands of the design note; PrusaSlicer leaves with 0 on broken parts too, so everything
    that it prints is read.
    """
    for program in ("admesh", "prusa-slicer"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")

    def judge(path: Path, bed_mm: tuple[float, float, float] = (223.0, 223.0, 205.0)) -> SlicedPart:
        folder = tmp_path_factory.mktemp("sliced")
        repairs = {}
        if path.suffix == ".stl":
            said = _run("admesh", str(path)).stdout
            repairs = {name: _last_number(said, name) for name in REPAIRS}
        info = _run("prusa-slicer", "--info", str(path)).stdout
        told = dict(re.findall(r"^(\w+) = +(\S+)", info, re.MULTILINE))
        x, y, z = bed_mm
        gcode = folder / "part.gcode"
        command = (
            f"prusa-slicer --export-gcode --center {x / 2:g},{y / 2:g}"
            f" --bed-shape 0x0,{x:g}x0,{x:g}x{y:g},0x{y:g} --max-print-height {z:g}"
            " --filament-diameter 2.85 --nozzle-diameter 0.4 --layer-height 0.2"
            " --first-layer-height 0.2 --fill-density 100% --fill-pattern rectilinear"
            " --perimeters 2 --skirts 0 --brim-width 0 --gcode-flavor marlin"
            " --filament-density 1.24"
        )
        done = _run(*command.split(), "-o", str(gcode), str(path))
        text = gcode.read_text() if gcode.is_file() else ""
        used = re.search(r"^; filament used \[cm3\] = ([\d.]+)", text, re.MULTILINE)
        return SlicedPart(
            repairs=repairs,
            manifold=told.get("manifold") == "yes",
            open_edges=int(told.get("open_edges", "0")),
            facets_reversed=int(told.get("facets_reversed", "0")),
            parts=int(told.get("number_of_parts", "0")),
            volume_cm3=float(told.get("volume", "nan")) / 1000,
            extruded_cm3=float(used[1]) if used else float("nan"),
            box_mm=_extruded_box(text),
            exit_code=done.returncode,
        )

    return judge


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def _last_number(text: str, name: str) -> int:
    """Read a counter of admesh; where it prints original and final, the original."""
    found = re.search(rf"^{name}\s*:\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else -1


def _extruded_box(
    text: str,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Box of the extruding moves; X, Y, Z and E of G-code stay as they are until set again."""
    at = {"X": np.nan, "Y": np.nan, "Z": np.nan}
    points = []
    for line in text.partition(";LAYER_CHANGE")[2].splitlines():
        words = line.split(";", 1)[0].split()
        if words[:1] not in (["G1"], ["G0"]):
            continue
        values = {word[0]: float(word[1:]) for word in words[1:]}
        at |= {axis: values[axis] for axis in at if axis in values}
        if values.get("E", 0.0) > 0 and ("X" in values or "Y" in values):
            points.append((at["X"], at["Y"], at["Z"]))
    if not points:
        return (np.nan,) * 3, (np.nan,) * 3
    low, high = np.nanmin(points, axis=0).tolist(), np.nanmax(points, axis=0).tolist()
    return tuple(low), tuple(high)
