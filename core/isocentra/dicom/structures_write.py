"""RTSTRUCT out: our own contours, written exactly, and ROIs added to a set that stays as it was.

StructureSet + Image ──► structure_set_bytes ──► file
foreign file + ROIs  ──► with_rois_added ──► the same elements, byte for byte, and the new ROIs

DICOM PS3.3 A.19.3. Nothing leaves approved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydicom.dataset import Dataset

from isocentra.dicom import elements, gate
from isocentra.dicom.derived import Made, head, item, moment, reference, sealed, slices
from isocentra.dicom.identity import refuse_other_patient
from isocentra.dicom.roi_items import roi_items
from isocentra.dicom.splice import Addition, spliced
from isocentra.errors import AssemblyError, ServiceError, Where, printable
from isocentra.image import Image
from isocentra.structures.model import Roi, StructureSet

__all__ = ["structure_set_bytes", "with_rois_added"]

RTSTRUCT: Final = "1.2.840.10008.5.1.4.1.1.481.3"
DETACHED_STUDY: Final = "1.2.840.10008.3.1.2.3.1"
"""Retired, and still what readers expect of the referenced study."""


def structure_set_bytes(
    structures: StructureSet, image: Image, *, made: Made | None = None
) -> bytes:
    """Return an RTSTRUCT file that holds `structures`, drawn on `image`.

    Parameters
    ----------
    structures
        ROI numbers must differ; a number below 1 is replaced by the next free one.
    image
        Gives patient, study, frame of reference and the referenced slices.
    made
        Date and time to tell; without it the study's.

    Raises
    ------
    ServiceError
        ``CONFLICT``: two ROIs with one number.
    """
    moment_told = made or Made()
    rois = _numbered(structures.rois)
    out = head(image, sop_class_uid=RTSTRUCT, modality="RTSTRUCT", made=moment_told)
    out.StructureSetLabel = structures.label[:16] or "Isocentra"
    out.StructureSetDate, out.StructureSetTime = moment(image.header, moment_told)
    out.ReferencedFrameOfReferenceSequence = [_frame(image)]
    parts = [roi_items(roi, image, number) for number, roi in enumerate(rois, start=1)]
    out.StructureSetROISequence = [part.name for part in parts]
    out.ROIContourSequence = [part.contours for part in parts]
    out.RTROIObservationsSequence = [part.observation for part in parts]
    out.ApprovalStatus = "UNAPPROVED"
    return sealed(out, "structure set")


def with_rois_added(structures: StructureSet, rois: Sequence[Roi], image: Image) -> bytes:
    """Return the file that `structures` was read from with `rois` added to it.

    Every element of the original keeps its bytes but these: SOP and Series Instance UID (new),
    Approval Status (UNAPPROVED; review date, time and name go), the three ROI sequences (grown).
    Digital signatures, which no longer hold, go. The new ROIs are numbered on from the largest.

    Raises
    ------
    ServiceError
        ``CONFLICT``: a new name that the set, or another new ROI, has already.
    AssemblyError
        ``MIXED_PATIENTS``, ``FOREIGN_FRAME_OF_REFERENCE``: `image` is not what the set belongs to.
    """
    _refuse_foreign(structures, image)
    _refuse_known_names(structures, rois)
    original = gate.read_bytes(structures.encoded, "RTSTRUCT").dataset
    number = max((roi.number for roi in structures.rois), default=0)
    observed = [
        elements.integer(entry, "ObservationNumber", file="RTSTRUCT") or 0
        for entry in elements.items(original, "RTROIObservationsSequence", file="RTSTRUCT")
    ]
    observation = max(observed, default=0)
    addition = Addition(
        roles=(structures.sha256, image.header.sha256 or image.header.series_uid),
        parts=tuple(
            roi_items(replace(roi, number=number + step), image, observation + step)
            for step, roi in enumerate(rois, start=1)
        ),
    )
    return spliced(structures.encoded, addition)


def _numbered(rois: Sequence[Roi]) -> list[Roi]:
    numbers = Counter(roi.number for roi in rois if roi.number > 0)
    twice = [number for number, times in numbers.items() if times > 1]
    if twice:
        raise ServiceError(
            "CONFLICT",
            f"ROI number {twice[0]} is given to {numbers[twice[0]]} ROIs.",
            do="Give each ROI its own number.",
        )
    free = max(numbers, default=0)
    out = []
    for roi in rois:
        if roi.number > 0:
            out.append(roi)
        else:
            free += 1
            out.append(replace(roi, number=free))
    return out


def _frame(image: Image) -> Dataset:
    """Return the referenced frame of reference with its study, series and every slice."""
    header = image.header
    series = item(SeriesInstanceUID=header.series_uid, ContourImageSequence=slices(image))
    study = reference(DETACHED_STUDY, header.study_uid)
    study.RTReferencedSeriesSequence = [series]
    return item(
        FrameOfReferenceUID=image.grid.frame_of_reference_uid, RTReferencedStudySequence=[study]
    )


def _refuse_foreign(structures: StructureSet, image: Image) -> None:
    refuse_other_patient(structures.patient, image.header.patient, "RTSTRUCT")
    frame = image.grid.frame_of_reference_uid
    known = {
        structures.frame_of_reference_uid,
        *(r.frame_of_reference_uid for r in structures.rois),
    }
    if frame not in known:
        raise AssemblyError(
            "FOREIGN_FRAME_OF_REFERENCE",
            "The new ROIs lie in a frame of reference that the structure set does not have.",
            where=Where(uid=structures.sop_uid or None),
            do="Add the ROIs to the structure set of the image they were made on.",
        )


def _refuse_known_names(structures: StructureSet, rois: Sequence[Roi]) -> None:
    taken = {name.strip().casefold() for name in structures.names}
    for roi in rois:
        key = roi.name.strip().casefold()
        if key in taken:
            raise ServiceError(
                "CONFLICT",
                f"The structure set has an ROI named {printable(roi.name, 64)} already.",
                where=Where(roi=roi.name, uid=structures.sop_uid or None),
                do="Choose another name for the new ROI.",
            )
        taken.add(key)
