"""Which skin the bolus covers.

target ROI ──► its points in the body ──► nearest skin, or the skin the beam enters first ─────┐
drawn ROI  ──► skin inside it ─────────────────────────────────────────────────────────────────┼─► R
point      ──► skin within a distance of it ───────────────────────────────────────────────────┘

R is a signed distance to the region's border, negative inside, asked for at points of the skin.
`rough_region` finds the place on the coarse body (to crop the CT), `region_on` the exact R on the
sub-voxel skin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from isocentra.anatomy.body import Body
from isocentra.bolus3d.request import BolusRequest
from isocentra.errors import BolusError, StructureError, Where
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Float32Volume
from isocentra.mesh.model import Mesh
from isocentra.structures.coverage import coverage
from isocentra.structures.model import Roi
from isocentra.structures.solid import signed_distance_of_roi

__all__ = ["RegionField", "RoughRegion", "region_on", "rough_region"]

RegionField = Callable[[Array64], Array64]
"""``R(skin_mm (n, 3)) -> (n,)`` distance to the region's border, negative inside. [mm]"""

TARGET_STEP_MM = 1.0
LEAST_MARGIN_MM = 1.0
"""The feet of a target are points: with a smaller margin the region would fall apart."""
RAY_CELL_MM = 0.7
CLOSING_MM = 3.0
"""Gaps and notches of a target's region narrower than twice this are filled."""
FAR_MM = 6.0
"""Outside the border R need not be told further than this."""
DEEP_MULTIPLE = 2.5
"""Inside it R need not be told beyond this many thicknesses: a taper ends at two."""
LEAF = 128
"""Border points in a leaf: seen from far inside, a large part of a border is about equally near."""
BORDER_STEP_MM = 0.3
"""Half the distance of border points: an edge of the skin mesh is up to 0.7 mm long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoughRegion:
    """The place of a region, good to a coarse voxel."""

    skin_mm: Array64
    """(n, 3) points of the coarse body's surface in the region. [mm]"""
    target_mm: Array64
    """(m, 3) points of the target inside the body; none for a drawn region or a point. [mm]"""
    drawn: Roi | None


def rough_region(request: BolusRequest, body: Body) -> RoughRegion:
    """Find the region on the coarse body.

    Raises
    ------
    StructureError
        ``NO_SUCH_ROI``, ``AMBIGUOUS_ROI``, ``EMPTY_ROI``, ``ROI_OUTSIDE_IMAGE`` (no voxel of the
        target is in the body).
    BolusError
        ``TARGET_TRUNCATED`` (the image does not hold all of the target), ``EMPTY_REGION``.
    """
    surface = _surface_points(body)
    none = np.empty((0, 3))
    if request.near_mm is not None and request.distance_mm is not None:
        reach = request.distance_mm + request.margin
        apart = np.linalg.norm(surface - np.array(request.near_mm), axis=1)
        if apart.min() > reach:
            raise BolusError(
                "EMPTY_REGION",
                f"No skin lies within {reach:g} mm of the point; the nearest is"
                f" {apart.min():.1f} mm away.",
                where=Where(position_mm=request.near_mm),
                do="Move the point (LPS, mm) to the skin or raise --distance-mm.",
            )
        return RoughRegion(skin_mm=surface[apart <= reach + 2], target_mm=none, drawn=None)
    name = request.target or request.region
    if request.structures is None or name is None:
        raise TypeError("a request without an ROI has a point")
    roi = request.structures.roi(name)
    points = _roi_points(roi, request)
    if request.region is not None:
        near = KDTree(points).query(surface, distance_upper_bound=max(request.margin, 0) + 3)[0]
        skin = surface[np.isfinite(near)]
        if len(skin) == 0:
            raise BolusError(
                "EMPTY_REGION",
                "The drawn volume holds no skin.",
                where=Where(roi=roi.name),
                do="Draw the ROI across the skin, or give it as --target.",
            )
        return RoughRegion(skin_mm=skin, target_mm=none, drawn=roi)
    inside = points[_is_in(body.mask, body.grid, points)]
    if len(inside) == 0:
        raise StructureError(
            "ROI_OUTSIDE_IMAGE",
            "No voxel of the target lies in the body on this image.",
            where=Where(roi=roi.name),
            do="Choose the CT that the structure was drawn on, or another ROI.",
        )
    if request.beam_direction is not None:
        skin = _entry_points(inside, np.array(request.beam_direction), body)
    else:
        skin = surface[np.unique(KDTree(surface).query(inside)[1])]
    return RoughRegion(skin_mm=skin, target_mm=inside, drawn=None)


