"""From stored numbers to values: modality rescale, and padding that is no tissue.

stored numbers, data set ──► Rescale ──► float32 values and a mask of padding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from isocentra.dicom.pixels import PixelLayout
from isocentra.dicom.refusal import refusal
from isocentra.dicom.slices import numbers_of, text_of
from isocentra.errors import AssemblyError, Where

__all__ = ["AIR", "Padding", "Rescale", "apply_rescale", "padding_of", "rescale_of"]

AIR: Final = {"CT": -1000.0, "MR": 0.0, "PT": 0.0}
"""What stands for nothing measured. [HU, or signal]"""
_HU_TYPES: Final = frozenset({"", "HU", "US"})
"""Rescale types of CT that mean Hounsfield units; US is "unspecified" (PS3.3 C.11.1.1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """value = stored · slope + intercept."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Padding:
    """Stored numbers low … high stand for pixels that were not measured."""

    low: int
    high: int


def rescale_of(data: Dataset, modality: str, name: str) -> Rescale:
    """Return the rescale that stands in `data`, a slice or the transformation item of a frame.

    Raises
    ------
    AssemblyError
        ``RESCALE_MISSING``: a CT or PT without it, or a CT whose values are not HU.
    """
    slope, intercept = (numbers_of(data, k) for k in ("RescaleSlope", "RescaleIntercept"))
    if slope and intercept:
        kind = text_of(data, "RescaleType").upper()
        if modality == "CT" and kind not in _HU_TYPES:
            raise _missing("The rescaled values of this CT are not Hounsfield units.", name)
        return Rescale(slope=slope[0], intercept=intercept[0])
    if modality == "MR":
        return Rescale(slope=1.0, intercept=0.0)
    raise _missing(f"A {modality} slice has no RescaleSlope or RescaleIntercept.", name)


def _missing(what: str, name: str) -> AssemblyError:
    return AssemblyError(
        "RESCALE_MISSING",
        what,
        where=Where(file=name),
        do="Export the series again, with modality rescale.",
    )


def padding_of(data: Dataset, layout: PixelLayout) -> Padding | None:
    """Return the padding values of a data set, None where it has none.

    Notes
    -----
    PS3.3 C.7.5.1.1.2: with PixelPaddingRangeLimit the values between the two. A number outside
    the signed range is one that was written unsigned.
    """
    value = numbers_of(data, "PixelPaddingValue")
    if not value:
        return None
    limit = numbers_of(data, "PixelPaddingRangeLimit") or value
    low, high = sorted(int(v) for v in (value[0], limit[0]))
    if layout.signed and high >= 1 << (layout.bits_allocated - 1):
        low, high = (v - (1 << layout.bits_allocated) for v in (low, high))
    return Padding(low=low, high=high)


def apply_rescale(
    stored: npt.NDArray[np.integer],
    out: npt.NDArray[np.float32],
    rescale: Rescale,
    padding: Padding | None,
    air: float,
) -> npt.NDArray[np.bool_] | None:
    """Write the values of one slice to `out`; return its mask of padding, None where it has none.

    Parameters
    ----------
    stored
        (rows, columns) whole numbers.
    out
        (rows, columns), written.
    rescale
        Of this slice.
    padding
        Stored numbers that are no measurement.
    air
        What to write there.
    """
    # An overflow becomes infinity here and a typed refusal in `check_finite`.
    with np.errstate(over="ignore", invalid="ignore"):
        np.multiply(stored, np.float32(rescale.slope), out=out, casting="unsafe")
        out += np.float32(rescale.intercept)
    if padding is None:
        return None
    mask = (stored >= padding.low) & (stored <= padding.high)
    if not mask.any():
        return None
    out[mask] = air
    return np.asarray(mask)


def check_finite(values: npt.NDArray[np.float32], name: str) -> None:
    """Refuse a slope or intercept that overflows.

    Raises
    ------
    ReadingError
        ``BAD_VALUE``.
    """
    if not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise refusal("BAD_VALUE", "RescaleSlope makes values that are not finite.", name)
