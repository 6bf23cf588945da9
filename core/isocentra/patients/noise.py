"""Noise like a scanner's: random, correlated in the plane, the same for the same seed.

seed, slice ──► white noise ──► filtered by the square root of a noise power spectrum ──► HU
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from numpy import fft

__all__ = ["NoiseTexture", "noise_plane"]


class NoiseTexture(StrEnum):
    """How neighbouring pixels' noise belongs together."""

    BLURRED = "blurred"
    """White noise under a Gaussian of σ 0.7 mm: iterative reconstruction, coarse grain, power at
    the lowest frequencies. The harder of the two for whatever averages."""
    RAMP = "ramp"
    """Filtered back-projection: power ∝ f · exp(−(f/f₀)²), f₀ 0.5 per mm. After Kijewski and Judy,
    Phys. Med. Biol. 32 (1987) 565: NPS ∝ |f| · MTF²(f)."""
    WHITE = "white"
    """No correlation."""


def noise_plane(
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    *,
    texture: NoiseTexture,
    seed: tuple[int, ...],
) -> npt.NDArray[np.float32]:
    """Return noise of mean 0 and standard deviation 1.

    Parameters
    ----------
    shape, spacing_mm
        Rows and columns, and the distance between their centres. [mm]
    seed
        Whole numbers ≥ 0 that name the draw: the series' seed, the slice.
    """
    random = np.random.default_rng(seed)
    white = random.standard_normal(shape, dtype=np.float32)
    if texture is NoiseTexture.WHITE:
        return white
    rows = fft.fftfreq(shape[0], spacing_mm[0])[:, None]
    columns = fft.rfftfreq(shape[1], spacing_mm[1])[None, :]
    square = rows**2 + columns**2
    if texture is NoiseTexture.BLURRED:
        amplitude = np.exp(-2 * np.pi**2 * 0.7**2 * square)
    else:
        amplitude = np.sqrt(np.sqrt(square)) * np.exp(-square / (2 * 0.5**2))
    # Mean power over the full plane: every column but the first (and Nyquist's) stands twice.
    weight = np.full(columns.shape, 2.0)
    weight[0, 0] = 1
    if shape[1] % 2 == 0:
        weight[0, -1] = 1
    power = float((amplitude**2 * weight).sum()) / (shape[0] * shape[1])
    filtered = fft.irfft2(fft.rfft2(white) * (amplitude / np.sqrt(power)), s=shape)
    return np.asarray(filtered, dtype=np.float32)
