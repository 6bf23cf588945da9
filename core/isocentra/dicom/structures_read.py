"""RTSTRUCT in: every ROI with its contours, checked, in its frame of reference.

file ──gate──► data set ──► ROIs (contours tidied, defects noted) ──► StructureSet
                                                   image ──► frame, patient and place compared

An ROI that cannot be used does not spoil the others: it is refused when it is asked for
(`StructureSet.roi`). An ROI without contours is kept, empty. DICOM PS3.3 C.8.8.5, C.8.8.6, C.8.8.8.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom import elements, gate
from isocentra.dicom.contour_checks import MOST_WORK, check_contours
from isocentra.dicom.identity import patient_of, refuse_other_patient
from isocentra.dicom.sop_classes import Kind
from isocentra.errors import AssemblyError, ReadingError, Where, printable
from isocentra.image import Image
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

__all__ = ["read_structures", "structures_from_bytes"]

RTSTRUCT: Final = "1.2.840.10008.5.1.4.1.1.481.3"

MOST_ROIS: Final = 2000
_DATES: Final = ("StudyDate", "StructureSetDate", "InstanceCreationDate")

Remark = tuple[str, str]
"""(code, message)."""


def read_structures(path: Path, *, image: Image | None = None) -> StructureSet:
    """Read an RTSTRUCT file.

    Parameters
    ----------
    path
        The file.
    image
        The image that the structures are to be used on: frame of reference and patient must agree.

    Raises
    ------
    ReadingError
        As the gate; ``UNSUPPORTED_SOP_CLASS``, ``MISSING_ATTRIBUTE``, ``BAD_VALUE``.
    AssemblyError
        ``WRONG_MODALITY``: another kind of object; ``MIXED_PATIENTS``,
        ``FOREIGN_FRAME_OF_REFERENCE``: it does not belong to `image`.
    """
    data = gate.read_plain_file(path)
    return _structures(gate.read_bytes(data, path.name), data, image)


def structures_from_bytes(data: bytes, name: str, *, image: Image | None = None) -> StructureSet:
    """Read an RTSTRUCT from the bytes of its file; as `read_structures`."""
    return _structures(gate.read_bytes(data, name), data, image)


def _structures(file: gate.GatedFile, encoded: bytes, image: Image | None) -> StructureSet:
    data, name = file.dataset, file.name
    _refuse_other_objects(data, file.kind, name)
    frames = [
        elements.text(item, "FrameOfReferenceUID")
        for item in elements.items(data, "ReferencedFrameOfReferenceSequence", file=name)
    ]
    rois, remarks = _rois(data, name)
    used = Counter(roi.frame_of_reference_uid for roi in rois if roi.frame_of_reference_uid)
    frame = (
        elements.text(data, "FrameOfReferenceUID")
        or next((uid for uid in frames if uid), "")
        or next((uid for uid, _ in used.most_common(1)), "")
    )
    if len({uid for uid in [frame, *frames, *used] if uid}) > 1:
        remarks.append(
            (
                "FOREIGN_FRAME_OF_REFERENCE",
                "The structure set holds more than one frame of reference; each ROI has its own.",
            )
        )
    remarks += [
        ("BAD_VALUE", f"{keyword} is not a date; it is kept as it stands.")
        for keyword in _DATES
        if (value := elements.text(data, keyword)) and not elements.is_date(value)
    ]
    structures = StructureSet(
        rois=tuple(
            roi if roi.frame_of_reference_uid else replace(roi, frame_of_reference_uid=frame)
            for roi in rois
        ),
        frame_of_reference_uid=frame,
        patient=patient_of(data),
        study_uid=elements.text(data, "StudyInstanceUID"),
        series_uid=elements.text(data, "SeriesInstanceUID"),
        sop_uid=elements.text(data, "SOPInstanceUID"),
        image_series_uid=_image_series(data, name),
        label=elements.text(data, "StructureSetLabel"),
        sha256=file.sha256,
        encoded=encoded,
        warnings=(*file.warnings, *remarks),
    )
    return structures if image is None else _on_image(structures, image, name)


def _refuse_other_objects(data: Dataset, kind: Kind, file: str) -> None:
    sop_class = elements.text(data, "SOPClassUID")
    if sop_class == RTSTRUCT:
        return
    raise AssemblyError(
        "WRONG_MODALITY",
        f"This is an object of another kind ({kind.value}), not an RT Structure Set.",
        where=Where(file=file),
        do="Give the RTSTRUCT file.",
    )


def _image_series(data: Dataset, file: str) -> str:
    for frame in elements.items(data, "ReferencedFrameOfReferenceSequence", file=file):
        for study in elements.items(frame, "RTReferencedStudySequence", file=file):
            for series in elements.items(study, "RTReferencedSeriesSequence", file=file):
                return elements.text(series, "SeriesInstanceUID")
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the three sequences of the file say about an ROI number."""

    outlines: dict[int, Dataset]
    observations: dict[int, Dataset]


