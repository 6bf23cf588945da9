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

from isocentra.errors import StructureError, Where
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Float32Volume
from isocentra.mesh.model import Mesh
from isocentra.structures.marching import isosurface
from isocentra.structures.model import Roi
from isocentra.structures.nearness import distance_within
from isocentra.structures.outline import Raster, outline_distance
from isocentra.structures.planes import Plane, PlaneStack, plane_stack
from isocentra.structures.slabs import Cap

__all__ = ["mesh_from_roi", "signed_distance_of_roi"]

MARGIN_STEPS: Final = 3
"""Steps of the field beyond the solid on every side, so that its surface closes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """A box along the u, v, n of a stack. [mm]"""

    low: Array64
    high: Array64


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
    stack = plane_stack(roi)
    regular = stack.step_mm or lone_step_mm
    if regular is None:
        raise StructureError(
            "BAD_CONTOUR",
            "The ROI is drawn on one plane only, so it has no thickness of its own.",
            where=Where(roi=roi.name),
            do="Give the slice spacing of the image that it was drawn on.",
        )
    return _surface(_field(stack, step_mm, (regular, cap), _whole(stack, regular)))


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
    stack = plane_stack(roi)
    reach = band_mm + 2 * float(np.linalg.norm(grid.spacing_mm))
    corners = grid.corners_mm() @ stack.axes.T
    bounds = _Bounds(low=corners.min(axis=0) - reach, high=corners.max(axis=0) + reach)
    whole = _whole(stack, stack.step_mm or grid.spacing_mm[0])
    if (np.maximum(bounds.low, whole.low) >= np.minimum(bounds.high, whole.high)).any():
        return np.full(grid.shape, band_mm, dtype=np.float32)
    ends = (stack.step_mm or grid.spacing_mm[0], cap)
    step = min(grid.spacing_mm)
    field = _field(stack, step, ends, bounds)
    near, far = _surface(field), _surface(_field(stack, 2 * step, ends, bounds))
    distance = np.full(grid.shape, band_mm, dtype=np.float32)
    if len(near.faces):
        distance = distance_within(near, far, grid, band_mm)
    return np.where(_inside(field, grid), -distance, distance)


def _whole(stack: PlaneStack, regular_mm: float) -> _Bounds:
    """Bounds of the solid, half a step of caps included. [mm]"""
    rings = np.concatenate([ring for plane in stack.planes for ring in plane.rings])
    ends = np.array([stack.planes[0].position_mm, stack.planes[-1].position_mm])
    steps = np.diff([plane.position_mm for plane in stack.planes])
    cap = max(regular_mm, float(steps.max(initial=0.0)))
    return _Bounds(
        low=np.append(rings.min(axis=0), ends[0] - cap),
        high=np.append(rings.max(axis=0), ends[1] + cap),
    )


def _field(stack: PlaneStack, step_mm: float, ends: tuple[float, Cap], bounds: _Bounds) -> _Field:
    """Make the field of a stack within bounds, but no farther than the solid reaches."""
    margin = MARGIN_STEPS * step_mm
    whole = _whole(stack, ends[0])
    low = np.maximum(bounds.low, whole.low - margin)
    high = np.minimum(bounds.high, whole.high + margin)
    columns, rows, layers = (np.ceil((high - low) / step_mm) + 1).astype(int).tolist()
    raster = Raster(
        origin_mm=(float(low[0]), float(low[1])), step_mm=step_mm, shape=(rows, columns)
    )
    heights = low[2] + step_mm * np.arange(layers)
    values = np.full((layers, *raster.shape), np.inf, dtype=np.float32)
    for part in stack.parts:
        _unite(values, heights, part, raster, ends)
    return _Field(values=values, stack=stack, raster=raster, first_mm=float(low[2]))


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


def _inside(field: _Field, grid: Grid) -> npt.NDArray[np.bool_]:
    """Whether each voxel centre lies in the solid, layer by layer to spare memory."""
    out = np.empty(grid.shape, dtype=bool)
    for k in range(grid.shape[0]):
        layer = grid.cropped((k, 0, 0), (k + 1, *grid.shape[1:]))
        out[k] = (field.at(layer.centres().reshape(-1, 3)) < 0).reshape(grid.shape[1:])
    return out
