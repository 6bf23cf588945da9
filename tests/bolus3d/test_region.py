"""The region's R is a distance to its border on the skin, far inside it too."""

from __future__ import annotations

import numpy as np
import pytest

from isocentra.bolus3d.region import RegionField, RoughRegion, region_on
from isocentra.bolus3d.request import BolusRequest
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Image
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.structures.model import StructureSet

RADIUS_MM = 30.0
FRONT = np.array([0.0, -RADIUS_MM, 0.0])
REACH_MM = 14.0
"""Straight distance from FRONT within which the target lies under the skin."""


@pytest.fixture(scope="module")
def ball() -> tuple[Mesh, Grid]:
    grid = Grid.axial_box((-33.0, -33.0, -33.0), (33.0, 33.0, 33.0), 0.6)
    apart = np.linalg.norm(grid.centres(), axis=-1) - RADIUS_MM
    return isosurface(apart.astype(np.float32), grid), grid


def field(ball: tuple[Mesh, Grid], **asked: object) -> RegionField:
    mesh, grid = ball
    image = Image(grid=grid, values=np.zeros(grid.shape, dtype=np.float32), modality="CT")
    request = BolusRequest(
        ct=image,
        structures=StructureSet(rois=(), frame_of_reference_uid=""),
        thickness_mm=10.0,
        **asked,  # type: ignore[arg-type]
    )
    skin = mesh.vertices_mm
    target = skin[np.linalg.norm(skin - FRONT, axis=1) < REACH_MM] if request.target else skin[:0]
    rough = RoughRegion(skin_mm=skin, target_mm=target, drawn=None)
    return region_on(request, rough, mesh, grid)


def at_chord(apart_mm: float) -> Array64:
    """Return 24 points of the ball at one straight distance from FRONT."""
    angle = 2 * np.arcsin(apart_mm / (2 * RADIUS_MM))
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    aside = RADIUS_MM * np.sin(angle)
    front = np.full(24, -RADIUS_MM * np.cos(angle))
    return np.stack([aside * np.cos(turn), front, aside * np.sin(turn)], axis=1)


def border_chord(extra_mm: float) -> float:
    """Return how far the border is from FRONT when the target is grown along the skin."""
    angle = 2 * np.arcsin(REACH_MM / (2 * RADIUS_MM)) + 2 * np.arcsin(extra_mm / (2 * RADIUS_MM))
    return float(2 * RADIUS_MM * np.sin(angle / 2))


@pytest.mark.parametrize("margin_mm", [0.0, 1.0, 4.0])
def test_the_middle_of_a_target_is_as_deep_as_its_border_is_far(
    ball: tuple[Mesh, Grid], margin_mm: float
) -> None:
    """The distance to the target's own feet would be no deeper than the margin."""
    region = field(ball, target="PTV", margin_mm=margin_mm)
    depth = -float(region(FRONT[None])[0])
    assert depth == pytest.approx(border_chord(max(margin_mm, 1.0)), abs=0.5)


def test_near_the_border_it_is_the_margin_less_the_distance_to_the_target(
    ball: tuple[Mesh, Grid],
) -> None:
    region = field(ball, target="PTV", margin_mm=4.0)
    for extra in (1.0, 2.0, 3.5, 5.0, 8.0):
        found = region(at_chord(border_chord(extra)))
        assert found == pytest.approx(extra - 4.0, abs=0.5)


def test_it_falls_without_a_step_from_the_border_to_the_middle(ball: tuple[Mesh, Grid]) -> None:
    region = field(ball, target="PTV", margin_mm=3.0)
    along = np.array([region(at_chord(c)).mean() for c in np.arange(0.5, 20.0, 0.25)])
    assert np.diff(along).min() > 0
    assert np.diff(along).max() < 0.6


def test_round_a_point_off_the_skin_it_is_the_distance_to_the_border(
    ball: tuple[Mesh, Grid],
) -> None:
    """20 mm within 16 mm in front of the skin leave 12 mm of skin, not 4."""
    region = field(ball, near_mm=(0.0, -RADIUS_MM - 16.0, 0.0), distance_mm=20.0)
    front = (20.0**2 - RADIUS_MM**2 - (RADIUS_MM + 16.0) ** 2) / (2 * (RADIUS_MM + 16.0))
    border = np.array([np.sqrt(RADIUS_MM**2 - front**2), front, 0.0])
    assert region(FRONT[None])[0] == pytest.approx(-np.linalg.norm(border - FRONT), abs=0.3)
    assert abs(region(border[None])[0]) < 0.3
