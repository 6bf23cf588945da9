"""The region is the skin that was meant: over a target, in a drawn ROI, round a point."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scans import analytic_skin, box_grid, painted

from isocentra.anatomy.body import Body, find_body
from isocentra.bolus3d.region import RegionField, region_on, rough_region
from isocentra.bolus3d.request import BolusRequest
from isocentra.errors import BolusError, IsocentraError, StructureError
from isocentra.image import Image
from isocentra.patients.calibration import sphere
from isocentra.patients.model import DigitalPatient, Organ
from isocentra.patients.outlines import structure_set
from isocentra.patients.solids import Box, Ellipsoid, Point, Solid
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

FRONT: Point = (0.0, -40.0, 0.0)
TARGETS: dict[str, Solid] = {
    "front": Ellipsoid.sphere((0.0, -30.0, 0.0), 6.0),
    "middle": Ellipsoid.sphere((0.0, 0.0, 0.0), 6.0),
    "drawn": Box(centre_mm=(0.0, -40.0, 0.0), half_mm=(12.0, 6.0, 9.0)),
    "cut": Ellipsoid.sphere((0.0, -30.0, 52.0), 8.0),
    "beyond": Ellipsoid.sphere((0.0, 0.0, 90.0), 8.0),
    "in air": Ellipsoid.sphere((0.0, -50.0, 0.0), 4.0),
}


@cache
def patient() -> DigitalPatient:
    """Ball of 40 mm with some structures."""
    ball = sphere(radius_mm=40.0)
    organs = (ball.organs[0], *(Organ(name=n, solid=s) for n, s in TARGETS.items()))
    return replace(ball, organs=organs)


@cache
def scan() -> tuple[Image, StructureSet, Body]:
    image = painted(patient(), box_grid((0.0, 0.0, 0.0), 54, (2.0, 2.0, 2.0)))
    # Structures are drawn on a longer scan: two of them leave the image.
    longer = painted(patient(), box_grid((0.0, 0.0, 20.0), 80, (2.0, 2.0, 2.0)))
    return image, structure_set(patient(), longer), find_body(image)


def ask(**what: object) -> BolusRequest:
    image, structures, _ = scan()
    given: dict[str, object] = {"ct": image, "structures": structures, "thickness_mm": 5.0}
    return BolusRequest(**(given | what))  # type: ignore[arg-type]


def region(**what: object) -> RegionField:
    request = ask(**what)
    skin = analytic_skin(patient().skin, (0.0, 0.0, 0.0), 44.0, 1.25)
    return region_on(request, rough_region(request, scan()[2]), skin.mesh, skin.grid)


def at(field: RegionField, *angles_deg: float) -> list[float]:
    """R at points of the skin, so many degrees from the front to the patient's left."""
    a = np.radians(angles_deg)
    points = 40 * np.stack([np.sin(a), -np.cos(a), np.zeros_like(a)], axis=1)
    return [float(v) for v in field(points)]


def test_round_a_point_it_is_the_straight_distance_to_it() -> None:
    field = region(near_mm=FRONT, distance_mm=20.0, margin_mm=2.0)
    chord = 80 * np.sin(np.radians(10))
    middle, edge = at(field, 0, 20)
    assert middle == pytest.approx(-22, abs=1e-6)
    # Inside, R is at least as deep as the straight distance, at most the way to the border.
    assert chord - 22.5 < edge <= chord - 22 + 1e-6


def test_over_a_target_it_is_the_nearest_skin_grown_by_the_margin() -> None:
    field = region(target="front", margin_mm=8.0)
    # The target's shadow from the centre has a half angle of asin(6/30).
    edge = np.degrees(np.arcsin(6 / 30))
    inside, outside = at(field, 0, edge + 25)
    assert inside < -8
    assert outside > 5
    assert at(field, edge)[0] == pytest.approx(-8, abs=1.2)


def test_the_margin_of_a_target_is_ten_millimetres_where_none_is_given() -> None:
    wanted, default = region(target="front", margin_mm=10.0), region(target="front")
    assert at(default, 0, 20, 30) == at(wanted, 0, 20, 30)


