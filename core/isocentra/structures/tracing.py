"""Contours traced from a field of values on the planes of a grid.

coverage (0…1) or −distance [mm] on [k, j, i] ──► lines of one level, sub-voxel ──► Contour, …

Marching squares puts points exactly where the linear interpolation between neighbouring pixels has
the level; points between them are moved onto the level of the bilinear interpolation.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64, Grid
from isocentra.structures.fitting import fitted_contours, plane_frame
from isocentra.structures.marching import isolines
from isocentra.structures.model import Contour

__all__ = ["contours_from_field"]

POINTS_BETWEEN: Final = (0.25, 0.5, 0.75)
"""Where along each straight piece the line is brought onto the bilinear level."""
NEWTON_STEPS: Final = 3


def contours_from_field(
    values: npt.NDArray[np.floating],
    grid: Grid,
    *,
    level: float = 0.5,
    simplify_mm: float = 0.02,
) -> tuple[Contour, ...]:
    """Trace the outlines of everything above a level, plane by plane.

    Parameters
    ----------
    values
        ``grid.shape`` [k, j, i]: coverage (level 0.5), or a signed distance times −1 (level 0),
        for distances are negative inside. NaN is outside.
    grid
        Where the values lie; contours come on its k planes.
    level
        The level that is followed.
    simplify_mm
        How far a contour may lie from the level of the bilinear interpolation. [mm]

    Returns
    -------
    tuple of Contour
        CLOSED_PLANAR, in order of k; outlines counter-clockwise seen from the tip of the k axis,
        holes as clockwise inner contours; 0.001 mm; simple, none touching another.
    """
    if values.shape != grid.shape:
        raise TypeError(f"values of shape {values.shape} on a grid of {grid.shape}")
    found: list[Contour] = []
    for k in range(grid.shape[0]):
        plane = _finite(np.asarray(values[k], dtype=np.float64), level)
        if plane.max() <= level:
            continue
        frame = plane_frame(grid, float(k))
        rings = [
            frame.to_plane(grid.to_points(np.column_stack([np.full(len(line), k), line])))
            for line in (_refined(line, plane, level) for line in isolines(plane, level))
        ]
        found.extend(fitted_contours(rings, frame, simplify_mm=simplify_mm))
    return tuple(found)


def _finite(plane: Array64, level: float) -> Array64:
    """Put what is not known outside, about half a pixel from what is known to be inside."""
    unknown = ~np.isfinite(plane)
    if not unknown.any():
        return plane
    known = plane[~unknown]
    depth = float(np.abs(known - level).max()) if known.size else 1.0
    return np.where(unknown, level - depth, plane)


def _refined(line: Array64, plane: Array64, level: float) -> Array64:
    """Add points (row, column) between those of marching squares, on the bilinear level."""
    if min(plane.shape) < 2:
        return line
    a, b = line, np.roll(line, -1, axis=0)
    cell = np.clip(np.floor((a + b) / 2), 0, np.array(plane.shape) - 2).astype(np.intp)
    f = [plane[cell[:, 0] + r, cell[:, 1] + c] - level for r in (0, 1) for c in (0, 1)]
    inner = ((a >= 0) & (a <= np.array(plane.shape) - 1)).all(axis=1)
    inner &= np.roll(inner, -1)
    out = [a]
    for share in POINTS_BETWEEN:
        straight = a + share * (b - a)
        moved = _onto_level(straight - cell, f) + cell
        out.append(np.where(inner[:, None], moved, straight))
    return np.stack(out, axis=1).reshape(-1, 2)


def _onto_level(at: Array64, f: list[Array64]) -> Array64:
    """Move points (n, 2) within the unit cell onto f = 0 along the gradient; stay if that fails."""
    moved = at
    for _ in range(NEWTON_STEPS):
        y, x = moved.T
        value = (1 - y) * ((1 - x) * f[0] + x * f[1]) + y * ((1 - x) * f[2] + x * f[3])
        rise = np.column_stack(
            [
                (1 - x) * (f[2] - f[0]) + x * (f[3] - f[1]),
                (1 - y) * (f[1] - f[0]) + y * (f[3] - f[2]),
            ]
        )
        steep = np.maximum(np.einsum("ni,ni->n", rise, rise), 1e-30)
        moved = moved - (value / steep)[:, None] * rise
    stays = ((moved >= 0) & (moved <= 1)).all(axis=1)
    stays &= np.linalg.norm(moved - at, axis=1) < 0.25
    return np.where(stays[:, None], moved, at)
