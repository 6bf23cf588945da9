"""Solids: values bound the distance, gradients are right, feet are nearest, volumes are exact."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from isocentra.patients import DigitalPatient, ear, face, volume_mm3
from isocentra.patients.compose import Difference, Intersection, Offset, Union
from isocentra.patients.foot import _project
from isocentra.patients.solids import (
    Box,
    Capsule,
    Cylinder,
    Ellipsoid,
    HalfSpace,
    Plate,
    Solid,
)

SPHERE = Ellipsoid.sphere((3.0, -2.0, 1.0), 20.0)
EGG = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(12.0, 20.0, 16.0))
ROD = Capsule(start_mm=(-10.0, 3.0, -8.0), end_mm=(12.0, 5.0, 14.0), radius_mm=7.0)
HORN = Capsule(
    start_mm=(-10.0, 3.0, -8.0), end_mm=(12.0, 5.0, 14.0), radius_mm=9.0, end_radius_mm=3.0
)
CAN = Cylinder(start_mm=(2.0, -9.0, -8.0), end_mm=(-2.0, 9.0, 12.0), radius_mm=11.0)
BRICK = Box(centre_mm=(1.0, 2.0, 3.0), half_mm=(8.0, 12.0, 10.0))
SHEET = Plate(
    start_mm=(0.0, 0.0, -9.0),
    end_mm=(0.0, 0.0, 9.0),
    half_width_mm=10.0,
    normal=(0.6, 0.8, 0.0),
    thickness_mm=4.4,
)
FLOOR = HalfSpace(point_mm=(0.0, 0.0, 2.0), normal=(0.0, 0.6, 0.8))
SOLIDS: dict[str, Solid] = {
    "sphere": SPHERE,
    "egg": EGG,
    "rod": ROD,
    "horn": HORN,
    "can": CAN,
    "brick": BRICK,
    "sheet": SHEET,
    "floor": FLOOR,
    "union": Union(parts=(EGG, ROD, BRICK), blend_mm=5.0),
    "difference": Difference(kept=EGG, removed=ROD, blend_mm=3.0),
    "intersection": Intersection(parts=(EGG, CAN, FLOOR), blend_mm=4.0),
}
COORDINATE = st.floats(-35, 35)


@pytest.mark.parametrize("name", SOLIDS)
def test_gradient_is_that_of_the_value_and_at_most_one(name: str) -> None:
    solid = SOLIDS[name]
    points = np.random.default_rng(1).uniform(-30, 30, (4000, 3))
    h = 1e-5
    numeric = np.stack(
        [(solid.value(points + h * e) - solid.value(points - h * e)) / (2 * h) for e in np.eye(3)],
        axis=-1,
    )
    off = np.linalg.norm(numeric - solid.gradient(points), axis=1)
    # On the few points whose two neighbours lie across a crease the quotient is no gradient.
    assert np.percentile(off, 99) < 1e-5
    assert np.linalg.norm(solid.gradient(points), axis=1).max() <= 1 + 1e-9


@given(a=st.tuples(COORDINATE, COORDINATE, COORDINATE), b=st.tuples(*[COORDINATE] * 3))
@settings(max_examples=60, deadline=None)
def test_value_never_changes_faster_than_distance(
    a: tuple[float, float, float], b: tuple[float, float, float]
) -> None:
    for solid in SOLIDS.values():
        assert abs(solid.value(a) - solid.value(b)) <= math.dist(a, b) + 1e-9


@pytest.mark.parametrize("name", SOLIDS)
def test_what_is_near_has_the_same_values(name: str) -> None:
    solid, centre, radius = SOLIDS[name], (14.0, -6.0, 9.0), 5.0
    random = np.random.default_rng(2)
    offset = random.normal(size=(500, 3))
    offset *= radius * random.uniform(0, 1, (500, 1)) / np.linalg.norm(offset, axis=1)[:, None]
    points = centre + offset
    near = solid.near(centre, radius)
    assert np.abs(near.value(points) - solid.value(points)).max() < 1e-12


def test_a_far_part_drops_out_of_a_union() -> None:
    far = Ellipsoid.sphere((200.0, 0.0, 0.0), 5.0)
    assert Union(parts=(SPHERE, far), blend_mm=5.0).near((20.0, 0.0, 0.0), 10.0) == SPHERE


def test_distance_to_an_ellipsoid_on_its_axes_is_known() -> None:
    points = [(30.0, 0.0, 0.0), (0.0, -27.0, 0.0), (0.0, 0.0, 15.0), (0.0, 0.0, 16.0)]
    assert EGG.signed_distance(points) == pytest.approx([18.0, 7.0, -1.0, 0.0], abs=1e-3)


def test_feet_lie_on_the_surface_along_its_normal() -> None:
    solid = SOLIDS["union"]
    points = np.random.default_rng(3).uniform(-28, 28, (600, 3))
    points = points[solid.value(points) > 0.2]
    feet = solid.foot_points(points)
    way = points - feet
    cosine = (way * solid.gradient(feet)).sum(axis=1)
    cosine /= np.linalg.norm(way, axis=1) * np.linalg.norm(solid.gradient(feet), axis=1)
    assert np.abs(solid.value(feet)).max() < 1e-5
    assert cosine.min() > 0.999


@pytest.mark.parametrize(("make", "middle"), [(face, (0.0, -95.0, 0.0)), (ear, (84.0, 15.0, 0.0))])
def test_signed_distance_agrees_with_dense_samples_of_the_surface(
    make: Callable[[], DigitalPatient], middle: tuple[float, float, float]
) -> None:
    skin = make().skin
    random = np.random.default_rng(4)
    near = random.uniform(-30, 30, (100_000, 3)) + middle
    near = near[np.abs(skin.value(near)) < 1.5]
    samples = _project(skin, near, near)
    points = random.uniform(-16, 16, (1000, 3)) + middle
    points = points[np.abs(skin.value(points)) < 12]
    distance = np.abs(skin.signed_distance(points))
    sampled, _ = cKDTree(samples).query(points)
    # A sample can only be farther than the nearest point: one that is nearer would show a miss.
    assert np.percentile(distance - sampled, 99) < 1e-3
    assert (distance - sampled).max() < 0.6
    assert np.median(sampled - distance) < 0.05


def test_inside_is_negative_and_outside_positive() -> None:
    skin = face().skin
    assert skin.signed_distance([(0.0, 0.0, 0.0), (0.0, -160.0, 0.0)]).tolist()[0] < 0
    assert skin.signed_distance((0.0, -160.0, 0.0)) > 0


@pytest.mark.parametrize("name", ["sphere", "egg", "rod", "can", "brick"])
def test_quadrature_agrees_with_the_formula(name: str) -> None:
    solid = SOLIDS[name]
    assert volume_mm3(solid, step_mm=1.0) == pytest.approx(solid.volume_mm3, rel=3e-4)  # type: ignore[attr-defined]


def test_an_offset_lies_at_its_distance_under_a_head_sized_ellipsoid() -> None:
    head = Ellipsoid(centre_mm=(0.0, 0.0, 0.0), radii_mm=(75.0, 95.0, 115.0))
    under = Offset(solid=head, distance_mm=-2.0)
    start = np.random.default_rng(5).normal(size=(60, 3)) * 80
    on_layer = under.foot_points(start)
    assert np.abs(head.signed_distance(on_layer) + 2).max() < 0.03


def test_a_solid_without_end_needs_a_grid() -> None:
    with pytest.raises(ValueError, match="no end"):
        volume_mm3(FLOOR)
