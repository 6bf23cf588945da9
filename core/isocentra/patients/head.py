"""A head: nose, nostrils, orbits, ears, lips, chin, neck, skull, brain, air, a letter on the cheek.

tissue, accessories ──► head_skin, materials inside, targets ──► DigitalPatient

LPS: +x is the patient's left, −y his face, +z his vertex; the origin lies between the ears. The
letter F stands on the LEFT cheek. All sizes are an adult's, rounded; nothing is anybody's anatomy.
"""

from __future__ import annotations

from collections.abc import Sequence

from isocentra.patients import materials
from isocentra.patients.accessories import Accessory, head_accessories
from isocentra.patients.calibration import Tissue, pinna, tissue_bodies
from isocentra.patients.compose import Difference, Intersection, Offset, Union
from isocentra.patients.letter import raised_letter
from isocentra.patients.model import Body, DigitalPatient, Organ, body, landmark
from isocentra.patients.solids import Capsule, Cylinder, Ellipsoid, Point, Solid

__all__ = ["head", "head_skin"]

NOSE_TIP: Point = (0.0, -119.0, -14.0)
CHEEK_LEFT: Point = (52.0, -78.0, -30.0)
EAR_LEFT: Point = (84.0, 15.0, 8.0)
VERTEX_LEFT: Point = (38.0, -20.0, 118.0)
SIDES = (1.0, -1.0)


def head(*, tissue: Tissue = 40.0, accessories: Sequence[Accessory] = ()) -> DigitalPatient:
    """Make the head.

    Parameters
    ----------
    tissue
        CT number of the soft tissue [HU], or `LAYERED`.
    accessories
        What lies round it: couch, pad, bars, mask, wires.
    """
    skin = head_skin()
    inside = _inside()
    return DigitalPatient(
        name="head",
        skin=skin,
        bodies=(
            *head_accessories(skin, accessories),
            *tissue_bodies(skin, tissue),
            *(body for body, _ in inside),
        ),
        organs=(
            Organ(name="EXTERNAL", solid=skin, interpreted_type="EXTERNAL", color=(0, 255, 0)),
            *_targets(skin),
            *(organ for _, organ in inside if organ is not None),
        ),
        landmarks=(
            landmark("nose_tip", skin, NOSE_TIP),
            landmark("cheek_left", skin, CHEEK_LEFT),
            landmark("ear_left", skin, EAR_LEFT),
            landmark("vertex_left", skin, VERTEX_LEFT),
        ),
        box_mm=((-127.5, -140.0, -90.0), (127.5, 115.0, 130.0)),
    )


def head_skin() -> Solid:
    """Return the true skin: ears, nostrils and letter included, inner air filled."""
    bare = _bare_skin()
    letter = raised_letter(bare, CHEEK_LEFT, up=(0.0, 0.0, 1.0), height_mm=24.0, radius_mm=1.8)
    return Union(parts=(bare, letter), blend_mm=1.0)


def _bare_skin() -> Solid:
    cranium = Ellipsoid(centre_mm=(0.0, 6.0, 32.0), radii_mm=(76.0, 94.0, 86.0))
    face = Ellipsoid(centre_mm=(0.0, -22.0, -26.0), radii_mm=(62.0, 74.0, 84.0))
    neck = Capsule(start_mm=(0.0, 14.0, -30.0), end_mm=(0.0, 34.0, -330.0), radius_mm=56.0)
    jaw = _pair((34.0, -36.0, -72.0), 24.0)
    chin = Ellipsoid.sphere((0.0, -80.0, -88.0), 17.0)
    cheeks = _pair((36.0, -66.0, -22.0), 23.0)
    brows = tuple(
        Capsule(start_mm=(s * 14.0, -86.0, 32.0), end_mm=(s * 42.0, -72.0, 30.0), radius_mm=8.0)
        for s in SIDES
    )
    skull = Union(parts=(cranium, face, neck, *jaw, chin, *cheeks, *brows), blend_mm=16.0)
    orbits = Union(parts=_pair((32.0, -100.0, 14.0), 18.0))
    lids = _pair((32.0, -75.0, 13.0), 12.5)
    solid: Solid = Difference(kept=skull, removed=orbits, blend_mm=9.0)
    solid = Union(parts=(solid, *lids, _nose(), *_lips()), blend_mm=5.0)
    ears = tuple(pinna(side=s, root_mm=(s * 72.0, 0.0, 0.0)) for s in SIDES)
    solid = Union(parts=(solid, *ears), blend_mm=4.0)
    conchas = tuple(
        Capsule(start_mm=(s * 80.0, 4.0, 0.0), end_mm=(s * 58.0, 2.0, 1.0), radius_mm=3.2)
        for s in SIDES
    )
    holes = Union(parts=(*conchas, *_nostrils()))
    return Difference(kept=solid, removed=holes, blend_mm=1.5)


def _nose() -> Solid:
    ridge = Capsule(
        start_mm=(0.0, -92.0, 18.0), end_mm=(0.0, -109.0, -13.0), radius_mm=6.5, end_radius_mm=9.5
    )
    return Union(parts=(ridge, *_pair((11.5, -99.0, -17.0), 7.5)), blend_mm=5.0)


