"""rt-utils reads what is written here, and what it traces is appended without touching the rest."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from isocentra.dicom.structures_read import structures_from_bytes
from isocentra.dicom.structures_write import structure_set_bytes
from isocentra.errors import ReadingError, ServiceError, StructureError
from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of rt-utils and OpenCV at import
    from isocentra.dicom.rt_utils_adapter import mask_by_rt_utils, with_masks_added

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def image(make_image: Callable[..., Image]) -> Image:
    return make_image((6, 40, 40))


@pytest.fixture
def folder(image: Image, tmp_path: Path) -> Path:
    """Slices as rt-utils wants them, written so that file names run against the positions."""
    for k, uid in enumerate(image.header.sop_uids):
        out = Dataset()
        out.SOPClassUID, out.SOPInstanceUID = image.header.sop_class_uid, uid
        out.StudyInstanceUID, out.SeriesInstanceUID = image.header.study_uid, "1.2.3"
        out.StudyDate, out.StudyTime, out.StudyID, out.Modality = "", "", "", "CT"
        out.FrameOfReferenceUID = image.grid.frame_of_reference_uid
        x, y, z = image.grid.to_points((k, 0, 0)).tolist()
        out.ImagePositionPatient, out.ImageOrientationPatient = [x, y, z], [1, 0, 0, 0, 1, 0]
        out.PixelSpacing = [1.0, 1.0]
        out.Rows, out.Columns, out.BitsAllocated, out.BitsStored = 40, 40, 16, 16
        out.HighBit, out.PixelRepresentation, out.SamplesPerPixel = 15, 1, 1
        out.PhotometricInterpretation = "MONOCHROME2"
        out.PixelData = bytes(3200)
        out["PixelData"].VR = "OW"
        out.file_meta = FileMetaDataset()
        out.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        out.save_as(tmp_path / f"{9 - k}.dcm", enforce_file_format=True)
    return tmp_path


def disc(grid: Grid, k: int, radius_mm: float) -> Contour:
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    centre = grid.to_points((k, 20, 20))
    points = centre + radius_mm * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    return Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=points)


def test_rt_utils_sees_our_contours_with_their_hole_on_the_right_slices(
    image: Image, folder: Path
) -> None:
    ring = (disc(image.grid, 2, 12.0), disc(image.grid, 2, 5.0), disc(image.grid, 3, 12.0))
    data = structure_set_bytes(StructureSet(rois=(Roi(number=1, name="A", contours=ring),)), image)
    mask = mask_by_rt_utils(data, "A", image, folder)
    assert mask.any(axis=(1, 2)).tolist() == [False, False, True, True, False, False]
    assert not mask[2, 20, 20]
    assert mask[3, 20, 20]
    # It rounds to pixel centres and fills with the border: half a pixel all round.
    assert mask[3].sum() == pytest.approx(np.pi * 12.0**2, rel=0.12)


def test_masks_are_appended_and_the_set_stays_as_it_is(image: Image, folder: Path) -> None:
    base = structure_set_bytes(
        StructureSet(rois=(Roi(number=7, name="A", contours=(disc(image.grid, 1, 9.0),)),)), image
    )
    structures = structures_from_bytes(base, "old.dcm", image=image)
    mask = np.zeros(image.grid.shape, dtype=bool)
    mask[4, 10:30, 15:25] = True
    data = with_masks_added(structures, {"B": mask}, image, folder)
    back = structures_from_bytes(data, "new.dcm", image=image)
    assert [(roi.number, roi.name) for roi in back.rois] == [(7, "A"), (8, "B")]
    np.testing.assert_array_equal(
        back.roi("A").contours[0].points_mm, structures.roi("A").contours[0].points_mm
    )
    (contour,) = back.roi("B").contours
    assert contour.image_uid == image.header.sop_uids[4]
    np.testing.assert_array_equal(mask_by_rt_utils(data, "B", image, folder), mask)
    old, new = dcmread(BytesIO(base)), dcmread(BytesIO(data))
    assert new.ROIContourSequence[0] == old.ROIContourSequence[0]


def test_an_empty_mask_a_known_name_and_a_foreign_folder_are_refused(
    image: Image, folder: Path
) -> None:
    base = structure_set_bytes(StructureSet(rois=(Roi(number=1, name="A"),)), image)
    structures = structures_from_bytes(base, "old.dcm")
    mask = np.zeros(image.grid.shape, dtype=bool)
    with pytest.raises(StructureError) as empty:
        with_masks_added(structures, {"B": mask}, image, folder)
    assert empty.value.reason == "EMPTY_ROI"
    mask[2, 10:20, 10:20] = True
    with pytest.raises(ServiceError) as known:
        with_masks_added(structures, {"a": mask}, image, folder)
    assert known.value.reason == "CONFLICT"
    (folder / "9.dcm").unlink()
    with pytest.raises(ReadingError, match="holds 5 slices"):
        with_masks_added(structures, {"B": mask}, image, folder)


def test_pixels_that_are_not_square_are_refused(image: Image, folder: Path) -> None:
    flat = Image(
        grid=replace(image.grid, spacing_mm=(3.0, 1.0, 0.8)),
        values=image.values,
        modality="CT",
        header=image.header,
    )
    base = structure_set_bytes(StructureSet(rois=(Roi(number=1, name="A"),)), image)
    mask = np.ones(image.grid.shape, dtype=bool)
    with pytest.raises(ReadingError) as caught:
        with_masks_added(structures_from_bytes(base, "o"), {"B": mask}, flat, folder)
    assert caught.value.reason == "BAD_GEOMETRY"
