"""Rings made fit for writing: few points, three decimals, still simple.

rings (n, 2) of one plane ──► simplified ──► rounded ──► no touch, no crossing ──► Contour, …

Simplification is Douglas and Peucker's (1973), all rings at once. Rounding to 0.001 mm can close a
gap or a neck: the plane is then simplified less, and if that is not enough, narrow gaps are widened
and narrow necks cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64, Grid
from isocentra.structures.model import Contour, ContourKind
from isocentra.structures.polygons import parted, signed_area_mm2
from isocentra.structures.touching import is_simple

__all__ = ["PlaneFrame", "fitted_contours", "plane_frame", "simplified"]

DECIMALS: Final = 3
"""Of a millimetre in written contours: 0.001 mm, and 16 characters of a DS hold it."""
ROUNDING_MM: Final = 0.001
"""What rounding may move a line by, at most √3/2 of the last decimal. [mm]"""
SMALLEST_MM2: Final = 0.01
"""A ring of less area is not written; readers drop it as degenerate. [mm²]"""
AREA_SHARE: Final = 0.008
"""The simplification moves lines by at most this share of area over outline, so that the area
Dice of thin sections stays above 0.996."""
WIDENED_MM: Final = (0.002, 0.004, 0.008, 0.016)
"""Least width of gaps and necks, in turn, where rounding lets lines touch. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFrame:
    """A plane in the patient: `axes` rows u, v, n with u × v = n; n·p = `position_mm` on it."""

    axes: Array64
    position_mm: float

    def to_points(self, uv: Array64) -> Array64:
        """Map (n, 2) u, v to (n, 3) x, y, z in LPS. [mm]"""
        return np.asarray(uv @ self.axes[:2] + self.position_mm * self.axes[2])

    def to_plane(self, points_mm: Array64) -> Array64:
        """Project (n, 3) x, y, z in LPS to (n, 2) u, v. [mm]"""
        return np.asarray(points_mm @ self.axes[:2].T)


def plane_frame(grid: Grid, level: float) -> PlaneFrame:
    """Return the frame of the grid's plane at a (fractional) slice index; n is the k axis."""
    normal, _, u = np.array(grid.axes)
    axes = np.array([u, np.cross(normal, u), normal])
    position = float(normal @ np.array(grid.origin_mm)) + level * grid.spacing_mm[0]
    return PlaneFrame(axes=axes, position_mm=position)


def fitted_contours(
    rings: Sequence[Array64], frame: PlaneFrame, *, simplify_mm: float
) -> tuple[Contour, ...]:
    """Make the written contours of one plane.

    Parameters
    ----------
    rings
        (n, 2) u, v each, without crossings, holes running against outlines. [mm]
    frame
        The plane.
    simplify_mm
        How far a written line may lie from the given one, rounding included. [mm]

    Returns
    -------
    tuple of Contour
        CLOSED_PLANAR, 0.001 mm, simple, no two touching; outlines run counter-clockwise seen from
        the tip of n, holes clockwise. Rings of less than 0.01 mm² are left out.
    """
    rings = [ring for ring in rings if abs(signed_area_mm2(ring)) >= SMALLEST_MM2]
    if not rings:
        return ()
    if signed_area_mm2(max(rings, key=lambda ring: abs(signed_area_mm2(ring)))) < 0:
        rings = [ring[::-1] for ring in rings]
    outline = sum(float(np.linalg.norm(np.roll(r, -1, axis=0) - r, axis=1).sum()) for r in rings)
    area = abs(sum(signed_area_mm2(ring) for ring in rings))
    tolerance = max(min(simplify_mm - ROUNDING_MM, AREA_SHARE * area / outline), 0.0)
    points: list[Array64] = []
    for share in (1.0, 0.5, 0.25, 0.0):
        points, flat = _rounded(simplified(rings, share * tolerance), frame)
        if is_simple(flat):
            break
    else:
        points = _parted(simplified(rings, tolerance), frame)
    return tuple(Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=ring) for ring in points)


