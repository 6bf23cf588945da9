"""The body's field is exact where its surface lies."""

from __future__ import annotations

import numpy as np
import pytest

from isocentra.bolus3d.body import BodyShape, body_field, uniform
from isocentra.bolus3d.skin import Skin
from isocentra.errors import BolusError
from isocentra.geometry.grid import Array64, Grid
from isocentra.mesh.distance import SurfaceDistance
from isocentra.mesh.isosurface import isosurface

RADIUS_MM = 15.0
STEP_MM = 0.5
TOP = np.array([0.0, 0.0, RADIUS_MM])


def ball_skin() -> Skin:
    grid = Grid.axial_box((-20.0, -20.0, -20.0), (20.0, 20.0, 20.0), STEP_MM)
    distance = (np.linalg.norm(grid.centres(), axis=-1) - RADIUS_MM).astype(np.float32)
    mesh = isosurface(distance + np.float32(1e-5), grid)
    return Skin(
        mesh=mesh,
        distance=SurfaceDistance(mesh),
        grid=grid,
        distance_mm=distance,
        noise_hu=None,
        bridged_cm3=0.0,
    )


def shape_of(thickness_mm: float) -> BodyShape:
    return BodyShape(
        thickness=uniform(thickness_mm),
        most_mm=thickness_mm,
        clearance_mm=0.0,
        rim_radius_mm=1.0,
        near_mm=None,
    )


def within_of_top(reach_mm: float, skin_mm: Array64) -> Array64:
    return np.asarray(np.linalg.norm(skin_mm - TOP, axis=1) - reach_mm)


@pytest.mark.parametrize("thickness_mm", [3.0, 8.0])
def test_both_faces_lie_where_the_distance_to_a_ball_says(thickness_mm: float) -> None:
    found = body_field(
        ball_skin(), lambda foot: within_of_top(12.0, foot), shape_of(thickness_mm), STEP_MM
    )
    points = found.grid.centres()
    radius = np.linalg.norm(points, axis=-1)
    angle = np.arccos(points[..., 2] / np.maximum(radius, 1e-9))
    away_from_rim = (angle < np.radians(25)) & (np.abs(found.values) < 0.9 * STEP_MM)
    expected = np.maximum(radius - RADIUS_MM - thickness_mm, RADIUS_MM - radius)
    error = np.abs(found.values - expected)[away_from_rim]
    assert error.size > 1000
    assert error.max() < 0.01


def test_a_region_without_skin_is_refused() -> None:
    with pytest.raises(BolusError, match="outside it") as caught:
        body_field(ball_skin(), lambda foot: np.full(len(foot), 5.0), shape_of(5.0), STEP_MM)
    assert caught.value.reason == "EMPTY_REGION"
