"""What share of each voxel an ROI fills.

Roi ──► slabs ──► rings on each voxel layer ──► exact pixel areas × thickness ──► coverage 0…1

Where the contour planes are parallel to a face of the voxels (any of the three), areas and
thicknesses are exact. Otherwise each layer of voxels is cut by sub-planes: exact within each,
midpoint rule between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from isocentra import gpu_kernels
from isocentra.errors import StructureError, Where
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Float32Volume
from isocentra.structures.model import Roi
from isocentra.structures.planes import PlaneStack, plane_stack
from isocentra.structures.slabs import Cap, Slab, slabs_of

__all__ = ["coverage"]

PARALLEL_MM: Final = 0.02
"""Planes that leave a voxel face by less than this over the whole ROI count as parallel. [mm]"""
SUB_PLANES: Final = 8
"""Cuts through one voxel where the grid is oblique to the contour planes."""
SUB_PLANES_NEARLY_PARALLEL: Final = 32
"""The same within 5°, where a flat end can lie between two cuts over a whole area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The grid seen along the axis that is nearest to the contours' normal.

    An index along that axis is c₀ + c·(u, v, h): `along` = (c_u, c_v, c_h, c₀); the same for the
    two axes `rows` and `columns` that the layers lie in.
    """

    axis: int
    along: Array64
    rows: Array64
    columns: Array64
    shape: tuple[int, int, int]
    """(layers, rows, columns)."""


def coverage(roi: Roi, grid: Grid, *, cap: Cap = Cap.HALF_SLICE) -> Float32Volume:
    """Share of each voxel's volume that lies in an ROI.

    Parameters
    ----------
    roi
        The ROI; its contour planes may have any direction and need not be the grid's.
    grid
        Where to look. A lone plane is as thick as the grid's spacing along its normal.
    cap
        What the ends are.

    Returns
    -------
    ndarray
        float32 ``grid.shape`` [k, j, i], 0…1.

    Raises
    ------
    StructureError
        As `plane_stack`; ``ROI_OUTSIDE_IMAGE`` when no voxel has a share.

    Notes
    -----
    Exact to float32 for parallel planes. On an oblique grid the share of a voxel that the surface
    passes is off by at most 1/16, volumes by less than 0.1 % (docs/reference/structures.md).
    """
    stack = plane_stack(roi)
    view, is_parallel = _view(stack, grid)
    slabs = slabs_of(stack, cap=cap, lone_step_mm=grid.spacing_mm[view.axis])
    out = np.zeros(view.shape, dtype=np.float32)
    if is_parallel:
        for slab in slabs:
            _add_parallel(out, slab, view)
    else:
        _add_oblique(out, slabs, view)
    if not out.any():
        x, y, z = stack.points_mm.mean(axis=0).tolist()
        raise StructureError(
            "ROI_OUTSIDE_IMAGE",
            "No part of the ROI lies inside the grid of the image.",
            where=Where(roi=roi.name, position_mm=(x, y, z)),
            do="Check that the structure set was drawn on this image.",
        )
    return np.ascontiguousarray(np.moveaxis(np.minimum(out, 1), 0, view.axis))


def _view(stack: PlaneStack, grid: Grid) -> tuple[_View, bool]:
    axes = np.array(grid.axes)
    towards = axes @ stack.axes[2]
    axis = int(np.abs(towards).argmax())
    rest = [a for a in range(3) if a != axis]
    scaled = axes / np.array(grid.spacing_mm)[:, None]
    origin = -scaled @ np.array(grid.origin_mm)
    affine = np.column_stack([scaled @ stack.axes.T, origin])
    extent = float(np.linalg.norm(np.ptp(stack.points_mm, axis=0)))
    tilt = float(np.linalg.norm(np.cross(axes[axis], stack.axes[2])))
    is_parallel = tilt * extent < PARALLEL_MM
    if is_parallel:
        affine[axis, :2] = 0
    view = _View(
        axis=axis,
        along=affine[axis],
        rows=affine[rest[0]],
        columns=affine[rest[1]],
        shape=(grid.shape[axis], grid.shape[rest[0]], grid.shape[rest[1]]),
    )
    return view, is_parallel


def _add_parallel(out: Float32Volume, slab: Slab, view: _View) -> None:
    ends = sorted(view.along[2] * h + view.along[3] for h in (slab.low_mm, slab.high_mm))
    first = max(int(np.floor(ends[0] + 0.5)), 0)
    last = min(int(np.ceil(ends[1] - 0.5)), view.shape[0] - 1)
    if last < first:
        return
    middle = (slab.low_mm + slab.high_mm) / 2
    rings = [np.column_stack([ring, np.full(len(ring), middle)]) for ring in slab.rings]
    box, areas = _areas(rings, view)
    if areas is None:
        return
    for layer in range(first, last + 1):
        share = min(ends[1], layer + 0.5) - max(ends[0], layer - 0.5)
        out[layer][box] += np.float32(share) * areas


def _add_oblique(out: Float32Volume, slabs: Sequence[Slab], view: _View) -> None:
    pieces = [(slab, ring) for slab in slabs for ring in slab.rings]
    reach = np.array([_levels(slab, ring, view) for slab, ring in pieces])
    lean = np.hypot(view.along[0], view.along[1]) / np.linalg.norm(view.along[:3])
    cuts = SUB_PLANES_NEARLY_PARALLEL if lean < np.sin(np.radians(5)) else SUB_PLANES
    first = max(int(np.floor(reach[:, 0].min())), 0)
    last = min(int(np.ceil(reach[:, 1].max())), view.shape[0] - 1)
    for layer in range(first, last + 1):
        for nth in range(cuts):
            level = layer - 0.5 + (nth + 0.5) / cuts
            met = np.flatnonzero((reach[:, 0] < level) & (level < reach[:, 1])).tolist()
            rings = [_cut(*pieces[m], level, view) for m in met]
            box, areas = _areas([ring for ring in rings if len(ring) >= 3], view)
            if areas is not None:
                out[layer][box] += areas / np.float32(cuts)


def _levels(slab: Slab, ring: Array64, view: _View) -> tuple[float, float]:
    """Lowest and highest index along the view's axis that the prism over a ring reaches."""
    base = ring @ view.along[:2] + view.along[3]
    rise = sorted((view.along[2] * slab.low_mm, view.along[2] * slab.high_mm))
    return float(base.min() + rise[0]), float(base.max() + rise[1])


