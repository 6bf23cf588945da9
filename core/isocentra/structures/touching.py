"""Whether rings touch or cross themselves or one another.

Every pair of segments whose boxes meet is judged; neighbours of one ring share a point and are
judged only for folding back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["is_simple", "repeated_points"]

TOUCH_MM: Final = 1e-10
"""Points at multiples of 0.001 mm are on a segment or at least 1e-9 mm from it. [mm]"""


def is_simple(rings: Sequence[Array64]) -> bool:
    """Whether no ring (n, 2) touches or crosses itself or another."""
    if not rings:
        return True
    start = np.concatenate(list(rings))
    way = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings]) - start
    following = np.arange(len(start)) + 1
    ends = np.cumsum([len(ring) for ring in rings])
    following[ends - 1] = ends - [len(ring) for ring in rings]
    turn = _cross(way, way[following])
    folds = (np.abs(turn) < 1e-12) & (np.einsum("ni,ni->n", way, way[following]) < 0)
    if folds.any():
        return False
    first, second = _near_pairs(start, way)
    apart = (following[first] != second) & (following[second] != first)
    return not _meet(start, way, first[apart], second[apart])


def repeated_points(rings: Sequence[Array64], within_mm: float) -> Iterator[list[tuple[int, int]]]:
    """Yield (ring, point) of the points that share one place, rounded to `within_mm`. [mm]"""
    places: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for number, ring in enumerate(rings):
        for point, (x, y) in enumerate(np.rint(ring / (2 * within_mm)).astype(int).tolist()):
            places[x, y].append((number, point))
    yield from (visits for visits in places.values() if len(visits) > 1)


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


def _meet(
    start: Array64,
    way: Array64,
    first: npt.NDArray[np.intp],
    second: npt.NDArray[np.intp],
) -> bool:
    """Whether any pair of segments has a point in common."""
    a, b, c, d = start[first], way[first], start[second], way[second]
    sides = [_cross(b, c - a), _cross(b, c + d - a), _cross(d, a - c), _cross(d, a + b - c)]
    if ((sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0)).any():
        return True
    ends = ((c, a, b), (c + d, a, b), (a, c, d), (a + b, c, d))
    return any(bool((_distance(p, q, w) < TOUCH_MM).any()) for p, q, w in ends)


def _distance(points: Array64, start: Array64, way: Array64) -> Array64:
    length = np.maximum(np.einsum("ni,ni->n", way, way), 1e-30)
    along = np.clip(np.einsum("ni,ni->n", points - start, way) / length, 0, 1)
    return np.asarray(np.linalg.norm(points - start - along[:, None] * way, axis=1))


def _cross(a: Array64, b: Array64) -> Array64:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
