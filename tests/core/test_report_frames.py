"""Where pictures lie in the patient: letters, sides, scale bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocentra.report.frames import (
    Plane,
    Side,
    ViewFrame,
    frame_from,
    letters_of,
    plane_frame,
    scale_bar_mm,
)


def letters(frame: ViewFrame) -> tuple[str, str, str]:
    """Right, up and towards the viewer, by letters."""
    return letters_of(frame.right), letters_of(frame.up), letters_of(frame.toward)


@pytest.mark.parametrize(
    ("plane", "expected"),
    [
        (Plane.AXIAL, ("L", "A", "I")),
        (Plane.CORONAL, ("L", "S", "A")),
        (Plane.SAGITTAL, ("P", "S", "L")),
    ],
)
def test_slices_lie_as_radiology_reads_them(plane: Plane, expected: tuple[str, ...]) -> None:
    assert letters(plane_frame(plane, (0.0, 0.0, 0.0), (1.0, 1.0))) == expected


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (Side.ANTERIOR, ("L", "S", "A")),
        (Side.POSTERIOR, ("R", "S", "P")),
        (Side.LEFT, ("P", "S", "L")),
        (Side.RIGHT, ("A", "S", "R")),
        (Side.SUPERIOR, ("R", "A", "S")),
        (Side.INFERIOR, ("L", "A", "I")),
    ],
)
def test_a_side_is_seen_from_where_it_says(side: Side, expected: tuple[str, ...]) -> None:
    assert letters(frame_from(side, (0.0, 0.0, 0.0), (1.0, 1.0))) == expected


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_a_free_direction_gives_a_right_handed_frame_that_looks_along_it(
    direction: tuple[float, float, float],
) -> None:
    frame = frame_from(direction, (1.0, 2.0, 3.0), (10.0, 10.0))
    basis = np.array([frame.right, frame.up, frame.toward])
    assert np.allclose(basis @ basis.T, np.eye(3), atol=1e-9)
    assert np.allclose(frame.toward, np.array(direction) / np.linalg.norm(direction))


@given(st.lists(st.tuples(*[st.floats(-200, 200)] * 2), min_size=1, max_size=5))
def test_points_go_to_the_plane_and_back(plane: list[tuple[float, float]]) -> None:
    frame = frame_from((0.3, -0.8, 0.4), (10.0, -20.0, 30.0), (100.0, 80.0))
    there = frame.to_plane(frame.to_points(plane))
    assert np.allclose(there[:, :2], plane, atol=1e-9)
    assert np.allclose(there[:, 2], 0, atol=1e-9)


def test_an_oblique_direction_has_two_letters_the_larger_first() -> None:
    assert letters_of((0.8, -0.6, 0.0)) == "LA"
    assert letters_of((0.99, -0.1, 0.0)) == "L"


@given(st.floats(1, 1000))
def test_the_scale_bar_is_round_and_between_a_sixth_and_two_fifths_of_the_width(
    width_mm: float,
) -> None:
    length = scale_bar_mm(width_mm)
    assert width_mm / 6.3 <= length <= 0.4 * width_mm
    assert f"{length:.0e}"[0] in "125"
