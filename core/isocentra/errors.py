"""Everything Isocentra refuses, as one family of typed errors.

IsocentraError
├── ReadingError       a file could not be read (the gate)
├── AssemblyError      files do not make one image, plan or dose
├── StructureError     an ROI is absent, empty, ambiguous or broken
├── BolusError         no bolus can be made from this input
├── DistortionError    a phantom scan cannot be analysed, a field cannot be applied
├── DoseError          a plan or dose cannot be computed or judged
├── AdaptiveError      a session cannot go on
└── ServiceError       the server refuses or cannot

The `reason` is stable and UPPER_SNAKE; it is the same on every face (command line, gRPC, HTTPS).
`REASONS` lists them all: a code is added, never renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from typing_extensions import override

__all__ = [
    "REASONS",
    "AdaptiveError",
    "AssemblyError",
    "BolusError",
    "DistortionError",
    "DoseError",
    "IsocentraError",
    "ReadingError",
    "ServiceError",
    "StructureError",
    "Where",
    "printable",
]


def printable(text: object, limit: int = 120) -> str:
    r"""Escape what came from a file so that it can stand in a message, a log line or a page.

    Control characters and everything that is not printable become ``\xNN``-style escapes; longer
    text is cut at `limit` characters.
    """
    out = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return out if len(out) <= limit else out[: limit - 1] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place an error is about; what is not known stays None."""

    file: str | None = None
    """Base name of the file, never its folder."""
    uid: str | None = None
    roi: str | None = None
    position_mm: tuple[float, float, float] | None = None
    """x, y, z in LPS. [mm]"""

    @override
    def __str__(self) -> str:
        parts = []
        if self.file is not None:
            parts.append(f"file {printable(self.file)}")
        if self.uid is not None:
            parts.append(f"UID {printable(self.uid)}")
        if self.roi is not None:
            parts.append(f"ROI {printable(self.roi)}")
        if self.position_mm is not None:
            parts.append("at ({:.2f}, {:.2f}, {:.2f}) mm".format(*self.position_mm))
        return ", ".join(parts)


class IsocentraError(Exception):
    """Base of all: what was found, where, and what to do about it.

    Parameters
    ----------
    reason
        One of the family's `reasons`.
    what
        One sentence: what was found, with values and units, without patient data.
    where
        The place.
    do
        The next step, in the imperative.
    """

    reasons: ClassVar[frozenset[str]] = frozenset()
    exit_code: ClassVar[int] = 3

    def __init__(self, reason: str, what: str, *, do: str, where: Where | None = None) -> None:
        if reason not in self.reasons:
            raise ValueError(f"{reason} is not a reason of {type(self).__name__}")
        self.reason = reason
        self.what = what
        self.where = where or Where()
        self.do = do
        place = f" [{self.where}]" if str(self.where) else ""
        super().__init__(f"{what}{place} {do}")


class ReadingError(IsocentraError):
    """A file could not be read safely."""

    reasons = frozenset(
        "NOT_DICOM TRUNCATED HOSTILE_INPUT UNSUPPORTED_SOP_CLASS UNSUPPORTED_TRANSFER_SYNTAX"
        " BAD_UID BAD_GEOMETRY BAD_VALUE MISSING_ATTRIBUTE PIXEL_DATA_MISMATCH LIMIT_EXCEEDED"
        " BAD_ARCHIVE".split()
    )


class AssemblyError(IsocentraError):
    """The files that were read do not make one image, plan, dose or registration."""

    reasons = frozenset(
        "NO_SERIES SEVERAL_SERIES SINGLE_SLICE MIXED_PATIENTS MIXED_ORIENTATION MISSING_SLICE"
        " DUPLICATE_SLICE UNEQUAL_SPACING GANTRY_TILT RESCALE_MISSING FOREIGN_FRAME_OF_REFERENCE"
        " WRONG_MODALITY BAD_REGISTRATION DISJOINT_GRIDS".split()
    )


class StructureError(IsocentraError):
    """An ROI is absent, ambiguous, empty, broken or elsewhere."""

    reasons = frozenset("NO_SUCH_ROI AMBIGUOUS_ROI EMPTY_ROI BAD_CONTOUR ROI_OUTSIDE_IMAGE".split())


class BolusError(IsocentraError):
    """No bolus can be made from this input."""

    reasons = frozenset(
        "SKIN_TRUNCATED SKIN_AMBIGUOUS TARGET_TRUNCATED EMPTY_REGION THICKNESS_BELOW_NOZZLE"
        " THICKNESS_OUT_OF_RANGE TARGET_BEYOND_RANGE NO_PLACEMENT OTHER_PART BAD_MESH".split()
    )


class DistortionError(IsocentraError):
    """A phantom scan cannot be analysed or a field cannot be applied."""

    reasons = frozenset(
        "WRONG_PHANTOM PHANTOM_UPSIDE_DOWN TOO_FEW_MARKERS ISOCENTRE_UNKNOWN READOUT_UNKNOWN"
        " UNSUPPORTED_SEQUENCE UNKNOWN_CORRECTION_STATE STATE_CONFLICT ALREADY_CORRECTED"
        " SAME_SCAN_TWICE OUTSIDE_SUPPORT FIELD_NOT_INVERTIBLE BAD_COEFFICIENTS".split()
    )


class DoseError(IsocentraError):
    """A plan or a dose cannot be computed or judged."""

    reasons = frozenset(
        "UNKNOWN_MACHINE UNSUPPORTED_BEAM MISSING_METERSET BAD_METERSET INCOMPLETE_CONTROL_POINT"
        " NO_FRACTION_GROUP MLC_MISMATCH LEAF_COLLISION ISOCENTRE_OUTSIDE_IMAGE BODY_TRUNCATED"
        " HU_OUTSIDE_CURVE RELATIVE_DOSE BAD_DOSE BAD_GOAL NO_PRESCRIPTION".split()
    )


class AdaptiveError(IsocentraError):
    """An adaptive session cannot go on."""

    reasons = frozenset("REGISTRATION_FAILED SESSION_STATE STALE_RESULT".split())


class ServiceError(IsocentraError):
    """The command or the server refuses, or cannot go on."""

    reasons = frozenset(
        "UNAUTHENTICATED PERMISSION_DENIED QUOTA CONFLICT NOT_FOUND OUT_OF_RANGE DEADLINE CANCELLED"
        " STORE_FULL DRAINING".split()
    )


REASONS: Final[dict[str, type[IsocentraError]]] = {
    reason: family
    for family in (
        ReadingError,
        AssemblyError,
        StructureError,
        BolusError,
        DistortionError,
        DoseError,
        AdaptiveError,
        ServiceError,
    )
    for reason in sorted(family.reasons)
}
"""Every reason, and the family that raises it."""
