"""What is written reads back as what was given, for us and for others; foreign sets stay whole."""

import re
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.filewriter import dcmwrite

from isocentra.dicom.derived import Made
from isocentra.dicom.splice import top_level
from isocentra.dicom.structures_read import read_structures, structures_from_bytes
from isocentra.dicom.structures_write import structure_set_bytes, with_rois_added
from isocentra.errors import AssemblyError, ServiceError, StructureError
from isocentra.image import Image, Patient
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

REAL = [
    ("dicom_rt/breast_imrt_sliding.zip", "RS.dcm"),
    ("dicom_rt/chamber_static_2field.zip", "RS.dcm"),
    ("dicom_rt/prostate_phantom_box.zip", "RS.dcm"),
    ("dicom_rt/tiny_vmat_case.zip", "RS.dcm"),
    ("dicom_rt/structs.zip", "aria_lungs_body.dcm"),
    ("dicom_rt/structs.zip", "mim_empty.dcm"),
    ("dicom_rt/structs.zip", "monaco_srs_phantom.dcm"),
    ("dicom_rt/structs.zip", "raystation_point_and_cube.dcm"),
    ("bolus/alderson_thorax_ct.zip", "RS_artificial_structures.dcm"),
]


def square(side: float = 9.0, z: float = -97.0) -> Contour:
    points = np.array([(0, 0, z), (side, 0, z), (side, side, z), (0, side, z)], dtype=np.float64)
    return Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=points)


def bolus(name: str = "BOLUS") -> Roi:
    return Roi(
        number=0,
        name=name,
        contours=(square(), square(4.0), square(z=-94.0)),
        interpreted_type="BOLUS",
        color=(10, 200, 30),
        density_g_cm3=1.21,
        relative_electron_density=1.17,
    )


def matching(structures: StructureSet, make_image: Callable[..., Image]) -> Image:
    return make_image(frame=structures.frame_of_reference_uid, patient=structures.patient)


