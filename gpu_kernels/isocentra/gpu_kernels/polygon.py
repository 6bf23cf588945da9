"""Share of each pixel inside a set of rings, exactly.

rings ──► edges ──► pieces in pixel rows ──► strips without vertices or crossings ──► sign by rank
──► coverage

In a strip that holds no vertex and no crossing its edges lie side by side, so the inside is between
the first and the second, the third and the fourth, …: even-odd by construction, for nested,
overlapping and self-crossing rings alike, and for channels of zero width, whose two edges are
neighbours. Edges that rounding puts in the wrong order lie within rounding of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.gpu_kernels.arrays import AnyArray
from isocentra.gpu_kernels.device import ON_CPU, Compute
from isocentra.gpu_kernels.errors import LaunchError
from isocentra.gpu_kernels.launch import brought_home, launch, workplace
from isocentra.gpu_kernels.sources import LANES

__all__ = ["polygon_coverage"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_SAME_PLACE: Final = 1e-9
"""Edges that change order by less are touching, not crossing. [pixel]"""

_MOST_AT_ONCE: Final = 1 << 21
"""Pieces in strips handled together (about 200 bytes each); a contour has thousands."""


def polygon_coverage(
    points_xy: Float64,
    starts: npt.NDArray[np.int32],
    shape: tuple[int, int],
    *,
    compute: Compute = ON_CPU,
) -> npt.NDArray[np.float32]:
    """Area of each pixel inside the rings, by the even-odd rule over all of them together.

    Parameters
    ----------
    points_xy
        (n, 2) float64 vertices, x along columns, y along rows; 0 = centre of the first pixel.
        They may lie outside the image. [pixel]
    starts
        (m + 1,) offsets: ring r is ``points_xy[starts[r]:starts[r + 1]]``, closed by itself.
    shape
        (rows, columns) of the result.
    compute
        Where it runs; the strips are cut on the CPU in either case.

    Returns
    -------
    NDArray[float32]
        `shape`, 0 to 1: the share of the pixel's area, exact to 2e-7.

    Raises
    ------
    LaunchError
        A coordinate that is not finite, offsets that do not fit, an empty shape.
    """
    points, offsets = _checked(points_xy, starts, shape)
    rows, columns = shape
    pieces = _pieces(_edges(points, offsets, rows))
    strips = _signed_strips(pieces)
    start = np.searchsorted(strips.row, np.arange(rows + 1)).astype(np.int32)
    with workplace(compute, points_xy) as module:
        result = module.empty(shape, np.float32)
        arrays = [module.asarray(a) for a in (start, strips.x_top, strips.x_bottom, strips.height)]
        teams = rows * -(-columns // LANES)
        launch("coverage_rows", (*arrays, result, columns, rows), teams, compute)
        out: npt.NDArray[np.float32] = brought_home(result, points_xy)
        return out


@dataclass(frozen=True, slots=True)
class _Lines:
    """Straight pieces, upper end first (y grows); x and y with 0 at the edge of the first pixel."""

    row: Int64
    x_top: Float64
    y_top: Float64
    x_bottom: Float64
    y_bottom: Float64

    def x_at(self, which: Int64, y: Float64) -> Float64:
        """Return x of the pieces `which` at y; the ends give their own x to the bit."""
        top, bottom = self.y_top[which], self.y_bottom[which]
        t = (y - top) / (bottom - top)
        return np.where(
            t < 1,
            self.x_top[which] + t * (self.x_bottom[which] - self.x_top[which]),
            self.x_bottom[which],
        )

    def of(self, chosen: npt.NDArray[np.bool_]) -> _Lines:
        """Only the pieces that `chosen` names."""
        return _Lines(
            self.row[chosen],
            self.x_top[chosen],
            self.y_top[chosen],
            self.x_bottom[chosen],
            self.y_bottom[chosen],
        )


@dataclass(frozen=True, slots=True)
class _Strips:
    """Signed pieces, sorted by row, of strips that hold no vertex and no crossing."""

    row: Int64
    x_top: Float64
    x_bottom: Float64
    height: Float64
    """> 0 where the inside begins right of the piece, < 0 where it ends. [pixel rows]"""


def _checked(
    points_xy: AnyArray, starts: AnyArray, shape: tuple[int, int]
) -> tuple[Float64, Int64]:
    points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 2)
    offsets = np.asarray(starts, dtype=np.int64)
    fits = (
        offsets.ndim == 1
        and offsets.size > 0
        and offsets[0] == 0
        and offsets[-1] == len(points)
        and bool(np.all(np.diff(offsets) >= 0))
    )
    if not fits or min(shape) < 1 or not np.isfinite(points).all():
        raise LaunchError(
            f"{len(points)} vertices and {offsets.size - 1} rings make no polygon on {shape}.",
            do="Give finite vertices, offsets from 0 to their number, a shape that is not empty.",
        )
    return points, offsets


def _edges(points: Float64, offsets: Int64, rows: int) -> _Lines:
    """Edges of all rings that are not horizontal, upper end first, cut to the image's rows."""
    follower = np.arange(1, len(points) + 1)
    filled = offsets[1:] > offsets[:-1]
    follower[offsets[1:][filled] - 1] = offsets[:-1][filled]
    here, there = points + 0.5, points[follower] + 0.5 if len(points) else points
    down = (here[:, 1] <= there[:, 1])[:, None]
    top, bottom = np.where(down, here, there), np.where(down, there, here)
    none = np.zeros(len(points), dtype=np.int64)
    lines = _Lines(none, top[:, 0], top[:, 1], bottom[:, 0], bottom[:, 1])
    lines = lines.of((lines.y_top < lines.y_bottom) & (lines.y_top < rows) & (lines.y_bottom > 0))
    every = np.arange(len(lines.row))
    y_top, y_bottom = np.maximum(lines.y_top, 0.0), np.minimum(lines.y_bottom, float(rows))
    return _Lines(lines.row, lines.x_at(every, y_top), y_top, lines.x_at(every, y_bottom), y_bottom)


