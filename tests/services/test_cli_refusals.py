"""Bad input ends in one typed error that says what to do, exit code 3 and nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import hostile
import numpy as np
import pytest
from clinic import FRONT, Clinic, Outcome

from isocentra import dicom
from isocentra.image import Image, Patient
from isocentra.imagefile import read_image_file
from isocentra.mesh import stl_bytes
from isocentra.mesh.model import Mesh
from isocentra.patients import Accessory, head, simulate_ct

Cli = Callable[..., Outcome]
HERE = ("--distance-mm", "15", "--near", FRONT)


@pytest.fixture
def refused(isocentra: Cli, tmp_path: Path) -> Cli:
    """Run a design that is refused; nothing may lie at or beside ``--out`` afterwards."""

    def call(*arguments: object, thickness_mm: float = 5.0) -> Outcome:
        place = tmp_path / "place"
        place.mkdir()
        wanted = ("--thickness-mm", thickness_mm, "--out", place / "out", "--json")
        outcome = isocentra("bolus", "design", *arguments, *wanted)
        assert list(place.iterdir()) == []
        return outcome

    return call


def with_structures(clinic: Clinic, *more: object) -> tuple[object, ...]:
    return (clinic.ct, "--structures", clinic.structures, *more)


def test_a_name_that_no_roi_has_lists_the_names(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(*with_structures(clinic, "--target", "PTV_1"))
    assert outcome.reason == "NO_SUCH_ROI"
    for name in ("EXTERNAL", "PTV", "Empty", "Beyond"):
        assert name in outcome.json["error"]["message"]


def test_an_roi_without_contours_is_named(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(*with_structures(clinic, "--target", "empty"))
    assert outcome.reason == "EMPTY_ROI"
    assert outcome.json["error"]["where"] == {"roi": "Empty"}


def test_a_target_beyond_the_image_is_refused(refused: Cli, clinic: Clinic) -> None:
    assert refused(*with_structures(clinic, "--target", "Beyond")).reason == "ROI_OUTSIDE_IMAGE"


def test_a_target_that_the_field_of_view_cuts_is_refused(
    refused: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    """The PTV lies from z −12 to 39 mm; the series ends at 0."""
    halves = clinic.series_where(tmp_path / "half", lambda image: slices(image, 0, 23))
    outcome = refused(halves, "--structures", clinic.structures, "--target", "PTV")
    assert outcome.reason == "TARGET_TRUNCATED"
    assert outcome.json["error"]["where"]["roi"] == "PTV"


def test_skin_that_the_field_of_view_cuts_is_refused(
    refused: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    halves = clinic.series_where(tmp_path / "half", lambda image: slices(image, 0, 26))
    assert refused(halves, *HERE).reason == "SKIN_TRUNCATED"


def slices(image: Image, start: int, stop: int) -> Image:
    """Return some slices of an image, as a series of the same frame of reference."""
    _, rows, columns = image.grid.shape
    return replace(
        image,
        grid=image.grid.cropped((start, 0, 0), (stop, rows, columns)),
        values=np.ascontiguousarray(image.values[start:stop]),
        header=replace(image.header, sop_uids=image.header.sop_uids[start:stop]),
    )


def test_a_wall_below_the_nozzle_says_how_much_the_printer_needs(
    refused: Cli, clinic: Clinic
) -> None:
    outcome = refused(clinic.ct, *HERE, thickness_mm=0.5)
    assert outcome.reason == "THICKNESS_BELOW_NOZZLE"
    assert "0.8 mm" in outcome.json["error"]["do"]


def test_clearance_counts_against_the_wall(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(clinic.ct, *HERE, "--clearance-mm", 1.5, thickness_mm=2.0)
    assert outcome.reason == "THICKNESS_BELOW_NOZZLE"


@pytest.mark.parametrize("thickness_mm", [float("nan"), float("inf"), 400.0])
def test_a_thickness_that_no_bolus_has_is_refused(
    refused: Cli, clinic: Clinic, thickness_mm: float
) -> None:
    outcome = refused(clinic.ct, *HERE, thickness_mm=thickness_mm)
    assert outcome.reason == "THICKNESS_OUT_OF_RANGE"


def test_an_mr_alone_asks_for_an_external(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(clinic.mr, *HERE)
    assert outcome.reason == "WRONG_MODALITY"
    assert "EXTERNAL" in outcome.json["error"]["do"]


def test_structures_of_another_patient_are_refused_without_naming_one(
    refused: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    def of_another(image: Image) -> Image:
        other = Patient(name="Otherperson^Bob", id="B2")
        return replace(image, header=replace(image.header, patient=other))

    theirs = clinic.structures_where(tmp_path / "theirs.dcm", of_another)
    outcome = refused(clinic.ct, "--structures", theirs, "--target", "PTV")
    assert outcome.reason == "MIXED_PATIENTS"
    assert "Otherperson" not in outcome.out + outcome.err


def test_structures_of_another_frame_of_reference_are_refused(
    refused: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    def elsewhere(image: Image) -> Image:
        return replace(image, grid=replace(image.grid, frame_of_reference_uid="1.2.826.0.1.9.9"))

    foreign = clinic.structures_where(tmp_path / "foreign.dcm", elsewhere)
    outcome = refused(clinic.ct, "--structures", foreign, "--target", "PTV")
    assert outcome.reason == "FOREIGN_FRAME_OF_REFERENCE"


def test_a_name_that_the_set_holds_is_a_conflict(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(*with_structures(clinic, "--target", "PTV", "--name", "external"))
    assert outcome.reason == "CONFLICT"


def test_skin_too_far_from_the_point_is_an_empty_region(refused: Cli, clinic: Clinic) -> None:
    outcome = refused(clinic.ct, "--near", "0,0,0", "--distance-mm", 10)
    assert outcome.reason == "EMPTY_REGION"


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("--distance-mm", "15"),
        ("--near", FRONT),
        ("--target", "PTV"),
        ("--exclude", "PTV", *HERE),
        (*HERE, "--margin-mm", "1e9"),
        (*HERE, "--beam-direction", "0,0,0"),
        (*HERE, "--name", " "),
        (*HERE, "--printer", "none-such"),
        (*HERE, "--material", "none-such"),
        (*HERE, "--printer", "none-such.toml"),
    ],
    ids=lambda place: " ".join(place) or "nothing",
)
def test_a_request_that_cannot_be_meant_is_a_bad_value(
    refused: Cli, clinic: Clinic, place: tuple[str, ...]
) -> None:
    assert refused(clinic.ct, *place).reason == "BAD_VALUE"


def test_two_series_in_one_folder_are_refused_and_one_can_be_named(
    refused: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    def again(image: Image) -> Image:
        header = replace(image.header, series_uid="1.2.826.0.1.7.7", sop_uids=())
        return replace(image, header=header)

    both = clinic.copy(tmp_path / "both")
    for path in clinic.series_where(tmp_path / "second", again).iterdir():
        shutil.copy(path, both / f"second-{path.name}")
    outcome = refused(both, *HERE)
    assert outcome.reason == "SEVERAL_SERIES"
    assert "1.2.826.0.1.7.7" in outcome.json["error"]["message"]


def test_a_series_that_is_not_there_is_refused(refused: Cli, clinic: Clinic) -> None:
    assert refused(clinic.ct, *HERE, "--series-uid", "1.2.3.4").reason == "NO_SERIES"


def test_a_missing_slice_is_refused(refused: Cli, clinic: Clinic, tmp_path: Path) -> None:
    folder = clinic.copy(tmp_path / "gap")
    sorted(folder.iterdir())[20].unlink()
    assert refused(folder, *HERE).reason == "MISSING_SLICE"


def test_a_folder_without_images_is_refused(refused: Cli, clinic: Clinic, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    assert refused(folder, *HERE).reason == "NO_SERIES"
    assert clinic.ct.is_dir()


@pytest.mark.parametrize("what", ["gone", "a structure set"])
def test_what_is_no_series_is_refused(refused: Cli, clinic: Clinic, what: str) -> None:
    path = clinic.structures if what == "a structure set" else clinic.ct / "gone"
    assert refused(path, *HERE).reason in {"NO_SERIES", "NOT_DICOM"}


def test_a_ct_slice_is_no_structure_set(refused: Cli, clinic: Clinic) -> None:
    slice_file = next(clinic.ct.iterdir())
    outcome = refused(clinic.ct, "--structures", slice_file, "--target", "PTV")
    assert outcome.reason == "WRONG_MODALITY"


HEADERS = ("HOSTILE_INPUT", "TRUNCATED", "LIMIT_EXCEEDED", "BAD_UID", "BAD_VALUE", "BAD_GEOMETRY")
"""What the gate says of a file's header, before it asks which series it is of."""


