"""Areas and boolean operations of plane polygons: the one place that calls manifold3d's 2D part.

rings (n, 2) [mm] ──► CrossSection (Clipper2, exact to 1e-8 mm) ──► area, union, inset, agreement

A region is a sequence of rings read even-odd, whatever their orientation, unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import manifold3d
import numpy as np

from isocentra.geometry.grid import Array64

__all__ = [
    "Rings",
    "common_area_mm2",
    "even_odd_area_mm2",
    "inset",
    "overlap_partly",
    "parted",
    "signed_area_mm2",
    "union",
]

Rings = Sequence[Array64]

CORNER_SEGMENTS: Final = 64
"""Segments of a full circle where an inset rounds a corner."""


def signed_area_mm2(ring: Array64) -> float:
    """Area of one ring by the shoelace formula, positive where it runs counter-clockwise. [mm²]"""
    x, y = (ring - ring[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def even_odd_area_mm2(rings: Rings) -> float:
    """Area of a region, holes and crossings counted even-odd. [mm²]"""
    return float(_region(rings).area()) if rings else 0.0


def common_area_mm2(first: Rings, second: Rings) -> float:
    """Area that two regions share. [mm²]"""
    if not first or not second:
        return 0.0
    return float((_region(first) ^ _region(second)).area())


def overlap_partly(first: Array64, second: Array64, tolerance_mm2: float) -> bool:
    """Whether two rings overlap while neither holds the other, by more than a tolerance. [mm²]"""
    one, other = _region([first]), _region([second])
    shared = float((one ^ other).area())
    rest = min(float(one.area()), float(other.area())) - shared
    return shared > tolerance_mm2 and rest > tolerance_mm2


def union(rings: Rings) -> tuple[Array64, ...]:
    """Return the rings round everything that any of `rings` encloses, taken one by one."""
    parts = [_region([ring]) for ring in rings]
    return _rings(manifold3d.CrossSection.batch_boolean(parts, manifold3d.OpType.Add))


def inset(rings: Rings, distance_mm: float) -> tuple[Array64, ...]:
    """Return the region of all points deeper than `distance_mm` inside. [mm]"""
    if not rings:
        return ()
    return _rings(
        _region(rings).offset(
            -distance_mm,
            manifold3d.JoinType.Round,
            circular_segments=CORNER_SEGMENTS,
        )
    )


def parted(rings: Rings, width_mm: float) -> tuple[Array64, ...]:
    """Return a region whose necks and gaps are at least as wide as said. [mm]

    It is inset by the width and brought back half of it: narrower necks go, gaps grow by the width,
    every other line moves by half of it.
    """
    join = manifold3d.JoinType.Miter
    return _rings(_region(rings).offset(-width_mm, join).offset(width_mm / 2, join))


def _region(rings: Rings) -> Any:  # noqa: ANN401  # manifold3d types its class as Any's kin
    return manifold3d.CrossSection(list(rings), manifold3d.FillRule.EvenOdd)


def _rings(region: Any) -> tuple[Array64, ...]:  # noqa: ANN401
    return tuple(np.asarray(ring, dtype=np.float64) for ring in region.to_polygons())