def _lips() -> tuple[Solid, ...]:
    return (
        Capsule(start_mm=(-20.0, -88.0, -46.0), end_mm=(20.0, -88.0, -46.0), radius_mm=6.0),
        Capsule(start_mm=(-17.0, -87.0, -56.0), end_mm=(17.0, -87.0, -56.0), radius_mm=6.5),
    )


def _nostrils() -> tuple[Solid, ...]:
    """Air from under the nose up to the nasal cavity; it opens outside."""
    return tuple(
        Capsule(start_mm=(s * 6.5, -106.0, -32.0), end_mm=(s * 6.0, -95.0, -12.0), radius_mm=3.4)
        for s in SIDES
    )


def _inside() -> list[tuple[Body, Organ | None]]:
    """List the materials inside by rising priority, each with the structure drawn on it."""
    brain = Ellipsoid(centre_mm=(0.0, 6.0, 44.0), radii_mm=(62.0, 80.0, 60.0))
    skull = Ellipsoid(centre_mm=(0.0, 6.0, 44.0), radii_mm=(68.0, 86.0, 66.0))
    eyes = _pair((32.0, -72.0, 13.0), 12.0)
    mandible = Union(
        parts=tuple(
            Capsule(start_mm=(s * 40.0, -20.0, -60.0), end_mm=(0.0, -78.0, -86.0), radius_mm=6.5)
            for s in SIDES
        ),
        blend_mm=3.0,
    )
    spine = Cylinder(start_mm=(0.0, 30.0, -48.0), end_mm=(0.0, 42.0, -300.0), radius_mm=15.0)
    cord = Cylinder(start_mm=(0.0, 34.0, -38.0), end_mm=(0.0, 46.0, -300.0), radius_mm=5.0)
    air = _air()
    return [
        (body("skull", skull, materials.BONE, 10), _skull(skull, Union(parts=(brain, air)))),
        (body("brain", brain, materials.BRAIN, 11), _organ("Brain", brain)),
        (
            body("mandible", mandible, materials.BONE, 10),
            Organ(name="Bone_Mandible", solid=mandible, color=(220, 220, 200)),
        ),
        (body("spine", spine, materials.BONE, 10), None),
        (body("cord", cord, materials.BRAIN, 12), _organ("SpinalCord", cord)),
        *(
            (body(f"eye {side}", eye, materials.EYE, 13), _organ(f"Eye_{side}", eye))
            for side, eye in zip("LR", eyes, strict=True)
        ),
        (
            body("air", air, materials.AIR, 20),
            Organ(name="Air", solid=air, interpreted_type="CAVITY", color=(160, 160, 160)),
        ),
    ]


def _skull(outer: Solid, hollow: Solid) -> Organ:
    return Organ(
        name="Bone_Skull",
        solid=Difference(kept=outer, removed=hollow),
        color=(220, 220, 200),
    )


def _organ(name: str, solid: Ellipsoid | Cylinder) -> Organ:
    return Organ(name=name, solid=solid, volume_cm3=solid.volume_mm3 / 1000)


def _air() -> Solid:
    """Nasal cavity, pharynx, trachea, mouth and sinuses, one space with the nostrils."""
    cavity = Ellipsoid(centre_mm=(0.0, -72.0, -8.0), radii_mm=(9.0, 27.0, 13.0))
    pharynx = Capsule(start_mm=(0.0, -44.0, -8.0), end_mm=(0.0, -34.0, -52.0), radius_mm=7.0)
    trachea = Capsule(start_mm=(0.0, -34.0, -52.0), end_mm=(0.0, -10.0, -330.0), radius_mm=8.0)
    mouth = Ellipsoid(centre_mm=(0.0, -62.0, -50.0), radii_mm=(20.0, 17.0, 3.5))
    sinuses = tuple(
        Ellipsoid(centre_mm=(s * 27.0, -60.0, -18.0), radii_mm=(9.0, 11.0, 13.0)) for s in SIDES
    )
    return Union(parts=(cavity, pharynx, trachea, mouth, *sinuses, *_nostrils()))


def _targets(skin: Solid) -> tuple[Organ, ...]:
    """Targets at the skin, each what a solid shares with the body without its outer millimetre."""
    under = Offset(solid=skin, distance_mm=-1.0)
    shapes: tuple[tuple[str, Solid], ...] = (
        ("PTV_Nose", Ellipsoid.sphere((0.0, -108.0, -8.0), 18.0)),
        ("PTV_Cheek_L", Ellipsoid.sphere(CHEEK_LEFT, 15.0)),
        ("PTV_Ear_L", Ellipsoid.sphere(EAR_LEFT, 20.0)),
        ("PTV_Scalp", Ellipsoid.sphere(VERTEX_LEFT, 28.0)),
    )
    return tuple(
        Organ(
            name=name,
            solid=Intersection(parts=(under, shape)),
            interpreted_type="PTV",
            color=(255, 0, 0),
        )
        for name, shape in shapes
    )


def _pair(centre_mm: Point, radius_mm: float) -> tuple[Ellipsoid, Ellipsoid]:
    """Return the left and the right sphere of a pair."""
    x, y, z = centre_mm
    return (
        Ellipsoid.sphere((x, y, z), radius_mm),
        Ellipsoid.sphere((-x, y, z), radius_mm),
    )
