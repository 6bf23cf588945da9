"""Where the image cuts the body is known: at its six faces and at the reconstruction circle."""

from dataclasses import replace

import numpy as np
import pytest
from scans import box_grid, image_of

from isocentra.anatomy.body import find_body
from isocentra.anatomy.fieldofview import cut_points
from isocentra.image import Image

GRID = box_grid((0.0, 0.0, 0.0), 44, (2.0, 2.0, 2.0))


def ball_at(*centre_mm: float, radius_mm: float = 25.0) -> Image:
    inside = np.linalg.norm(GRID.centres() - centre_mm, axis=-1) < radius_mm
    return image_of(np.where(inside, 40.0, -1000.0), GRID)


def test_a_body_inside_the_image_is_not_cut() -> None:
    image = ball_at(0.0, 0.0, 0.0)
    assert len(cut_points(image, find_body(image))) == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_body_through_a_face_is_cut_there(axis: int, side: float) -> None:
    centre = np.zeros(3)
    centre[axis] = side * 30
    image = ball_at(*centre.tolist())
    points = cut_points(image, find_body(image))
    assert len(points)
    np.testing.assert_allclose(points[:, axis], side * 44, atol=2.1)


def test_a_body_through_the_reconstruction_circle_is_cut_there() -> None:
    image = ball_at(24.0, 24.0, 0.0)
    circle = np.hypot(*np.moveaxis(GRID.centres()[..., :2], -1, 0)) > 45
    values = np.where(circle, np.float32(-2000), image.values)
    cut = replace(image, values=values)
    points = cut_points(cut, find_body(cut))
    assert len(points)
    assert np.hypot(points[:, 0], points[:, 1]).min() > 38


def test_padding_that_the_scanner_names_is_the_circle() -> None:
    image = ball_at(24.0, 24.0, 0.0)
    padding = np.hypot(*np.moveaxis(GRID.centres()[..., :2], -1, 0)) > 40
    cut = replace(image, padding=padding, values=np.where(padding, np.float32(-1000), image.values))
    assert len(cut_points(cut, find_body(cut)))