def test_along_a_beam_it_is_the_skin_that_the_beam_enters_first() -> None:
    from_left = region(target="middle", margin_mm=4.0, beam_direction=(-1.0, 0.0, 0.0))
    left, right, front = at(from_left, 90, -90, 0)
    assert left < -3
    assert right > 5  # how far outside is not told
    assert front > 5
    width = at(from_left, 90 - np.degrees(np.arcsin(6 / 40)))[0]
    assert width == pytest.approx(-4, abs=1.5)


def test_the_length_of_the_beam_direction_does_not_matter() -> None:
    one = region(target="middle", margin_mm=4.0, beam_direction=(-1.0, 0.0, 0.0))
    two = region(target="middle", margin_mm=4.0, beam_direction=(-1.2, 0.0, 0.0))
    assert at(one, 80, 90, 120) == at(two, 80, 90, 120)


@pytest.mark.parametrize("margin_mm", [0.0, 4.0, -3.0])
def test_a_drawn_region_is_the_skin_inside_it_grown_or_shrunk(margin_mm: float) -> None:
    field = region(region="drawn", margin_mm=margin_mm)
    border = np.degrees(np.arcsin((12 + margin_mm) / 40))
    inside, outside = at(field, border - 3, border + 3)
    assert inside < 0 < outside


def test_the_border_over_a_coarse_target_has_no_scallops() -> None:
    field = region(target="front", margin_mm=1.0)
    turn = np.linspace(0, 2 * np.pi, 181)
    rows = []
    for tilt in np.radians(np.linspace(4, 30, 53)):
        ring = np.stack(
            [
                np.sin(tilt) * np.cos(turn),
                -np.cos(tilt) * np.ones_like(turn),
                np.sin(tilt) * np.sin(turn),
            ],
            axis=1,
        )
        rows.append(field(40 * ring))
    inside = np.array(rows) < 0
    edge = 40 * np.radians(4 + 0.5 * inside.sum(axis=0))
    assert np.ptp(edge) < 2.5
    assert all(inside[:n, c].all() for c, n in enumerate(inside.sum(axis=0)))


def test_skin_points_of_the_rough_region_lie_where_the_exact_one_does() -> None:
    request = ask(near_mm=FRONT, distance_mm=15.0)
    rough = rough_region(request, scan()[2])
    apart = np.linalg.norm(rough.skin_mm - np.array(FRONT), axis=1)
    assert apart.max() < 17.1
    assert abs(np.linalg.norm(rough.skin_mm, axis=1) - 40).max() < 3.5


def open_line(name: str) -> Roi:
    points = np.array([(0.0, -30.0, 0.0), (5.0, -30.0, 0.0), (9.0, -28.0, 0.0)])
    return Roi(
        number=9, name=name, contours=(Contour(kind=ContourKind.OPEN_PLANAR, points_mm=points),)
    )


@pytest.mark.parametrize(
    ("what", "kind", "reason", "says"),
    [
        ({"target": "nowhere"}, StructureError, "NO_SUCH_ROI", "front"),
        ({"target": "line"}, StructureError, "EMPTY_ROI", "1 contour"),
        ({"target": "beyond"}, StructureError, "ROI_OUTSIDE_IMAGE", "outside the image"),
        ({"target": "in air"}, StructureError, "ROI_OUTSIDE_IMAGE", "in the body"),
        ({"target": "cut"}, BolusError, "TARGET_TRUNCATED", "cuts the target"),
        ({"region": "middle"}, BolusError, "EMPTY_REGION", "no skin"),
        (
            {"near_mm": (0.0, -75.0, 0.0), "distance_mm": 10.0},
            BolusError,
            "EMPTY_REGION",
            "the nearest is 3",
        ),
    ],
)
def test_a_region_that_cannot_be_is_refused_by_its_name(
    what: dict[str, object], kind: type[IsocentraError], reason: str, says: str
) -> None:
    _, structures, body = scan()
    request = ask(
        **what, structures=replace(structures, rois=(*structures.rois, open_line("line")))
    )
    with pytest.raises(kind, match=says) as refusal:
        rough_region(request, body)
    assert refusal.value.reason == reason
    assert refusal.value.do
