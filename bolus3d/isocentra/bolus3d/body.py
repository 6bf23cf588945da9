"""The body of the bolus: constructive geometry on the distance to the skin.

skin distance D, region distance R, thickness t, clearance c
   B = max( fillet(D − t, R; r), c − D ),  inside where B < 0

Nothing is moved along normals: an offset of that kind cuts itself wherever the skin is hollow with
a radius below the thickness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra.bolus3d.region import RegionField
from isocentra.bolus3d.skin import Skin
from isocentra.errors import BolusError
from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.resample import resample_values
from isocentra.image import Float32Volume

__all__ = ["BodyField", "BodyShape", "ThicknessField", "body_field", "fillet", "tapered", "uniform"]

Mask = npt.NDArray[np.bool_]

ThicknessField = Callable[[Array64, Array64], Array64]
"""``t(foot_mm (n, 3), region_mm (n,)) -> (n,)`` thickness at skin points. [mm]

`region_mm` is the signed distance of the foot to the region's border, negative inside.
"""
LEAST_PART_CM3 = 0.5
SPARSE = 2
"""B is asked first at every second node of each axis."""
ROUGHNESS_STEPS = 1.5
"""How far B between those may be off what they say, at hollow creases, in steps."""


def uniform(thickness_mm: float) -> ThicknessField:
    """Return a thickness that is the same everywhere."""
    return lambda foot_mm, region_mm: np.full(len(foot_mm), thickness_mm)  # noqa: ARG005


def tapered(thickness: ThicknessField, edge_mm: float, over_mm: float) -> ThicknessField:
    """Return `thickness` that falls linearly to `edge_mm` over the last `over_mm` to the border."""

    def at(foot_mm: Array64, region_mm: Array64) -> Array64:
        full = thickness(foot_mm, region_mm)
        share = np.clip(-region_mm / over_mm, 0, 1)
        return np.asarray(edge_mm + (full - edge_mm) * share)

    return at


def fillet(a: Array64, b: Array64, radius: float) -> Array64:
    """Intersect two distance fields with a rounded edge.

    Notes
    -----
    max(a, b) where either is below −r; elsewhere the circle of radius r that touches both faces:
    √((a + r)² + (b + r)²) − r.
    """
    u, v = np.maximum(a + radius, 0), np.maximum(b + radius, 0)
    corner = np.sqrt(u * u + v * v) - radius
    return np.asarray(np.where((u > 0) & (v > 0), corner, np.maximum(a, b)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyField:
    """B on its grid: negative inside the bolus, exact within a cell of its surface. [mm]"""

    grid: Grid
    values: Float32Volume
    dropped_cm3: float
    """Volume of pieces that were not taken: islands and second pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """The numbers that shape a body."""

    thickness: ThicknessField
    most_mm: float
    """Largest thickness anywhere."""
    clearance_mm: float
    rim_radius_mm: float
    near_mm: tuple[float, float, float] | None
    """Of several pieces the one nearest to this point; the largest where None."""


def body_field(skin: Skin, region: RegionField, shape: BodyShape, step_mm: float) -> BodyField:
    """Build the bolus as a field on an isotropic grid round the region.

    Raises
    ------
    BolusError
        ``EMPTY_REGION``: no piece of at least 0.5 cm³.
    """
    reach = shape.most_mm + 3 * step_mm
    border = region(skin.mesh.vertices_mm)
    inside = skin.mesh.vertices_mm[border < 2 * step_mm]
    if not (border < 0).any():
        raise _empty(f"the nearest skin lies {border.min():.1f} mm outside it")
    low, high = inside.min(axis=0) - reach, inside.max(axis=0) + reach
    grid = Grid.axial_box(
        (low[0], low[1], low[2]),
        (high[0], high[1], high[2]),
        step_mm,
        frame_of_reference_uid=skin.grid.frame_of_reference_uid,
    )
    rough = skin.rough_distance(grid)
    slack = 2 * step_mm
    shell = (rough > shape.clearance_mm - slack) & (rough < shape.most_mm + slack)
    shell &= _near_points(inside, grid, shape.most_mm + slack)
    # Far from its surface only the sign of B matters: every second node first, then what is near.
    outer = np.full(grid.shape, np.float32(slack))
    inner = np.full(grid.shape, np.float32(-slack))
    every = grid.every(SPARSE)
    wide = _cells_touched(shell, SPARSE)
    rough_outer, rough_inner = (
        _between(values, wide, every, grid)
        for values in _faces(_nodes(every, wide), skin, region, shape)
    )
    outer[shell] = np.clip(rough_outer[shell], -slack, slack)
    inner[shell] = np.clip(rough_inner[shell], -slack, slack)
    close = shell & _beside_level(np.maximum(rough_outer, rough_inner), ROUGHNESS_STEPS * step_mm)
    exact = _faces(_nodes(grid, close), skin, region, shape)
    outer[close], inner[close] = (np.clip(values, -slack, slack) for values in exact)
    inner[~shell] = np.where(rough[~shell] < shape.most_mm / 2, slack, -slack)
    return _one_piece(np.maximum(outer, inner), grid, shape)


