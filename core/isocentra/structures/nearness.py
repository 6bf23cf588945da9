"""How far the voxels of a grid are from a finely triangulated surface, within a band.

Mesh + Grid ──► voxels beside the surface, voxels farther off ──► nearest triangles by k-d tree
     ──► distance to those triangles, up to the band
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from isocentra import gpu_kernels
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Float32Volume
from isocentra.mesh.model import Mesh

__all__ = ["distance_within"]

BESIDE: Final = 2
"""Voxels on each side of the surface that are measured to its small triangles."""
NEAR_FACES: Final = 6
"""Triangles with the nearest middles that are measured, for voxels beside the surface."""
FAR_FACES: Final = 10
"""Triangles that are measured round the nearest rough one, for voxels farther off."""
POINTS_AT_ONCE: Final = 200_000
"""Bounds the temporaries to about 100 MB."""

Index3 = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Part of the index space of a grid, which it may leave by the width of the band."""

    start: Index3
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trees:
    """The triangles, and the trees by which they are found from near and from far."""

    corners_mm: Array64
    near: cKDTree
    far: cKDTree
    round_far: npt.NDArray[np.intp]
    """(m, n) triangles round each place of `far`."""


def distance_within(near: Mesh, far: Mesh, grid: Grid, band_mm: float) -> Float32Volume:
    """Distance of voxel centres to a surface, without sign.

    Parameters
    ----------
    near
        The surface, of triangles no larger than about a voxel; open or closed, at least one.
    far
        The same surface of triangles twice as long, by which voxels more than two off find the
        small ones to measure: among small ones far away a tree has to look at too many.
    grid
        Where to look, any orientation.
    band_mm
        What is farther gets this. [mm]

    Returns
    -------
    ndarray
        float32 ``grid.shape``. [mm]
    """
    out = np.full(grid.shape, band_mm, dtype=np.float32)
    box = _box(near, grid, band_mm)
    if box is None:
        return out
    beside, trees = _beside(near, box.grid), _trees(near, far)
    reach = band_mm + float(np.linalg.norm(grid.spacing_mm))
    away = gpu_kernels.signed_distance(beside.astype(np.uint8), grid.spacing_mm, reach)
    for measure, chosen in ((_close, away <= 0), (_distant, (away > 0) & (away < reach))):
        voxels = np.argwhere(chosen)
        voxels = voxels[_are_inside(voxels + np.array(box.start), grid)]
        distance = np.empty(len(voxels))
        for first in range(0, len(voxels), POINTS_AT_ONCE):
            some = slice(first, first + POINTS_AT_ONCE)
            distance[some] = measure(box.grid.to_points(voxels[some]), trees)
        out[tuple((voxels + np.array(box.start)).T)] = np.minimum(distance, band_mm)
    return out


def _trees(near: Mesh, far: Mesh) -> _Trees:
    corners = near.corners_mm
    tree = cKDTree(corners.mean(axis=1))
    places = far.corners_mm.mean(axis=1) if len(far.faces) else corners.mean(axis=1)
    _, faces = tree.query(places, k=min(FAR_FACES, len(corners)))
    return _Trees(
        corners_mm=corners,
        near=tree,
        # Points far from all leaves are found faster in a tree of few, uneven ones.
        far=cKDTree(places, leafsize=32, balanced_tree=False),
        round_far=np.asarray(faces, dtype=np.intp).reshape(len(places), -1),
    )


def _box(surface: Mesh, grid: Grid, band_mm: float) -> _Box | None:
    """Bound the voxels within the band of the surface and the surface within the band of them."""
    index = grid.to_index(surface.vertices_mm)
    pad = np.ceil(band_mm / np.array(grid.spacing_mm)) + 1
    low = np.maximum(np.floor(index.min(axis=0)) - pad, -pad).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0)) + pad, np.array(grid.shape) - 1 + pad).astype(int)
    if (high < low).any():
        return None
    x, y, z = grid.to_points(low).tolist()
    a, b, c = low.tolist()
    k, j, i = (high - low + 1).tolist()
    return _Box(start=(a, b, c), grid=replace(grid, shape=(k, j, i), origin_mm=(x, y, z)))


def _are_inside(voxels: npt.NDArray[np.intp], grid: Grid) -> npt.NDArray[np.bool_]:
    return np.asarray(((voxels >= 0) & (voxels < np.array(grid.shape))).all(axis=1))


def _beside(surface: Mesh, grid: Grid) -> npt.NDArray[np.bool_]:
    """Mark the voxels that hold a vertex, and their neighbours."""
    voxels = np.rint(grid.to_index(surface.vertices_mm)).astype(np.intp)
    voxels = voxels[_are_inside(voxels, grid)]
    out = np.zeros(grid.shape, dtype=bool)
    out[tuple(voxels.T)] = True
    return np.asarray(ndimage.binary_dilation(out, np.ones((3, 3, 3)), iterations=BESIDE))


def _close(points_mm: Array64, trees: _Trees) -> Array64:
    """(n,) distance to the nearest of the triangles whose middles are nearest. [mm]"""
    _, faces = trees.near.query(points_mm, k=min(NEAR_FACES, len(trees.corners_mm)))
    return _least(points_mm, trees.corners_mm, faces)


def _distant(points_mm: Array64, trees: _Trees) -> Array64:
    """(n,) distance to the nearest of the triangles round the nearest rough one. [mm]"""
    _, place = trees.far.query(points_mm)
    return _least(points_mm, trees.corners_mm, trees.round_far[place])


def _least(points_mm: Array64, corners_mm: Array64, faces: npt.ArrayLike) -> Array64:
    columns = np.asarray(faces, dtype=np.intp).reshape(len(points_mm), -1).T
    return np.asarray(
        np.min([_to_triangles(points_mm, corners_mm[column]) for column in columns], axis=0)
    )


def _to_triangles(points: Array64, corners: Array64) -> Array64:
    """(n,) distance of points (n, 3) to one triangle (n, 3, 3) each. [mm]"""
    a, b, c = np.moveaxis(corners, 1, 0)
    normal = np.cross(b - a, c - a)
    square = np.maximum(np.einsum("ni,ni->n", normal, normal), 1e-30)
    over = np.einsum("ni,ni->n", points - a, normal)
    is_over = np.ones(len(points), dtype=bool)
    nearest = np.full(len(points), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        way, own = end - start, points - start
        is_over &= np.einsum("ni,ni->n", np.cross(way, own), normal) >= 0
        along = np.einsum("ni,ni->n", own, way) / np.maximum(np.einsum("ni,ni->n", way, way), 1e-30)
        off = own - np.clip(along, 0, 1)[:, None] * way
        nearest = np.minimum(nearest, np.einsum("ni,ni->n", off, off))
    return np.asarray(np.sqrt(np.where(is_over, over**2 / square, nearest)))
