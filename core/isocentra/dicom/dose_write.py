"""RTDOSE out.

values on a Grid + what they are of ──► scaled whole numbers ──► file, 32 bits (or 16 to be checked)

Dose Grid Scaling is rounded up to its 16 characters first and then divided by, so that what is read
differs from what was given by at most half a step. DICOM PS3.3 A.18, C.8.8.3, C.8.8.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from isocentra.dicom.derived import Made, as_ds, head, item, reference, sealed
from isocentra.dicom.dose_dvh import StoredDvh
from isocentra.errors import DoseError
from isocentra.geometry.grid import Grid
from isocentra.image import Float32Volume, Image

__all__ = ["DoseBits", "DoseContent", "DoseSummation", "dose_bytes"]

RTDOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
RTPLAN: Final = "1.2.840.10008.5.1.4.1.1.481.5"
RTSTRUCT: Final = "1.2.840.10008.5.1.4.1.1.481.3"
FRAME_OFFSETS_TAG: Final = 0x3004000C


class DoseBits(IntEnum):
    """Bits of a stored number: 16 for the twin that dciodvfy can look at."""

    SIXTEEN = 16
    THIRTY_TWO = 32


class DoseSummation(StrEnum):
    """Dose Summation Type: what the dose is the sum of."""

    PLAN = "PLAN"
    """All fractions of all beams."""
    MULTI_PLAN = "MULTI_PLAN"
    FRACTION = "FRACTION"
    """One fraction of a fraction group."""
    BEAM = "BEAM"
    """One fraction of one beam."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseContent:
    """What a dose is of."""

    summation: DoseSummation = DoseSummation.PLAN
    plan_uids: tuple[str, ...] = ()
    """SOP Instance UIDs of the plans; the standard wants one for all types here."""
    fraction_group: int | None = None
    beam_numbers: tuple[int, ...] = ()
    structure_set_uid: str = ""
    """What the DVHs' ROI numbers are of."""
    dvhs: tuple[StoredDvh, ...] = ()
    comment: str = ""
    """What must be known to use it: an INCOMPLETE dose says so here."""


def dose_bytes(
    values_gy: Float32Volume,
    grid: Grid,
    image: Image,
    content: DoseContent,
    *,
    bits: DoseBits = DoseBits.THIRTY_TWO,
    made: Made | None = None,
) -> bytes:
    """Return an RTDOSE file.

    Parameters
    ----------
    values_gy
        (nk, nj, ni) dose. [Gy]
    grid
        Where the values lie, in the image's frame of reference.
    image
        Gives patient, study and frame of reference.
    content
        What the dose is of.
    bits
        Of a stored number.
    made
        Date and time to tell; without it the study's.

    Raises
    ------
    DoseError
        ``BAD_DOSE``: a value that is negative or not finite.
    """
    if values_gy.shape != grid.shape:
        raise TypeError(f"dose {values_gy.shape} on a grid of {grid.shape}")
    if not np.isfinite(values_gy).all() or values_gy.min() < 0:
        raise DoseError(
            "BAD_DOSE",
            "The dose to be written holds values that are negative or not finite.",
            do="Report this: a dose that is written must be finite and not negative.",
        )
    out = head(image, sop_class_uid=RTDOSE, modality="RTDOSE", made=made or Made())
    if content.comment:
        out.DoseComment = content.comment[:1024]
    out.InstanceNumber = 1
    _put_planes(out, values_gy, grid, bits)
    out.DoseUnits = "GY"
    out.DoseType = "PHYSICAL"
    out.DoseSummationType = content.summation.value
    if content.plan_uids:
        out.ReferencedRTPlanSequence = [_plan(uid, content) for uid in content.plan_uids]
    if content.structure_set_uid:
        out.ReferencedStructureSetSequence = [reference(RTSTRUCT, content.structure_set_uid)]
    if content.dvhs:
        out.DVHSequence = [_dvh(curve) for curve in content.dvhs]
    return sealed(out, "dose")