CASES = hostile.cases()
NAMES = [n for r in HEADERS for n in [n for n, c in CASES.items() if c.reasons == {r}][:2]]
"""Two hostile files for each reason that a header can give."""


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_among_the_slices_is_refused(
    refused: Cli, clinic: Clinic, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    folder = clinic.copy(tmp_path / "hostile")
    (folder / "CT.9999.dcm").write_bytes(case.data)
    outcome = refused(folder, *HERE)
    assert outcome.reason in case.reasons
    assert outcome.json["error"]["where"]["file"] == "CT.9999.dcm"


def test_a_zip_that_climbs_out_is_refused(refused: Cli, clinic: Clinic, tmp_path: Path) -> None:
    path = tmp_path / "ct.zip"
    with ZipFile(path, "w") as archive:
        for file in clinic.ct.iterdir():
            archive.write(file, f"../{file.name}")
    assert refused(path, *HERE).reason == "BAD_ARCHIVE"


def test_a_truncated_slice_is_refused(refused: Cli, clinic: Clinic, tmp_path: Path) -> None:
    folder = clinic.copy(tmp_path / "cut")
    path = sorted(folder.iterdir())[7]
    path.write_bytes(path.read_bytes()[:-900])
    outcome = refused(folder, *HERE)
    assert outcome.reason == "TRUNCATED"
    assert outcome.json["error"]["where"]["file"] == path.name


def test_a_file_that_is_no_mesh_is_refused(isocentra: Cli, clinic: Clinic) -> None:
    outcome = isocentra("bolus", "inspect", clinic.structures, "--json")
    assert outcome.reason == "BAD_MESH"


def test_a_truncated_stl_is_refused(isocentra: Cli, tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [30, 0, 0], [0, 30, 0], [0, 0, 30]], dtype=np.float64)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    path = tmp_path / "part.stl"
    path.write_bytes(stl_bytes(Mesh(vertices_mm=corners, faces=faces))[:-30])
    assert isocentra("bolus", "inspect", path, "--json").reason == "TRUNCATED"


