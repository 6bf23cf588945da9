"""The whole road in processes of its own: what lies in the folders, and that it stays the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from clinic import FRONT, PATIENT, RADIUS_MM, Clinic
from processes import start

from isocentra import dicom
from isocentra.mesh import read_mesh

Held = Callable[[str], dict[str, Any]]

PRODUCTS = {"bolus.stl", "bolus.3mf", "bolus.dcm", "skin.ply"}
RESULT = PRODUCTS | {"result.json", "report.html", "report.pdf"}
HERE = ("--distance-mm", "15", "--near", FRONT, "--thickness-mm", "5")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def without_times(text: str) -> dict[str, Any]:
    """Return result.json without what may differ from run to run."""
    result: dict[str, Any] = json.loads(text)
    del result["stages"]
    return result


def held_to_its_files(folder: Path, held_to_schema: Held) -> dict[str, Any]:
    """Hold a result folder to its schema and to the sums that it lists; return result.json."""
    assert names(folder) == RESULT
    result = held_to_schema((folder / "result.json").read_text(encoding="utf-8"))
    assert {output["name"] for output in result["outputs"]} == PRODUCTS
    for output in result["outputs"]:
        content = (folder / output["name"]).read_bytes()
        assert output["bytes"] == len(content)
        assert output["sha256"] == hashlib.sha256(content).hexdigest()
    assert all(stage["seconds"] >= 0 for stage in result["stages"])
    return result


@pytest.mark.slow
def test_a_design_from_a_folder_a_zip_and_over_an_old_result_is_the_same(
    clinic: Clinic, tmp_path: Path, held_to_schema: Held
) -> None:
    place = ("--structures", clinic.structures, "--target", "ptv", "--margin-mm", 2)
    asked = (*place, "--thickness-mm", 4, "--name", "BOLUS 4")
    first = start("bolus", "design", clinic.ct, *asked, "--out", tmp_path / "one", "--json")
    assert first.code == 0, first.err
    result = held_to_its_files(tmp_path / "one", held_to_schema)
    assert first.out.encode() == (tmp_path / "one" / "result.json").read_bytes()
    assert result["thickness_mm"]["nominal"] == 4.0
    assert [item["kind"] for item in result["inputs"]] == ["CT", "RTSTRUCT"]

    archive = tmp_path / "ct.zip"
    with ZipFile(archive, "w") as zipped:
        for path in clinic.ct.iterdir():
            zipped.write(path, f"series/{path.name}")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "old.txt").write_text("an old result")
    second = start(
        "bolus", "design", "--overwrite", *asked, "--out", tmp_path / "two", "--quiet", archive
    )
    assert (second.code, second.out, second.err) == (0, "PASS\n", "")
    assert names(tmp_path / "two") == RESULT
    for name in PRODUCTS:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    again = (tmp_path / "two" / "result.json").read_text(encoding="utf-8")
    assert without_times(again) == without_times(first.out)

    before = dicom.read_structures(clinic.structures)
    after = dicom.read_structures(tmp_path / "one" / "bolus.dcm", image=clinic.image)
    assert after.names == (*before.names, "BOLUS 4")
    assert after.roi("BOLUS 4").interpreted_type == "BOLUS"


@pytest.mark.slow
def test_nothing_but_the_reports_and_the_dicom_names_the_patient(
    clinic: Clinic, tmp_path: Path
) -> None:
    outcome = start("bolus", "design", clinic.ct, *HERE, "--out", tmp_path / "out")
    assert outcome.code == 0
    name = PATIENT.partition("^")[0]
    assert name not in outcome.out + outcome.err + " ".join(names(tmp_path / "out"))
    holding = {p.name for p in (tmp_path / "out").iterdir() if name.encode() in p.read_bytes()}
    assert holding == {"bolus.dcm", "report.html", "report.pdf"}


@pytest.mark.slow
def test_a_tapered_bolus_over_a_target_has_its_thickness_in_the_middle(
    clinic: Clinic, tmp_path: Path
) -> None:
    place = ("--structures", clinic.structures, "--target", "PTV", "--margin-mm", 1)
    asked = ("--thickness-mm", 6, "--rim", "taper", "--out", tmp_path / "out", "--json")
    outcome = start("bolus", "design", clinic.ct, *place, *asked)
    assert outcome.code == 0, outcome.err
    assert outcome.json["thickness_mm"]["mean"] == pytest.approx(6.0, abs=0.05)
    radius = np.linalg.norm(read_mesh(tmp_path / "out" / "bolus.stl").vertices_mm, axis=1)
    assert radius.max() == pytest.approx(RADIUS_MM + 6, abs=0.3)


@pytest.mark.slow
def test_a_bolus_on_an_mr_follows_its_external(clinic: Clinic, tmp_path: Path) -> None:
    place = ("--structures", clinic.mr_structures, "--out", tmp_path / "out", "--json")
    outcome = start("bolus", "design", clinic.mr, *HERE, *place)
    assert outcome.code == 0, outcome.err
    assert outcome.json["inputs"][0]["kind"] == "MR"
    radius = np.linalg.norm(read_mesh(tmp_path / "out" / "bolus.stl").vertices_mm, axis=1)
    assert radius.min() == pytest.approx(RADIUS_MM, abs=0.25)
    assert radius.max() == pytest.approx(RADIUS_MM + 5, abs=0.25)


@pytest.mark.slow
def test_without_structures_the_set_holds_the_found_skin_and_the_bolus(
    clinic: Clinic, tmp_path: Path
) -> None:
    outcome = start("bolus", "design", clinic.ct, *HERE, "--out", tmp_path / "out", "--quiet")
    assert outcome.code == 0
    made = dicom.read_structures(tmp_path / "out" / "bolus.dcm", image=clinic.image)
    assert [roi.interpreted_type for roi in made.rois] == ["EXTERNAL", "BOLUS"]
    found = np.concatenate([c.points_mm for c in made.roi("EXTERNAL").contours])
    assert np.percentile(np.abs(np.linalg.norm(found, axis=1) - RADIUS_MM), 95) < 0.5


@pytest.mark.slow
def test_a_part_too_large_for_the_printer_fails_and_its_files_are_there(
    clinic: Clinic, tmp_path: Path
) -> None:
    small = (
        Path(__file__).parents[2] / "bolus3d/isocentra/bolus3d/data/printers/ultimaker-2-plus.toml"
    ).read_text(encoding="utf-8")
    lines = [
        line if not line.startswith("bed_mm") else "bed_mm = [20, 20, 20]"
        for line in small.splitlines()
    ]
    (tmp_path / "small.toml").write_text("\n".join(lines), encoding="utf-8")
    place = ("--printer", tmp_path / "small.toml", "--out", tmp_path / "out")
    outcome = start("bolus", "design", clinic.ct, *HERE, *place)
    assert outcome.code == 4
    assert outcome.out == "FAIL (decided by fits_printer)\n"
    assert names(tmp_path / "out") == RESULT


@pytest.mark.slow
def test_the_demonstration_goes_the_whole_road_and_is_the_same_again(
    tmp_path: Path, held_to_schema: Held
) -> None:
    first = start("demo", "--out", tmp_path / "one")
    assert first.code == 0, first.err
    assert first.out == "PASS\n"
    folder = tmp_path / "one"
    assert names(folder) == {"input", "result"}
    assert names(folder / "input") == {"ct", "structures.dcm"}
    result = held_to_its_files(folder / "result", held_to_schema)
    assert result["status"] == "PASS"

    image = dicom.read_series(folder / "input" / "ct")
    drawn = dicom.read_structures(folder / "input" / "structures.dcm", image=image)
    given = {item["kind"]: item["sha256"] for item in result["inputs"]}
    assert given == {"CT": image.header.sha256, "RTSTRUCT": drawn.sha256}

    second = start("demo", "bolus", "--out", tmp_path / "two", "--threads", 1, "--json")
    assert second.code == 0
    for path in (p for p in folder.rglob("*") if p.is_file()):
        other = tmp_path / "two" / path.relative_to(folder)
        if path.name in PRODUCTS or "input" in path.parts:
            assert path.read_bytes() == other.read_bytes(), path.name
    text = (folder / "result" / "result.json").read_text(encoding="utf-8")
    one, two = without_times(text), without_times(second.out)
    del one["software"]["device"], two["software"]["device"]  # it tells the threads
    assert one == two

    by_hand = start(
        "bolus", "inspect", folder / "result" / "bolus.stl", "--json", "--printer", "raise3d-pro2"
    )
    assert by_hand.code == 0
    assert by_hand.json["mesh"]["volume_cm3"] == pytest.approx(
        result["mesh"]["volume_cm3"], abs=1e-3
    )


@pytest.mark.slow
def test_the_selftest_finds_every_known_answer_and_leaves_a_page_to_sign(
    tmp_path: Path, held_to_schema: Held
) -> None:
    outcome = start("selftest", "--report", tmp_path / "page.pdf", "--json")
    assert outcome.code == 0, outcome.out
    result = held_to_schema(outcome.out)
    assert result["status"] == "PASS"
    assert len(result["checks"]) >= 25
    assert all(check["limit"] is not None for check in result["checks"])
    assert [path.name for path in tmp_path.iterdir()] == ["page.pdf"]
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
