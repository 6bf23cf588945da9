"""Segments and polygons in a plane: where they cross, and what area two polygons share.

polygon edges ──► pairs that cross or touch; two polygons ──► area in common
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["Crossings", "candidates", "crossings", "shared_area_mm2"]

TOUCH_MM = 1e-6
"""Segments nearer than this touch."""
BLOCK_PAIRS = 1 << 18
"""Pairs looked at together: some 30 MiB, however many there are."""

Pairs = npt.NDArray[np.intp]


class Crossings(NamedTuple):
    """Pairs (m, 2) of segment indices."""

    proper: Pairs
    """Each passes through the inside of the other."""
    touching: Pairs
    """They have a point in common: `proper` and those that meet at an end or lie on each other."""


class _Sweep(NamedTuple):
    """Segments in the order of their lower ends along one axis."""

    order: Pairs
    """(n,) segment indices."""
    counts: Pairs
    """(n,) how many of those that follow begin before this one ends."""


def candidates(start_mm: Array64, stop_mm: Array64) -> int:
    """Return how many pairs of segments `crossings` has to look at."""
    return int(_sweep(start_mm, stop_mm).counts.sum())


def _sweep(start_mm: Array64, stop_mm: Array64) -> _Sweep:
    """Sweep along the axis on which fewer segments lie side by side."""
    low = np.minimum(start_mm, stop_mm) - TOUCH_MM
    high = np.maximum(start_mm, stop_mm) + TOUCH_MM
    sweeps = []
    for axis in (0, 1):
        order = np.argsort(low[:, axis], kind="stable")
        ends = np.searchsorted(low[order, axis], high[order, axis], side="right")
        sweeps.append(_Sweep(order, np.maximum(ends - np.arange(len(order)) - 1, 0)))
    return min(sweeps, key=lambda sweep: int(sweep.counts.sum()))


def crossings(start_mm: Array64, stop_mm: Array64) -> Crossings:
    """Find the segments (n, 2) to (n, 2) that cross or touch, by a sweep along one axis.

    Segments that share an end point, as the neighbours in a polygon do, touch. Time grows with
    `candidates`; memory does not, but for the pairs that are found.
    """
    order, counts = _sweep(start_mm, stop_mm)
    before = np.cumsum(counts) - counts
    blocks = [_among(start_mm, stop_mm, np.empty((0, 2), dtype=np.intp))]
    for begin in range(0, int(counts.sum()), BLOCK_PAIRS):
        nth = np.arange(begin, min(begin + BLOCK_PAIRS, int(counts.sum())))
        first = np.searchsorted(before, nth, side="right") - 1
        second = first + 1 + nth - before[first]
        pairs = np.stack([order[first], order[second]], axis=1)
        blocks.append(_among(start_mm, stop_mm, pairs))
    return Crossings(*(np.concatenate(found) for found in zip(*blocks, strict=True)))


def _among(start_mm: Array64, stop_mm: Array64, pairs: Pairs) -> Crossings:
    """Return those of some pairs that cross or touch."""
    a, b = pairs.T
    ends_a, ends_b = (start_mm[a], stop_mm[a]), (start_mm[b], stop_mm[b])
    apart_mm = np.maximum(
        np.minimum(*ends_a) - np.maximum(*ends_b), np.minimum(*ends_b) - np.maximum(*ends_a)
    )
    near = (apart_mm <= 2 * TOUCH_MM).all(axis=1)
    pairs = pairs[near]
    a, b = pairs.T
    sides = np.stack(
        [
            _side(start_mm[a], stop_mm[a], start_mm[b]),
            _side(start_mm[a], stop_mm[a], stop_mm[b]),
            _side(start_mm[b], stop_mm[b], start_mm[a]),
            _side(start_mm[b], stop_mm[b], stop_mm[a]),
        ]
    )
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
