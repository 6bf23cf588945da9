"""A rigid transform carries points between two frames of reference, back again, and in a row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from isocentra.errors import AssemblyError
from isocentra.geometry import Array64, RigidTransform

angles = st.tuples(*[st.floats(-180, 180)] * 3)
shifts = st.tuples(*[st.floats(-500, 500)] * 3)


def made(
    angles_deg: tuple[float, ...], shift_mm: tuple[float, ...], frames: str = "AB"
) -> RigidTransform:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return RigidTransform(matrix=matrix, from_frame_uid=frames[0], to_frame_uid=frames[1])


def points() -> Array64:
    return np.random.default_rng(0).uniform(-300, 300, (20, 3))


@given(angles, shifts)
def test_there_and_back_is_where_one_was(turn: tuple[float, ...], shift: tuple[float, ...]) -> None:
    way = made(turn, shift)
    assert np.abs(way.inverse.apply(way.apply(points())) - points()).max() < 1e-9
    assert (way.inverse.from_frame_uid, way.inverse.to_frame_uid) == ("B", "A")


@given(angles, shifts, angles, shifts)
def test_two_in_a_row_are_one(
    turn: tuple[float, ...],
    shift: tuple[float, ...],
    turn_after: tuple[float, ...],
    shift_after: tuple[float, ...],
) -> None:
    first, after = made(turn, shift), made(turn_after, shift_after, "BC")
    both = first.compose(after)
    assert np.abs(both.apply(points()) - after.apply(first.apply(points()))).max() < 1e-9
    assert (both.from_frame_uid, both.to_frame_uid) == ("A", "C")


@given(angles, shifts)
def test_distances_stay(turn: tuple[float, ...], shift: tuple[float, ...]) -> None:
    moved = made(turn, shift).apply(points())
    before = np.linalg.norm(np.diff(points(), axis=0), axis=1)
    assert np.allclose(np.linalg.norm(np.diff(moved, axis=0), axis=1), before)


def test_a_quarter_turn_about_z_takes_left_to_posterior() -> None:
    quarter = made((0, 0, 90), (1, 2, 3))
    assert np.allclose(quarter.apply([10, 0, 0]), [1, 12, 3])


def test_identity_moves_nothing_and_keeps_its_frame() -> None:
    same = RigidTransform.identity("A")
    assert np.array_equal(same.apply(points()), points())
    assert same.from_frame_uid == same.to_frame_uid == "A"


def test_a_transform_that_begins_elsewhere_is_refused() -> None:
    with pytest.raises(AssemblyError) as caught:
        made((0, 0, 0), (0, 0, 0)).compose(made((0, 0, 0), (0, 0, 0), "CD"))
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"


@pytest.mark.parametrize(
    ("matrix", "complaint"),
    [
        (np.diag([1.01, 1, 1, 1]), "scales"),
        (np.diag([-1.0, 1, 1, 1]), "mirror"),
        (np.eye(3), "shape"),
        (np.full((4, 4), np.nan), "finite"),
        (np.vstack([np.eye(4)[:3], [0, 0, 1, 1]]), "last row"),
    ],
)
def test_what_is_not_rigid_is_refused_by_name(matrix: Array64, complaint: str) -> None:
    with pytest.raises(AssemblyError, match=complaint) as caught:
        RigidTransform(matrix=matrix)
    assert caught.value.reason == "BAD_REGISTRATION"


def test_the_matrix_cannot_be_changed_from_outside() -> None:
    matrix = np.eye(4)
    way = RigidTransform(matrix=matrix)
    matrix[0, 3] = 5
    assert np.array_equal(way.apply([0, 0, 0]), [0, 0, 0])
    with pytest.raises(ValueError, match="read-only"):
        way.matrix[0, 3] = 5
