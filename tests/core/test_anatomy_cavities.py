"""Air that opens outside is inner only where hardly any sky is seen from it."""

import numpy as np
import pytest
from scans import box_grid, holds

from isocentra.anatomy.body import find_body
from isocentra.anatomy.cavities import filled_holes, plugged_air
from isocentra.patients import head, simulate_ct
from isocentra.patients.solids import Point

GRID = box_grid((0.0, 0.0, 0.0), 32, (2.0, 2.0, 2.0))
X, Y, Z = np.moveaxis(GRID.centres(), -1, 0)
BLOCK = Y > 0
"""A block of tissue whose surface is the plane y = 0; outside lies at −y."""
NASAL_CAVITY: Point = (0.0, -85.0, -10.0)
NOSTRILS: tuple[Point, Point] = ((6.2, -95.0, -13.0), (-6.2, -95.0, -13.0))
BEHIND_THE_EAR: Point = (84.0, 26.0, 0.0)


def bore(radius_mm: float) -> np.ndarray:
    """Hole of a radius, 26 mm deep."""
    return BLOCK & ~((np.hypot(X, Z) < radius_mm) & (Y < 26))


def groove(half_angle_deg: float) -> np.ndarray:
    """V-shaped crease along z, its edge 15 mm deep."""
    slope = np.tan(np.radians(half_angle_deg))
    return BLOCK & ~(np.abs(X) < slope * (15 - Y))


def test_a_nostril_is_plugged_up_to_its_mouth_and_not_beyond() -> None:
    plug = plugged_air(bore(4.0), GRID)
    assert holds(plug, GRID, (0.0, 20.0, 0.0))
    assert holds(plug, GRID, (0.0, 8.0, 0.0))
    assert not (plug & ~BLOCK).any()
    assert not (plug & bore(4.0)).any()


@pytest.mark.parametrize("half_angle_deg", [30.0, 45.0, 60.0])
def test_an_open_crease_stays_open(half_angle_deg: float) -> None:
    assert not plugged_air(groove(half_angle_deg), GRID).any()


def test_a_wide_hollow_stays_open() -> None:
    assert not plugged_air(bore(14.0), GRID).any()


def test_the_gap_behind_an_ear_stays_open() -> None:
    ear = (np.abs(X * np.cos(0.49) - (Y + 2) * np.sin(0.49)) < 2.5) & (Y < 2) & (Y > -24)
    solid = BLOCK | (ear & (np.abs(Z) < 28))
    plug = plugged_air(solid, GRID)
    assert plug.sum() * GRID.voxel_volume_mm3 < 0.05 * 24 * 12 * 56 / 2


def test_a_wide_cavity_behind_a_narrow_mouth_is_inner() -> None:
    cavity = (X**2 + (Y - 18) ** 2 + Z**2) < 12**2
    solid = BLOCK & ~cavity & ~((np.hypot(X, Z) < 4) & (Y < 18))
    plug = plugged_air(solid, GRID)
    assert holds(plug, GRID, (0.0, 18.0, 0.0))
    assert holds(plug, GRID, (8.0, 18.0, 0.0))
    assert not (plug & ~BLOCK).any()


def test_a_hole_that_leaves_through_the_last_slice_is_inner_and_one_in_a_slice_is_not() -> None:
    tube = (np.hypot(X, Y) < 20) & ~(np.hypot(X, Y) < 10)
    filled = filled_holes(tube)
    assert holds(filled, GRID, (0.0, 0.0, 0.0))
    assert holds(filled, GRID, (0.0, 0.0, 32.0))
    ring = (np.hypot(X, Y) < 20) & ~(np.hypot(X, Y) < 10) & (np.abs(Z) < 5)
    assert not holds(filled_holes(ring), GRID, (0.0, 0.0, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("slice_mm", [1.5, 3.0])
def test_nostrils_and_nasal_cavity_are_inner_air_and_the_gap_behind_an_ear_is_not(
    slice_mm: float,
) -> None:
    patient = head()
    image = simulate_ct(patient, patient.grid(pixel_mm=1.0, slice_mm=slice_mm), noise_hu=15, seed=1)
    body = find_body(image)

    def is_patient(point: Point) -> bool:
        k, j, i = np.rint(body.grid.to_index(np.array(point))).astype(int).tolist()
        return bool(body.mask[k, j, i])

    assert is_patient(NASAL_CAVITY)
    assert all(is_patient(point) for point in NOSTRILS)
    assert not is_patient(BEHIND_THE_EAR)
