"""The three items that an ROI is in an RTSTRUCT: its name, its contours, its observation.

Roi + image ──► StructureSetROISequence, ROIContourSequence, RTROIObservationsSequence items

DICOM PS3.3 C.8.8.5, C.8.8.6, C.8.8.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from isocentra.dicom.derived import as_ds, item, reference
from isocentra.errors import StructureError, Where, printable
from isocentra.geometry.grid import Array64
from isocentra.image import Image
from isocentra.structures.model import Contour, Roi

__all__ = ["RoiItems", "nearest_slice_uid", "roi_items"]

CONTOUR_DATA: Final = 0x30060050
LONGEST_NAME: Final = 64
"""Characters of a LO value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiItems:
    """One ROI in the three sequences."""

    name: Dataset
    contours: Dataset
    observation: Dataset


def roi_items(roi: Roi, image: Image, observation_number: int) -> RoiItems:
    """Return the items of one ROI; coordinates get three decimals.

    Raises
    ------
    StructureError
        ``BAD_CONTOUR``: a coordinate that is not finite.
    """
    name = item(
        ROINumber=roi.number,
        ReferencedFrameOfReferenceUID=roi.frame_of_reference_uid
        or image.grid.frame_of_reference_uid,
        ROIName=roi.name[:LONGEST_NAME],
        ROIGenerationAlgorithm=roi.algorithm,
    )
    if roi.description:
        name.ROIDescription = roi.description[:1024]
    contours = item(ROIDisplayColor=list(roi.color), ReferencedROINumber=roi.number)
    if roi.contours:  # an empty ROI has no ContourSequence: its items may not be none
        contours.ContourSequence = [
            _contour_item(contour, roi, image, number)
            for number, contour in enumerate(roi.contours, start=1)
        ]
    observation = item(
        ObservationNumber=observation_number,
        ReferencedROINumber=roi.number,
        RTROIInterpretedType=roi.interpreted_type,
        ROIInterpreter="",
    )
    properties = [
        item(ROIPhysicalProperty=which, ROIPhysicalPropertyValue=as_ds(value))
        for which, value in (
            ("REL_MASS_DENSITY", roi.density_g_cm3),
            ("REL_ELEC_DENSITY", roi.relative_electron_density),
        )
        if value is not None
    ]
    if properties:
        observation.ROIPhysicalPropertiesSequence = properties
    return RoiItems(name=name, contours=contours, observation=observation)


def nearest_slice_uid(points_mm: Array64, image: Image) -> str:
    """Return the SOP Instance UID of the slice nearest to all of the points, "" where none is."""
    uids = image.header.sop_uids
    heights = image.grid.to_index(points_mm)[:, 0]
    slices = np.unique(np.round(heights).astype(int))
    if len(slices) != 1 or not 0 <= slices[0] < len(uids):
        return ""
    return uids[int(slices[0])]


def _contour_item(contour: Contour, roi: Roi, image: Image, number: int) -> Dataset:
    if not np.isfinite(contour.points_mm).all():
        raise StructureError(
            "BAD_CONTOUR",
            f"Contour {number} of ROI {printable(roi.name, 64)} holds a coordinate that is not"
            " finite.",
            where=Where(roi=roi.name),
            do="Report this: a contour that is written must be finite.",
        )
    out = Dataset()
    uid = contour.image_uid
    if uid not in image.header.sop_uids:
        uid = nearest_slice_uid(contour.points_mm, image)
    if uid and image.header.sop_class_uid:
        out.ContourImageSequence = [reference(image.header.sop_class_uid, uid)]
    out.ContourGeometricType = contour.kind.value
    out.NumberOfContourPoints = len(contour.points_mm)
    out.ContourNumber = number
    rounded = np.round(contour.points_mm, 3) + 0.0  # adding zero makes -0.0 positive
    text = "\\".join([f"{value:.3f}" for value in rounded.ravel().tolist()])
    # As text in one piece: a million DS objects would take most of the time of writing.
    out[CONTOUR_DATA] = DataElement(CONTOUR_DATA, "DS", text, already_converted=True)
    return out
