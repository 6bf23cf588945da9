"""A pelvis: bladder, prostate, seminal vesicles, rectum with gas, femoral heads, iliac bones.

tissue, accessories ──► DigitalPatient

LPS: +x left, +y back, +z head; the origin is the centre of the prostate.
"""

from __future__ import annotations

from collections.abc import Sequence

from isocentra.patients import materials
from isocentra.patients.accessories import Accessory, couch
from isocentra.patients.calibration import Tissue, tissue_bodies
from isocentra.patients.compose import Intersection, Union
from isocentra.patients.materials import Material
from isocentra.patients.model import DigitalPatient, Organ, body, landmark
from isocentra.patients.solids import Capsule, Cylinder, Ellipsoid, Plate, Solid

__all__ = ["pelvis"]

SIDES = (("L", 1.0), ("R", -1.0))


def pelvis(*, tissue: Tissue = 20.0, accessories: Sequence[Accessory] = ()) -> DigitalPatient:
    """Make the pelvis.

    Parameters
    ----------
    tissue
        CT number of the soft tissue [HU], or `LAYERED`.
    accessories
        `Accessory.COUCH` or nothing; the others belong to the head.
    """
    skin = _skin()
    table = couch(top_mm=128.0) if Accessory.COUCH in accessories else []
    organs = _organs()
    gas = Capsule(start_mm=(2.0, 38.0, 0.0), end_mm=(-2.0, 34.0, 22.0), radius_mm=7.0)
    prostate = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(22.0, 16.0, 19.0))
    target = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(29.0, 23.0, 26.0))
    return DigitalPatient(
        name="pelvis",
        skin=skin,
        bodies=(
            *table,
            *tissue_bodies(skin, tissue),
            *(body(name.lower(), solid, made, rank) for name, solid, made, rank in organs),
            body("prostate", prostate, materials.PROSTATE, 15),
            body("rectal gas", gas, materials.AIR, 20),
        ),
        organs=(
            Organ(name="EXTERNAL", solid=skin, interpreted_type="EXTERNAL", color=(0, 255, 0)),
            _organ("PTV_Prostate", target, "PTV"),
            _organ("CTV_Prostate", prostate, "CTV"),
            *(_organ(name, solid, "ORGAN") for name, solid, _, _ in organs),
            _organ("Gas_Rectum", gas, "CAVITY"),
        ),
        landmarks=(
            landmark("pubis_front", skin, (0.0, -120.0, -10.0)),
            landmark("buttock_left", skin, (60.0, 130.0, 10.0)),
        ),
        box_mm=((-200.0, -135.0, -110.0), (200.0, 145.0, 110.0)),
    )


def _skin() -> Solid:
    trunk = Plate(
        start_mm=(-60.0, 4.0, 0.0),
        end_mm=(60.0, 4.0, 0.0),
        half_width_mm=400.0,
        normal=(0.0, 1.0, 0.0),
        thickness_mm=226.0,
    )
    sides = Capsule(start_mm=(0.0, 4.0, -400.0), end_mm=(0.0, 4.0, 400.0), radius_mm=185.0)
    buttocks = tuple(Ellipsoid.sphere((s * 62.0, 62.0, -10.0), 66.0) for _, s in SIDES)
    belly = Ellipsoid(centre_mm=(0.0, -52.0, 90.0), radii_mm=(120.0, 70.0, 90.0))
    hull = Intersection(parts=(trunk, sides), blend_mm=120.0)
    return Union(parts=(hull, *buttocks, belly), blend_mm=20.0)


def _organs() -> list[tuple[str, Ellipsoid | Capsule | Cylinder, Material, int]]:
    """List name, solid, material and priority of the organs beside the prostate."""
    rectum = Capsule(start_mm=(0.0, 40.0, -40.0), end_mm=(0.0, 36.0, 55.0), radius_mm=15.0)
    bladder = Ellipsoid(centre_mm=(0.0, -22.0, 50.0), radii_mm=(42.0, 34.0, 33.0))
    out: list[tuple[str, Ellipsoid | Capsule | Cylinder, Material, int]] = [
        ("Rectum", rectum, materials.MUSCLE, 12),
        ("Bladder", bladder, materials.BLADDER, 13),
    ]
    for name, s in SIDES:
        vesicle = Ellipsoid(centre_mm=(s * 13.0, 14.0, 24.0), radii_mm=(14.0, 6.0, 7.0))
        ilium = Capsule(
            start_mm=(s * 88.0, 0.0, 20.0), end_mm=(s * 104.0, 24.0, 160.0), radius_mm=20.0
        )
        femur = Capsule(
            start_mm=(s * 128.0, 4.0, -6.0), end_mm=(s * 140.0, 4.0, -260.0), radius_mm=16.0
        )
        head = Ellipsoid.sphere((s * 92.0, 0.0, 8.0), 24.0)
        out += [
            (f"SeminalVes_{name}", vesicle, materials.PROSTATE, 14),
            (f"Bone_Ilium_{name}", ilium, materials.BONE, 10),
            (f"Femur_{name}", femur, materials.BONE, 10),
            (f"Femur_Head_{name}", head, materials.BONE, 11),
        ]
    sacrum = Cylinder(start_mm=(0.0, 78.0, 10.0), end_mm=(0.0, 62.0, 300.0), radius_mm=24.0)
    out.append(("Sacrum", sacrum, materials.BONE, 10))
    return out


def _organ(name: str, solid: Ellipsoid | Capsule | Cylinder, interpreted_type: str) -> Organ:
    target = interpreted_type in {"PTV", "CTV"}
    return Organ(
        name=name,
        solid=solid,
        interpreted_type=interpreted_type,
        volume_cm3=solid.volume_mm3 / 1000,
        color=(255, 0, 0) if target else (255, 160, 0),
    )
