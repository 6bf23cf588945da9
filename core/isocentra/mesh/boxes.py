"""Which boxes meet: a balanced tree over axis-aligned boxes, walked one level at a time.

triangle boxes ──► BoxTree ──► overlapping_pairs()          candidates for self-intersection
                          └──► within(points, radius)       candidates for the nearest triangle

Every level is one set of array operations, so the walk needs no compiled code; splitting at the
median keeps it balanced for triangles of any mix of sizes, where a uniform grid is not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["BoxTree", "Pairs"]

Pairs = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int64]


class BoxTree:
    """A complete binary tree over m boxes; missing leaves are boxes that meet nothing.

    Parameters
    ----------
    low_mm, high_mm
        (m, 3) corners of the boxes, m ≥ 1. [mm]
    """

    def __init__(self, low_mm: Array64, high_mm: Array64) -> None:
        self.depth = max(len(low_mm) - 1, 0).bit_length()
        size = 1 << self.depth
        low = np.full((size, 3), np.inf)
        high = np.full((size, 3), -np.inf)
        low[: len(low_mm)], high[: len(low_mm)] = low_mm, high_mm
        self.order = self._median_order(low, high)
        self._levels = self._boxes(low[self.order], high[self.order])

    def _median_order(self, low: Array64, high: Array64) -> Numbers:
        """Order the boxes so that each half of each node's boxes lies on one side of a plane."""
        centre = np.where(np.isfinite(low), low, 0.0) + np.where(np.isfinite(low), high, np.inf)
        order = np.arange(len(low), dtype=np.int64)
        for level in range(self.depth):
            nodes = 1 << level
            own = centre[order].reshape(nodes, -1, 3)
            highest = np.where(np.isfinite(own), own, -np.inf).max(axis=1)
            lowest = own.min(axis=1)
            extent = np.where(np.isfinite(lowest), highest - lowest, 0.0)
            axis = np.argmax(extent, axis=1)
            key = np.take_along_axis(own, axis[:, None, None], axis=2)[:, :, 0]
            if key.shape[1] > 1:
                part = np.argpartition(key, key.shape[1] // 2, axis=1)
                order = np.take_along_axis(order.reshape(nodes, -1), part, axis=1).ravel()
        return order

    def _boxes(self, low: Array64, high: Array64) -> list[tuple[Array64, ...]]:
        """Boxes of every level, root first: three lows and three highs as columns."""
        levels = [(low, high)]
        for _ in range(self.depth):
            low = low.reshape(-1, 2, 3).min(axis=1)
            high = high.reshape(-1, 2, 3).max(axis=1)
            levels.append((low, high))
        return [
            tuple(np.ascontiguousarray(box[:, k]) for box in pair for k in range(3))
            for pair in reversed(levels)
        ]

    def overlapping_pairs(self) -> Pairs:
        """Return (k, 2) numbers of all pairs of boxes that meet or touch, each pair once."""
        first = np.zeros(1, dtype=np.int64)
        second = np.zeros(1, dtype=np.int64)
        for level in range(1, self.depth + 1):
            same = first == second
            own = 2 * first[same]
            one, two = 2 * first[~same], 2 * second[~same]
            first = np.concatenate([own, own, own + 1, one, one, one + 1, one + 1])
            second = np.concatenate([own, own + 1, own + 1, two, two + 1, two, two + 1])
            first, second = self._meeting(first, second, level)
        apart = first != second
        pairs = self.order[np.stack([first[apart], second[apart]], axis=1)]
        return np.sort(pairs, axis=1)

    def _meeting(self, first: Numbers, second: Numbers, level: int) -> tuple[Numbers, Numbers]:
        boxes = self._levels[level]
        for axis in range(3):
            low, high = boxes[axis], boxes[axis + 3]
            meet = (low[first] <= high[second]) & (low[second] <= high[first])
            first, second = first[meet], second[meet]
        return first, second

    def within(self, points_mm: Array64, radius_mm: Array64) -> Pairs:
        """Return (k, 2) rows (point, box) of all boxes within each point's own radius. [mm]."""
        point = np.arange(len(points_mm), dtype=np.int64)
        node = np.zeros(len(points_mm), dtype=np.int64)
        limit = radius_mm**2
        for level in range(self.depth + 1):
            if level:
                point = np.repeat(point, 2)
                node = np.repeat(2 * node, 2)
                node[1::2] += 1
            boxes = self._levels[level]
            square = np.zeros(len(point))
            for axis in range(3):
                x = points_mm[point, axis]
                gap = np.maximum(boxes[axis][node] - x, x - boxes[axis + 3][node])
                square += np.maximum(gap, 0.0) ** 2
            near = square <= limit[point]
            point, node = point[near], node[near]
        return np.stack([point, self.order[node]], axis=1)