def _nodes(grid: Grid, mask: Mask) -> Array64:
    return grid.to_points(np.argwhere(mask).astype(np.float64))


def _faces(
    points_mm: Array64, skin: Skin, region: RegionField, shape: BodyShape
) -> tuple[Array64, Array64]:
    """Return outer face with rim, and inner face, as distances that are negative inside. [mm]"""
    distance, foot = skin.distance.signed_and_foot(points_mm)
    border = region(foot)
    outer = fillet(distance - shape.thickness(foot, border), border, shape.rim_radius_mm)
    return outer, shape.clearance_mm - distance


def _between(values: Array64, known: Mask, every: Grid, grid: Grid) -> Float32Volume:
    """Interpolate what is known on sparse nodes; far outside elsewhere."""
    far = 6 * grid.spacing_mm[0]
    some = np.full(every.shape, np.float32(far))
    some[known] = values
    return resample_values(some, every, grid, fill=far)


def _near_points(points_mm: Array64, grid: Grid, reach_mm: float) -> Mask:
    """Return the nodes within a reach of any point, and some up to two steps further."""
    index = np.rint(grid.to_index(points_mm)).astype(np.intp)
    held = np.zeros(grid.shape, dtype=bool)
    held[tuple(np.clip(index, 0, np.array(grid.shape) - 1).T)] = True
    reach_mm += 2 * grid.spacing_mm[0]
    return signed_distance_mm(held, grid, reach_mm + 1) < reach_mm


def _cells_touched(mask: Mask, size: int) -> Mask:
    """Return the nodes ``[::size]`` round every cell of that size that has a set node."""
    padded = np.pad(mask, [(0, -n % size) for n in mask.shape])
    k, j, i = (n // size for n in padded.shape)
    held = padded.reshape(k, size, j, size, i, size).any(axis=(1, 3, 5))
    return np.asarray(ndimage.binary_dilation(held, structure=np.ones((3, 3, 3))))


def _beside_level(values: Float32Volume, slack: float) -> Mask:
    """Return the corners of all cells that hold 0 if each value is wrong by up to `slack`."""
    cell = _of_cells(values < slack) & _of_cells(values > -slack)
    for axis in range(3):
        ends = [(0, 0), (0, 0), (0, 0)]
        ends[axis] = (1, 1)
        wide = np.moveaxis(np.pad(cell, ends), axis, 0)
        cell = np.moveaxis(wide[1:] | wide[:-1], 0, axis)
    return np.asarray(cell)


def _of_cells(nodes: Mask) -> Mask:
    """Tell which cells have a set corner."""
    for axis in range(3):
        moved = np.moveaxis(nodes, axis, 0)
        nodes = np.moveaxis(moved[1:] | moved[:-1], 0, axis)
    return nodes


def _one_piece(values: Float32Volume, grid: Grid, shape: BodyShape) -> BodyField:
    """Keep one piece, fill its inner voids, and keep nodes off the zero level."""
    step = grid.spacing_mm[0]
    solid = values < 0
    for face in (0, -1):
        solid[face] = solid[:, face] = solid[:, :, face] = False
    labels, count = ndimage.label(solid)
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    volumes_cm3 = sizes * grid.voxel_volume_mm3 / 1000
    large = np.flatnonzero(volumes_cm3 >= LEAST_PART_CM3)
    if count == 0 or len(large) == 0:
        raise _empty(f"its largest piece would be {volumes_cm3.max():.2f} cm³")
    chosen = int(sizes.argmax())
    if shape.near_mm is not None:
        chosen = int(min(large, key=lambda n: _gap(labels == n, grid, shape.near_mm)))
    piece = labels == chosen
    out = values.copy()
    far = np.float32(step)
    # One cell round the chosen piece keeps its exact values; the other pieces become outside.
    if count > 1:
        others = solid & ~piece
        out[ndimage.binary_dilation(others) & ~ndimage.binary_dilation(piece)] = far
        out[others] = np.maximum(np.abs(out[others]), np.float32(0.1 * step))
    out[_voids(piece)] = -far
    for face in (0, -1):
        out[face] = out[:, face] = out[:, :, face] = far
    least = np.float32(1e-3 * step)
    out = np.where(np.abs(out) < least, np.where(out < 0, -least, least), out)
    dropped = float(volumes_cm3.sum() - volumes_cm3[chosen])
    return BodyField(grid=grid, values=out.astype(np.float32), dropped_cm3=dropped)


def _voids(piece: Mask) -> Mask:
    """Find what is shut in by a piece that does not reach the border of its grid."""
    air, count = ndimage.label(~piece)
    shut_in = np.ones(count + 1, dtype=bool)
    shut_in[[0, air[0, 0, 0]]] = False
    return np.asarray(shut_in[air])


def _gap(piece: Mask, grid: Grid, near_mm: tuple[float, float, float] | None) -> float:
    points = _nodes(grid, piece)
    return float(np.linalg.norm(points - np.array(near_mm), axis=1).min())


def _empty(why: str) -> BolusError:
    return BolusError(
        "EMPTY_REGION",
        f"The region gives no bolus: {why}.",
        do="Look at where the ROI or the point lies, and raise the margin or the distance.",
    )