def simplified(rings: Sequence[Array64], tolerance_mm: float) -> list[Array64]:
    """Drop points of closed rings (n, 2) that lie within a tolerance of what is left. [mm]

    Chords of a convex line lie inside it, 0.013 mm on average at 0.02 mm: the points that are kept
    are therefore moved so that each chord leaves as much outside as inside.
    """
    if tolerance_mm <= 0 or not rings:
        return list(rings)
    closed = [np.concatenate([ring, ring[:1]]) for ring in rings]
    points = np.concatenate(closed)
    ends = np.cumsum([len(ring) for ring in closed])
    keep = np.zeros(len(points), dtype=bool)
    keep[ends - 1] = True
    keep[ends - [len(ring) for ring in closed]] = True
    for ring, end in zip(closed, ends.tolist(), strict=True):
        keep[end - len(ring) + int(np.linalg.norm(ring - ring[0], axis=1).argmax())] = True
    while (split := _farthest(points, keep, tolerance_mm)).size:
        keep[split] = True
    return [
        _balanced(ring, keep[end - len(ring) : end], tolerance_mm)
        for ring, end in zip(closed, ends.tolist(), strict=True)
    ]


def _farthest(
    points: Array64, keep: npt.NDArray[np.bool_], tolerance_mm: float
) -> npt.NDArray[np.intp]:
    """For each run between kept points, its point farthest from the chord if beyond tolerance."""
    kept = np.flatnonzero(keep)
    run = np.cumsum(keep) - 1
    following = kept[np.minimum(run + 1, len(kept) - 1)]
    a = points[kept[run]]
    chord = points[following] - a
    length = np.maximum(np.einsum("ni,ni->n", chord, chord), 1e-30)
    along = np.clip(np.einsum("ni,ni->n", points - a, chord) / length, 0, 1)
    distance = np.linalg.norm(points - a - along[:, None] * chord, axis=1)
    distance[keep] = 0
    worst = np.maximum.reduceat(distance, kept)
    far = np.flatnonzero((distance > tolerance_mm) & (distance == worst[run]))
    _, first = np.unique(run[far], return_index=True)
    return far[first]


def _balanced(closed: Array64, keep: npt.NDArray[np.bool_], tolerance_mm: float) -> Array64:
    """Return the kept points of a closed ring, moved until the area on its chords balances."""
    kept = np.flatnonzero(keep)
    points = closed[kept]
    chords = np.diff(points, axis=0)
    # Twice the area between the line and its chord, positive where the line lies to the right.
    sweep = _cross(closed[:-1] - closed[0], closed[1:] - closed[0])
    lost = np.add.reduceat(sweep, kept[:-1])
    lost -= _cross(points[:-1] - closed[0], points[1:] - closed[0])
    length = np.maximum(np.linalg.norm(chords, axis=1), 1e-30)
    right = np.column_stack([chords[:, 1], -chords[:, 0]]) / length[:, None]
    out = right * (lost / 2 / length)[:, None]
    before = np.roll(right, 1, axis=0)
    # The corner of two lines that move by equal amounts moves by their sum over 1 + cosine.
    spread = np.maximum(1 + np.einsum("ni,ni->n", right, before), 0.5)
    move = (out + np.roll(out, 1, axis=0)) / spread[:, None]
    size = np.maximum(np.linalg.norm(move, axis=1), 1e-30)
    return np.asarray(points[:-1] + move * np.minimum(1, tolerance_mm / size)[:, None])


def _cross(a: Array64, b: Array64) -> Array64:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _rounded(rings: Sequence[Array64], frame: PlaneFrame) -> tuple[list[Array64], list[Array64]]:
    """Round to 0.001 mm in the patient; return points (n, 3) and u, v (n, 2) of what is left."""
    points, flat = [], []
    for ring in rings:
        rounded = np.round(frame.to_points(ring), DECIMALS) + 0.0  # no negative zeros
        rounded = rounded[(rounded != np.roll(rounded, 1, axis=0)).any(axis=1)]
        if len(rounded) < 3:
            continue
        uv = frame.to_plane(rounded)
        if abs(signed_area_mm2(uv)) >= SMALLEST_MM2:
            points.append(rounded)
            flat.append(uv)
    return points, flat


def _parted(rings: Sequence[Array64], frame: PlaneFrame) -> list[Array64]:
    """Widen what rounding would close, as little as will do."""
    points: list[Array64] = []
    for width in WIDENED_MM:
        points, flat = _rounded(parted(rings, width), frame)
        if is_simple(flat):
            break
    return points