def validated(data: bytes, folder: Path) -> list[str]:
    """Errors that dciodvfy finds."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    path = folder / "out.dcm"
    path.write_bytes(data)
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1}, run.stderr
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]


def test_a_set_reads_back_as_it_was_given(make_image: Callable[..., Image]) -> None:
    image = make_image()
    point = Contour(kind=ContourKind.POINT, points_mm=np.array([[1.5, -2.25, -95.123]]))
    given_rois = (
        bolus(),
        Roi(number=7, name="Größe µ", algorithm="MANUAL", description="drawn", contours=(point,)),
        Roi(number=3, name="empty", interpreted_type="PTV"),
    )
    data = structure_set_bytes(StructureSet(rois=given_rois, label="a label of 20 chars"), image)
    back = structures_from_bytes(data, "t.dcm", image=image)
    assert [(roi.number, roi.name) for roi in back.rois] == [
        (8, "BOLUS"),
        (7, "Größe µ"),
        (3, "empty"),
    ]
    for ours, theirs in zip(given_rois, back.rois, strict=True):
        assert ours.interpreted_type == theirs.interpreted_type
        assert ours.color == theirs.color
        assert ours.algorithm == theirs.algorithm
        assert ours.description == theirs.description
        assert ours.density_g_cm3 == theirs.density_g_cm3
        assert ours.relative_electron_density == theirs.relative_electron_density
        assert [c.kind for c in ours.contours] == [c.kind for c in theirs.contours]
        for one, other in zip(ours.contours, theirs.contours, strict=True):
            np.testing.assert_array_equal(one.points_mm, other.points_mm)
    assert back.label == "a label of 20 ch"
    assert back.patient == image.header.patient
    assert back.study_uid == image.header.study_uid
    assert back.image_series_uid == image.header.series_uid
    assert not back.warnings


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    points=hnp.arrays(
        np.float64,
        st.tuples(st.integers(3, 20), st.just(3)),
        elements=st.floats(-9999.0, 9999.0, width=64),
    )
)
def test_no_point_moves_by_more_than_half_a_micrometre(
    make_image: Callable[..., Image], points: np.ndarray
) -> None:
    contour = Contour(kind=ContourKind.OPEN_NONPLANAR, points_mm=points)
    data = structure_set_bytes(
        StructureSet(rois=(Roi(number=1, name="A", contours=(contour,)),)), make_image()
    )
    back = structures_from_bytes(data, "t.dcm").rois[0].contours[0].points_mm
    assert np.abs(back - points).max() <= 0.0005 + 1e-9
    values = dcmread(BytesIO(data)).ROIContourSequence[0].ContourSequence[0].ContourData
    assert max(len(str(value)) for value in values) <= 16


def test_the_same_input_gives_the_same_bytes_and_another_input_other_uids(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()
    one = structure_set_bytes(StructureSet(rois=(bolus(),)), image)
    assert one == structure_set_bytes(StructureSet(rois=(bolus(),)), image)
    other = structure_set_bytes(StructureSet(rois=(bolus("B2"),)), image)
    assert dcmread(BytesIO(one)).SOPInstanceUID != dcmread(BytesIO(other)).SOPInstanceUID
    assert dcmread(BytesIO(one)).SeriesInstanceUID != dcmread(BytesIO(other)).SeriesInstanceUID


def test_every_slice_is_referenced_and_each_contour_names_its_own(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()
    dataset = dcmread(BytesIO(structure_set_bytes(StructureSet(rois=(bolus(),)), image)))
    frame = dataset.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    uids = [entry.ReferencedSOPInstanceUID for entry in series.ContourImageSequence]
    assert uids == list(image.header.sop_uids)
    contours = dataset.ROIContourSequence[0].ContourSequence
    named = [entry.ContourImageSequence[0].ReferencedSOPInstanceUID for entry in contours]
    assert named == [image.header.sop_uids[k] for k in (1, 1, 2)]


def test_a_contour_beyond_the_slices_names_none(make_image: Callable[..., Image]) -> None:
    roi = Roi(number=1, name="A", contours=(square(z=50.0),))
    dataset = dcmread(BytesIO(structure_set_bytes(StructureSet(rois=(roi,)), make_image())))
    assert "ContourImageSequence" not in dataset.ROIContourSequence[0].ContourSequence[0]


def test_dates_come_from_the_study_or_from_the_caller_and_nothing_is_approved(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()
    plain = dcmread(BytesIO(structure_set_bytes(StructureSet(rois=()), image)))
    assert (plain.StructureSetDate, plain.StructureSetTime) == ("20260102", "101500")
    assert plain.ApprovalStatus == "UNAPPROVED"
    assert plain.SpecificCharacterSet == "ISO_IR 192"
    told = structure_set_bytes(
        StructureSet(rois=()), image, made=Made(date="20260304", time="050607")
    )
    assert dcmread(BytesIO(told)).StructureSetDate == "20260304"


def test_two_rois_with_one_number_cannot_be_written(make_image: Callable[..., Image]) -> None:
    rois = (Roi(number=1, name="A"), Roi(number=1, name="B"))
    with pytest.raises(ServiceError, match="given to 2 ROIs") as caught:
        structure_set_bytes(StructureSet(rois=rois), make_image())
    assert caught.value.reason == "CONFLICT"


def test_a_coordinate_that_is_not_finite_cannot_be_written(
    make_image: Callable[..., Image],
) -> None:
    points = square().points_mm.copy()
    points[0, 0] = np.nan
    roi = Roi(
        number=1, name="A", contours=(Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=points),)
    )
    with pytest.raises(StructureError, match="not finite"):
        structure_set_bytes(StructureSet(rois=(roi,)), make_image())


@pytest.mark.peer
def test_a_written_set_is_clean_under_dciodvfy(
    make_image: Callable[..., Image], tmp_path: Path
) -> None:
    rois = (bolus(), Roi(number=2, name="Größe", algorithm=""), Roi(number=4, name="PTV"))
    data = structure_set_bytes(StructureSet(rois=rois), make_image())
    assert validated(data, tmp_path) == []


@pytest.mark.parametrize(("archive", "file"), REAL)
def test_adding_leaves_every_other_byte_of_a_real_set_where_it_was(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image], archive: str, file: str
) -> None:
    structures = read_structures(unpacked(archive) / file)
    image = matching(structures, make_image)
    data = with_rois_added(structures, [bolus("Bolus-Ä"), Roi(number=0, name="none yet")], image)
    back = structures_from_bytes(data, "new.dcm", image=image)
    assert back.names == (*structures.names, "Bolus-Ä", "none yet")
    highest = max(roi.number for roi in structures.rois)
    assert [roi.number for roi in back.rois[-2:]] == [highest + 1, highest + 2]
    assert back.sop_uid != structures.sop_uid
    assert back.series_uid != structures.series_uid
    assert back.study_uid == structures.study_uid
    added = back.roi("bolus-ä")
    assert (added.interpreted_type, added.density_g_cm3) == ("BOLUS", 1.21)
    for one, other in zip(added.contours, bolus().contours, strict=True):
        np.testing.assert_array_equal(one.points_mm, other.points_mm)
    assert_rest_is_untouched(structures.encoded, data)


def assert_rest_is_untouched(before: bytes, after: bytes) -> None:
    old, new = elements_of(before), elements_of(after)
    changed = {0x00080018, 0x0020000E, 0x300E0002}
    dropped = {0x300E0004, 0x300E0005, 0x300E0008}
    grown = {0x30060020, 0x30060039, 0x30060080}
    assert set(old) - set(new) <= dropped
    assert set(new) - set(old) <= {0x300E0002}
    for tag in set(old) & set(new) - changed - grown:
        assert old[tag] == new[tag], hex(tag)
    for tag in grown:  # the old items, byte for byte, at the beginning of the new sequence
        header = 12 if old[tag][4:6] == b"SQ" else 8
        undefined = old[tag][header - 4 : header] == b"\xff\xff\xff\xff"
        items = old[tag][header : -8 if undefined else None]
        assert new[tag][header:].startswith(items)


def elements_of(data: bytes) -> dict[int, bytes]:
    """Bytes of each top-level element, found by pydicom's account of where they lie."""
    if data[128:132] == b"DICM":
        dataset = dcmread(BytesIO(data))
        implicit = str(dataset.file_meta.get("TransferSyntaxUID", "")) in {"1.2.840.10008.1.2", ""}
        start = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    else:
        implicit, start = True, 0
    spans = top_level(data, start, is_implicit=implicit)
    return {span.tag: data[span.start : span.end] for span in spans}


