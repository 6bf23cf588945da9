"""The body has the thickness, clearance and rim that were asked for, and is one piece.

Everything is built on the analytic skin of a ball or a face: no scan stands between.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scans import analytic_skin

from isocentra.bolus3d.body import BodyField, BodyShape, body_field, fillet, tapered, uniform
from isocentra.bolus3d.region import RegionField
from isocentra.errors import BolusError
from isocentra.geometry.grid import Array64
from isocentra.mesh.check import check_mesh
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.mesh.sampling import surface_points
from isocentra.patients.calibration import face
from isocentra.patients.solids import Ellipsoid, Point

BALL = Ellipsoid.sphere((0.0, 0.0, 0.0), 40.0)
PLACE: Point = (0.0, -40.0, 0.0)
RADIUS_MM = 18.0
numbers = st.floats(-20, 20)


def within(centre_mm: Point, radius_mm: float) -> RegionField:
    """Region of the skin within a distance of a point."""
    return lambda foot: np.linalg.norm(foot - np.array(centre_mm), axis=1) - radius_mm


def shape(thickness_mm: float = 5.0, **changes: object) -> BodyShape:
    given: dict[str, object] = {
        "thickness": uniform(thickness_mm),
        "most_mm": thickness_mm,
        "clearance_mm": 0.0,
        "rim_radius_mm": 2.0,
        "near_mm": None,
    }
    return BodyShape(**(given | changes))  # type: ignore[arg-type]


def on_ball(how: BodyShape, region: RegionField | None = None, step_mm: float = 0.8) -> BodyField:
    skin = analytic_skin(BALL, PLACE, 28.0)
    return body_field(skin, region or within(PLACE, RADIUS_MM), how, step_mm)


def meshed(field: BodyField) -> Mesh:
    return isosurface(field.values, field.grid)


def heights(mesh: Mesh) -> tuple[Array64, Array64]:
    """Height over the ball's skin of points all over the mesh, and R of their feet."""
    points, _ = surface_points(mesh, 0.8)
    length = np.linalg.norm(points, axis=1)
    feet = points * (40.0 / length)[:, None]
    return length - 40.0, within(PLACE, RADIUS_MM)(feet)


@given(a=numbers, b=numbers, radius=st.floats(0.1, 5))
def test_a_fillet_never_adds_to_the_intersection_and_only_rounds_its_corner(
    a: float, b: float, radius: float
) -> None:
    value = float(fillet(np.array([a]), np.array([b]), radius)[0])
    assert value >= max(a, b) - 1e-9
    assert value <= max(a, b) + radius * (np.sqrt(2) - 1) + 1e-9 + max(0, min(a, b))
    if min(a, b) <= -radius:
        assert value == max(a, b)


@given(angle=st.floats(0, np.pi / 2), radius=st.floats(0.5, 4))
def test_the_rounded_corner_is_a_circle_that_touches_both_faces(
    angle: float, radius: float
) -> None:
    a, b = radius * np.cos(angle) - radius, radius * np.sin(angle) - radius
    assert fillet(np.array([a]), np.array([b]), radius)[0] == pytest.approx(0, abs=1e-9)


def test_a_taper_falls_in_a_straight_line_to_its_edge() -> None:
    thin = tapered(uniform(6.0), 1.0, 10.0)
    border = np.array([-30.0, -10.0, -5.0, 0.0, 3.0])
    np.testing.assert_allclose(thin(np.zeros((5, 3)), border), [6.0, 6.0, 3.5, 1.0, 1.0])


@pytest.mark.parametrize("thickness_mm", [3.0, 5.0, 10.0])
def test_the_thickness_is_there_everywhere_further_than_one_and_a_half_inside(
    thickness_mm: float,
) -> None:
    height, border = heights(meshed(on_ball(shape(thickness_mm))))
    outer = height[(height > thickness_mm / 2) & (border < -1.5 * thickness_mm)]
    assert len(outer) > 10
    np.testing.assert_allclose(outer, thickness_mm, atol=0.04)


@pytest.mark.parametrize("clearance_mm", [0.0, 0.5, 1.5])
def test_the_clearance_is_left_under_the_whole_part(clearance_mm: float) -> None:
    height, border = heights(meshed(on_ball(shape(5.0, clearance_mm=clearance_mm))))
    assert height.min() > clearance_mm - 0.03
    inner = height[(height < 2.5) & (border < -1.0)]
    np.testing.assert_allclose(inner, clearance_mm, atol=0.04)


def test_the_rim_is_rounded() -> None:
    height, border = heights(meshed(on_ball(shape(6.0, rim_radius_mm=3.0), step_mm=0.5)))
    side = (border > -3.0) & (height > 3.0)
    away = np.hypot(border[side] + 3.0, height[side] - 3.0)
    np.testing.assert_allclose(away, 3.0, atol=0.12)
    assert border.max() < 0.05


