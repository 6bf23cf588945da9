"""Values on a grid, read at points and on other grids: the arithmetic between Grid and kernels.

Grids are indexed k, j, i; the kernels take x, y, z = i, j, k.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from isocentra import gpu_kernels
from isocentra.geometry.grid import Array64, Grid

__all__ = [
    "Float32Array",
    "in_slabs",
    "index_mapping",
    "index_shift",
    "spatial_gradient",
    "vectors_at",
]

Float32Array = npt.NDArray[np.float32]

_REVERSE: Final = np.eye(3)[::-1]
"""Exchanges k, j, i and x, y, z."""

_POINTS_AT_ONCE: Final = 1 << 20
"""Points of a slab: 24 MB for their coordinates."""


def index_mapping(source: Grid, target: Grid, motion: Array64 | None = None) -> Array64:
    """Return the (3, 4) matrix from target index (x, y, z, 1) to source index (x, y, z).

    `motion` is (4, 4), from points of the target to points of the source; None: the same point.
    """
    points = target.matrix if motion is None else motion @ target.matrix
    index = (np.linalg.inv(source.matrix) @ points)[:3]
    return np.hstack([_REVERSE @ index[:, :3] @ _REVERSE, _REVERSE @ index[:, 3:]])


def index_shift(
    source: Grid, displacement_mm: Float32Array, turn: Array64 | None = None
) -> Float32Array:
    """Return (nk, nj, ni, 3) in LPS [mm] as planes (3, nk, nj, ni) x, y, z [source voxel].

    `turn` (3, 3) rotates them from the target's frame to the source's.
    """
    scale = np.linalg.inv(source.matrix[:3, :3])[::-1]
    matrix = (scale if turn is None else scale @ turn).astype(np.float32)
    return np.ascontiguousarray(np.einsum("kjic,rc->rkji", displacement_mm, matrix))


def vectors_at(
    vectors: Float32Array,
    index_kji: Array64,
    compute: gpu_kernels.Compute = gpu_kernels.ON_CPU,
) -> Float32Array:
    """Return (n, c) trilinear values of (nk, nj, ni, c) at continuous indices (n, 3).

    NaN more than half a voxel outside; within half a voxel outside, the value at the border.
    """
    count, components = len(index_kji), vectors.shape[-1]
    planes_kji = np.ascontiguousarray(index_kji.T)
    known = np.isfinite(planes_kji)
    if not known.any(axis=1).all():
        return np.full((count, components), np.nan, dtype=np.float32)
    # Only the box round the points is copied: contours need little of a large field.
    top = np.array(vectors.shape[:3]) - 1
    first = np.min(planes_kji, axis=1, where=known, initial=np.inf)
    last = np.max(planes_kji, axis=1, where=known, initial=-np.inf)
    low = np.clip(np.floor(first), 0, top).astype(int)
    high = np.clip(np.ceil(last), low, top).astype(int) + 1
    box = vectors[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    planes = np.ascontiguousarray((planes_kji - low[:, None])[::-1], dtype=np.float32)
    parts = [
        gpu_kernels.resample(
            np.ascontiguousarray(box[..., component]),
            shape=(1, 1, count),
            matrix=np.zeros((3, 4)),
            displacement=planes.reshape(3, 1, 1, count),
            fill=np.nan,
            compute=compute,
        )
        for component in range(components)
    ]
    return np.stack(parts, axis=-1).reshape(count, components)


def spatial_gradient(vectors: Float32Array, grid: Grid) -> Float32Array:
    """Return (nk, nj, ni, c, 3) derivatives ∂v_c/∂(x, y, z) in LPS [unit of v / mm].

    Central differences, of second order at the borders too; 0 along an axis of one voxel.
    """
    to_index = np.linalg.inv(grid.matrix[:3, :3]).astype(np.float32)
    total = np.zeros((*vectors.shape, 3), dtype=np.float32)
    for axis, count in enumerate(grid.shape):
        if count > 1:
            order: Literal[1, 2] = 2 if count > 2 else 1
            slope = np.gradient(vectors, axis=axis, edge_order=order)
            total += slope[..., None] * to_index[axis]
    return total


def in_slabs(grid: Grid) -> Iterator[tuple[slice, Array64]]:
    """Yield (slice of k, (n, 3) LPS positions of its voxel centres [mm]) of a whole grid."""
    depth = max(1, _POINTS_AT_ONCE // (grid.shape[1] * grid.shape[2]))
    for begin in range(0, grid.shape[0], depth):
        end = min(begin + depth, grid.shape[0])
        part = grid.cropped((begin, 0, 0), (end, grid.shape[1], grid.shape[2]))
        yield slice(begin, end), part.centres().reshape(-1, 3)