def region_on(request: BolusRequest, rough: RoughRegion, skin: Mesh, grid: Grid) -> RegionField:
    """Return the exact R on the sub-voxel skin; `grid` is the voxels round it."""
    region = _region(request, rough, skin, grid)
    return _measured_to_the_border(region, skin, DEEP_MULTIPLE * request.thickness_mm)


def _region(request: BolusRequest, rough: RoughRegion, skin: Mesh, grid: Grid) -> RegionField:
    """Return a field that is R outside and near the border, and may be too shallow far inside."""
    margin = request.margin
    if request.near_mm is not None and request.distance_mm is not None:
        centre, radius = np.array(request.near_mm), request.distance_mm + margin
        return lambda foot_mm: np.linalg.norm(foot_mm - centre, axis=1) - radius
    if rough.drawn is not None:
        values = signed_distance_of_roi(rough.drawn, grid, band_mm=abs(margin) + 15)
        return lambda foot_mm: _interpolated(values, grid, foot_mm) - margin
    vertices = skin.vertices_mm
    if request.beam_direction is not None:
        feet = vertices[_entered_first(vertices, rough.target_mm, np.array(request.beam_direction))]
    else:
        feet = vertices[np.unique(KDTree(vertices).query(rough.target_mm, workers=-1)[1])]
    return _grown_without_gaps(feet, max(margin, LEAST_MARGIN_MM), vertices)


def _grown_without_gaps(feet: Array64, margin_mm: float, skin_mm: Array64) -> RegionField:
    """Grow the feet by a margin; gaps and notches narrower than twice the closing are filled.

    Notes
    -----
    Closing of the set of skin points: grown by margin + closing, then shrunk by the closing. Inside
    the grown set R is the closing less the distance to the skin outside of it, else the distance to
    the feet less the margin; both are 0 on a smooth border.
    """
    tree = KDTree(feet)
    reach = margin_mm + CLOSING_MM + FAR_MM
    outside = skin_mm[_capped(tree, skin_mm, reach) > margin_mm + CLOSING_MM]
    rest = KDTree(outside) if len(outside) else None

    def border(foot_mm: Array64) -> Array64:
        away = _capped(tree, foot_mm, reach) - margin_mm
        if rest is None:
            return away
        shrunk = CLOSING_MM - _capped(rest, foot_mm, CLOSING_MM + FAR_MM)
        return np.asarray(np.where(away > CLOSING_MM, away, np.minimum(away, shrunk)))

    return border


def _capped(tree: KDTree, points_mm: Array64, most_mm: float) -> Array64:
    """Distance to the nearest point of a tree, `most_mm` where it is more: a short search."""
    apart = tree.query(points_mm, distance_upper_bound=most_mm, workers=-1)[0]
    return np.asarray(np.minimum(apart, most_mm))


def _measured_to_the_border(region: RegionField, skin: Mesh, most_mm: float) -> RegionField:
    """Deepen R to the distance of the region's border on the skin, up to `most_mm`.

    The distance to a target's feet is no less than the margin anywhere above the target, and that
    to a drawn volume is small where the volume is flat: both would thin the bolus as if the border
    were near. The border is where R changes its sign along an edge of the skin; between two such
    points it may be nearer by what half their distance makes of it.
    """
    border = _border_points(region, skin)
    if len(border) == 0:
        return region
    tree = KDTree(border, leafsize=LEAF)

    def deepened(foot_mm: Array64) -> Array64:
        shallow = np.asarray(region(foot_mm), dtype=np.float64)
        inside = shallow < 0
        apart = _capped(tree, foot_mm[inside], most_mm)
        shallow[inside] = np.minimum(
            shallow[inside], -np.sqrt(np.maximum(apart**2 - BORDER_STEP_MM**2, 0))
        )
        return shallow

    return deepened


def _border_points(region: RegionField, skin: Mesh) -> Array64:
    """(n, 3) points of the skin's edges at which R is zero. [mm]"""
    values = region(skin.vertices_mm)
    ends = np.concatenate([skin.faces[:, [0, 1]], skin.faces[:, [1, 2]], skin.faces[:, [2, 0]]])
    a, b = ends[(values[ends[:, 0]] < 0) & (values[ends[:, 1]] >= 0)].T
    share = (values[a] / (values[a] - values[b]))[:, None]
    points = skin.vertices_mm
    return np.asarray((1 - share) * points[a] + share * points[b])