def test_without_json_the_refusal_is_one_paragraph_and_stdout_is_empty(
    isocentra: Cli, clinic: Clinic, tmp_path: Path
) -> None:
    place = ("--thickness-mm", 5, "--out", tmp_path / "out")
    outcome = isocentra("bolus", "design", clinic.mr, *HERE, *place)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("E: WRONG_MODALITY: ")
    assert outcome.err.count("\n") == 1


def test_a_refusal_is_heard_in_quiet(isocentra: Cli, clinic: Clinic, tmp_path: Path) -> None:
    place = ("--thickness-mm", 5, "--out", tmp_path / "out", "--quiet")
    assert isocentra("bolus", "design", clinic.mr, *HERE, *place).err.startswith("E: WRONG")


@pytest.mark.slow
def test_skin_cut_by_the_last_slice_of_the_real_head_is_refused(
    refused: Cli, shared_data: Path, tmp_path: Path
) -> None:
    """The lower end of the head's scan cuts the neck at z = 0."""
    image = read_image_file(shared_data / "bolus" / "ct_head_0051.nii.gz", modality="CT")
    dicom.write_series(image, tmp_path / "head")
    outcome = refused(tmp_path / "head", "--near", "0,20,3", "--distance-mm", "90")
    assert outcome.reason == "SKIN_TRUNCATED"
    assert outcome.json["error"]["where"]["position_mm"][2] < 15


@pytest.mark.slow
def test_a_target_far_from_the_slices_of_a_real_phantom_is_refused(
    refused: Cli, shared_data: Path, tmp_path: Path
) -> None:
    with ZipFile(shared_data / "bolus" / "alderson_thorax_ct.zip") as archive:
        archive.extractall(tmp_path / "alderson")
    (drawn,) = (tmp_path / "alderson").rglob("RS_*.dcm")
    outcome = refused(
        shared_data / "bolus" / "alderson_thorax_ct.zip",
        "--structures",
        drawn,
        "--target",
        "sphere_2cm",
    )
    assert outcome.reason == "ROI_OUTSIDE_IMAGE"


@pytest.mark.slow
def test_skin_that_lies_on_a_pad_is_refused_and_says_how_to_exclude_it(
    refused: Cli, tmp_path: Path
) -> None:
    patient = head(accessories=(Accessory.PAD,))
    dicom.write_series(
        simulate_ct(patient, patient.grid(pixel_mm=2.0, slice_mm=3.0), noise_hu=10.0, seed=1),
        tmp_path / "head",
    )
    back = ",".join(f"{v:.1f}" for v in patient.skin.foot_points((0.0, 140.0, 20.0)))
    outcome = refused(tmp_path / "head", "--near", back, "--distance-mm", 25)
    assert outcome.reason == "SKIN_AMBIGUOUS"
    assert "--exclude" in outcome.json["error"]["do"]
