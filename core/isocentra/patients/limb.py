"""Limbs: a left forearm and a left lower leg, tapering, with bones and a target at the skin.

tissue ──► DigitalPatient

The limb runs along z, wrist or ankle down (−z). LPS: +x is the patient's left (outer side).
"""

from __future__ import annotations

from isocentra.patients import materials
from isocentra.patients.calibration import Tissue, tissue_bodies
from isocentra.patients.compose import Intersection, Offset, Union
from isocentra.patients.model import Body, DigitalPatient, Organ, body, landmark
from isocentra.patients.solids import Capsule, Ellipsoid, Point, Solid

__all__ = ["forearm", "leg"]


def forearm(*, tissue: Tissue = 30.0) -> DigitalPatient:
    """Make a left forearm: flattened, with radius, ulna and a target on its back."""
    belly = Capsule(
        start_mm=(0.0, 0.0, 140.0), end_mm=(0.0, 0.0, -160.0), radius_mm=42.0, end_radius_mm=27.0
    )
    thumb_side = Capsule(
        start_mm=(16.0, -3.0, 120.0), end_mm=(13.0, 0.0, -190.0), radius_mm=34.0, end_radius_mm=22.0
    )
    skin = Union(parts=(belly, thumb_side), blend_mm=12.0)
    bones = (
        ("Bone_Radius_L", _bone((17.0, -2.0, 130.0), (14.0, 0.0, -185.0), 7.5)),
        ("Bone_Ulna_L", _bone((-9.0, 6.0, 130.0), (-8.0, 3.0, -180.0), 6.5)),
    )
    return _limb("forearm", skin, tissue, bones, (4.0, -45.0, 10.0))


def leg(*, tissue: Tissue = 30.0) -> DigitalPatient:
    """Make a left lower leg: calf, shin with the tibia close under the skin, fibula."""
    shaft = Capsule(
        start_mm=(0.0, 0.0, 170.0), end_mm=(0.0, 4.0, -190.0), radius_mm=50.0, end_radius_mm=33.0
    )
    calf = Ellipsoid(centre_mm=(-4.0, 20.0, 60.0), radii_mm=(49.0, 46.0, 110.0))
    shin = Capsule(start_mm=(-4.0, -32.0, 160.0), end_mm=(-2.0, -16.0, -190.0), radius_mm=14.0)
    skin = Union(parts=(shaft, calf, shin), blend_mm=14.0)
    bones = (
        ("Bone_Tibia_L", _bone((-4.0, -31.0, 158.0), (-2.0, -15.0, -188.0), 11.0)),
        ("Bone_Fibula_L", _bone((24.0, 4.0, 150.0), (20.0, 8.0, -180.0), 5.5)),
    )
    return _limb("leg", skin, tissue, bones, (18.0, -46.0, 0.0))


def _bone(start_mm: Point, end_mm: Point, radius_mm: float) -> Capsule:
    return Capsule(start_mm=start_mm, end_mm=end_mm, radius_mm=radius_mm)


def _limb(
    name: str,
    skin: Solid,
    tissue: Tissue,
    bones: tuple[tuple[str, Capsule], ...],
    target_mm: Point,
) -> DigitalPatient:
    """Put skin, bones with their marrow, and the target together."""
    inside: list[Body] = []
    for label, bone in bones:
        marrow = _bone(bone.start_mm, bone.end_mm, bone.radius_mm * 0.5)
        inside.append(body(label.lower(), bone, materials.BONE, 10))
        inside.append(body(f"{label.lower()} marrow", marrow, materials.MARROW, 11))
    ball = Ellipsoid.sphere(target_mm, 22.0)
    target = Intersection(parts=(Offset(solid=skin, distance_mm=-1.0), ball))
    return DigitalPatient(
        name=name,
        skin=skin,
        bodies=(*tissue_bodies(skin, tissue), *inside),
        organs=(
            Organ(name="EXTERNAL", solid=skin, interpreted_type="EXTERNAL", color=(0, 255, 0)),
            Organ(name="PTV", solid=target, interpreted_type="PTV", color=(255, 0, 0)),
            *(
                Organ(name=label, solid=bone, volume_cm3=bone.volume_mm3 / 1000)
                for label, bone in bones
            ),
        ),
        landmarks=(landmark("target", skin, target_mm),),
        box_mm=((-80.0, -90.0, -70.0), (90.0, 100.0, 80.0)),
    )