def _put_planes(out: Dataset, values_gy: Float32Volume, grid: Grid, bits: DoseBits) -> None:
    """Add image plane, pixel and multi-frame elements; frames go along n = r × c."""
    k, j, i = np.array(grid.axes)
    forward = bool(np.cross(i, j) @ k > 0)
    origin = np.array(grid.origin_mm)
    if not forward:
        origin = origin + k * grid.spacing_mm[0] * (grid.shape[0] - 1)
        values_gy = values_gy[::-1]
    frames, rows, columns = grid.shape
    out.ImagePositionPatient = [as_ds(v) for v in origin]
    out.ImageOrientationPatient = [as_ds(v) for v in (*i, *j)]
    out.PixelSpacing = [as_ds(grid.spacing_mm[1]), as_ds(grid.spacing_mm[2])]
    out.SliceThickness = as_ds(grid.spacing_mm[0])
    out.SamplesPerPixel = 1
    out.PhotometricInterpretation = "MONOCHROME2"
    out.NumberOfFrames = frames
    out.FrameIncrementPointer = FRAME_OFFSETS_TAG
    out.GridFrameOffsetVector = [as_ds(m * grid.spacing_mm[0]) for m in range(frames)]
    out.Rows, out.Columns = rows, columns
    out.BitsAllocated = out.BitsStored = int(bits)
    out.HighBit = int(bits) - 1
    out.PixelRepresentation = 0
    scaling, numbers = _scaled(values_gy, bits)
    out.DoseGridScaling = scaling
    data = numbers.tobytes()
    out.PixelData = data + b"\0" * (len(data) % 2)
    out["PixelData"].VR = "OW"


def _scaled(
    values_gy: Float32Volume, bits: DoseBits
) -> tuple[str, npt.NDArray[np.unsignedinteger]]:
    """Return Dose Grid Scaling as it is written, and the whole numbers that go with it."""
    top = float(2 ** int(bits) - 1)
    highest = float(values_gy.max())
    step = highest / top if highest > 0 else 1.0
    written = as_ds(step)
    while float(written) * top < highest:  # rounding down would push the maximum out of range
        step *= 1 + 1e-9
        written = as_ds(step)
    numbers = np.rint(values_gy.astype(np.float64) / float(written))
    return written, np.ascontiguousarray(np.minimum(numbers, top).astype(f"<u{int(bits) // 8}"))


def _plan(uid: str, content: DoseContent) -> Dataset:
    out = reference(RTPLAN, uid)
    if content.summation in {DoseSummation.PLAN, DoseSummation.MULTI_PLAN}:
        return out
    if content.fraction_group is not None:
        group = item(ReferencedFractionGroupNumber=content.fraction_group)
        if content.beam_numbers:
            group.ReferencedBeamSequence = [
                item(ReferencedBeamNumber=number) for number in content.beam_numbers
            ]
        out.ReferencedFractionGroupSequence = [group]
    return out


def _dvh(curve: StoredDvh) -> Dataset:
    pairs = np.stack([np.diff(curve.edges), curve.volumes], axis=1).ravel()
    out = item(
        DVHType="CUMULATIVE" if curve.is_cumulative else "DIFFERENTIAL",
        DoseUnits=curve.dose_unit,
        DoseType="PHYSICAL",
        DVHDoseScaling="1",
        DVHVolumeUnits=curve.volume_unit,
        DVHNumberOfBins=len(curve.volumes),
        DVHData=[as_ds(value) for value in pairs],
        DVHReferencedROISequence=_dvh_rois(curve.roi_numbers),
    )
    for keyword, value in (
        ("DVHMinimumDose", curve.stored_min),
        ("DVHMaximumDose", curve.stored_max),
        ("DVHMeanDose", curve.stored_mean),
    ):
        if value is not None:
            setattr(out, keyword, as_ds(value))
    return out


def _dvh_rois(numbers: Sequence[int]) -> list[Dataset]:
    return [item(ReferencedROINumber=n, DVHROIContributionType="INCLUDED") for n in numbers]
