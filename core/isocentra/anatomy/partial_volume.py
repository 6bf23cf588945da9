"""Thick slices: the skin is moved to where it explains the slices' own greys.

distance ──► how full each voxel of the scan would be ──► against how full its grey says it is
   ──► local least-squares shift of the surface

Where skin lies along thick slices, a voxel's grey is the share of its slab that is filled, and no
interpolation between slabs has its half maximum at the edge: it errs by up to a tenth of a slice.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from isocentra.anatomy.skin import AIR_HU
from isocentra.geometry.grid import Grid
from isocentra.geometry.resample import resample_values
from isocentra.image import Float32Volume

__all__ = ["matched_to_slices"]

SUB_PLANES = 8
"""Planes within a slice on which the distance is read."""
PIXEL_BLUR_MM = 0.6
"""In-plane blur of the scanner, σ."""
PROBE_MM = 0.1
WINDOW_MM = 1.5
"""σ of the neighbourhood that shares one shift."""
LEAST_EVIDENCE = 0.02
"""Added to the squared slopes: where few voxels are part full, little is moved. [1/mm²]"""
MOST_SHIFT_MM = 0.5
ROUNDS = 2


def matched_to_slices(
    distance_mm: Float32Volume,
    grid: Grid,
    greys: Float32Volume,
    slices: Grid,
    level_hu: Float32Volume,
) -> Float32Volume:
    """Shift a skin distance so that partial volumes agree with the scan.

    Parameters
    ----------
    distance_mm, grid
        Signed distance to the skin on an isotropic grid, negative inside. [mm]
    greys, slices
        The scan itself, foreign things replaced by air, on its own voxels. [HU]
    level_hu
        Inside level on `slices`. [HU]

    Notes
    -----
    Shift δ = Σ w r s / (Σ w s² + ε), r the measured less the predicted fullness, s = −∂fullness/∂D
    and w a Gaussian window: the step of Lucas and Kanade (1981), with the surface in place of an
    image.
    """
    measured = np.clip((greys - AIR_HU) / (level_hu - AIR_HU), -0.1, 1.1)
    sigma = [WINDOW_MM / s for s in slices.spacing_mm]
    sigma[0] = max(sigma[0], 0.5)
    moved = distance_mm
    for _ in range(ROUNDS):
        inner, outer = (_fullness(moved + step, grid, slices) for step in (-PROBE_MM, PROBE_MM))
        slope = (inner - outer) / (2 * PROBE_MM)
        miss = measured - (inner + outer) / 2
        evidence = ndimage.gaussian_filter(slope * slope, sigma) + LEAST_EVIDENCE
        shift = ndimage.gaussian_filter(miss * slope, sigma) / evidence
        shift = np.clip(shift, -MOST_SHIFT_MM, MOST_SHIFT_MM).astype(np.float32)
        moved = moved - resample_values(shift, slices, grid, fill=0.0)
    return moved


def _fullness(distance_mm: Float32Volume, grid: Grid, slices: Grid) -> Float32Volume:
    """Return the share of each voxel of the scan that lies inside, blurred in the plane."""
    step = slices.spacing_mm[0] / SUB_PLANES
    total = np.zeros(slices.shape, np.float32)
    for n in range(SUB_PLANES):
        offset = (n + 0.5) / SUB_PLANES - 0.5
        x, y, z = slices.to_points([offset, 0.0, 0.0]).tolist()
        plane = replace(slices, origin_mm=(x, y, z))
        read = resample_values(distance_mm, grid, plane, fill=5.0)
        total += np.clip(0.5 - read / max(step, 0.5), 0, 1)
    sigma = [0.0] + [PIXEL_BLUR_MM / s for s in slices.spacing_mm[1:]]
    return np.asarray(ndimage.gaussian_filter(total / SUB_PLANES, sigma), dtype=np.float32)