def _surface_points(body: Body) -> Array64:
    """Centres of the body's surface voxels; where the image cuts the body there is no skin."""
    inner = ndimage.binary_erosion(body.mask, border_value=1)
    return body.grid.to_points(np.argwhere(body.mask & ~inner).astype(np.float64))


def _roi_points(roi: Roi, request: BolusRequest) -> Array64:
    """Points that fill the ROI, about a millimetre apart. [mm]"""
    if not roi.areas:
        raise StructureError(
            "EMPTY_ROI",
            f"The ROI has {len(roi.contours)} contours, none of which encloses an area.",
            where=Where(roi=roi.name),
            do="Draw it, or choose another ROI.",
        )
    corners = np.concatenate([contour.points_mm for contour in roi.areas])
    index = request.ct.grid.to_index(corners)
    beyond = (index < -0.5) | (index > np.array(request.ct.grid.shape) - 0.5)
    if beyond.any(axis=1).all():
        raise StructureError(
            "ROI_OUTSIDE_IMAGE",
            "All contours of the ROI lie outside the image.",
            where=Where(roi=roi.name),
            do="Choose the CT that the structure was drawn on, or another ROI.",
        )
    if beyond.any() and request.target is not None:
        z = corners[beyond.any(axis=1)] @ np.array(request.ct.grid.axes[0])
        raise BolusError(
            "TARGET_TRUNCATED",
            f"The image cuts the target: {int(beyond.any(axis=1).sum())} of {len(corners)} contour"
            f" points lie outside it, from {z.min():.1f} to {z.max():.1f} mm along the slices.",
            where=Where(roi=roi.name),
            do="Export the whole series; the target must lie in it with its skin.",
        )
    low, high = corners.min(axis=0) - 3, corners.max(axis=0) + 3
    extent = float((high - low).max())
    step = max(TARGET_STEP_MM, extent / 200)
    fine = Grid.axial_box((low[0], low[1], low[2]), (high[0], high[1], high[2]), step)
    held = coverage(roi, fine) > 0.5
    points = fine.to_points(np.argwhere(held).astype(np.float64))
    if len(points) == 0:  # thinner than the step: its contours stand for it
        return corners
    return points


def _is_in(mask: np.ndarray, grid: Grid, points_mm: Array64) -> np.ndarray:
    index = np.rint(grid.to_index(points_mm)).astype(int)
    there = ((index >= 0) & (index < np.array(grid.shape))).all(axis=1)
    out = np.zeros(len(points_mm), dtype=bool)
    out[there] = mask[tuple(index[there].T)]
    return out


def _entry_points(target_mm: Array64, direction: Array64, body: Body) -> Array64:
    """Walk from the target against the beam and return where each ray last leaves the body."""
    direction = direction / np.linalg.norm(direction)
    step = 0.5 * min(body.grid.spacing_mm)
    longest = float(np.linalg.norm(np.ptp(body.grid.corners_mm(), axis=0)))
    across = _across(direction)
    cells = np.floor(target_mm @ across / (2 * step)).astype(int)
    starts = target_mm[np.unique(cells, axis=0, return_index=True)[1]]
    last = starts.copy()
    for n in range(int(longest / step)):
        here = starts - n * step * direction
        held = _is_in(body.mask, body.grid, here)
        last[held] = here[held]
    return last


def _entered_first(vertices: Array64, target_mm: Array64, direction: Array64) -> np.ndarray:
    """Rows of the skin vertices that rays through the target meet first."""
    direction = direction / np.linalg.norm(direction)
    across = _across(direction)
    cell = np.floor(vertices @ across / RAY_CELL_MM).astype(np.int64)
    wanted = np.floor(target_mm @ across / RAY_CELL_MM).astype(np.int64)
    key = cell[:, 0] * 2_000_003 + cell[:, 1]
    hit = np.isin(key, wanted[:, 0] * 2_000_003 + wanted[:, 1])
    rows = np.flatnonzero(hit)
    depth = vertices[rows] @ direction
    _, group = np.unique(key[rows], return_inverse=True)
    first = np.full(group.max(initial=-1) + 1, np.inf)
    np.minimum.at(first, group, depth)
    return rows[depth <= first[group] + 2 * RAY_CELL_MM]


def _across(direction: Array64) -> Array64:
    """(3, 2) two unit vectors across `direction`."""
    helper = np.eye(3)[np.abs(direction).argmin()]
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(direction, first)], axis=1)


def _interpolated(values: Float32Volume, grid: Grid, points_mm: Array64) -> Array64:
    index = grid.to_index(points_mm).T
    return np.asarray(
        ndimage.map_coordinates(values, index, order=1, mode="nearest", output=np.float64)
    )