@pytest.mark.parametrize("coding", ["implicit", "explicit"])
@pytest.mark.parametrize("lengths", ["defined", "undefined"])
def test_adding_works_in_both_codings_and_with_both_kinds_of_length(
    make_image: Callable[..., Image], coding: str, lengths: str
) -> None:
    image = make_image()
    dataset = dcmread(BytesIO(structure_set_bytes(StructureSet(rois=(bolus("A"),)), image)))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" + (
        "" if coding == "implicit" else ".1"
    )
    set_lengths(dataset, lengths)
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=coding == "implicit", little_endian=True)
    structures = structures_from_bytes(buffer.getvalue(), "old.dcm")
    data = with_rois_added(structures, [bolus("B")], image)
    assert_rest_is_untouched(structures.encoded, data)
    assert structures_from_bytes(data, "new.dcm").names == ("A", "B")


def set_lengths(dataset: Dataset, lengths: str) -> None:
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = lengths == "undefined"
            for entry in element.value:
                entry.is_undefined_length_sequence_item = lengths == "undefined"
                set_lengths(entry, lengths)


@pytest.mark.parametrize("coding", ["implicit", "explicit"])
def test_a_contour_beyond_64_kib_is_written_and_added_whole(
    make_image: Callable[..., Image], coding: str
) -> None:
    image = make_image()
    angle = np.linspace(0, 2 * np.pi, 6000, endpoint=False)
    points = np.stack([300 * np.cos(angle), 300 * np.sin(angle), 0 * angle - 97], axis=1)
    contour = Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=np.round(points, 3))
    roi = Roi(number=0, name="long", contours=(contour,))
    data = structure_set_bytes(StructureSet(rois=(roi,)), image)
    back = structures_from_bytes(data, "t.dcm").roi("long").contours[0]
    np.testing.assert_array_equal(back.points_mm, contour.points_mm)
    dataset = dcmread(BytesIO(structure_set_bytes(StructureSet(rois=(bolus("A"),)), image)))
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" + (
        "" if coding == "implicit" else ".1"
    )
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=coding == "implicit", little_endian=True)
    structures = structures_from_bytes(buffer.getvalue(), "old.dcm")
    grown = structures_from_bytes(with_rois_added(structures, [roi], image), "new.dcm")
    np.testing.assert_array_equal(grown.roi("long").contours[0].points_mm, contour.points_mm)