def _pieces(edges: _Lines) -> _Lines:
    """Cut edges at the borders of pixel rows."""
    first = np.floor(edges.y_top).astype(np.int64)
    which, step = _runs(np.ceil(edges.y_bottom).astype(np.int64) - first)
    row = first[which] + step
    y_top = np.maximum(edges.y_top[which], row)
    y_bottom = np.minimum(edges.y_bottom[which], row + 1.0)
    return _Lines(row, edges.x_at(which, y_top), y_top, edges.x_at(which, y_bottom), y_bottom)


def _signed_strips(pieces: _Lines) -> _Strips:
    """Cut pieces at every vertex and crossing of their row, and sign what lies side by side."""
    levels = np.unique(np.concatenate([pieces.y_top, pieces.y_bottom]))
    if _size(pieces, levels) > _MOST_AT_ONCE and len(pieces.row) and np.ptp(pieces.row) > 0:
        return _in_halves(pieces)
    which, strip, rank = _side_by_side(pieces, levels)
    found = _crossings(pieces, levels, which, strip)
    if found.size:
        levels = np.union1d(levels, found)
        if _size(pieces, levels) > _MOST_AT_ONCE and np.ptp(pieces.row) > 0:
            return _in_halves(pieces)
        which, strip, rank = _side_by_side(pieces, levels)
    y_top, y_bottom = levels[strip], levels[strip + 1]
    return _Strips(
        pieces.row[which],
        pieces.x_at(which, y_top),
        pieces.x_at(which, y_bottom),
        np.where(rank % 2 == 0, 1.0, -1.0) * (y_bottom - y_top),
    )


def _in_halves(pieces: _Lines) -> _Strips:
    """Do upper and lower rows one after the other, to bound memory."""
    middle = (int(pieces.row.min()) + int(pieces.row.max()) + 1) // 2
    upper = _signed_strips(pieces.of(pieces.row < middle))
    lower = _signed_strips(pieces.of(pieces.row >= middle))
    return _Strips(
        np.concatenate([upper.row, lower.row]),
        np.concatenate([upper.x_top, lower.x_top]),
        np.concatenate([upper.x_bottom, lower.x_bottom]),
        np.concatenate([upper.height, lower.height]),
    )


def _size(pieces: _Lines, levels: Float64) -> int:
    spans = np.searchsorted(levels, pieces.y_bottom) - np.searchsorted(levels, pieces.y_top)
    return int(spans.sum())


def _side_by_side(pieces: _Lines, levels: Float64) -> tuple[Int64, Int64, Int64]:
    """(piece, strip, rank in the strip from the left) of each piece in each strip it passes."""
    begin = np.searchsorted(levels, pieces.y_top)
    which, step = _runs(np.searchsorted(levels, pieces.y_bottom) - begin)
    strip = begin[which] + step
    middle = pieces.x_at(which, 0.5 * (levels[strip] + levels[strip + 1]))
    order = np.lexsort((which, middle, strip))
    which, strip = which[order], strip[order]
    rank = np.arange(len(strip)) - np.searchsorted(strip, strip)
    return which, strip, rank


def _crossings(pieces: _Lines, levels: Float64, which: Int64, strip: Int64) -> Float64:
    """Return y of the crossings inside strips, found where the order at the ends differs."""
    top, bottom = pieces.x_at(which, levels[strip]), pieces.x_at(which, levels[strip + 1])
    neighbour = strip[1:] == strip[:-1]
    falls = (np.diff(top) < -_SAME_PLACE) | (np.diff(bottom) < -_SAME_PLACE)
    crossed = np.isin(strip, strip[1:][neighbour & falls])
    strip, top, bottom = strip[crossed], top[crossed], bottom[crossed]
    last = np.searchsorted(strip, strip, side="right") - 1
    one, ahead = _runs(last - np.arange(len(strip)))
    other = one + 1 + ahead
    before, after = top[other] - top[one], bottom[other] - bottom[one]
    cross = (before * after < 0) & (np.minimum(np.abs(before), np.abs(after)) > _SAME_PLACE)
    before, after, strip = before[cross], after[cross], strip[one[cross]]
    y = levels[strip] + before / (before - after) * (levels[strip + 1] - levels[strip])
    return np.unique(y)


def _runs(counts: Int64) -> tuple[Int64, Int64]:
    """(i, 0), (i, 1), … (i, counts[i] - 1) for each i, as two arrays."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
