"""The smooth solid of an ROI: a surface through its contours, and the distance to it.

Roi ──► PlaneStack ──► distance to the outline on each plane ──► cubic between planes ──► field
     field ──► Mesh (marching cubes) ──► signed distance on any grid

For volumes and doses the slabs of `slabs.py` are the convention; this solid is for surfaces: a
skin from an EXTERNAL contour, a picture, a structure to be moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from isocentra import gpu_kernels
from isocentra.errors import StructureError, Where
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Float32Volume
from isocentra.mesh.model import Mesh
from isocentra.structures.marching import isosurface
from isocentra.structures.model import Roi
from isocentra.structures.outline import Raster, outline_distance, raster_round
from isocentra.structures.planes import Plane, PlaneStack, plane_stack
from isocentra.structures.slabs import Cap

__all__ = ["mesh_from_roi", "signed_distance_of_roi"]

MARGIN_STEPS: Final = 3
"""Steps of the field beyond the solid on every side, so that its surface closes."""
NEAR_FACES: Final = 6
"""Triangles with the nearest middles of which the nearest one is taken."""
POINTS_AT_ONCE: Final = 200_000
LEAST_STEPS: Final = 2.0
"""Steps of the field for each voxel of the grid that distances are asked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A level-set function of an ROI's solid: negative inside, zero on its surface.

    `values` float32 (heights, rows, columns) along n, v, u of the stack. It is the distance within
    each plane, not across them. [mm]
    """

    values: Float32Volume
    stack: PlaneStack
    raster: Raster
    first_mm: float
    """Position of the first layer along n. [mm]"""

    def to_points(self, index: Array64) -> Array64:
        """Map (n, 3) layer, row, column to x, y, z in LPS. [mm]"""
        uv = self.raster.to_plane(index[:, :0:-1])
        height = self.first_mm + index[:, :1] * self.raster.step_mm
        return np.asarray(np.column_stack([uv, height]) @ self.stack.axes)

    def at(self, points_mm: Array64) -> npt.NDArray[np.float32]:
        """Interpolate at (n, 3) points; beyond the field it is what its border is. [mm]"""
        uvn = points_mm @ self.stack.axes.T
        layer = (uvn[:, 2] - self.first_mm) / self.raster.step_mm
        index = np.column_stack([layer, self.raster.to_pixels(uvn[:, :2])[:, ::-1]])
        out = ndimage.map_coordinates(self.values, index.T, order=1, mode="nearest")
        return np.asarray(out, dtype=np.float32)


def mesh_from_roi(
    roi: Roi,
    *,
    step_mm: float,
    cap: Cap = Cap.HALF_SLICE,
    lone_step_mm: float | None = None,
) -> Mesh:
    """Make the closed surface through an ROI's contours.

    Parameters
    ----------
    roi
        The ROI; planes of any direction.
    step_mm
        Edge of the cubes that the surface is made on. [mm]
    cap
        What the ends are.
    lone_step_mm
        Thickness of a single plane. [mm]

    Returns
    -------
    Mesh
        Closed, wound outward.

    Raises
    ------
    StructureError
        As `plane_stack`; ``BAD_CONTOUR`` when there is one plane and no `lone_step_mm`.
    """
    return _surface(_field(roi, step_mm, cap, lone_step_mm))


def signed_distance_of_roi(
    roi: Roi, grid: Grid, band_mm: float, *, cap: Cap = Cap.HALF_SLICE
) -> Float32Volume:
    """Distance of voxel centres to the surface of an ROI's solid, negative inside.

    Parameters
    ----------
    roi
        The ROI.
    grid
        Where to look, any orientation.
    band_mm
        Distances are exact up to this and ±band beyond. [mm]
    cap
        What the ends are.

    Returns
    -------
    ndarray
        float32 ``grid.shape``. [mm]

    Notes
    -----
    The distance is to triangles through the polygons, not to voxels, so that its zero lies on the
    drawn lines to about 0.02 voxel.
    """
    step = min(grid.spacing_mm) / LEAST_STEPS
    field = _field(roi, step, cap, grid.spacing_mm[0])
    surface = _surface(field)
    start, stop = grid.index_box(surface.vertices_mm, band_mm)
    box = grid.cropped(start, stop)
    out = np.full(grid.shape, band_mm, dtype=np.float32)
    inside = np.concatenate([field.at(layer.reshape(-1, 3)) < 0 for layer in _layers(box)]).reshape(
        box.shape
    )
    near = np.abs(_coarse(inside, box, band_mm)) < band_mm + np.linalg.norm(box.spacing_mm)
    index = np.argwhere(near)
    distance = np.minimum(_distance(box.to_points(index), surface), band_mm)
    part = np.where(inside, np.float32(-band_mm), np.float32(band_mm))
    part[near] = np.where(inside[near], -distance, distance)
    out[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = part
    return out


def _field(roi: Roi, step_mm: float, cap: Cap, lone_step_mm: float | None) -> _Field:
    stack = plane_stack(roi)
    regular = stack.step_mm or lone_step_mm
    if regular is None:
        raise StructureError(
            "BAD_CONTOUR",
            "The ROI is drawn on one plane only, so it has no thickness of its own.",
            where=Where(roi=roi.name),
            do="Give the slice spacing of the image that it was drawn on.",
        )
    margin = MARGIN_STEPS * step_mm
    raster = raster_round([ring for p in stack.planes for ring in p.rings], step_mm, margin)
    low = stack.planes[0].position_mm - regular - margin
    high = stack.planes[-1].position_mm + regular + margin
    heights = np.arange(low, high + step_mm, step_mm)
    values = np.full((len(heights), *raster.shape), np.inf, dtype=np.float32)
    for part in stack.parts:
        _unite(values, heights, part, raster, (regular, cap))
    return _Field(values=values, stack=stack, raster=raster, first_mm=float(low))


def _unite(
    values: Float32Volume,
    heights: Array64,
    part: tuple[Plane, ...],
    raster: Raster,
    ends: tuple[float, Cap],
) -> None:
    """Take the union of `values` with the solid of one part, layer by layer."""
    regular, cap = ends
    outlines = np.stack([outline_distance(plane.rings, raster) for plane in part])
    positions = np.array([plane.position_mm for plane in part])
    steps = np.diff(positions)
    half = (steps[[0, -1]] if len(steps) else np.array([regular, regular])) / 2
    if cap is Cap.NONE and len(steps):
        half = np.zeros(2)
    slopes = _slopes(outlines, positions)
    for layer, height in enumerate(heights.tolist()):
        beyond = max(positions[0] - half[0] - height, height - positions[-1] - half[1])
        solid = _between(outlines, slopes, positions, height)
        if cap is Cap.ROUNDED and len(steps):
            solid = solid + _shrinking(outlines, positions, height)
        np.minimum(values[layer], np.maximum(solid, np.float32(beyond)), out=values[layer])


def _slopes(outlines: Float32Volume, positions: Array64) -> Float32Volume:
    """Slopes along n at each plane that keep the cubic between planes monotone.

    Harmonic means of the neighbouring differences, zero where these change sign (Fritsch and
    Butland, SIAM J. Sci. Stat. Comput. 5, 1984): shoulders do not overshoot.
    """
    slopes = np.zeros_like(outlines)
    if len(positions) < 2:
        return slopes
    steps = np.diff(positions).astype(np.float32)[:, None, None]
    secants = np.diff(outlines, axis=0) / steps
    slopes[0], slopes[-1] = secants[0], secants[-1]
    a, b = secants[:-1], secants[1:]
    weight = (steps[:-1] + 2 * steps[1:]) / (3 * (steps[:-1] + steps[1:]))
    same = a * b > 0
    mean = np.where(same, weight * b + (1 - weight) * a, 1)
    slopes[1:-1] = np.where(same, a * b / mean, 0)
    return slopes


def _between(
    outlines: Float32Volume, slopes: Float32Volume, positions: Array64, height: float
) -> Float32Volume:
    """Cubic Hermite interpolation at one height; the end plane's values beyond the ends."""
    if len(positions) < 2 or height <= positions[0]:
        return np.asarray(outlines[0])
    if height >= positions[-1]:
        return np.asarray(outlines[-1])
    n = int(np.searchsorted(positions, height, side="right")) - 1
    step = float(positions[n + 1] - positions[n])
    t = (height - float(positions[n])) / step
    weights = (
        (1 + 2 * t) * (1 - t) ** 2,
        t**2 * (3 - 2 * t),
        t * (1 - t) ** 2 * step,
        t**2 * (t - 1) * step,
    )
    w = [np.float32(weight) for weight in weights]
    return np.asarray(
        w[0] * outlines[n] + w[1] * outlines[n + 1] + w[2] * slopes[n] + w[3] * slopes[n + 1]
    )