def test_sequences_that_are_missing_are_made(make_image: Callable[..., Image]) -> None:
    image = make_image()
    dataset = dcmread(
        BytesIO(structure_set_bytes(StructureSet(rois=(Roi(number=1, name="A"),)), image))
    )
    del dataset.ROIContourSequence
    del dataset.RTROIObservationsSequence
    del dataset.ApprovalStatus
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    structures = structures_from_bytes(buffer.getvalue(), "old.dcm")
    back = dcmread(BytesIO(with_rois_added(structures, [bolus("B")], image)))
    assert len(back.ROIContourSequence) == len(back.RTROIObservationsSequence) == 1
    assert back.ApprovalStatus == "UNAPPROVED"
    assert [element.tag for element in back] == sorted(element.tag for element in back)


def test_approval_and_its_reviewer_do_not_outlive_the_change(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image]
) -> None:
    structures = read_structures(unpacked("dicom_rt/breast_imrt_sliding.zip") / "RS.dcm")
    assert dcmread(BytesIO(structures.encoded)).ApprovalStatus == "APPROVED"
    data = with_rois_added(structures, [bolus()], matching(structures, make_image))
    back = dcmread(BytesIO(data))
    assert back.ApprovalStatus == "UNAPPROVED"
    assert not {"ReviewDate", "ReviewTime", "ReviewerName"} & set(back.dir())


def test_a_name_that_is_there_already_is_a_conflict(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image]
) -> None:
    structures = read_structures(unpacked("dicom_rt/tiny_vmat_case.zip") / "RS.dcm")
    image = matching(structures, make_image)
    with pytest.raises(ServiceError, match="already") as caught:
        with_rois_added(structures, [bolus(" TUMOR ")], image)
    assert caught.value.reason == "CONFLICT"
    with pytest.raises(ServiceError, match="already"):
        with_rois_added(structures, [bolus("x"), bolus("X")], image)


def test_rois_of_another_frame_or_patient_cannot_be_added(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image]
) -> None:
    structures = read_structures(unpacked("dicom_rt/tiny_vmat_case.zip") / "RS.dcm")
    with pytest.raises(AssemblyError) as caught:
        with_rois_added(structures, [bolus()], make_image(patient=structures.patient))
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"
    other = make_image(
        frame=structures.frame_of_reference_uid, patient=Patient(name="Other^One", id="other")
    )
    with pytest.raises(AssemblyError) as caught:
        with_rois_added(structures, [bolus()], other)
    assert caught.value.reason == "MIXED_PATIENTS"


@pytest.mark.peer
def test_adding_brings_no_new_error_under_dciodvfy(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image], tmp_path: Path
) -> None:
    structures = read_structures(unpacked("dicom_rt/chamber_static_2field.zip") / "RS.dcm")
    data = with_rois_added(structures, [bolus()], matching(structures, make_image))
    before = {re.sub(r"\d+", "#", line) for line in validated(structures.encoded, tmp_path)}
    after = {re.sub(r"\d+", "#", line) for line in validated(data, tmp_path)}
    assert after <= before
