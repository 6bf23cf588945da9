"""Signed distance to polygon outlines on one plane, and what lies between two planes.

rings ──► distance on a pixel raster (foot points near, carried outwards) ──► rings at a mixture

The distance is to the polygon itself, not to a mask of it, so that its zero keeps the drawn line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from isocentra.geometry.grid import Array64
from isocentra.structures.marching import isolines

__all__ = [
    "Raster",
    "distance_to_outline",
    "outline_distance",
    "points_along",
    "raster_round",
    "rings_between",
]

NEAR_PIXELS: Final = 2
"""Pixels on each side of the outline whose distance is found from the segments themselves."""
PIECES_PER_PIXEL: Final = 4
"""Pieces that a segment of a pixel's length is cut into before the nearest is looked for."""
PIECE_MM: Final = 0.25
"""Length of such pieces where there is no raster. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Square pixels on a plane: centres at origin + (column, row) · step."""

    origin_mm: tuple[float, float]
    """u, v of the first pixel's centre. [mm]"""
    step_mm: float
    shape: tuple[int, int]
    """(rows along v, columns along u)."""

    def to_pixels(self, uv: Array64) -> Array64:
        """Map (..., 2) u, v [mm] to column, row."""
        return np.asarray((uv - np.array(self.origin_mm)) / self.step_mm)

    def to_plane(self, pixels: Array64) -> Array64:
        """Map (..., 2) column, row to u, v. [mm]"""
        return np.asarray(pixels * self.step_mm + np.array(self.origin_mm))


def raster_round(rings: Sequence[Array64], step_mm: float, margin_mm: float) -> Raster:
    """Return the raster that holds all rings and a margin. [mm]"""
    points = np.concatenate(list(rings))
    low = points.min(axis=0) - margin_mm
    columns, rows = (np.ceil((points.max(axis=0) + margin_mm - low) / step_mm) + 1).astype(int)
    return Raster(
        origin_mm=(float(low[0]), float(low[1])), step_mm=step_mm, shape=(int(rows), int(columns))
    )


def outline_distance(rings: Sequence[Array64], raster: Raster) -> npt.NDArray[np.float32]:
    """Signed distance of each pixel centre to the outline of a region, negative inside.

    Parameters
    ----------
    rings
        (n, 2) u, v each, read even-odd. [mm]
    raster
        Where to look.

    Returns
    -------
    ndarray
        float32 (rows, columns). [mm]

    Notes
    -----
    Within two pixels of the outline: the distance to the nearest of the four pieces whose middles
    are nearest. Beyond: the distance to the foot point of the nearest pixel of that band
    (Danielsson 1980's vector propagation), which is off by less than 0.1 pixel.
    """
    pixels = [raster.to_pixels(ring) for ring in rings]
    starts, steps = _pieces(pixels, 1 / PIECES_PER_PIXEL)
    near = _band(starts + steps / 2, raster.shape)
    rows, columns = np.nonzero(near)
    centres = np.column_stack([columns, rows]).astype(np.float64)
    feet = _feet(centres, starts, steps)
    row, column = ndimage.distance_transform_edt(
        ~near, return_distances=False, return_indices=True
    ).astype(np.intp)
    at = np.full(raster.shape, -1, dtype=np.intp)
    at[rows, columns] = np.arange(len(rows))
    foot = feet[at[row, column]]
    v, u = np.indices(raster.shape, dtype=np.float64)
    distance = np.hypot(foot[..., 0] - u, foot[..., 1] - v) * raster.step_mm
    inside = _inside(pixels, raster.shape)
    return np.asarray(np.where(inside, -distance, distance), dtype=np.float32)


def distance_to_outline(points: Array64, rings: Sequence[Array64]) -> Array64:
    """(n,) distance of points (n, 2) to the nearest segment of any ring. [mm]"""
    starts, steps = _pieces(rings, PIECE_MM)
    return np.asarray(np.linalg.norm(points - _feet(points, starts, steps), axis=1))


def points_along(rings: Sequence[Array64], step_mm: float) -> Array64:
    """(n, 2) points along the rings, at most a step apart, corners included. [mm]"""
    return _pieces(rings, step_mm)[0]


def rings_between(
    low: Sequence[Array64], high: Sequence[Array64], shares: Sequence[float], step_mm: float
) -> list[tuple[Array64, ...]]:
    """Return the regions at given shares of the way between two, by their signed distances.

    Shape-based interpolation after Raya and Udupa, IEEE Trans. Med. Imaging 9, 1990. [mm]
    """
    raster = raster_round([*low, *high], step_mm, 3 * step_mm)
    below, above = outline_distance(low, raster), outline_distance(high, raster)
    return [
        tuple(
            raster.to_plane(line[:, ::-1])
            for line in isolines(-((1 - share) * below + share * above), 0.0)
        )
        for share in shares
    ]


def _pieces(rings: Sequence[Array64], longest: float) -> tuple[Array64, Array64]:
    """Cut all segments into pieces of at most a length: (n, 2) starts and steps."""
    a = np.concatenate(list(rings))
    whole = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings]) - a
    count = np.maximum(np.ceil(np.hypot(*whole.T) / longest), 1).astype(np.intp)
    owner = np.repeat(np.arange(len(a)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    step = whole[owner] / count[owner, None]
    return a[owner] + nth[:, None] * step, step


def _band(middles: Array64, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels within two of any piece; where the raster misses the outline, those nearest to it."""
    column, row = np.clip(np.rint(middles), 0, np.array(shape[::-1]) - 1).astype(np.intp).T
    near = np.zeros(shape, dtype=bool)
    near[row, column] = True
    return np.asarray(ndimage.binary_dilation(near, np.ones((3, 3)), iterations=NEAR_PIXELS))


def _feet(points: Array64, starts: Array64, steps: Array64) -> Array64:
    """(n, 2) nearest point of the pieces to each point."""
    k = min(4, len(starts))
    _, index = cKDTree(starts + steps / 2).query(points, k=k)
    index = index.reshape(len(points), k)
    a, d = starts[index], steps[index]
    along = np.einsum("nki,nki->nk", points[:, None] - a, d)
    length = np.maximum(np.einsum("nki,nki->nk", d, d), 1e-30)
    feet = a + np.clip(along / length, 0, 1)[..., None] * d
    best = np.linalg.norm(points[:, None] - feet, axis=2).argmin(axis=1)
    return np.asarray(feet[np.arange(len(points)), best])


def _inside(rings: Sequence[Array64], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Even-odd at pixel centres: crossings to the left of each, counted along the rows."""
    a = np.concatenate(list(rings))
    b = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    # A vertex on a row belongs to the segment above it only, so that each is counted once.
    first = np.clip(np.ceil(np.minimum(a[:, 1], b[:, 1])), 0, shape[0]).astype(np.intp)
    last = np.clip(np.ceil(np.maximum(a[:, 1], b[:, 1])), 0, shape[0]).astype(np.intp)
    count = last - first
    owner = np.repeat(np.arange(len(a)), count)
    row = first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = (row - a[owner, 1]) / (b[owner, 1] - a[owner, 1])
    x = a[owner, 0] + share * (b[owner, 0] - a[owner, 0])
    column = np.clip(np.ceil(x), 0, shape[1]).astype(np.intp)
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    np.add.at(crossings, (row, column), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1)