def _rois(data: Dataset, file: str) -> tuple[list[Roi], list[Remark]]:
    parts = _Parts(
        outlines=_by_number(data, "ROIContourSequence", file),
        observations=_by_number(data, "RTROIObservationsSequence", file),
    )
    rois: list[Roi] = []
    remarks: list[Remark] = []
    work_left = MOST_WORK
    entries = elements.items(data, "StructureSetROISequence", file=file)
    if len(entries) > MOST_ROIS:
        raise ReadingError(
            "LIMIT_EXCEEDED",
            f"The structure set has {len(entries)} ROIs; {MOST_ROIS} are read.",
            where=Where(file=file),
            do="Export fewer ROIs.",
        )
    for item in entries:
        roi, found, work = _roi(item, parts, work_left, file)
        work_left -= work
        rois.append(roi)
        remarks += found
    numbers = Counter(roi.number for roi in rois)
    twice = [number for number, times in numbers.items() if times > 1]
    if twice:
        raise ReadingError(
            "BAD_VALUE",
            f"ROI number {twice[0]} is given to {numbers[twice[0]]} ROIs.",
            where=Where(file=file),
            do="Export the structure set again; ROI numbers must be unique.",
        )
    return rois, remarks


def _by_number(data: Dataset, keyword: str, file: str) -> dict[int, Dataset]:
    found: dict[int, Dataset] = {}
    for item in elements.items(data, keyword, file=file):
        number = elements.integer(item, "ReferencedROINumber", file=file)
        if number is not None:
            found.setdefault(number, item)
    return found


def _roi(item: Dataset, parts: _Parts, work_left: int, file: str) -> tuple[Roi, list[Remark], int]:
    number = elements.required_integer(item, "ROINumber", file=file)
    name = elements.text(item, "ROIName")
    outline = parts.outlines.get(number)
    observation = parts.observations.get(number, Dataset())
    raw: list[Contour] = []
    unreadable = ""
    for index, contour in enumerate(
        () if outline is None else elements.items(outline, "ContourSequence", file=file), start=1
    ):
        try:
            raw.append(_contour(contour, file))
        except ReadingError as error:
            unreadable = unreadable or f"contour {index}: {error.what.rstrip('.')}"
    checked = check_contours(raw, work_left=work_left)
    color = None if outline is None else elements.numbers(outline, "ROIDisplayColor", file=file)
    mass, electrons = _densities(observation, file)
    roi = Roi(
        number=number,
        name=name,
        contours=checked.contours,
        interpreted_type=elements.text(observation, "RTROIInterpretedType"),
        color=_color(color),
        algorithm=elements.text(item, "ROIGenerationAlgorithm"),
        description=elements.text(item, "ROIDescription"),
        frame_of_reference_uid=elements.text(item, "ReferencedFrameOfReferenceUID"),
        density_g_cm3=mass,
        relative_electron_density=electrons,
        defect=unreadable or checked.defect,
    )
    shown = f"ROI {printable(name, 64)}"
    remarks: list[Remark] = []
    if checked.dropped:
        remarks.append(("BAD_CONTOUR", f"{shown}: {checked.dropped} degenerate contours dropped."))
    if checked.self_crossing:
        remarks.append(
            ("BAD_CONTOUR", f"{shown}: {checked.self_crossing} contours cross themselves.")
        )
    if checked.overlapping:
        what = f"{checked.overlapping} pairs of contours overlap in part; their union is meant."
        remarks.append(("BAD_CONTOUR", f"{shown}: {what}"))
    if checked.opposed:
        what = f"{checked.opposed} pairs of opposite orientation overlap in part; filled even-odd."
        remarks.append(("BAD_CONTOUR", f"{shown}: {what}"))
    lines = sum(c.kind in {ContourKind.OPEN_PLANAR, ContourKind.OPEN_NONPLANAR} for c in raw)
    if lines:
        remarks.append(("BAD_CONTOUR", f"{shown}: {lines} open lines are kept without a volume."))
    if roi.defect:
        remarks.append(("BAD_CONTOUR", f"{shown} cannot be used: {roi.defect}."))
    return roi, remarks, checked.work


