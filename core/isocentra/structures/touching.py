"""Whether rings touch or cross themselves or one another.

Every pair of segments whose boxes meet is judged; neighbours of one ring share a point and are
judged only for folding back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["crosses", "is_simple"]

TOUCH_MM: Final = 1e-10
"""Points at multiples of 0.001 mm are on a segment or at least 1e-9 mm from it. [mm]"""


def is_simple(rings: Sequence[Array64]) -> bool:
    """Whether no ring (n, 2) touches or crosses itself or another."""
    if not rings:
        return True
    start, way, following = _segments(rings)
    turn = _cross(way, way[following])
    folds = (np.abs(turn) < 1e-12) & (np.einsum("ni,ni->n", way, way[following]) < 0)
    if folds.any():
        return False
    first, second = _near_pairs(start, way)
    apart = (following[first] != second) & (following[second] != first)
    first, second = first[apart], second[apart]
    return not (_cross_within(start, way, first, second) or _touch(start, way, first, second))


def crosses(rings: Sequence[Array64]) -> bool:
    """Whether a ring (n, 2) crosses itself or another; to touch, as keyholes do, is no crossing."""
    if not rings:
        return False
    start, way, _ = _segments(rings)
    return _cross_within(start, way, *_near_pairs(start, way))


def _segments(rings: Sequence[Array64]) -> tuple[Array64, Array64, npt.NDArray[np.intp]]:
    """Return the segments' starts and ways (n, 2), and which one follows each."""
    start = np.concatenate(list(rings))
    way = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings]) - start
    lengths = np.array([len(ring) for ring in rings])
    ends = np.cumsum(lengths)
    following = np.arange(len(start)) + 1
    following[ends - 1] = ends - lengths
    return start, way, following


def _near_pairs(start: Array64, way: Array64) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of segments whose bounding boxes meet, by a sweep along the first coordinate."""
    low, high = np.minimum(start, start + way), np.maximum(start, start + way)
    order = np.argsort(low[:, 0], kind="stable")
    low, high = low[order], high[order]
    count = np.searchsorted(low[:, 0], high[:, 0], side="right") - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), count)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    meet = (low[first, 1] <= high[second, 1]) & (low[second, 1] <= high[first, 1])
    return order[first[meet]], order[second[meet]]


def _cross_within(
    start: Array64,
    way: Array64,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
) -> bool:
    """Whether any pair of segments crosses, each having the other's ends on both sides."""
    a, b, c, d = start[first], way[first], start[second], way[second]
    over = _side(_cross(b, c - a)) * _side(_cross(b, c + d - a)) < 0
    return bool((over & (_side(_cross(d, a - c)) * _side(_cross(d, a + b - c)) < 0)).any())


def _side(cross: Array64) -> Array64:
    """-1, 0, 1; products of multiples of 0.001 mm are 0 or at least 1e-6 mm²."""
    return np.asarray(np.where(np.abs(cross) < 1e-9, 0.0, np.sign(cross)))


def _touch(
    start: Array64,
    way: Array64,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
) -> bool:
    """Whether any pair of segments has an end of one on the other."""
    a, b, c, d = start[first], way[first], start[second], way[second]
    ends = ((c, a, b), (c + d, a, b), (a, c, d), (a + b, c, d))
    return any(bool((_distance(p, q, w) < TOUCH_MM).any()) for p, q, w in ends)


def _distance(points: Array64, start: Array64, way: Array64) -> Array64:
    length = np.maximum(np.einsum("ni,ni->n", way, way), 1e-30)
    along = np.clip(np.einsum("ni,ni->n", points - start, way) / length, 0, 1)
    return np.asarray(np.linalg.norm(points - start - along[:, None] * way, axis=1))


def _cross(a: Array64, b: Array64) -> Array64:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
