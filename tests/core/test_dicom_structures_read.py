"""An RTSTRUCT is read as it was meant: every ROI usable or refused by name when it is asked for."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from isocentra.dicom.structures_read import read_structures, structures_from_bytes
from isocentra.dicom.structures_write import structure_set_bytes
from isocentra.errors import AssemblyError, ReadingError, StructureError
from isocentra.image import Image, Patient
from isocentra.structures.checked import checked_roi
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

STRUCTS = "dicom_rt/structs.zip"


def ring(points: list[tuple[float, float]], z: float = -100.0) -> Contour:
    flat = np.array([(x, y, z) for x, y in points], dtype=np.float64)
    return Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=flat)


def square(x: float, y: float, side: float, z: float = -100.0) -> Contour:
    return ring([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], z)


def written(image: Image, *rois: Roi) -> bytes:
    return structure_set_bytes(StructureSet(rois=rois), image)


def changed(data: bytes, change: Callable[[Dataset], None]) -> bytes:
    dataset = dcmread(BytesIO(data))
    change(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def read_with(image: Image, *contours: Contour) -> StructureSet:
    return structures_from_bytes(
        written(image, Roi(number=1, name="A", contours=contours)), "t.dcm"
    )


@pytest.mark.parametrize(
    ("archive", "file", "rois", "frame_ends"),
    [
        ("dicom_rt/breast_imrt_sliding.zip", "RS.dcm", 10, "03565.36"),
        ("dicom_rt/chamber_static_2field.zip", "RS.dcm", 3, "00000028"),
        ("dicom_rt/prostate_phantom_box.zip", "RS.dcm", 16, ".11505.1"),
        ("dicom_rt/tiny_vmat_case.zip", "RS.dcm", 2, "78744309"),
        (STRUCTS, "aria_lungs_body.dcm", 3, "45110172"),
        (STRUCTS, "mim_empty.dcm", 1, "98661397"),
        (STRUCTS, "monaco_box_overlap.dcm", 2, "40932597"),
        (STRUCTS, "monaco_srs_phantom.dcm", 5, "00000363"),
        (STRUCTS, "raystation_point_and_cube.dcm", 5, "27180504"),
        ("bolus/alderson_thorax_ct.zip", "RS_artificial_structures.dcm", 7, "024471.4"),
    ],
)
def test_every_real_structure_set_is_read_with_its_frame_of_reference(
    unpacked: Callable[[str], Path], archive: str, file: str, rois: int, frame_ends: str
) -> None:
    structures = read_structures(unpacked(archive) / file)
    assert len(structures.rois) == rois
    assert structures.frame_of_reference_uid.endswith(frame_ends)
    assert {roi.frame_of_reference_uid for roi in structures.rois} == {
        structures.frame_of_reference_uid
    }
    assert not [roi.name for roi in structures.rois if roi.defect]
    assert structures.image_series_uid
    assert structures.encoded == (unpacked(archive) / file).read_bytes()
    assert len(structures.sha256) == 64


def test_the_breast_case_has_an_empty_areola_a_lung_with_holes_and_a_scar_with_density(
    unpacked: Callable[[str], Path],
) -> None:
    structures = read_structures(unpacked("dicom_rt/breast_imrt_sliding.zip") / "RS.dcm")
    assert structures.roi("areola").contours == ()
    with pytest.raises(StructureError, match="has no contours") as caught:
        checked_roi(structures, "Areola")
    assert caught.value.reason == "EMPTY_ROI"
    assert structures.roi("Scar").relative_electron_density == 0.6
    assert structures.roi("Scar").density_g_cm3 is None
    assert structures.roi("BODY").interpreted_type == "EXTERNAL"
    assert structures.roi("BODY").color == (154, 155, 100)
    lung = structures.roi("Lt Lung")
    assert len(lung.areas) == 162
    assert ("BAD_CONTOUR", "ROI Lt Lung: 3 degenerate contours dropped.") in structures.warnings


def test_ten_of_the_prostate_phantoms_rois_are_empty_and_none_is_an_error(
    unpacked: Callable[[str], Path],
) -> None:
    structures = read_structures(unpacked("dicom_rt/prostate_phantom_box.zip") / "RS.dcm")
    assert sum(not roi.contours for roi in structures.rois) == 10
    assert structures.roi("PTV").number == 13


def test_a_point_is_kept_as_a_point_and_has_no_area(unpacked: Callable[[str], Path]) -> None:
    structures = read_structures(unpacked(STRUCTS) / "raystation_point_and_cube.dcm")
    point = structures.roi("LoPo")
    assert [contour.kind for contour in point.contours] == [ContourKind.POINT]
    assert point.contours[0].points_mm.shape == (1, 3)
    with pytest.raises(StructureError, match="only points and lines"):
        checked_roi(structures, "LoPo")
    assert structures.roi("PMMA").density_g_cm3 == 1.19
    cube = np.concatenate([contour.points_mm for contour in structures.roi("Cube101010").areas])
    np.testing.assert_allclose(np.ptp(cube, axis=0), 100.0, atol=0.2)


def test_contours_that_overlap_in_part_are_reported(unpacked: Callable[[str], Path]) -> None:
    structures = read_structures(unpacked(STRUCTS) / "monaco_box_overlap.dcm")
    assert [message for code, message in structures.warnings if "union" in message] == [
        "ROI tumor: 5 pairs of contours overlap in part; their union is meant."
    ]


def test_keyholes_are_no_crossings_and_no_overlaps(unpacked: Callable[[str], Path]) -> None:
    structures = read_structures(unpacked(STRUCTS) / "monaco_srs_phantom.dcm")
    assert len(structures.roi("Number1").areas) == 10
    assert not structures.warnings


def test_contours_on_slices_that_are_not_there_are_a_remark_and_spheres_elsewhere_are_refused(
    unpacked: Callable[[str], Path], make_image: Callable[..., Image]
) -> None:
    frame = "1.2.840.113704.1.111.7700.1448024471.4"
    image = make_image(
        (20, 512, 512), (3.0, 1.328125, 1.328125), (-340.0, -340.0, 141.0), frame=frame
    )
    structures = read_structures(
        unpacked("bolus/alderson_thorax_ct.zip") / "RS_artificial_structures.dcm",
        image=Image(grid=image.grid, values=image.values, modality="CT"),
    )
    outside = [message for code, message in structures.warnings if code == "ROI_OUTSIDE_IMAGE"]
    assert len(outside) == 7
    assert checked_roi(structures, "Lung_L", grid=image.grid).name == "Lung_L"
    with pytest.raises(StructureError, match="wholly outside") as caught:
        checked_roi(structures, "sphere_2cm", grid=image.grid)
    assert caught.value.reason == "ROI_OUTSIDE_IMAGE"
    assert caught.value.where.position_mm is not None


def test_a_first_point_that_is_repeated_at_the_end_is_dropped(
    make_image: Callable[..., Image],
) -> None:
    structures = read_with(make_image(), ring([(0, 0), (9, 0), (9, 9), (0, 9), (0, 0)]))
    assert structures.roi("A").contours[0].points_mm.shape == (4, 3)


@pytest.mark.parametrize(
    "contour",
    [
        ring([(0, 0), (5, 5)]),
        ring([(0, 0), (5, 5), (10, 10)]),
        ring([(0, 0), (0, 0), (0, 0), (0, 0)]),
        ring([(0, 0), (0.05, 0), (0.05, 0.05)]),
    ],
    ids=["two points", "on a line", "one place", "a speck"],
)
def test_degenerate_contours_are_dropped_with_a_count(
    make_image: Callable[..., Image], contour: Contour
) -> None:
    structures = read_with(make_image(), square(0, 0, 9), contour)
    assert len(structures.roi("A").contours) == 1
    assert structures.warnings == (("BAD_CONTOUR", "ROI A: 1 degenerate contours dropped."),)


def test_an_roi_with_only_degenerate_contours_is_refused_when_it_is_asked_for(
    make_image: Callable[..., Image],
) -> None:
    structures = read_with(make_image(), ring([(0, 0), (5, 5), (10, 10)]))
    with pytest.raises(StructureError, match="degenerate") as caught:
        structures.roi("A")
    assert caught.value.reason == "BAD_CONTOUR"


def test_a_figure_of_eight_is_kept_and_reported(make_image: Callable[..., Image]) -> None:
    structures = read_with(make_image(), ring([(0, 0), (10, 10), (10, 0), (0, 10)]))
    assert len(structures.roi("A").contours) == 1
    assert "cross themselves" in structures.warnings[0][1]


def test_a_contour_that_leaves_its_plane_spoils_only_its_own_roi(
    make_image: Callable[..., Image],
) -> None:
    bent = square(0, 0, 9).points_mm.copy()
    bent[2, 2] += 0.3
    image = make_image()
    data = written(
        image,
        Roi(
            number=1,
            name="bent",
            contours=(Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=bent),),
        ),
        Roi(number=2, name="flat", contours=(square(0, 0, 9),)),
    )
    structures = structures_from_bytes(data, "t.dcm", image=image)
    assert structures.roi("flat").areas
    with pytest.raises(StructureError, match="leaves its plane") as caught:
        checked_roi(structures, "bent")
    assert caught.value.reason == "BAD_CONTOUR"


def test_a_contour_within_the_planarity_tolerance_is_accepted(
    make_image: Callable[..., Image],
) -> None:
    bent = square(0, 0, 9).points_mm.copy()
    bent[2, 2] += 0.08
    structures = read_with(make_image(), Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=bent))
    assert structures.roi("A").areas


def test_axial_and_sagittal_contours_in_one_roi_are_refused(
    make_image: Callable[..., Image],
) -> None:
    axial = square(0, 0, 9)
    sagittal = Contour(
        kind=ContourKind.CLOSED_PLANAR, points_mm=np.roll(axial.points_mm, 1, axis=1).copy()
    )
    structures = read_with(make_image(), axial, sagittal)
    with pytest.raises(StructureError, match="more than one family of planes"):
        structures.roi("A")


def test_sagittal_contours_alone_are_a_good_roi(make_image: Callable[..., Image]) -> None:
    contours = [
        Contour(
            kind=ContourKind.CLOSED_PLANAR,
            points_mm=np.roll(square(0, 0, 9, z).points_mm, 1, axis=1).copy(),
        )
        for z in (0.0, 3.0)
    ]
    assert len(read_with(make_image(), *contours).roi("A").areas) == 2


def test_partial_overlap_is_reported_and_nesting_and_touching_are_not(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()
    overlap = read_with(image, square(0, 0, 10), square(5, 0, 10))
    assert "1 pairs of contours overlap in part" in overlap.warnings[0][1]
    assert not read_with(image, square(0, 0, 10), square(2, 2, 3)).warnings
    assert not read_with(image, square(0, 0, 10), square(10, 0, 10)).warnings
    assert not read_with(image, square(0, 0, 10), square(5, 0, 10, z=-97.0)).warnings


@pytest.mark.parametrize("kind", [ContourKind.OPEN_PLANAR, ContourKind.OPEN_NONPLANAR])
def test_lines_are_kept_and_reported(make_image: Callable[..., Image], kind: ContourKind) -> None:
    line = Contour(kind=kind, points_mm=np.array([(0.0, 0, -100), (5, 3, -97), (9, 9, -94)]))
    structures = read_with(make_image(), line)
    assert structures.roi("A").contours[0].kind is kind
    assert "open lines" in structures.warnings[0][1]


def test_xor_contours_keep_their_type(make_image: Callable[..., Image]) -> None:
    ring_points = square(0, 0, 9).points_mm
    contour = Contour(kind=ContourKind.CLOSEDPLANAR_XOR, points_mm=ring_points)
    assert read_with(make_image(), contour).roi("A").areas[0].kind is ContourKind.CLOSEDPLANAR_XOR


def test_a_foreign_frame_of_reference_is_refused(make_image: Callable[..., Image]) -> None:
    data = written(make_image(), Roi(number=1, name="A", contours=(square(0, 0, 9),)))
    with pytest.raises(AssemblyError, match=r"1\.2\.3\.4") as caught:
        structures_from_bytes(data, "t.dcm", image=make_image(frame="1.2.3.4"))
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"


def test_an_roi_in_another_frame_than_the_set_is_refused_only_when_asked_for(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()
    data = written(
        image,
        Roi(number=1, name="here", contours=(square(0, 0, 9),)),
        Roi(number=2, name="there", contours=(square(0, 0, 9),), frame_of_reference_uid="1.2.9"),
    )
    structures = structures_from_bytes(data, "t.dcm", image=image)
    assert any("more than one frame" in message for _, message in structures.warnings)
    checked_roi(structures, "here", grid=image.grid)
    with pytest.raises(AssemblyError) as caught:
        checked_roi(structures, "there", grid=image.grid)
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"


def test_another_patients_structures_are_refused_without_naming_anybody(
    make_image: Callable[..., Image],
) -> None:
    mine = make_image(patient=Patient(name="Secret^One", id="SECRET-1"))
    other = make_image(patient=Patient(name="Hidden^Two", id="SECRET-2"))
    data = written(mine, Roi(number=1, name="A", contours=(square(0, 0, 9),)))
    with pytest.raises(AssemblyError) as caught:
        structures_from_bytes(data, "t.dcm", image=other)
    assert caught.value.reason == "MIXED_PATIENTS"
    assert not any(word in str(caught.value) for word in ("SECRET", "Secret", "Hidden"))


def test_a_set_without_any_frame_is_taken_only_with_the_series_it_was_drawn_on(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()

    def forget(dataset: Dataset) -> None:
        del dataset.FrameOfReferenceUID
        del dataset.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
        del dataset.StructureSetROISequence[0].ReferencedFrameOfReferenceUID

    data = changed(written(image, Roi(number=1, name="A", contours=(square(0, 0, 9),))), forget)
    assert "names no frame" not in str(structures_from_bytes(data, "t.dcm").warnings)
    on_it = structures_from_bytes(data, "t.dcm", image=image)
    assert on_it.warnings[0][0] == "FOREIGN_FRAME_OF_REFERENCE"
    elsewhere = Image(grid=image.grid, values=image.values, modality="CT")
    with pytest.raises(AssemblyError, match="none"):
        structures_from_bytes(data, "t.dcm", image=elsewhere)


def test_the_frame_is_found_where_only_the_sequences_have_it(
    make_image: Callable[..., Image],
) -> None:
    image = make_image()

    def forget(dataset: Dataset) -> None:
        del dataset.FrameOfReferenceUID

    data = changed(written(image, Roi(number=1, name="A", contours=(square(0, 0, 9),))), forget)
    structures = structures_from_bytes(data, "t.dcm", image=image)
    assert structures.frame_of_reference_uid == image.grid.frame_of_reference_uid


def test_a_plan_is_no_structure_set(unpacked: Callable[[str], Path]) -> None:
    with pytest.raises(AssemblyError, match="not an RT Structure Set") as caught:
        read_structures(unpacked("dicom_rt/chamber_static_2field.zip") / "RP.dcm")
    assert caught.value.reason == "WRONG_MODALITY"


def test_two_rois_with_one_number_are_refused(make_image: Callable[..., Image]) -> None:
    def double(dataset: Dataset) -> None:
        dataset.StructureSetROISequence[1].ROINumber = 1

    data = written(make_image(), Roi(number=1, name="A"), Roi(number=2, name="B"))
    with pytest.raises(ReadingError, match="given to 2 ROIs"):
        structures_from_bytes(changed(data, double), "t.dcm")


def test_a_date_that_is_no_date_is_kept_and_reported(make_image: Callable[..., Image]) -> None:
    data = written(make_image(), Roi(number=1, name="A"))
    odd = data.replace(
        b"\x08\x00\x20\x00\x08\x00\x00\x0020260102", b"\x08\x00\x20\x00\x08\x00\x00\x007f7f-142"
    )
    assert odd != data
    structures = structures_from_bytes(odd, "t.dcm")
    assert any("is not a date" in message for _, message in structures.warnings)


def test_a_name_is_found_without_case_and_two_that_match_are_refused(
    make_image: Callable[..., Image],
) -> None:
    rois = (
        Roi(number=1, name="PTV ", contours=(square(0, 0, 9),)),
        Roi(number=2, name="ptv", contours=(square(0, 0, 5),)),
        Roi(number=3, name="Heart", contours=(square(0, 0, 5),)),
    )
    structures = structures_from_bytes(written(make_image(), *rois), "t.dcm")
    assert checked_roi(structures, " heart").number == 3
    with pytest.raises(StructureError, match="numbers 1, 2") as caught:
        checked_roi(structures, "PTV")
    assert caught.value.reason == "AMBIGUOUS_ROI"
    with pytest.raises(StructureError, match="Heart") as caught:
        checked_roi(structures, "liver")
    assert caught.value.reason == "NO_SUCH_ROI"
