"""The body's outline on every slice: the EXTERNAL of an image that came without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from isocentra.anatomy.body import COARSE_STEP_MM, Body, block_mean
from isocentra.anatomy.skin import AIR_HU, INNER_BAND_MM, INNER_BLUR_MM, INNER_CLIP_HU
from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.resample import resample_values
from isocentra.image import Float32Volume, Image
from isocentra.structures.model import Contour
from isocentra.structures.tracing import contours_from_field

__all__ = ["body_contours"]

SIGMA_MM = 0.7
REACH_MM = 4.0
"""How far the outline may lie from the coarse body's."""
SIMPLIFY_MM = 0.05


def body_contours(image: Image, body: Body) -> tuple[Contour, ...]:
    """Trace the skin on each slice of a CT, at the local half maximum.

    Returns
    -------
    tuple of Contour
        CLOSED_PLANAR on the slices' planes; the inside level is that of 2 mm voxels.
    """
    greys, _ = block_mean(image, COARSE_STEP_MM)
    distance = signed_distance_mm(body.mask, body.grid, 2 * REACH_MM)
    level = _inside_level(greys, distance, body.grid)
    coarse = _one_wider(body.grid)
    distance, level = (np.pad(values, 1, mode="edge") for values in (distance, level))
    contours: list[Contour] = []
    _, rows, columns = image.grid.shape
    for k in range(image.grid.shape[0]):
        grid = image.grid.cropped((k, 0, 0), (k + 1, rows, columns))
        reach = resample_values(distance, coarse, grid, fill=2 * REACH_MM)[0]
        if not (reach < 0).any():
            continue
        tissue = resample_values(level, coarse, grid, fill=0.0)[0]
        sigma = [SIGMA_MM / s for s in image.grid.spacing_mm[1:]]
        smooth = ndimage.gaussian_filter(image.values[k], sigma, truncate=3)
        field = (smooth - (tissue + AIR_HU) / 2) / (tissue - AIR_HU)
        field = np.where(reach < -REACH_MM / 2, np.maximum(field, 0.25), field)
        field = np.where(reach > REACH_MM, np.minimum(field, -0.25), field)
        contours.extend(
            contours_from_field(
                _solid(field, reach)[None], grid, level=0.0, simplify_mm=SIMPLIFY_MM
            )
        )
    return tuple(contours)


def _one_wider(grid: Grid) -> Grid:
    """Return the grid with one voxel more at each end: blocks leave out a last odd slice."""
    k, j, i = (n + 2 for n in grid.shape)
    x, y, z = grid.to_points((-1, -1, -1)).tolist()
    return replace(grid, shape=(k, j, i), origin_mm=(x, y, z))


def _inside_level(greys: Float32Volume, distance: Float32Volume, grid: Grid) -> Float32Volume:
    """Mean HU just below the skin, by normalised convolution on the coarse grid."""
    low, high = INNER_BAND_MM
    weight = ((distance < -low) & (distance > -high)).astype(np.float32)
    sigma = [INNER_BLUR_MM / s for s in grid.spacing_mm]
    clipped = np.clip(greys, -INNER_CLIP_HU, INNER_CLIP_HU)
    total = ndimage.gaussian_filter(weight, sigma, truncate=3)
    mean = ndimage.gaussian_filter(weight * clipped, sigma, truncate=3)
    return np.where(total > 0.01, mean / np.maximum(total, 1e-6), 0.0).astype(np.float32)


def _solid(field: Array64, reach_mm: Float32Volume) -> Array64:
    """Leave only what hangs together with the body in this slice, without inner holes."""
    inside = field > 0
    labels, _ = ndimage.label(inside)
    wanted = np.unique(labels[(reach_mm < -1) & inside])
    keep = np.isin(labels, wanted[wanted > 0])
    whole = ndimage.binary_fill_holes(keep)
    field = np.where(whole & ~keep, np.maximum(field, 0.25), field)
    return np.where(inside & ~keep, -0.25, field)
