"""Traced contours follow the level of the field to 0.02 mm and can be written as they are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from isocentra.geometry.grid import Array64, Grid
from isocentra.structures import Contour, Roi, contours_from_field, coverage, volume_cm3
from isocentra.structures.fitting import plane_frame, simplified
from isocentra.structures.outline import distance_to_outline
from isocentra.structures.polygons import (
    common_area_mm2,
    even_odd_area_mm2,
    signed_area_mm2,
)
from isocentra.structures.touching import crosses, is_simple

AXES = {
    "axial": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    "sagittal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "oblique": ((0.36, 0.48, 0.8), (0.48, 0.64, -0.6), (0.8, -0.6, 0.0)),
    "left-handed": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
}


def grid(name: str = "axial", rows: int = 48) -> Grid:
    return Grid(
        shape=(3, rows, 56),
        spacing_mm=(3.0, 0.98, 1.05),
        origin_mm=(-21.37, 4.2, 9.9),
        axes=AXES[name],
    )


def in_plane(on: Grid) -> tuple[Array64, Array64]:
    """Distances along j and i from the middle of a plane. [mm]"""
    j, i = np.indices(on.shape[1:], dtype=np.float64)
    return (j - 23.3) * on.spacing_mm[1], (i - 27.9) * on.spacing_mm[2]


def flat(contours: tuple[Contour, ...], on: Grid, k: int = 0) -> list[Array64]:
    frame = plane_frame(on, k)
    rings = [(c.points_mm, on.to_index(c.points_mm)[:, 0]) for c in contours]
    return [frame.to_plane(points) for points, level in rings if abs(level.mean() - k) < 0.1]


def ring_field(on: Grid) -> Array64:
    """Signed distance, negated, of a ring of radii 8 and 18 mm."""
    radius = np.hypot(*in_plane(on))
    return np.broadcast_to(5.0 - np.abs(radius - 13.0), on.shape)


@pytest.mark.parametrize("name", list(AXES))
def test_a_ring_has_an_outline_and_a_hole_of_opposite_orientation_on_every_plane(name: str) -> None:
    on = grid(name)
    contours = contours_from_field(ring_field(on), on, level=0.0)
    assert len(contours) == 6
    for k in range(3):
        outer, inner = sorted(flat(contours, on, k), key=lambda ring: -abs(signed_area_mm2(ring)))
        assert signed_area_mm2(outer) == pytest.approx(math.pi * 18**2, rel=1e-3)
        assert signed_area_mm2(inner) == pytest.approx(-math.pi * 8**2, rel=4e-3)  # bilinear


@pytest.mark.parametrize("name", list(AXES))
def test_points_lie_on_their_plane_with_three_decimals(name: str) -> None:
    on = grid(name)
    for contour in contours_from_field(ring_field(on), on, level=0.0):
        assert np.array_equal(contour.points_mm, np.round(contour.points_mm, 3))
        level = on.to_index(contour.points_mm)[:, 0]
        assert np.abs(level - np.round(level)).max() * 3.0 < 0.001


def test_contours_lie_within_two_hundredths_of_the_level() -> None:
    on = grid()
    v, u = in_plane(on)
    values = np.broadcast_to(14.0 - np.hypot(v, u / 1.3), on.shape)
    contours = contours_from_field(values, on, level=0.0)
    for contour in contours:
        points = contour.points_mm
        steps = np.roll(points, -1, axis=0) - points
        for share in (0.0, 0.25, 0.5, 0.75):
            index = on.to_index(points + share * steps)
            at = ndimage.map_coordinates(values[0], index[:, 1:].T, order=1)
            slope = 1 / 1.3  # least gradient of the field
            assert np.abs(at).max() / slope < 0.02
    assert len(contours[0].points_mm) < 120


def test_coverage_comes_back_as_contours_of_the_same_solid() -> None:
    on = grid()
    t = np.arange(400) * 2 * np.pi / 400
    centre = on.to_points([0, 23.3, 27.9])
    radius = 12 + 2 * np.cos(3 * t)
    ring = centre + np.column_stack([radius * np.cos(t), radius * np.sin(t), np.zeros(400)])
    drawn = Roi(
        number=1,
        name="Test",
        contours=tuple(
            Contour(kind="CLOSED_PLANAR", points_mm=ring + np.array([0, 0, 3.0 * k]))
            for k in range(3)
        ),
    )
    share = coverage(drawn, on)
    traced = Roi(number=2, name="Traced", contours=contours_from_field(share, on))
    # Coverage 0.5 is not the outline itself where that is curved.
    assert volume_cm3(traced) == pytest.approx(volume_cm3(drawn), rel=5e-3)
    again = coverage(traced, on)
    assert 2 * np.minimum(share, again).sum() / (share.sum() + again.sum()) > 0.995
    distance = distance_to_outline(flat(traced.contours, on)[0], [ring[:, :2]])
    assert distance.max() < 0.15


def test_what_touches_the_border_is_closed_half_a_pixel_outside() -> None:
    on = grid()
    contours = contours_from_field(np.ones(on.shape), on)
    assert len(contours) == 3
    box = np.ptp(on.to_index(contours[0].points_mm), axis=0)
    assert box[1:] == pytest.approx([48, 56], abs=2e-3)


def test_what_is_not_a_number_is_outside() -> None:
    on = grid()
    values = np.array(ring_field(on))
    values[:, :, 30:] = np.nan
    traced = contours_from_field(values, on, level=0.0)
    assert len(traced) == 3
    assert max(on.to_index(c.points_mm)[:, 2].max() for c in traced) < 30
    assert contours_from_field(np.full(on.shape, np.nan), on) == ()


def test_nothing_above_the_level_gives_no_contour() -> None:
    assert contours_from_field(np.zeros(grid().shape), grid()) == ()


def test_specks_below_a_hundredth_of_a_square_millimetre_are_left_out() -> None:
    on = grid()
    values = np.zeros(on.shape)
    values[0, 20, 20] = 0.53
    assert contours_from_field(values, on) == ()


def test_a_field_of_another_shape_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="shape"):
        contours_from_field(np.zeros((1, 2, 3)), grid())


@pytest.mark.parametrize("name", ["axial", "oblique"])
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    blur=st.floats(0.6, 3.0),
    wall=st.sampled_from([0.0005, 0.01, 0.3]),
    stairs=st.sampled_from([0, 4]),
)
def test_contours_never_touch_or_cross(
    name: str, seed: int, blur: float, wall: float, stairs: int
) -> None:
    on = grid(name, rows=36)
    values = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=on.shape), (0, blur, blur)
    )
    values = wall - np.abs(values / np.abs(values).max())
    if stairs:  # equal values meet in corners: saddles everywhere
        values = np.round(values * stairs) / stairs + 0.25
    contours = contours_from_field(values, on, level=0.0)
    for k in range(on.shape[0]):
        assert is_simple(flat(contours, on, k))


def test_simplification_keeps_a_tolerance_and_the_corners() -> None:
    t = np.arange(2000) * 2 * np.pi / 2000
    circle = 20 * np.column_stack([np.cos(t), np.sin(t)])
    few = simplified([circle, circle * 2], 0.02)
    assert len(few[0]) <= 128
    assert signed_area_mm2(few[0]) == pytest.approx(signed_area_mm2(circle), rel=1e-6)
    for ring, whole in zip(few, (circle, circle * 2), strict=True):
        assert distance_to_outline(whole, [ring]).max() <= 0.02
    edge = np.linspace(0, 1, 50)[:-1]
    square = np.concatenate(
        [
            np.column_stack(p)
            for p in (
                (edge, 0 * edge),
                (0 * edge + 1, edge),
                (1 - edge, 0 * edge + 1),
                (0 * edge, 1 - edge),
            )
        ]
    )
    corners = {tuple(point) for point in simplified([square], 0.001)[0].tolist()}
    assert corners == {(0, 0), (1, 0), (1, 1), (0, 1)}
    assert np.array_equal(simplified([square], 0.0)[0], square)


TRIANGLE = np.array([(0, 0), (4, 0), (2, 3)], dtype=np.float64)


@pytest.mark.parametrize(
    ("rings", "simple", "crossing"),
    [
        ([TRIANGLE], True, False),
        ([TRIANGLE, TRIANGLE + 10], True, False),
        ([TRIANGLE, TRIANGLE + np.array([0.001, 0])], False, True),
        ([TRIANGLE, TRIANGLE + np.array([4.0, 0])], False, False),  # corner on corner
        ([TRIANGLE, TRIANGLE[::-1] + np.array([2.0, 3.0])], False, False),  # corner on corner
        ([TRIANGLE, TRIANGLE - np.array([0.0, 3.0])], False, False),  # tip on an edge
        ([np.array([(0, 0), (4, 0), (2, 0), (2, 3)], dtype=np.float64)], False, False),  # spike
        ([np.array([(-5, -5), (5, 5), (5, -5), (-5, 5)], dtype=np.float64)], False, True),
        ([], True, False),
    ],
)
def test_touching_and_crossing_are_told_apart(
    rings: list[Array64], *, simple: bool, crossing: bool
) -> None:
    assert is_simple(rings) is simple
    assert crosses(rings) is crossing


def test_polygon_areas_are_even_odd_and_exact() -> None:
    square = np.array([(0, 0), (2, 0), (2, 2), (0, 2)], dtype=np.float64)
    assert even_odd_area_mm2([square, square / 2 + 0.5]) == pytest.approx(3, abs=1e-9)
    assert common_area_mm2([square], [square + 1]) == pytest.approx(1, abs=1e-9)
    assert common_area_mm2([square], []) == even_odd_area_mm2([]) == 0
