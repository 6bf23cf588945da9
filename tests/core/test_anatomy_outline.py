"""The outline of the body on each slice is the skin's, not a mask's."""

import numpy as np
import pytest
from scans import box_grid, painted

from isocentra.anatomy.body import find_body
from isocentra.anatomy.outline import body_contours
from isocentra.image import Image
from isocentra.patients.calibration import sphere
from isocentra.structures.model import Contour
from isocentra.structures.polygons import signed_area_mm2


def sphere_scan(tissue: float = 40.0) -> Image:
    return painted(
        sphere(tissue=tissue, radius_mm=30.0), box_grid((0.3, -0.2, 0.4), 42, (3.0, 1.5, 1.5))
    )


@pytest.mark.parametrize("tissue", [-100.0, 40.0])
def test_outlines_of_a_ball_are_circles_of_the_right_radius(tissue: float) -> None:
    image = sphere_scan(tissue)
    contours = body_contours(image, find_body(image))
    assert len(contours) >= 18
    for contour in contours:
        radius = np.hypot(contour.points_mm[:, 0], contour.points_mm[:, 1])
        z = float(contour.points_mm[0, 2])
        if abs(z) < 24:
            assert radius == pytest.approx(np.sqrt(30**2 - z**2), abs=0.25)


def test_each_outline_lies_on_its_slice_and_knows_it_by_one_ring() -> None:
    image = sphere_scan()
    contours = body_contours(image, find_body(image))
    planes = [image.grid.to_index(c.points_mm)[:, 0] for c in contours]
    for plane in planes:
        np.testing.assert_allclose(plane, round(plane[0]), atol=1e-6)
    numbers = [round(plane[0]) for plane in planes]
    assert len(set(numbers)) == len(numbers)
    assert all(_area(contour) > 0 for contour in contours)


def _area(contour: Contour) -> float:
    return abs(signed_area_mm2(contour.points_mm[:, :2]))
