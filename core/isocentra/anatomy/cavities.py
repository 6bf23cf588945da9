"""Air that belongs to the patient although it opens outside: nostrils, ear canals, closed folds.

body ──► spaces that a ball does not reach ──► what they shut in, and the deep ones of them that
   see almost no sky ──► grown back to their mouths

A crease between nose and cheek, or behind an ear, is narrow too, but open: from its bottom a good
share of all directions leads out. From inside a nostril hardly any does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid

__all__ = ["filled_holes", "plugged_air"]

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

BALL_MM = 6.0
"""A space narrower than twice this is not reached from outside."""
DEEP_MM = 4.0
"""A 90° crease is filled by the ball up to 2.5 mm deep."""
CLOSED_SKY = 0.03
"""Share of directions that lead out, below which air is inner. In the gap behind an ear that stands
off by 28° it is 0.06 or more; 15 mm deep in an 8 mm nostril 0.02."""
MOUTH_SKY = 0.2
MOUTH_MM = 10.0
DIRECTIONS = 96
SIGHT_MM = 60.0
BLOCK = 1 << 14
"""Voxels looked from at a time: keeps the temporaries below 50 MB."""


def filled_holes(mask: Mask) -> Mask:
    """Fill inner holes; what only opens through the first or last slice counts as inner.

    Slices between them are not filled one by one: the air under a nose tip is a hole in its slice.
    """
    capped = np.pad(mask, ((1, 1), (0, 0), (0, 0)))
    for end, beside in ((0, 1), (-1, -2)):
        capped[end] = ndimage.binary_fill_holes(capped[beside])
    return np.asarray(ndimage.binary_fill_holes(capped)[1:-1])


def plugged_air(solid: Mask, grid: Grid) -> Mask:
    """Find the air outside `solid` (inner holes already filled) that is to be filled as well."""
    reach = signed_distance_mm(solid, grid, BALL_MM + 4)
    closed = signed_distance_mm(reach <= BALL_MM, grid, BALL_MM + 4) < -BALL_MM
    narrow = closed & ~solid
    depth = -signed_distance_mm(closed | solid, grid, BALL_MM + 20)
    # What the ball shuts in is inner, however wide; of what it does not reach, what sees no sky.
    core = filled_holes(closed | solid) & ~(closed | solid)
    index = np.argwhere(narrow & (depth > DEEP_MM))
    core[tuple(index[_sky(solid, grid, index) < CLOSED_SKY].T)] = True
    if not core.any():
        return core
    near = narrow & (signed_distance_mm(core, grid, MOUTH_MM + 3) <= MOUTH_MM)
    index = np.argwhere(near & ~core)
    mouth = np.zeros_like(solid)
    mouth[tuple(index[_sky(solid, grid, index) < MOUTH_SKY].T)] = True
    labels, _ = ndimage.label(core | mouth)
    wanted = np.unique(labels[core])
    return np.isin(labels, wanted[wanted > 0])


def _sky(solid: Mask, grid: Grid, index: Numbers) -> Array64:
    """Share of evenly spread directions in which a straight way leads out, for each voxel."""
    if len(index) == 0:
        return np.empty(0)
    k = np.arange(DIRECTIONS) + 0.5
    z = 1 - 2 * k / DIRECTIONS
    turn = k * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z * z)
    ways = np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
    step_mm = min(grid.spacing_mm)
    steps = (ways @ np.array(grid.axes).T) * (step_mm / np.array(grid.spacing_mm))
    offsets = np.rint(np.arange(1, int(SIGHT_MM / step_mm))[:, None, None] * steps).astype(np.int64)
    margin = np.abs(offsets).max(axis=(0, 1))
    padded = np.pad(solid, [(m, m) for m in margin])
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    starts = (index + margin) @ strides
    return np.concatenate(
        [
            _open_share(padded.ravel(), starts[first : first + BLOCK], offsets @ strides)
            for first in range(0, len(starts), BLOCK)
        ]
    )


def _open_share(solid: Mask, starts: Numbers, shifts: Numbers) -> Array64:
    """Walk all ways (steps, directions) at once from each start; blocked ones are walked no more.

    Voxels are numbered through; `solid` has air all round, as far as any way leads.
    """
    start = np.repeat(np.arange(len(starts)), shifts.shape[1])
    way = np.tile(np.arange(shifts.shape[1]), len(starts))
    for shift in shifts:
        free = ~solid[starts[start] + shift[way]]
        start, way = start[free], way[free]
    return np.asarray(np.bincount(start, minlength=len(starts)) / shifts.shape[1])
