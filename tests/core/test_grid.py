"""A grid maps indices to points and back, whatever its axes, and refuses what is no geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from isocentra.errors import ReadingError
from isocentra.geometry import Grid

Axes = tuple[tuple[float, float, float], ...]
AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def grid(seed: int, mirrored: tuple[bool, bool, bool] = (False, False, False)) -> Grid:
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    k, j, i = (tuple(a) for a in (turn * np.where(mirrored, -1.0, 1.0)[:, None]).tolist())
    return Grid(
        shape=(5, 7, 9), spacing_mm=(3.0, 0.8, 1.1), origin_mm=(-50.0, 20.0, 700.0), axes=(k, j, i)
    )


@given(st.integers(0, 10**6), st.tuples(*[st.booleans()] * 3))
def test_there_and_back_is_where_one_was(seed: int, mirrored: tuple[bool, bool, bool]) -> None:
    made = grid(seed, mirrored)
    index = np.random.default_rng(seed).uniform(-3, 12, (4, 5, 3))
    assert np.abs(made.to_index(made.to_points(index)) - index).max() < 1e-9


@given(st.integers(0, 10**6))
def test_an_odd_number_of_mirrored_axes_changes_the_hand(seed: int) -> None:
    hand = grid(seed).is_right_handed
    assert grid(seed, (True, False, False)).is_right_handed is not hand
    assert grid(seed, (True, True, False)).is_right_handed is hand


def test_points_of_an_axial_grid_are_counted_from_its_origin() -> None:
    made = Grid(shape=(5, 7, 9), spacing_mm=(3, 2, 1), origin_mm=(10, 20, 30))
    assert made.to_points([1, 2, 3]).tolist() == [13, 24, 33]
    assert made.to_index([13, 24, 33]).tolist() == [1, 2, 3]
    assert made.is_right_handed
    assert made.voxel_volume_mm3 == 6


def test_matrix_centres_and_corners_agree_with_the_mapping() -> None:
    made = grid(3, (False, True, False))
    index = np.moveaxis(np.indices(made.shape), 0, -1)
    assert np.allclose(made.centres(), made.to_points(index))
    homogeneous = np.append(index.reshape(-1, 3), np.ones((index.size // 3, 1)), axis=1)
    assert np.allclose((homogeneous @ made.matrix.T)[:, :3], made.centres().reshape(-1, 3))
    corners = made.to_index(made.corners_mm())
    assert np.allclose(corners.min(0), -0.5)
    assert np.allclose(corners.max(0), np.array(made.shape) - 0.5)


def test_a_cropped_grid_lies_where_its_voxels_were() -> None:
    made = grid(4)
    part = made.cropped((1, 2, 3), (4, 6, 99))
    assert part.shape == (3, 4, 6)
    assert np.allclose(part.centres(), made.centres()[1:4, 2:6, 3:])


def test_a_box_round_points_holds_them_and_its_margin() -> None:
    made = grid(5)
    start, stop = made.index_box(made.to_points([[2.2, 3.0, 4.0]]), 1.0)
    assert (start, stop) == ((1, 1, 3), (4, 6, 6))
    assert made.index_box(made.to_points([[99, 99, 99]])) == ((4, 6, 8), (5, 7, 9))


def test_an_isotropic_grid_covers_all_voxel_centres() -> None:
    made = grid(6)
    cubic = made.isotropic(0.7)
    assert set(cubic.spacing_mm) == {0.7}
    index = cubic.to_index(made.centres())
    assert index.min() > -1e-9
    assert (index <= np.array(cubic.shape) - 1 + 1e-9).all()


def test_an_axial_box_covers_both_its_corners() -> None:
    made = Grid.axial_box((0, 0, 0), (1.0, 2.05, 3.0), 0.5)
    assert made.shape == (7, 6, 3)
    assert made.origin_mm == (0, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": (0, 3, 3)},
        {"spacing_mm": (1.0, 0.0, 1.0)},
        {"spacing_mm": (1.0, np.nan, 1.0)},
        {"origin_mm": (np.inf, 0.0, 0.0)},
        {"axes": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.1, 1.0, 0.0))},
        {"axes": ((0.0, 0.0, 2.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))},
    ],
)
def test_what_is_no_geometry_is_refused(wrong: dict[str, Axes]) -> None:
    good = {"shape": (3, 3, 3), "spacing_mm": (1, 1, 1), "origin_mm": (0, 0, 0), "axes": AXIAL}
    with pytest.raises(ReadingError) as caught:
        Grid(**(good | wrong))
    assert caught.value.reason == "BAD_GEOMETRY"
