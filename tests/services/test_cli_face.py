"""The face itself: one JSON object or none, exit codes, messages, help, catalogue."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from clinic import Clinic, Outcome

from isocentra.mesh import stl_bytes
from isocentra.mesh.model import Mesh

Cli = Callable[..., Outcome]
Held = Callable[[str], dict[str, Any]]
ROOT = Path(__file__).parents[2]
VERBS = (
    ("demo",),
    ("doctor",),
    ("selftest",),
    ("bolus", "design"),
    ("bolus", "inspect"),
    ("bolus", "printers"),
    ("bolus", "materials"),
)

MESHES = {
    "binary_solid_header.stl": {0: set()},
    "clinical_ear_eclipse_ascii_nonmanifold.stl": {4: {"edge_manifold"}},
    "clinical_nose_eclipse_ascii.stl": {0: set()},
    "degenerate.stl": {4: {"no_degenerate_triangles"}},
    "eclipse_cup.stl": {0: set()},
    "good_cup.stl": {0: set()},
    "good_cup_lib3mf.3mf": {0: set()},
    "inverted.stl": {4: {"outward"}},
    "island.stl": {4: {"parts"}},
    "mixed_winding.stl": {4: {"winding"}},
    "nan_vertex.stl": {4: {"finite"}},
    "nonmanifold_edge.stl": {4: {"edge_manifold"}},
    "open_hole.stl": {4: {"closed"}},
    "oversize_275mm.stl": {4: {"fits_printer"}},
    "selfint_fold.stl": {4: {"no_self_intersection"}},
    "selfint_two_spheres.stl": {4: {"no_self_intersection", "parts"}},
    "thin_0p3.stl": {4: {"wall"}},
    "unit_metres.stl": {4: {"unit_plausible"}},
}
"""Each mesh of the data: exit code and the checks that FAIL."""


def cube(path: Path, size_mm: tuple[float, float, float] = (30, 30, 30)) -> Path:
    """Write a sound box, a cube of 30 mm."""
    index = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=np.float64)
    squares = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
    faces = [f for a, b, c, d in squares for f in ((a, b, c), (a, c, d))]
    path.write_bytes(stl_bytes(Mesh(vertices_mm=index * size_mm, faces=np.array(faces))))
    return path


@pytest.mark.parametrize("verb", [(), ("bolus",), *VERBS], ids=" ".join)
def test_help_fits_80_columns_and_says_what_every_option_does(
    isocentra: Cli, verb: tuple[str, ...]
) -> None:
    outcome = isocentra(*verb, "--help")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert not any(line.rstrip().endswith("...") for line in lines if not line.startswith("Usage"))
    options = outcome.out.partition("\nOptions:\n")[2].partition("\n\n")[0].splitlines()
    for line, below in zip(options, [*options[1:], ""], strict=True):
        explained = re.search(r"\S {2,}\S", line.strip()) or below.startswith(" " * 10)
        assert explained or not line.startswith("  -"), line


def test_help_of_the_whole_names_verbs_and_exit_codes(isocentra: Cli) -> None:
    text = isocentra("--help").out
    for word in ("demo", "doctor", "selftest", "bolus", "130"):
        assert word in text


def test_the_version_is_one_line(isocentra: Cli) -> None:
    outcome = isocentra("--version")
    assert outcome.code == 0
    assert re.fullmatch(r"isocentra \S+\n", outcome.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("bolus desing", "Did you mean 'design'"),
        ("bolus inspect", "MESH"),
        ("bolus inspect a.stl --partz 2", "--parts"),
        ("bolus inspect a.stl --parts 0", "--parts"),
        ("bolus design ct --out out", "--thickness-mm"),
        ("bolus design ct --thickness-mm five --out out", "--thickness-mm"),
        ("bolus design ct --thickness-mm 5 --out out --near 1,2 --distance-mm 3", "--near"),
        ("bolus design ct --thickness-mm 5 --out out --near 1,2,nan --distance-mm 3", "--near"),
        ("bolus design ct --thickness-mm 5 --out out --rim sharp", "--rim"),
        ("bolus design ct --thickness-mm 5 --out out --device tpu", "--device"),
        ("bolus design ct --thickness-mm 5 --out out --threads -1", "--threads"),
        ("demo something", "bolus"),
        ("selftest --report .", "--report"),
    ],
)
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_wrong_usage_is_exit_2_said_on_stderr_alone(
    isocentra: Cli, arguments: str, said: str, as_json: tuple[str, ...]
) -> None:
    outcome = isocentra(*arguments.split(), *as_json)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("E: ")
    assert said in outcome.err
    assert "--help" in outcome.err


@pytest.mark.parametrize("arguments", [(), ("bolus",)], ids=["isocentra", "bolus"])
def test_without_a_verb_the_help_is_shown_and_the_exit_is_2(
    isocentra: Cli, arguments: tuple[str, ...]
) -> None:
    outcome = isocentra(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Usage: isocentra" in outcome.err


@pytest.mark.parametrize("kind", ["printers", "materials"])
def test_the_catalogue_is_a_table_and_one_json_object(isocentra: Cli, kind: str) -> None:
    listed = isocentra("bolus", kind, "--json")
    assert (listed.code, listed.err) == (0, "")
    entries = listed.json[kind]
    names = {entry["name"] for entry in entries}
    shipped = {
        "printers": {"ultimaker-2-plus", "raise3d-pro2", "sla-generic"},
        "materials": {"pla", "tpu-95a", "petg", "silicone", "resin"},
    }
    assert names == shipped[kind]
    table = isocentra("bolus", kind)
    assert (table.code, table.err) == (0, "")
    for entry in entries:
        assert entry["name"] in table.out
        assert entry["source"][:20] in table.out


def test_options_and_arguments_come_in_any_order(isocentra: Cli, tmp_path: Path) -> None:
    part = cube(tmp_path / "cube.stl")
    first = isocentra("bolus", "inspect", part, "--parts", 1, "--json", "--quiet")
    second = isocentra("bolus", "inspect", "--quiet", "--json", "--parts=1", part)
    assert first.code == second.code == 0
    assert first.json["checks"] == second.json["checks"]


def test_inspect_prints_result_json_and_nothing_else(
    isocentra: Cli, tmp_path: Path, held_to_schema: Held
) -> None:
    outcome = isocentra("bolus", "inspect", cube(tmp_path / "cube.stl"), "--json")
    assert (outcome.code, outcome.err) == (0, "")
    result = held_to_schema(outcome.out)
    assert result["status"] == "PASS"
    assert result["mesh"]["volume_cm3"] == pytest.approx(27.0)


def test_quiet_prints_the_verdict_alone(isocentra: Cli, tmp_path: Path) -> None:
    outcome = isocentra("bolus", "inspect", cube(tmp_path / "cube.stl"), "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "PASS\n", "")


def test_a_failed_check_is_exit_4_and_named(isocentra: Cli, tmp_path: Path) -> None:
    outcome = isocentra("bolus", "inspect", cube(tmp_path / "cube.stl"), "--parts", 2)
    assert outcome.code == 4
    assert outcome.out == "FAIL (decided by parts)\n"
    assert "FAIL       parts: 1 separate parts, 2 meant." in outcome.err


def test_what_cannot_be_judged_is_exit_5(isocentra: Cli, tmp_path: Path) -> None:
    """A plate of 20 × 20 × 1.2 could be one of 200 mm in centimetres."""
    outcome = isocentra("bolus", "inspect", cube(tmp_path / "plate.stl", (20, 20, 1.2)), "--json")
    assert outcome.code == 5
    assert outcome.json["status"] == "INCOMPLETE"


@pytest.mark.parametrize("name", sorted(MESHES))
def test_the_meshes_of_the_data_are_judged_by_name(
    isocentra: Cli, shared_data: Path, tmp_path: Path, name: str
) -> None:
    with ZipFile(shared_data / "bolus" / "meshes.zip") as archive:
        (member,) = (m for m in archive.namelist() if m.endswith(f"/{name}") or m == name)
        (tmp_path / name).write_bytes(archive.read(member))
    outcome = isocentra("bolus", "inspect", tmp_path / name, "--json")
    failed = {c["name"] for c in outcome.json["checks"] if c["status"] == "FAIL"}
    assert {outcome.code: failed} == MESHES[name]


def test_the_truncated_mesh_of_the_data_is_refused(
    isocentra: Cli, shared_data: Path, tmp_path: Path
) -> None:
    with ZipFile(shared_data / "bolus" / "meshes.zip") as archive:
        (member,) = (m for m in archive.namelist() if m.endswith("truncated.stl"))
        (tmp_path / "truncated.stl").write_bytes(archive.read(member))
        others = {Path(m).name for m in archive.namelist() if not m.endswith("/")}
    assert isocentra("bolus", "inspect", tmp_path / "truncated.stl", "--json").reason == "TRUNCATED"
    assert others - {"truncated.stl"} == MESHES.keys()


def test_a_name_like_an_escape_sequence_is_shown_escaped(isocentra: Cli, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2Jpart.stl"
    path.write_bytes(b"no mesh")
    outcome = isocentra("bolus", "inspect", path)
    assert outcome.code == 3
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize("kind", ["a file", "below a file", "full", "the input", "the home"])
def test_a_place_where_no_result_may_go_is_exit_2_before_any_work(
    isocentra: Cli, clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "file"
    file.write_text("mine")
    copied = clinic.copy(tmp_path / "ct")
    out, more = {
        "a file": (file, ("--overwrite",)),
        "below a file": (file / "out", ()),
        "full": (tmp_path / "home", ()),
        "the input": (copied, ("--overwrite",)),
        "the home": (tmp_path / "home", ("--overwrite",)),
    }[kind]
    place = ("--distance-mm", 15, "--near", "0,-30,0", "--thickness-mm", 5, "--out", out)
    outcome = isocentra("bolus", "design", copied, *place, *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--out" in outcome.err
    assert file.read_text() == "mine"
    assert len(list(copied.iterdir())) == len(list(clinic.ct.iterdir()))


def test_doctor_names_every_thing_and_what_to_do(isocentra: Cli, held_to_schema: Held) -> None:
    table, listed = isocentra("doctor"), isocentra("doctor", "--json")
    result = held_to_schema(listed.out)
    assert table.code == listed.code == (4 if result["status"] == "FAIL" else 0)
    assert table.err == listed.err == ""
    for check in result["checks"]:
        assert check["name"] in table.out
    kernels = next(c for c in result["checks"] if c["name"] == "kernels")
    assert kernels["status"] == "PASS"


def test_the_page_of_the_command_line_is_current() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "scripts" / "cli_page.py"))
    there = made["PAGE"].read_text(encoding="utf-8")
    assert there == made["page"](), "run: python docs/scripts/cli_page.py"


def test_json_holds_no_more_than_json_allows(isocentra: Cli, tmp_path: Path) -> None:
    """A mesh with a coordinate that is no number has measures that are null, not NaN."""
    content = bytearray(cube(tmp_path / "cube.stl").read_bytes())
    content[96:100] = np.float32(np.nan).tobytes()
    (tmp_path / "nan.stl").write_bytes(content)
    outcome = isocentra("bolus", "inspect", tmp_path / "nan.stl", "--json")

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    assert json.loads(outcome.out, parse_constant=refuse)["mesh"]["volume_cm3"] is None