def _shrinking(outlines: Float32Volume, positions: Array64, height: float) -> Float32Volume:
    """Return what a rounded cap adds to the distance beyond the end planes: never a growth."""
    if positions[0] <= height <= positions[-1]:
        return np.zeros_like(outlines[0])
    end, neighbour = (0, 1) if height < positions[0] else (-1, -2)
    share = abs(height - positions[end]) / abs(positions[end] - positions[neighbour])
    return np.asarray(
        np.maximum(outlines[end] - outlines[neighbour], 0) * np.float32(share), dtype=np.float32
    )


def _surface(field: _Field) -> Mesh:
    vertices, faces = isosurface(field.values, 0.0)
    # Layers, rows, columns run along n, v, u, a left-handed frame: the winding turns round.
    return Mesh(vertices_mm=field.to_points(vertices), faces=np.ascontiguousarray(faces[:, ::-1]))


def _layers(grid: Grid) -> list[Array64]:
    """Voxel centres of each layer (nj, ni, 3). [mm]"""
    return [
        grid.cropped((k, 0, 0), (k + 1, *grid.shape[1:])).centres()[0] for k in range(grid.shape[0])
    ]


def _coarse(inside: npt.NDArray[np.bool_], grid: Grid, band_mm: float) -> Float32Volume:
    """Distance between voxel centres, to find the band in which the true one is looked for."""
    reach = band_mm + 2 * float(np.linalg.norm(grid.spacing_mm))
    distance = gpu_kernels.signed_distance(inside.astype(np.uint8), grid.spacing_mm, reach)
    return np.asarray(distance, dtype=np.float32)


def _distance(points_mm: Array64, surface: Mesh) -> Array64:
    """(n,) distance to the nearest of the triangles whose middles are nearest. [mm]"""
    corners = surface.corners_mm
    tree = cKDTree(corners.mean(axis=1))
    k = min(NEAR_FACES, len(corners))
    out = np.empty(len(points_mm))
    for first in range(0, len(points_mm), POINTS_AT_ONCE):
        points = points_mm[first : first + POINTS_AT_ONCE]
        _, index = tree.query(points, k=k)
        found = [_to_triangles(points, corners[near]) for near in index.reshape(-1, k).T]
        out[first : first + POINTS_AT_ONCE] = np.min(found, axis=0)
    return out


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
