"""The solid that an ROI's planes stand for: a stack of slabs, each one region thick.

PlaneStack ──► slabs (low, high, rings) ──► volume, coverage

A slab reaches half-way to its neighbours; what it does at the ends is the `Cap`. State the cap with
every number: planning systems differ by up to 3 % (18 planes) and 40 % (2 planes) in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from isocentra.errors import StructureError, Where
from isocentra.geometry.grid import Array64
from isocentra.structures.model import Roi
from isocentra.structures.outline import rings_between
from isocentra.structures.planes import Plane, PlaneStack, plane_stack
from isocentra.structures.polygons import Rings, even_odd_area_mm2, inset

__all__ = ["Cap", "Slab", "slabs_of", "volume_cm3"]

CAP_LAYERS: Final = 6
"""Layers that a rounded cap is made of."""
RASTER_PIXELS: Final = 256
"""Pixels along the longer side of the raster on which missing planes are interpolated."""


class Cap(StrEnum):
    """What lies beyond the outermost planes of a part."""

    HALF_SLICE = "half-slice"
    """The end region goes on for half the step to its only neighbour."""
    NONE = "none"
    """Nothing: the solid ends on its last plane."""
    ROUNDED = "rounded"
    """For half a step the region shrinks as it did from its neighbour; it never grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slab:
    """One region between two positions along the stack's normal."""

    low_mm: float
    high_mm: float
    rings: tuple[Array64, ...]
    """(n, 2) u, v each, read even-odd. [mm]"""


def volume_cm3(roi: Roi, *, cap: Cap = Cap.HALF_SLICE, lone_step_mm: float | None = None) -> float:
    """Volume of an ROI as the sum of its slabs, from the polygons themselves.

    Parameters
    ----------
    roi
        The ROI.
    cap
        What the ends are.
    lone_step_mm
        Thickness of a single plane: the image's slice spacing. [mm]

    Returns
    -------
    float
        [cm³]

    Raises
    ------
    StructureError
        As `plane_stack`; ``BAD_CONTOUR`` when there is one plane and no `lone_step_mm`.
    """
    stack = plane_stack(roi)
    if stack.step_mm is None and lone_step_mm is None:
        raise StructureError(
            "BAD_CONTOUR",
            "The ROI is drawn on one plane only, so it has no thickness of its own.",
            where=Where(roi=roi.name),
            do="Give the slice spacing of the image that it was drawn on.",
        )
    slabs = slabs_of(stack, cap=cap, lone_step_mm=lone_step_mm or 0.0)
    return sum((s.high_mm - s.low_mm) * even_odd_area_mm2(s.rings) for s in slabs) / 1000


def slabs_of(stack: PlaneStack, *, cap: Cap, lone_step_mm: float) -> tuple[Slab, ...]:
    """Return the slabs of a stack in order; they do not overlap.

    `lone_step_mm` is the thickness of a plane without any neighbour in the whole ROI; a single
    plane of a ROI that has others takes the regular step. [mm]
    """
    step = stack.step_mm or lone_step_mm
    out: list[Slab] = []
    for part in stack.parts:
        planes = list(_filled(stack, part))
        edges = [(a.position_mm + b.position_mm) / 2 for a, b in pairwise(planes)]
        first = edges[0] - planes[0].position_mm if edges else step / 2
        last = planes[-1].position_mm - edges[-1] if edges else step / 2
        low, high = planes[0].position_mm - first, planes[-1].position_mm + last
        if cap is not Cap.HALF_SLICE and edges:
            low, high = planes[0].position_mm, planes[-1].position_mm
            if cap is Cap.ROUNDED:
                out.extend(_rounded(planes[0], planes[1], -first))
        bounds = [low, *edges, high]
        out.extend(
            Slab(low_mm=a, high_mm=b, rings=plane.rings)
            for plane, a, b in zip(planes, bounds[:-1], bounds[1:], strict=True)
        )
        if cap is Cap.ROUNDED and edges:
            out.extend(_rounded(planes[-1], planes[-2], last))
    return tuple(sorted(out, key=lambda slab: slab.low_mm))


def _filled(stack: PlaneStack, part: tuple[Plane, ...]) -> Iterator[Plane]:
    """Yield the planes of a part, missing ones interpolated."""
    yield part[0]
    for low, high in pairwise(part):
        missing = stack.missing(low.position_mm, high.position_mm)
        shares = (np.arange(missing) + 1) / (missing + 1)
        if missing:
            extent = np.ptp(np.concatenate([*low.rings, *high.rings]), axis=0).max()
            between = rings_between(
                low.rings, high.rings, shares.tolist(), float(extent) / RASTER_PIXELS
            )
            for share, rings in zip(shares.tolist(), between, strict=True):
                position = (1 - share) * low.position_mm + share * high.position_mm
                yield Plane(position_mm=position, rings=rings)
        yield high


def _rounded(end: Plane, neighbour: Plane, reach_mm: float) -> Iterator[Slab]:
    """Yield layers beyond `end` whose area goes on falling as it did from the neighbour.

    Each layer is the end region inset by its loss of area over its outline's length, which is the
    distance by which a smooth outline has to move.
    """
    area = even_odd_area_mm2(end.rings)
    step = abs(end.position_mm - neighbour.position_mm)
    slope = max((even_odd_area_mm2(neighbour.rings) - area) / step, 0.0)
    bounds = np.linspace(0.0, abs(reach_mm), CAP_LAYERS + 1)
    outline = _outline_length_mm(end.rings)
    for near, far in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        wanted = area - slope * (near + far) / 2
        if wanted <= 0:
            return
        rings = inset(end.rings, (area - wanted) / outline) if slope else end.rings
        ends = sorted(end.position_mm + np.sign(reach_mm) * np.array([near, far]))
        yield Slab(low_mm=float(ends[0]), high_mm=float(ends[1]), rings=tuple(rings))


def _outline_length_mm(rings: Rings) -> float:
    return sum(float(np.linalg.norm(np.roll(r, -1, axis=0) - r, axis=1).sum()) for r in rings)
