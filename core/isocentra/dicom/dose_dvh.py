"""The DVHs that a planning system stored in its RTDOSE, held against their own figures.

DVHSequence item ──► curve (dose edges, volumes) ──► mean of the curve against the stored mean

The first of each pair in DVHData is a bin *width*: doses are its running sum. Stored minimum, mean
and maximum may be in per cent of a prescription although Dose Units says GY (a real breast case):
the curve is believed and the contradiction reported. DICOM PS3.3 C.8.8.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom import elements
from isocentra.errors import ReadingError, Where, printable
from isocentra.geometry.grid import Array64

__all__ = ["StoredDvh", "stored_dvhs"]

MOST_STORED: Final = 1e12
MEAN_TOLERANCE_GY: Final = 0.02
"""Two bins of the usual 0.01 Gy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDvh:
    """A cumulative or differential curve as stored."""

    roi_numbers: tuple[int, ...]
    is_cumulative: bool
    edges: Array64
    """(bins + 1,) dose at the edges of the bins, from 0. [Gy] or relative"""
    volumes: Array64
    """(bins,) volume at or above the lower edge, or inside the bin."""
    dose_unit: str
    """GY or RELATIVE."""
    volume_unit: str
    """CM3, PERCENT or PER_U."""
    stored_min: float | None = None
    """As stored, in whatever unit the writer took."""
    stored_mean: float | None = None
    stored_max: float | None = None

    def __post_init__(self) -> None:
        self.edges.setflags(write=False)
        self.volumes.setflags(write=False)

    @property
    def volume(self) -> float:
        """Whole volume, in `volume_unit`."""
        if not len(self.volumes):
            return 0.0
        return float(self.volumes[0] if self.is_cumulative else self.volumes.sum())

    @property
    def mean(self) -> float | None:
        """Mean dose of the curve, each bin taken at its middle; None without a volume."""
        total = self.volume
        if total <= 0:
            return None
        inside = (
            self.volumes - np.append(self.volumes[1:], 0.0) if self.is_cumulative else self.volumes
        )
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        return float(np.clip(inside, 0.0, None) @ middles / total)


def stored_dvhs(
    data: Dataset, *, file: str
) -> tuple[tuple[StoredDvh, ...], tuple[tuple[str, str], ...]]:
    """Return the stored curves and what was found wrong with them, as (code, message)."""
    curves: list[StoredDvh] = []
    warnings: list[tuple[str, str]] = []
    for item in elements.items(data, "DVHSequence", file=file):
        try:
            curve = _curve(item, file)
        except ReadingError as error:  # a broken curve does not spoil the dose
            warnings.append(("DVH_INCONSISTENT", f"A stored DVH cannot be read: {error.what}"))
            continue
        curves.append(curve)
    warnings += _contradictions(curves)
    return tuple(curves), tuple(warnings)


def _curve(item: Dataset, file: str) -> StoredDvh:
    pairs = elements.numbers(item, "DVHData", file=file)
    pairs = pairs[: len(pairs) // 2 * 2].reshape(-1, 2)
    scaling = elements.number(item, "DVHDoseScaling", file=file)
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.concatenate([[0.0], np.cumsum(pairs[:, 0])])
        edges = edges * (1.0 if scaling is None else scaling)
    if not np.isfinite(edges).all() or np.abs(pairs).max(initial=0.0) > MOST_STORED:
        raise ReadingError(
            "BAD_VALUE",
            "DVHData holds doses or volumes beyond all bounds.",
            where=Where(file=file),
            do="Export the dose again.",
        )
    numbers = [
        elements.integer(entry, "ReferencedROINumber", file=file)
        for entry in elements.items(item, "DVHReferencedROISequence", file=file)
    ]
    return StoredDvh(
        roi_numbers=tuple(number for number in numbers if number is not None),
        is_cumulative=elements.text(item, "DVHType").upper() != "DIFFERENTIAL",
        edges=edges,
        volumes=pairs[:, 1].copy(),
        dose_unit=elements.text(item, "DoseUnits").upper(),
        volume_unit=elements.text(item, "DVHVolumeUnits").upper(),
        stored_min=elements.number(item, "DVHMinimumDose", file=file),
        stored_mean=elements.number(item, "DVHMeanDose", file=file),
        stored_max=elements.number(item, "DVHMaximumDose", file=file),
    )


def _contradictions(curves: Sequence[StoredDvh]) -> list[tuple[str, str]]:
    """Compare each stored mean with its curve's; say which percentage would explain them all."""
    odd: list[tuple[StoredDvh, float, float]] = []
    for curve in curves:
        mean, stored = curve.mean, curve.stored_mean
        if mean is None or stored is None:
            continue
        width = float(np.max(np.diff(curve.edges), initial=0.0))
        if abs(stored - mean) > max(MEAN_TOLERANCE_GY, width):
            odd.append((curve, mean, stored))
    if not odd:
        return []
    wholes = [100.0 * mean / stored for _, mean, stored in odd if stored > 0 and mean > 0.1]
    whole = float(np.median(wholes)) if wholes else 0.0
    as_percent = whole > 0 and all(
        abs(stored * whole / 100.0 - mean) <= max(0.1, 0.02 * mean) for _, mean, stored in odd
    )
    unit = f"; they fit per cent of {whole:.1f} Gy" if as_percent else ""
    named = ", ".join(str(n) for curve, _, _ in odd for n in curve.roi_numbers)
    worst = max(abs(stored - mean) for _, mean, stored in odd)
    what = (
        f"The stored mean doses of ROIs {named} contradict their curves by up to {worst:.2f}"
        f" {printable(odd[0][0].dose_unit, 16)}{unit}."
    )
    return [("DVH_INCONSISTENT", what)]
