"""Segments and polygons in a plane: where they cross, and what area two polygons share.

polygon edges ──► pairs that cross or touch; two polygons ──► area in common
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["Crossings", "crossings", "shared_area_mm2"]

TOUCH_MM = 1e-6
"""Segments nearer than this touch."""

Pairs = npt.NDArray[np.intp]


class Crossings(NamedTuple):
    """Pairs (m, 2) of segment indices."""

    proper: Pairs
    """Each passes through the inside of the other."""
    touching: Pairs
    """They have a point in common: `proper` and those that meet at an end or lie on each other."""


def crossings(start_mm: Array64, stop_mm: Array64) -> Crossings:
    """Find the segments (n, 2) to (n, 2) that cross or touch; sweep along the first axis.

    Segments that share an end point, as the neighbours in a polygon do, touch.
    """
    low = np.minimum(start_mm, stop_mm) - TOUCH_MM
    high = np.maximum(start_mm, stop_mm) + TOUCH_MM
    order = np.argsort(low[:, 0], kind="stable")
    ends = np.searchsorted(low[order, 0], high[order, 0], side="right")
    counts = np.maximum(ends - np.arange(len(order)) - 1, 0)
    first = np.repeat(np.arange(len(order)), counts)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    a, b = order[first], order[first + 1 + offset]
    near = (low[a, 1] <= high[b, 1]) & (low[b, 1] <= high[a, 1])
    a, b = a[near], b[near]
    sides = np.stack(
        [
            _side(start_mm[a], stop_mm[a], start_mm[b]),
            _side(start_mm[a], stop_mm[a], stop_mm[b]),
            _side(start_mm[b], stop_mm[b], start_mm[a]),
            _side(start_mm[b], stop_mm[b], stop_mm[a]),
        ]
    )
    pairs = np.stack([a, b], axis=1)
    apart = (sides[0] * sides[1] > 0) | (sides[2] * sides[3] > 0)
    proper = (sides[0] * sides[1] < 0) & (sides[2] * sides[3] < 0)
    return Crossings(proper=pairs[proper], touching=pairs[~apart])


def _side(start: Array64, stop: Array64, point: Array64) -> Array64:
    """-1, 0 or 1: the side of the line on which the point lies; 0 within the tolerance."""
    along, offset = stop - start, point - start
    cross = along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0]
    cross[np.abs(cross) <= TOUCH_MM * np.linalg.norm(along, axis=1)] = 0.0
    return np.sign(cross)


def shared_area_mm2(one_mm: Array64, other_mm: Array64) -> tuple[float, float, float]:
    """Return (shared area, area of one, area of the other) of two polygons filled even-odd.

    Notes
    -----
    Strips between neighbouring vertex heights, each taken at its middle: exact for the areas where
    edges do not cross inside a strip, and for the shared area up to the strips in which they do.
    """
    heights = np.unique(np.concatenate([one_mm[:, 1], other_mm[:, 1]]))
    shared = areas_one = areas_other = 0.0
    for middle, depth in zip((heights[:-1] + heights[1:]) / 2, np.diff(heights), strict=True):
        a, b = _cuts(one_mm, middle), _cuts(other_mm, middle)
        areas_one += depth * float((a[1::2] - a[::2]).sum())
        areas_other += depth * float((b[1::2] - b[::2]).sum())
        low = np.maximum(a[::2, None], b[None, ::2])
        high = np.minimum(a[1::2, None], b[None, 1::2])
        shared += depth * float(np.maximum(high - low, 0.0).sum())
    return shared, areas_one, areas_other


def _cuts(ring: Array64, height: float) -> Array64:
    """Sorted positions at which a horizontal line enters and leaves the polygon."""
    after = np.roll(ring, -1, axis=0)
    cut = (ring[:, 1] > height) != (after[:, 1] > height)
    p, q = ring[cut], after[cut]
    return np.sort(p[:, 0] + (height - p[:, 1]) * (q[:, 0] - p[:, 0]) / (q[:, 1] - p[:, 1]))
