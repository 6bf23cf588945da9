"""Colour scales: perceptual, readable in grey, without jet; a signed one has its zero in white.

values ──► ColourScale ──► colours of a surface, and the bar that explains them
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap

__all__ = ["MISSING_COLOUR", "ColourScale", "ScaleKind", "scale_for", "signed_scale_for"]

Colours = npt.NDArray[np.float32]

MISSING_COLOUR: Final = (0.78, 0.78, 0.78)
"""Where there is no value: a grey that no scale here holds at that lightness with a hue."""

SIGNED_STOPS: Final = ("#1f4e9e", "#6f9fd8", "#c9dcf2", "#ffffff", "#f7cdb8", "#e0805a", "#a3222a")
"""Blue below, white at zero, red above: told apart by red-green blind readers as well."""

STEPS: Final = 257
"""Odd, so that the middle one is exactly white."""


class ScaleKind(StrEnum):
    """Which family of colours."""

    SEQUENTIAL = "sequential"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourScale:
    """From a value to a colour."""

    label: str
    unit: str
    low: float
    high: float
    kind: ScaleKind = ScaleKind.SEQUENTIAL

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a colour scale from {self.low} to {self.high}")
        if self.kind is ScaleKind.SIGNED and self.low != -self.high:
            raise ValueError("a signed scale is symmetric about zero")

    @property
    def title(self) -> str:
        """Label with unit, as it stands beside the bar."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def colormap(self) -> Colormap:
        """The map for matplotlib; what is missing is grey."""
        if self.kind is ScaleKind.SIGNED:
            return LinearSegmentedColormap.from_list("signed", SIGNED_STOPS, N=STEPS)
        return colormaps["viridis"].resampled(STEPS)

    def colours(self, values: npt.ArrayLike) -> Colours:
        """(..., 3) sRGB 0..1 of values; those beyond the ends take the ends' colours."""
        v = np.asarray(values, dtype=np.float64)
        share = np.clip((v - self.low) / (self.high - self.low), 0.0, 1.0)
        known = np.isfinite(v)
        index = np.rint(np.where(known, share, 0.0) * (STEPS - 1)).astype(np.intp)
        table = self.colormap(np.arange(STEPS))[:, :3].astype(np.float32)
        return np.where(known[..., None], table[index], np.array(MISSING_COLOUR, np.float32))


def scale_for(values: npt.ArrayLike, label: str, unit: str) -> ColourScale:
    """Return a sequential scale over the range of the finite values, to round ends."""
    v = np.asarray(values, dtype=np.float64)
    v = v[np.isfinite(v)]
    low, high = (float(v.min()), float(v.max())) if v.size else (0.0, 1.0)
    step = _round_step(max(high - low, 1e-3))
    low = _tidy(np.floor(low / step + 1e-9) * step)
    high = _tidy(max(np.ceil(high / step - 1e-9) * step, low + step))
    return ColourScale(label=label, unit=unit, low=low, high=high)


def signed_scale_for(values: npt.ArrayLike, label: str, unit: str) -> ColourScale:
    """Return a signed scale, symmetric about zero, that holds all finite values."""
    v = np.asarray(values, dtype=np.float64)
    v = v[np.isfinite(v)]
    most = float(np.abs(v).max()) if v.size else 1.0
    step = _round_step(max(most, 1e-3))
    high = _tidy(max(np.ceil(most / step - 1e-9), 1) * step)
    return ColourScale(label=label, unit=unit, low=-high, high=high, kind=ScaleKind.SIGNED)


def _tidy(value: float) -> float:
    """Drop what binary fractions add: 4.8, not 4.800000000000001, stands beside the bar."""
    return round(float(value), 9)


def _round_step(span: float) -> float:
    """Return 1, 2 or 5 times a power of ten, about a fifth of the span."""
    rough = span / 5
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))
