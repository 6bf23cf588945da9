"""Structures as they were drawn: contours in the patient, grouped in ROIs, grouped in a set.

RTSTRUCT ──► StructureSet ──► coverage mask, mesh, contours on other planes
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from isocentra.errors import StructureError, Where, printable
from isocentra.geometry.grid import Array64
from isocentra.image import Patient

__all__ = ["Contour", "ContourKind", "Roi", "StructureSet"]


class ContourKind(StrEnum):
    """Contour Geometric Type, DICOM PS3.3 C.8.8.6."""

    POINT = "POINT"
    OPEN_PLANAR = "OPEN_PLANAR"
    OPEN_NONPLANAR = "OPEN_NONPLANAR"
    CLOSED_PLANAR = "CLOSED_PLANAR"
    CLOSEDPLANAR_XOR = "CLOSEDPLANAR_XOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contour:
    """One contour: `points_mm` is (n, 3) x, y, z in LPS, a closed one not repeating its first."""

    kind: ContourKind
    points_mm: Array64
    image_uid: str = ""
    """SOP Instance UID of the slice it was drawn on, where the file names one."""

    def __post_init__(self) -> None:
        self.points_mm.setflags(write=False)

    @property
    def is_area(self) -> bool:
        """Whether the contour encloses an area."""
        return self.kind in {ContourKind.CLOSED_PLANAR, ContourKind.CLOSEDPLANAR_XOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roi:
    """A region of interest; its contours may be none."""

    number: int
    name: str
    contours: tuple[Contour, ...] = ()
    interpreted_type: str = ""
    """EXTERNAL, PTV, CTV, GTV, ORGAN, BOLUS, … (3006,00A4)"""
    color: tuple[int, int, int] = (255, 0, 0)
    algorithm: str = "AUTOMATIC"
    """ROI Generation Algorithm: AUTOMATIC, SEMIAUTOMATIC, MANUAL or empty."""
    description: str = ""
    frame_of_reference_uid: str = ""
    density_g_cm3: float | None = None
    """REL_MASS_DENSITY of the ROI Physical Properties, relative to water. [g/cm³]"""
    relative_electron_density: float | None = None
    """REL_ELEC_DENSITY of the ROI Physical Properties, relative to water."""
    defect: str = ""
    """Why the contours cannot be used; whoever asks for the ROI gets ``BAD_CONTOUR``."""

    @property
    def areas(self) -> tuple[Contour, ...]:
        """Only the contours that enclose an area."""
        return tuple(contour for contour in self.contours if contour.is_area)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureSet:
    """The ROIs of one RTSTRUCT, or of none yet (made here)."""

    rois: tuple[Roi, ...]
    frame_of_reference_uid: str = ""
    patient: Patient = field(default_factory=Patient)
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""
    image_series_uid: str = ""
    """Series Instance UID of the image it was drawn on."""
    label: str = ""
    sha256: str = ""
    """Hash of the file's bytes."""
    encoded: bytes = field(default=b"", repr=False)
    """The file as it was read: what is appended to it leaves the rest as it is."""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message) of what was read with a remark: overlaps, dropped contours, odd dates."""

    @property
    def names(self) -> tuple[str, ...]:
        """ROI names in file order."""
        return tuple(roi.name for roi in self.rois)

    def roi(self, name: str) -> Roi:
        """Return the ROI of that name, compared without case and outer blanks, exactly.

        Raises
        ------
        StructureError
            ``NO_SUCH_ROI`` (lists the names), ``AMBIGUOUS_ROI`` (two match) or ``BAD_CONTOUR``
            (its contours cannot be used).
        """
        wanted = name.strip().casefold()
        found = [roi for roi in self.rois if roi.name.strip().casefold() == wanted]
        if len(found) == 1 and found[0].defect:
            raise StructureError(
                "BAD_CONTOUR",
                f"ROI {printable(name, 64)} cannot be used: {found[0].defect}.",
                where=Where(roi=name, uid=self.sop_uid or None),
                do="Look at the ROI in the planning system, redraw it and export the set again.",
            )
        if len(found) == 1:
            return found[0]
        there = ", ".join(printable(n, 64) for n in self.names) or "none"
        if not found:
            raise StructureError(
                "NO_SUCH_ROI",
                f"No ROI is named {printable(name, 64)}; the set holds: {there}.",
                where=Where(roi=name, uid=self.sop_uid or None),
                do="Use one of the names that the set holds.",
            )
        numbers = ", ".join(str(roi.number) for roi in found)
        raise StructureError(
            "AMBIGUOUS_ROI",
            f"{len(found)} ROIs are named {printable(name, 64)} (numbers {numbers}).",
            where=Where(roi=name, uid=self.sop_uid or None),
            do="Rename one of them in the planning system and export the set again.",
        )
