"""Where the skin lies: the surface on which the grey value crosses the local half maximum.

greys on an isotropic grid ──► smoothed S ──► inside level L below the skin ──► T = (L + air) / 2
   ──► skin = zero of (S − T) / (L − air)

A fixed −300 HU lies 0.3 to 0.8 mm inside the skin, depending on tissue and slice thickness; the
half maximum between the tissue just below and the air is where the edge of the blurred step is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Grid
from isocentra.image import Float32Volume

__all__ = ["AIR_HU", "fourth_order", "noise_hu", "skin_field"]

AIR_HU = -1000.0
INNER_BAND_MM = (1.5, 5.0)
"""Depth below the skin where the inside level is read: below the blur, above deeper organs."""
INNER_BLUR_MM = 3.0
INNER_CLIP_HU = 250.0
"""Bone and air below the skin do not pull the level further than this."""
LEAST_WEIGHT = 0.02
"""Below this share of inside voxels the part is thin (an ear): its level is a local maximum."""
THIN_WINDOW_MM = 2.5


def noise_hu(greys: Float32Volume, outside: npt.NDArray[np.bool_]) -> float:
    """Estimate the noise of the greys from air (voxels `outside`), by its median deviation. [HU]

    Notes
    -----
    1.4826 · median |v − median v|: robust against the edge of the couch and scattered objects.
    Air clipped at −1024 has no noise; the result is then 0.
    """
    air = greys[outside]
    if air.size < 100:
        return 0.0
    air = air[:: max(1, air.size // 200_000)]
    return float(1.4826 * np.median(np.abs(air - np.median(air))))


def skin_field(
    greys: Float32Volume, grid: Grid, body: npt.NDArray[np.bool_], *, sigma_mm: float
) -> tuple[Float32Volume, Float32Volume]:
    """Compute the field whose zero is the skin, positive inside, on an isotropic grid.

    Parameters
    ----------
    greys
        HU on `grid`, with everything that is not the patient already replaced by air.
    grid
        Isotropic grid, about 1 mm.
    body
        Mask of the patient on `grid`, its inner air included: there the field stays inside.
    sigma_mm
        Smoothing of the greys, by the fourth-order kernel. [mm]

    Returns
    -------
    field, level
        (S − T) / (L − air), about −0.5 in air and +0.5 in tissue [1], and L, the inside level. [HU]
    """
    step = grid.spacing_mm[0]
    smooth = fourth_order(greys, sigma_mm / step)
    tissue = (smooth > -300) | body
    depth = -signed_distance_mm(tissue, grid, INNER_BAND_MM[1] + 2)
    weight = ((depth > INNER_BAND_MM[0]) & (depth < INNER_BAND_MM[1])).astype(np.float32)
    blur = INNER_BLUR_MM / step
    clipped = np.clip(greys, -INNER_CLIP_HU, INNER_CLIP_HU)
    total = ndimage.gaussian_filter(weight, blur, truncate=3)
    level = ndimage.gaussian_filter(weight * clipped, blur, truncate=3)
    level /= np.maximum(total, 1e-6)
    thin = total < LEAST_WEIGHT
    if thin.any():
        lightly = ndimage.gaussian_filter(greys, 0.5 / step)
        size = 2 * round(THIN_WINDOW_MM / step) + 1
        peak = np.clip(ndimage.maximum_filter(lightly, size), -INNER_CLIP_HU, INNER_CLIP_HU)
        level = np.where(thin, peak, level)
    values = (smooth - (level + AIR_HU) / 2) / (level - AIR_HU)
    return np.asarray(values, dtype=np.float32), np.asarray(level, dtype=np.float32)


def fourth_order(greys: Float32Volume, sigma: float) -> Float32Volume:
    """Smooth by 2·G(σ) − G(√2·σ), σ in voxels: its second moment is nil, curved edges stay."""
    once = ndimage.gaussian_filter(greys, sigma, truncate=4)
    twice = ndimage.gaussian_filter(greys, sigma * np.sqrt(2), truncate=4)
    return np.asarray(2 * once - twice, dtype=np.float32)
