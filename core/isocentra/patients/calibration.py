"""Simple solids with exact answers: sphere, tilted cylinder, face, ear.

radius, tissue HU ──► DigitalPatient

They are the phantoms on which skin, thickness and volume are judged: each has one tissue (or a
2 mm skin over fat) in air, and a target on its surface.
"""

from __future__ import annotations

import math

from isocentra.patients.compose import Difference, Intersection, Offset, Union
from isocentra.patients.materials import FAT, SKIN, Material, soft_tissue
from isocentra.patients.model import Body, DigitalPatient, Organ, body, landmark
from isocentra.patients.solids import Capsule, Ellipsoid, Plate, Point, Solid

__all__ = ["LAYERED", "Tissue", "ear", "face", "sphere", "tilted_cylinder", "tissue_bodies"]

Tissue = float | tuple[Material, float, Material]
"""A CT number [HU], or (outer material, its thickness in mm, inner material)."""

LAYERED: Tissue = (SKIN, 2.0, FAT)
"""2 mm of skin (+20 HU) over fat (−100 HU)."""


def tissue_bodies(skin: Solid, tissue: Tissue) -> tuple[Body, ...]:
    """Return the bodies of what a skin encloses: one tissue, or an outer layer over another."""
    if not isinstance(tissue, tuple):
        return (body("tissue", skin, soft_tissue(tissue), 0),)
    outer, thickness_mm, inner = tissue
    under = Offset(solid=skin, distance_mm=-thickness_mm)
    return body("skin layer", skin, outer, 0), body("subcutaneous", under, inner, 1)


def sphere(*, tissue: Tissue = 40.0, radius_mm: float = 50.0) -> DigitalPatient:
    """Make a ball round the origin; its target a 25 mm cap on the patient's left front."""
    skin = Ellipsoid.sphere((0.0, 0.0, 0.0), radius_mm)
    where = _on_direction((0.6, -0.75, 0.28), radius_mm)
    return _calibration("sphere", skin, tissue, where, radius_mm + 25)


def tilted_cylinder(*, tissue: Tissue = 40.0, radius_mm: float = 45.0) -> DigitalPatient:
    """Make an endless limb-like cylinder, tilted to the left and (half as much) to the back."""
    along = _unit((math.sin(math.radians(20)), math.sin(math.radians(10)), 1.0))
    start, end = (tuple(s * c for c in along) for s in (-400.0, 400.0))
    skin = Capsule(start_mm=_point(start), end_mm=_point(end), radius_mm=radius_mm)
    where = _point(skin.foot_points((0.0, -200.0, 0.0)).tolist())
    return _calibration("cylinder", skin, tissue, where, radius_mm + 30)


def face(*, tissue: Tissue = 40.0) -> DigitalPatient:
    """Make the front of a head: nose, brow, orbits, cheeks and chin, blended; no air inside."""
    skin = _face_skin()
    return _calibration("face", skin, tissue, (0.0, -112.0, -8.0), 125.0)


def ear(*, tissue: Tissue = 40.0) -> DigitalPatient:
    """Make the left side of a head with a pinna 4.4 mm thick that stands off by 28°."""
    side = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(75.0, 95.0, 110.0))
    skin = Union(parts=(side, pinna(side=1.0, root_mm=(73.0, 2.0, 0.0))), blend_mm=4.0)
    return _calibration("ear", skin, tissue, (86.0, 16.0, 0.0), 140.0)


def pinna(*, side: float, root_mm: Point) -> Plate:
    """Make an ear: a plate 4.4 mm thick, 60 mm high and 32 mm wide, turned 28° off the head's side.

    Parameters
    ----------
    side
        +1 for the left ear, −1 for the right.
    root_mm
        Where its front edge meets the head. [mm]
    """
    angle = math.radians(28)
    out, normal = (
        (side * math.sin(angle), math.cos(angle)),
        (side * math.cos(angle), -math.sin(angle)),
    )
    x, y = root_mm[0] + 12 * out[0], root_mm[1] + 12 * out[1]
    return Plate(
        start_mm=(x, y, root_mm[2] - 14.0),
        end_mm=(x, y, root_mm[2] + 14.0),
        half_width_mm=14.0,
        normal=(normal[0], normal[1], 0.0),
        thickness_mm=4.4,
    )


def _face_skin() -> Solid:
    """Return a face whose creases are rounded to about 4 mm; `head_skin` has the sharp ones."""
    head = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(75.0, 95.0, 115.0))
    nose = Capsule(
        start_mm=(0.0, -90.0, 22.0), end_mm=(0.0, -107.0, -12.0), radius_mm=7.0, end_radius_mm=10.0
    )
    wings = [Ellipsoid.sphere((s * 10.5, -98.0, -14.0), 9.0) for s in (-1, 1)]
    brows = [
        Capsule(start_mm=(s * 14.0, -87.0, 37.0), end_mm=(s * 42.0, -75.0, 35.0), radius_mm=9.0)
        for s in (-1, 1)
    ]
    cheeks = [Ellipsoid.sphere((s * 36.0, -68.0, -18.0), 22.0) for s in (-1, 1)]
    chin = Ellipsoid.sphere((0.0, -68.0, -72.0), 20.0)
    orbits = Union(
        parts=tuple(Ellipsoid.sphere((s * 32.0, -102.0, 16.0), 20.0) for s in (-1, 1)),
    )
    solid: Solid = Union(parts=(head, *cheeks, chin, *brows), blend_mm=18.0)
    solid = Difference(kept=solid, removed=orbits, blend_mm=14.0)
    return Union(parts=(solid, Union(parts=(nose, *wings), blend_mm=9.0)), blend_mm=14.0)


def _calibration(
    name: str, skin: Solid, tissue: Tissue, where_mm: Point, half_mm: float
) -> DigitalPatient:
    """Put together a phantom whose target is what a 25 mm ball round a point shares with it."""
    place = landmark("target", skin, where_mm)
    ball = Ellipsoid.sphere(place.point_mm, 25.0)
    target = Intersection(parts=(skin, ball))
    volume = skin.volume_mm3 / 1000 if isinstance(skin, Ellipsoid) else None
    return DigitalPatient(
        name=name,
        skin=skin,
        bodies=tissue_bodies(skin, tissue),
        organs=(
            Organ(name="EXTERNAL", solid=skin, interpreted_type="EXTERNAL", volume_cm3=volume),
            Organ(name="PTV", solid=target, interpreted_type="PTV", color=(255, 0, 0)),
        ),
        landmarks=(place,),
        box_mm=((-half_mm, -half_mm, -half_mm), (half_mm, half_mm, half_mm)),
    )


def _unit(v: Point) -> Point:
    length = math.hypot(*v)
    return v[0] / length, v[1] / length, v[2] / length


def _on_direction(v: Point, radius_mm: float) -> Point:
    x, y, z = _unit(v)
    return x * radius_mm, y * radius_mm, z * radius_mm


def _point(values: tuple[float, ...] | list[float]) -> Point:
    x, y, z = values
    return x, y, z
