"""A torso: chest with breasts, lungs, heart, spine, liver; a chest wall and a breast target.

tissue, accessories ──► DigitalPatient

LPS: +x left, +y back, +z head; the origin lies in the middle of the chest. No arms.
"""

from __future__ import annotations

from collections.abc import Sequence

from isocentra.patients import materials
from isocentra.patients.accessories import Accessory, couch
from isocentra.patients.calibration import Tissue, tissue_bodies
from isocentra.patients.compose import Difference, Intersection, Offset, Union
from isocentra.patients.model import Body, DigitalPatient, Landmark, Organ, body, landmark
from isocentra.patients.solids import Capsule, Cylinder, Ellipsoid, Plate, Point, Solid

__all__ = ["torso"]

SIDES = (("L", 1.0), ("R", -1.0))
NIPPLE_LEFT: Point = (84.0, -172.0, -18.0)
SCAR_LEFT: Point = (58.0, -110.0, 62.0)


def torso(*, tissue: Tissue = 0.0, accessories: Sequence[Accessory] = ()) -> DigitalPatient:
    """Make the torso.

    Parameters
    ----------
    tissue
        CT number of the soft tissue [HU], or `LAYERED`.
    accessories
        `Accessory.COUCH` or nothing; the others belong to the head.
    """
    skin = _skin()
    inside = _inside()
    table = couch(top_mm=112.0) if Accessory.COUCH in accessories else []
    return DigitalPatient(
        name="torso",
        skin=skin,
        bodies=(*table, *tissue_bodies(skin, tissue), *(part for part, _ in inside)),
        organs=(
            Organ(name="EXTERNAL", solid=skin, interpreted_type="EXTERNAL", color=(0, 255, 0)),
            *_targets(skin),
            *(organ for _, organ in inside),
        ),
        landmarks=_landmarks(skin),
        box_mm=((-190.0, -190.0, -120.0), (190.0, 130.0, 120.0)),
    )


def _skin() -> Solid:
    trunk = Plate(
        start_mm=(-75.0, 0.0, 0.0),
        end_mm=(75.0, 0.0, 0.0),
        half_width_mm=400.0,
        normal=(0.0, 1.0, 0.0),
        thickness_mm=215.0,
    )
    sides = Capsule(start_mm=(0.0, 0.0, -400.0), end_mm=(0.0, 0.0, 400.0), radius_mm=172.0)
    trunk_all = Intersection(parts=(trunk, sides), blend_mm=110.0)
    breasts = tuple(
        Ellipsoid(centre_mm=(s * 78.0, -98.0, -16.0), radii_mm=(62.0, 66.0, 62.0)) for _, s in SIDES
    )
    nipples = tuple(
        Capsule(start_mm=(s * 84.0, -150.0, -18.0), end_mm=(s * 86.0, -167.0, -18.0), radius_mm=5.0)
        for _, s in SIDES
    )
    body_all = Union(parts=(trunk_all, *breasts), blend_mm=24.0)
    return Union(parts=(body_all, *nipples), blend_mm=4.0)


def _inside() -> list[tuple[Body, Organ]]:
    """List the materials inside by rising priority, each with its structure."""
    out: list[tuple[Body, Organ]] = []
    heart = Ellipsoid(centre_mm=(26.0, -38.0, -36.0), radii_mm=(46.0, 42.0, 50.0))
    liver = Ellipsoid(centre_mm=(-52.0, -10.0, -130.0), radii_mm=(88.0, 74.0, 58.0))
    for name, s in SIDES:
        lung = Ellipsoid(centre_mm=(s * 72.0, 4.0, 6.0), radii_mm=(52.0, 78.0, 100.0))
        out.append(
            (
                body(f"lung {name}", lung, materials.LUNG, 10),
                Organ(
                    name=f"Lung_{name}",
                    solid=Difference(kept=lung, removed=Union(parts=(heart, liver))),
                    color=(0, 200, 255),
                ),
            )
        )
    spine = Cylinder(start_mm=(0.0, 62.0, -400.0), end_mm=(0.0, 62.0, 400.0), radius_mm=19.0)
    cord = Cylinder(start_mm=(0.0, 72.0, -400.0), end_mm=(0.0, 72.0, 400.0), radius_mm=6.5)
    sternum = Capsule(start_mm=(0.0, -91.0, -50.0), end_mm=(0.0, -91.0, 80.0), radius_mm=9.0)
    for name, solid, material, priority in (
        ("Heart", heart, materials.HEART, 12),
        ("Liver", liver, materials.LIVER, 12),
        ("Bone_Vertebrae", spine, materials.BONE, 13),
        ("SpinalCord", cord, materials.BRAIN, 14),
        ("Bone_Sternum", sternum, materials.BONE, 13),
    ):
        part = body(name.lower(), solid, material, priority)
        out.append((part, Organ(name=name, solid=solid, volume_cm3=solid.volume_mm3 / 1000)))
    return out


def _targets(skin: Solid) -> tuple[Organ, ...]:
    """Breast and chest wall, 3 mm under the skin, and a scar at the skin."""
    under = Offset(solid=skin, distance_mm=-3.0)
    breast = Ellipsoid(centre_mm=(78.0, -112.0, -16.0), radii_mm=(56.0, 58.0, 56.0))
    wall = Ellipsoid(centre_mm=(62.0, -92.0, 40.0), radii_mm=(50.0, 40.0, 46.0))
    scar = Ellipsoid.sphere(SCAR_LEFT, 22.0)
    return tuple(
        Organ(
            name=name,
            solid=Intersection(parts=(inner, shape)),
            interpreted_type="PTV",
            color=(255, 0, 0),
        )
        for name, inner, shape in (
            ("PTV_Breast_L", under, breast),
            ("PTV_Chestwall_L", under, wall),
            ("PTV_Scar_L", Offset(solid=skin, distance_mm=-1.0), scar),
        )
    )


def _landmarks(skin: Solid) -> tuple[Landmark, ...]:
    return (
        landmark("nipple_left", skin, NIPPLE_LEFT),
        landmark("scar_left", skin, SCAR_LEFT),
    )