def test_a_tapered_rim_is_thin_at_the_border_and_full_inside() -> None:
    thickness = tapered(uniform(5.0), 1.0, 10.0)
    part = meshed(on_ball(shape(5.0, thickness=thickness, rim_radius_mm=0.25), step_mm=0.5))
    height, border = heights(part)
    for low, high, most in ((-0.8, -0.2, 1.5), (-5.3, -4.7, 3.2), (-12.0, -10.5, 5.05)):
        band = height[(border > low) & (border < high)]
        assert band.max() < most
        assert band.max() > most - 0.6


def test_the_part_is_closed_outward_and_one_though_it_reaches_to_the_ends_of_the_skin() -> None:
    report = check_mesh(meshed(on_ball(shape(5.0), within(PLACE, 24.0), step_mm=1.2)))
    assert report.is_sound
    assert report.parts == 1


def test_the_part_lies_outside_the_patient_and_has_his_volume_beside_it() -> None:
    part = meshed(on_ball(shape(5.0, rim_radius_mm=0.01), step_mm=0.5))
    height = np.linalg.norm(part.vertices_mm, axis=1) - 40
    assert height.min() > -0.05
    exact = 2 * np.pi / 3 * (45**3 - 40**3) * (RADIUS_MM**2 / (2 * 40**2))
    assert part.signed_volume_mm3 == pytest.approx(exact, rel=0.01)


def test_on_a_face_the_thickness_is_the_distance_also_in_its_creases() -> None:
    solid = face().skin
    place = face().landmark("target")
    skin = analytic_skin(solid, place, 21.0, 0.75)
    part = meshed(body_field(skin, within(place, 14.0), shape(4.0), 0.8))
    points = part.vertices_mm[::40]
    feet = solid.foot_points(points)
    height = np.linalg.norm(points - feet, axis=1)
    deep = np.linalg.norm(feet - np.array(place), axis=1) < 14 - 6
    outer = height[(height > 2) & deep]
    assert len(outer) > 10
    assert np.percentile(np.abs(outer - 4), 95) < 0.08
    assert np.abs(outer - 4).max() < 0.3


def two_places(foot: Array64) -> Array64:
    """Region of two separate discs, the right one a little larger."""
    left = np.linalg.norm(foot - np.array((13.0, -37.8, 0.0)), axis=1) - 8
    right = np.linalg.norm(foot - np.array((-13.0, -37.8, 0.0)), axis=1) - 9
    return np.minimum(left, right)


def test_of_two_pieces_the_larger_is_taken_and_the_other_is_told() -> None:
    field = on_ball(shape(4.0), two_places)
    part = meshed(field)
    assert check_mesh(part).parts == 1
    assert part.vertices_mm[:, 0].max() < 0
    assert field.dropped_cm3 == pytest.approx(np.pi * 8**2 * 4 / 1000, rel=0.25)


def test_of_two_pieces_the_one_nearest_to_the_point_is_taken() -> None:
    part = meshed(on_ball(shape(4.0, near_mm=(14.0, -38.0, 0.0)), two_places))
    assert check_mesh(part).parts == 1
    assert part.vertices_mm[:, 0].min() > 0


@pytest.mark.parametrize(
    "region", [within((0.0, 40.0, 0.0), 10.0), within(PLACE, 3.0)], ids=["elsewhere", "tiny"]
)
def test_a_region_without_half_a_cubic_centimetre_of_bolus_is_refused(region: RegionField) -> None:
    with pytest.raises(BolusError, match="gives no bolus") as refusal:
        on_ball(shape(4.0), region)
    assert refusal.value.reason == "EMPTY_REGION"


def test_no_node_of_the_field_lies_on_the_surface() -> None:
    field = on_ball(shape(4.0))
    assert np.abs(field.values).min() >= 0.9e-3 * field.grid.spacing_mm[0]


def test_a_thickness_field_is_followed() -> None:
    def thicker_to_the_left(foot_mm: Array64, region_mm: Array64) -> Array64:  # noqa: ARG001
        return 5.0 + 0.1 * foot_mm[:, 0]

    part = meshed(on_ball(shape(5.0, thickness=thicker_to_the_left, most_mm=7.0), step_mm=0.5))
    points, _ = surface_points(part, 0.8)
    height = np.linalg.norm(points, axis=1) - 40
    foot = points * (40 / np.linalg.norm(points, axis=1))[:, None]
    border = within(PLACE, RADIUS_MM)(foot)
    outer = (height > 3) & (border < -9)
    np.testing.assert_allclose(height[outer], 5 + 0.1 * foot[outer, 0], atol=0.06)
