"""What lies round a patient: couch, pad, holder bars, mask, wires.

skin, choice ──► bodies of priority below the patient's

The patient lies supine: the couch is on his back (+y).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from isocentra.patients import materials
from isocentra.patients.compose import Difference, Intersection, Offset, Union
from isocentra.patients.model import Body, body
from isocentra.patients.solids import Box, Capsule, Cylinder, HalfSpace, Point, Solid

__all__ = ["Accessory", "couch", "head_accessories"]


class Accessory(StrEnum):
    """Things beside a patient."""

    COUCH = "couch"
    PAD = "pad"
    BARS = "bars"
    MASK = "mask"
    WIRES = "wires"


def head_accessories(skin: Solid, wanted: Sequence[Accessory]) -> tuple[Body, ...]:
    """Return the bodies of the wanted things round a head."""
    out: list[Body] = []
    if Accessory.COUCH in wanted:
        out += couch(top_mm=116.0)
    if Accessory.PAD in wanted:
        out.append(_pad(skin))
    if Accessory.BARS in wanted:
        out += [_bar(side) for side in (1.0, -1.0)]
    if Accessory.MASK in wanted:
        out.append(_mask(skin))
    if Accessory.WIRES in wanted:
        out += _wires(skin)
    return tuple(out)


def couch(*, top_mm: float) -> list[Body]:
    """Return a carbon sandwich, 530 mm wide and 50 mm thick, its top at y = `top_mm`. [mm]"""
    middle = (0.0, top_mm + 25.0, 0.0)
    shell = Box(centre_mm=middle, half_mm=(265.0, 25.0, 1200.0))
    core = Box(centre_mm=middle, half_mm=(263.0, 23.0, 1200.0))
    return [
        body("couch shell", shell, materials.CARBON, -20),
        body("couch core", core, materials.FOAM, -19),
    ]


def _pad(skin: Solid) -> Body:
    """Fill a box under the head up to the skin: the pad has taken its shape."""
    box = Box(centre_mm=(0.0, 89.0, 20.0), half_mm=(95.0, 27.0, 80.0))
    return body("pad", Difference(kept=box, removed=skin), materials.PAD, -10)


def _bar(side: float) -> Body:
    """Return one rail of a head holder, apart from the head."""
    bar = Cylinder(
        start_mm=(side * 112.0, 60.0, -60.0), end_mm=(side * 112.0, 60.0, 90.0), radius_mm=8.0
    )
    return body("holder bar", bar, materials.MASK, -10)


def _mask(skin: Solid) -> Body:
    """Return a 2.4 mm thermoplastic sheet on the front of the head, touching the skin."""
    outer = Offset(solid=skin, distance_mm=2.4)
    front = HalfSpace(point_mm=(0.0, -10.0, 0.0), normal=(0.0, 1.0, 0.0))
    above = HalfSpace(point_mm=(0.0, 0.0, -92.0), normal=(0.0, 0.0, -1.0))
    sheet = Intersection(parts=(outer, front, above))
    return body("mask", Difference(kept=sheet, removed=skin), materials.MASK, -10)


def _wires(skin: Solid) -> list[Body]:
    """Return a marker wire of 1.2 mm across the nose and one beside the letter, on the skin."""
    lines = (
        [(x, -120.0, 4.0) for x in np.linspace(-45.0, 45.0, 19)],
        [(70.0, -84.0, z) for z in np.linspace(-50.0, -8.0, 9)],
    )
    return [
        body(f"wire {number}", _wire(skin, line), materials.METAL, -5)
        for number, line in enumerate(lines, start=1)
    ]


def _wire(skin: Solid, line: list[Point]) -> Solid:
    over = Offset(solid=skin, distance_mm=0.6)
    on_skin = over.foot_points(line).tolist()
    return Union(
        parts=tuple(
            Capsule(start_mm=(a[0], a[1], a[2]), end_mm=(b[0], b[1], b[2]), radius_mm=0.6)
            for a, b in itertools.pairwise(on_skin)
        )
    )