def _contour(item: Dataset, file: str) -> Contour:
    values = elements.numbers(item, "ContourData", file=file)
    if len(values) % 3:
        raise ReadingError(
            "BAD_VALUE",
            f"ContourData holds {len(values)} numbers, which are not triplets.",
            where=Where(file=file),
            do="Export the structure set again.",
        )
    points = values.reshape(-1, 3).copy()
    written = elements.text(item, "ContourGeometricType").upper()
    if written in ContourKind.__members__:
        kind = ContourKind[written]
    elif written:
        kind = ContourKind.OPEN_NONPLANAR
    else:
        kind = ContourKind.POINT if len(points) == 1 else ContourKind.CLOSED_PLANAR
    if kind in {ContourKind.CLOSED_PLANAR, ContourKind.CLOSEDPLANAR_XOR}:
        # The first point may be repeated at the end, once or more often.
        other = np.flatnonzero((points != points[:1]).any(axis=1))
        points = points[: int(other[-1]) + 1 if other.size else 1].copy()
    images = elements.items(item, "ContourImageSequence", file=file)
    uid = elements.text(images[0], "ReferencedSOPInstanceUID") if images else ""
    return Contour(kind=kind, points_mm=points, image_uid=uid)


def _color(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None,
) -> tuple[int, int, int]:
    if values is None or len(values) != 3:
        return (255, 0, 0)
    red, green, blue = np.clip(values, 0, 255).astype(int).tolist()
    return (red, green, blue)


def _densities(observation: Dataset, file: str) -> tuple[float | None, float | None]:
    """REL_MASS_DENSITY and REL_ELEC_DENSITY of the ROI Physical Properties."""
    found: dict[str, float] = {}
    for item in elements.items(observation, "ROIPhysicalPropertiesSequence", file=file):
        value = elements.number(item, "ROIPhysicalPropertyValue", file=file)
        if value is not None:
            found.setdefault(elements.text(item, "ROIPhysicalProperty"), value)
    return found.get("REL_MASS_DENSITY"), found.get("REL_ELEC_DENSITY")


def _on_image(structures: StructureSet, image: Image, file: str) -> StructureSet:
    """Compare patient, frame and place with the image; what does not spoil the set is a remark."""
    refuse_other_patient(structures.patient, image.header.patient, file)
    remarks = list(structures.warnings)
    frame = image.grid.frame_of_reference_uid
    frames = {roi.frame_of_reference_uid for roi in structures.rois}
    frames |= {structures.frame_of_reference_uid}
    known = {uid for uid in frames if uid}
    if not frame or not known:
        if structures.image_series_uid != image.header.series_uid or not image.header.series_uid:
            raise _foreign(frame, known, file)
        remarks.append(
            (
                "FOREIGN_FRAME_OF_REFERENCE",
                "Image or structures name no frame of reference; the series is the one drawn on.",
            )
        )
    elif frame not in known:
        raise _foreign(frame, known, file)
    remarks += _outside(structures, image)
    return replace(structures, warnings=tuple(remarks))


def _foreign(frame: str, known: set[str], file: str) -> AssemblyError:
    theirs = ", ".join(printable(uid, 64) for uid in sorted(known)) or "none"
    return AssemblyError(
        "FOREIGN_FRAME_OF_REFERENCE",
        f"The structures' frame of reference ({theirs}) is not the image's"
        f" ({printable(frame, 64) or 'none'}).",
        where=Where(file=file),
        do="Give the structures that were drawn on this image, or a registration between the two.",
    )


def _outside(structures: StructureSet, image: Image) -> list[Remark]:
    """One remark per ROI with contours beyond the outermost slices or edges of the image."""
    remarks: list[Remark] = []
    top = np.array(image.grid.shape) - 0.5
    for roi in structures.rois:
        beyond = sum(
            bool(((index < -0.5 - 1e-6) | (index > top + 1e-6)).any())
            for index in (image.grid.to_index(contour.points_mm) for contour in roi.areas)
        )
        if beyond:
            what = f"{beyond} of {len(roi.areas)} contours reach beyond the image."
            remarks.append(("ROI_OUTSIDE_IMAGE", f"ROI {printable(roi.name, 64)}: {what}"))
    return remarks