def _cut(slab: Slab, ring: Array64, level: float, view: _View) -> Array64:
    """Return the ring (n, 3) u, v, h in which the plane of one index level cuts a prism."""
    h = (level - view.along[3] - ring @ view.along[:2]) / view.along[2]
    points = _clipped(np.column_stack([ring, h]), slab.low_mm, 1.0)
    return _clipped(points, slab.high_mm, -1.0)


def _clipped(points: Array64, bound_mm: float, side: float) -> Array64:
    """Keep the part of a ring on one side of a height (Sutherland and Hodgman 1974).

    What it leaves along the bound runs there and back, so that areas stay right even-odd.
    """
    over = side * (points[:, 2] - bound_mm)
    if (over >= 0).all() or len(points) == 0:
        return points
    following, over_next = np.roll(points, -1, axis=0), np.roll(over, -1)
    crosses = (over >= 0) != (over_next >= 0)
    share = np.divide(over, over - over_next, out=np.zeros_like(over), where=crosses)
    crossing = points + share[:, None] * (following - points)
    keep = np.column_stack([over >= 0, crosses]).ravel()
    return np.asarray(np.stack([points, crossing], axis=1).reshape(-1, 3)[keep])


def _areas(
    rings: Sequence[Array64], view: _View
) -> tuple[tuple[slice, slice], Float32Volume | None]:
    """Pixel areas of rings (n, 3) u, v, h in their box of the layer; None where they miss it."""
    nothing = (slice(0), slice(0))
    if not rings:
        return nothing, None
    points = np.concatenate(list(rings))
    xy = np.column_stack(
        [points @ view.columns[:3] + view.columns[3], points @ view.rows[:3] + view.rows[3]]
    )
    low = np.maximum(np.floor(xy.min(axis=0) + 0.5).astype(int), 0)
    high = np.minimum(np.ceil(xy.max(axis=0) - 0.5).astype(int) + 1, view.shape[:0:-1])
    if (high <= low).any():
        return nothing, None
    starts = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int32)
    areas = gpu_kernels.polygon_coverage(
        np.ascontiguousarray(xy - low), starts, (int(high[1] - low[1]), int(high[0] - low[0]))
    )
    return (slice(low[1], high[1]), slice(low[0], high[0])), areas
