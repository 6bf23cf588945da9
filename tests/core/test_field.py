"""Displacement fields keep their direction, and inverses are good to 0.01 mm for smooth fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from isocentra.errors import AssemblyError, DistortionError
from isocentra.geometry import Array64, DisplacementField, FieldKind, Grid

PULL, PUSH = FieldKind.PULL, FieldKind.PUSH
CENTRE = np.array([10.0, -20.0, 30.0])


def oblique_grid(seed: int = 0, *, left_handed: bool = False, step: float = 2.5) -> Grid:
    """48 mm and more round CENTRE, turned at random, anisotropic."""
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    axes = turn * np.array([[-1.0 if left_handed else 1.0], [1], [1]])
    shape, spacing = (24, 30, 26), (step * 1.2, step, step * 1.1)
    half = (np.array(shape) - 1) / 2 * np.array(spacing)
    x, y, z = (CENTRE - half @ axes).tolist()
    k, j, i = (tuple(axis) for axis in axes.tolist())
    return Grid(
        shape=shape,
        spacing_mm=spacing,
        origin_mm=(x, y, z),
        axes=(k, j, i),
        frame_of_reference_uid="A",
    )


def wave(points: Array64, size_mm: float = 4.0) -> Array64:
    """Give a smooth displacement: waves of 120 mm and more, gradient up to 0.2 at 4 mm. [mm]"""
    x, y, z = np.moveaxis(points - CENTRE, -1, 0) / 20
    shape = [np.sin(y + 0.3 * z), 0.7 * np.cos(x) - 0.5 * np.sin(z), 0.6 * np.sin(x - y)]
    return size_mm * np.stack(shape, axis=-1)


def field(grid: Grid, kind: FieldKind = PULL, size_mm: float = 4.0) -> DisplacementField:
    values = wave(grid.centres(), size_mm).astype(np.float32)
    return DisplacementField(grid=grid, displacement_mm=values, kind=kind, other_frame_uid="B")


def middle(count: int = 300, radius_mm: float = 15.0) -> Array64:
    return CENTRE + np.random.default_rng(1).uniform(-radius_mm, radius_mm, (count, 3))


def length(vectors: Array64) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm(vectors, axis=-1))


HANDS = pytest.mark.parametrize("left_handed", [False, True])


@HANDS
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_field_is_exact_at_its_voxels_and_close_between(seed: int, *, left_handed: bool) -> None:
    made = field(oblique_grid(seed, left_handed=left_handed))
    centres = made.grid.centres().reshape(-1, 3)
    assert length(made.at(centres) - wave(centres)).max() < 1e-4
    # Trilinear between voxels: h²/8 · u'' = 0.03 mm for waves of 4 mm with h = 3 mm.
    assert length(made.at(middle()) - wave(middle())).max() < 0.05


@HANDS
@pytest.mark.parametrize("kind", [PULL, PUSH])
def test_the_inverse_of_a_smooth_field_is_good_to_a_hundredth_of_a_millimetre(
    kind: FieldKind, *, left_handed: bool
) -> None:
    made = field(oblique_grid(left_handed=left_handed), kind)
    inverse = made.invert()
    assert inverse.kind is not kind
    ends = inverse.grid.centres().reshape(-1, 3)
    starts = ends + inverse.displacement_mm.reshape(-1, 3)
    known = ~np.isnan(starts).any(axis=1)
    assert known.mean() > 0.8
    assert length(starts + made.at(starts) - ends)[known].max() <= 0.01


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), size_mm=st.floats(0.1, 6.0), left_handed=st.booleans())
def test_inverting_twice_gives_the_field_back(
    seed: int, size_mm: float, *, left_handed: bool
) -> None:
    made = field(oblique_grid(seed, left_handed=left_handed), size_mm=size_mm)
    again = made.invert().invert(made.grid)
    assert again.kind is made.kind
    assert (again.from_frame_uid, again.to_frame_uid) == ("B", "A")
    # The inverse is itself read between voxels: h²/8 · u''.
    assert length(again.at(middle()) - made.at(middle())).max() < 0.012 * size_mm


def along_x(grid: Grid, displacement: Array64, kind: FieldKind = PULL) -> DisplacementField:
    values = np.zeros((*grid.shape, 3), np.float32)
    values[..., 0] = displacement
    return DisplacementField(grid=grid, displacement_mm=values, kind=kind)


@pytest.mark.parametrize("gradient", [0.9, 1.5, -0.9])
def test_steep_fields_are_inverted_where_the_fixed_point_fails(gradient: float) -> None:
    """At 0.9 the fixed point needs 90 steps for 0.001 mm, at 1.5 it runs away."""
    grid = oblique_grid(step=1.0)
    made = along_x(grid, gradient * 15 * np.sin((grid.centres()[..., 0] - CENTRE[0]) / 15))
    points = middle(200, 4.0)
    starts = made.warp_points(points)
    known = ~np.isnan(starts).any(axis=1)
    assert known.mean() > 0.9
    assert length(starts + made.at(starts) - points)[known].max() <= 0.01


def test_a_field_that_folds_has_no_inverse_and_says_how_far_it_folds() -> None:
    grid = oblique_grid()
    made = along_x(grid, -1.4 * (grid.centres()[..., 0] - CENTRE[0]))
    with pytest.raises(DistortionError, match=r"Jacobian falls to -0\.4") as caught:
        made.invert()
    assert caught.value.reason == "FIELD_NOT_INVERTIBLE"


def test_a_pull_field_moves_points_against_its_arrows() -> None:
    """It says: at p the image shows what was at p + 5 mm. What was at 12 mm is seen at 7 mm."""
    grid = Grid(shape=(9, 9, 30), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    five = np.full(grid.shape, 5.0)
    assert np.allclose(along_x(grid, five, PULL).warp_points([[12, 4, 4]]), [[7, 4, 4]])
    assert np.allclose(along_x(grid, five, PUSH).warp_points([[12, 4, 4]]), [[17, 4, 4]])


def test_points_move_the_same_through_a_field_and_through_its_inverse() -> None:
    made = field(oblique_grid())
    solved, pushed = made.warp_points(middle()), made.invert().warp_points(middle())
    assert length(solved - pushed).max() < 0.05


@pytest.mark.parametrize("kind", [PULL, PUSH])
def test_two_fields_in_a_row_move_points_as_one_after_the_other(kind: FieldKind) -> None:
    first = field(oblique_grid(), kind, 3.0)
    second = replace(
        field(oblique_grid(5), kind, -2.0),
        grid=replace(oblique_grid(5), frame_of_reference_uid="B"),
        other_frame_uid="C",
    )
    if kind is PULL:  # the grid of a pull field is where the data arrive
        first = replace(
            first, grid=replace(first.grid, frame_of_reference_uid="B"), other_frame_uid="A"
        )
        second = replace(
            second, grid=replace(second.grid, frame_of_reference_uid="C"), other_frame_uid="B"
        )
    both = first.compose(second)
    assert (both.from_frame_uid, both.to_frame_uid) == ("A", "C")
    expected = second.warp_points(first.warp_points(middle()))
    assert length(both.warp_points(middle()) - expected).max() < 0.05


def test_a_field_and_its_inverse_in_a_row_move_nothing() -> None:
    push = field(oblique_grid(), PUSH)
    back = push.invert().invert(push.grid)
    there = replace(push.invert(), kind=PUSH)  # the inverse map, read as a push from B to A
    still = push.compose(there)
    assert back.kind is PUSH
    shift = still.at(middle())
    assert length(shift).max() < 0.05


@HANDS
@pytest.mark.parametrize("seed", [0, 3])
def test_the_jacobian_of_a_linear_field_is_its_determinant(seed: int, *, left_handed: bool) -> None:
    grid = oblique_grid(seed, left_handed=left_handed)
    slope = np.array([[0.1, 0.05, -0.02], [0.0, -0.2, 0.1], [0.03, 0.0, 0.15]])
    values = ((grid.centres() - CENTRE) @ slope.T).astype(np.float32)
    made = DisplacementField(grid=grid, displacement_mm=values, kind=PUSH)
    expected = np.linalg.det(np.eye(3) + slope)
    assert np.abs(made.jacobian() - expected).max() < 1e-4


def test_the_jacobian_of_a_quadratic_field_is_exact_to_the_border() -> None:
    grid = oblique_grid(step=1.0)
    x = grid.centres()[..., 0] - CENTRE[0]
    made = along_x(grid, 0.01 * x**2)
    assert np.abs(made.jacobian() - (1 + 0.02 * x)).max() < 1e-4


def test_the_jacobian_of_a_smooth_field_follows_the_analytic_one() -> None:
    grid = oblique_grid(step=1.0)
    made = field(grid)
    x, y, z = np.moveaxis(grid.centres() - CENTRE, -1, 0) / 20
    slope = np.zeros((*grid.shape, 3, 3))
    slope[..., 0, 1], slope[..., 0, 2] = np.cos(y + 0.3 * z), 0.3 * np.cos(y + 0.3 * z)
    slope[..., 1, 0], slope[..., 1, 2] = -0.7 * np.sin(x), -0.5 * np.cos(z)
    slope[..., 2, 0], slope[..., 2, 1] = 0.6 * np.cos(x - y), -0.6 * np.cos(x - y)
    expected = np.linalg.det(np.eye(3) + 4 / 20 * slope)
    assert np.abs(made.jacobian() - expected)[1:-1, 1:-1, 1:-1].max() < 2e-3


def test_nothing_is_said_outside_the_grid_or_where_the_field_is_silent() -> None:
    grid = Grid(shape=(5, 6, 7), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    values = np.ones((*grid.shape, 3), np.float32)
    values[2, 2, 2] = np.nan
    made = DisplacementField(grid=grid, displacement_mm=values, kind=PUSH)
    got = made.at([[-0.4, 0, 0], [-0.6, 0, 0], [2, 2, 2], [2.5, 2, 2], [4, 4, 4]])
    assert np.isnan(got).any(axis=1).tolist() == [False, True, True, True, False]
    assert np.isnan(made.warp_points([[9, 9, 9]])).all()


def test_points_that_are_no_numbers_stay_none_and_no_points_stay_no_points() -> None:
    made = field(oblique_grid())
    mixed = np.array([CENTRE, [np.nan, 0, 0]])
    assert np.isnan(made.at(mixed)).any(axis=1).tolist() == [False, True]
    assert np.isnan(made.warp_points(mixed)).any(axis=1).tolist() == [False, True]
    assert made.at(np.empty((0, 3))).shape == (0, 3)


def test_fields_of_one_voxel_thickness_work() -> None:
    grid = Grid(shape=(1, 8, 9), spacing_mm=(3, 1, 1), origin_mm=(0, 0, 0))
    made = along_x(grid, np.full(grid.shape, 0.5))
    assert np.allclose(made.jacobian(), 1)
    inverse = made.invert()
    assert np.nanmax(np.abs(inverse.displacement_mm - np.float32([-0.5, 0, 0]))) < 2e-3


def test_kinds_and_frames_that_do_not_meet_are_refused() -> None:
    pull, push = field(oblique_grid()), field(oblique_grid(), PUSH)
    with pytest.raises(ValueError, match="invert one of them"):
        pull.compose(push)
    with pytest.raises(AssemblyError) as caught:
        push.compose(push)  # A to B, then A to B
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"
    with pytest.raises(AssemblyError):
        push.invert(replace(push.grid, frame_of_reference_uid="C"))


def test_values_of_another_shape_or_type_are_refused() -> None:
    grid = oblique_grid()
    with pytest.raises(TypeError, match="float64"):
        DisplacementField(grid=grid, displacement_mm=np.zeros((*grid.shape, 3)), kind=PULL)
    with pytest.raises(TypeError, match="on a grid"):
        DisplacementField(
            grid=grid, displacement_mm=np.zeros((3, *grid.shape), np.float32), kind=PULL
        )
