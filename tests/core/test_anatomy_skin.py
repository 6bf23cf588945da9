"""The skin lies where the edge is, whatever the tissue; smoothing does not move it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scans import box_grid
from scipy.special import erf

from isocentra.anatomy.skin import fourth_order, noise_hu, skin_field

GRID = box_grid((0.0, 0.0, 0.0), 20, (1.0, 1.0, 1.0))
X, Y, Z = np.moveaxis(GRID.centres(), -1, 0)


def edge(distance_mm: np.ndarray, tissue_hu: float, blur_mm: float = 0.8) -> np.ndarray:
    """Blurred step from air (positive distance) to tissue. [HU]"""
    share = 0.5 - 0.5 * erf(distance_mm / (np.sqrt(2) * blur_mm))
    return (-1000 + (tissue_hu + 1000) * share).astype(np.float32)


def crossing(field: np.ndarray) -> float:
    """Place along x, on the line y = z = 0, where the field changes its sign. [mm]"""
    line = field[GRID.shape[0] // 2, GRID.shape[1] // 2].astype(np.float64)
    at = int(np.flatnonzero((line[:-1] > 0) & (line[1:] <= 0))[0])
    return float(X[0, 0, at] + line[at] / (line[at] - line[at + 1]))


@given(tissue_hu=st.floats(-120, 100), place_mm=st.floats(-0.5, 0.5))
def test_a_plane_is_found_to_a_twentieth_millimetre_at_any_tissue(
    tissue_hu: float, place_mm: float
) -> None:
    greys = edge(X - place_mm, tissue_hu)
    field, _ = skin_field(greys, GRID, np.zeros(GRID.shape, dtype=bool), sigma_mm=0.5)
    assert abs(crossing(field) - place_mm) < 0.05


def test_a_fixed_threshold_would_not_find_it() -> None:
    greys = edge(X, -100.0)
    assert crossing(greys + 300) < -0.15


@pytest.mark.parametrize("thickness_mm", [4.4, 6.0])
def test_a_thin_sheet_keeps_its_thickness(thickness_mm: float) -> None:
    greys = edge(np.abs(X) - thickness_mm / 2, 40.0)
    field, _ = skin_field(greys, GRID, np.zeros(GRID.shape, dtype=bool), sigma_mm=0.5)
    assert crossing(field) == pytest.approx(thickness_mm / 2, abs=0.12)


def test_bone_and_air_below_the_skin_do_not_pull_it_far() -> None:
    bone = np.where(X < -2.5, np.float32(1200), edge(X, 40.0))
    field, _ = skin_field(bone, GRID, np.zeros(GRID.shape, dtype=bool), sigma_mm=0.5)
    assert abs(crossing(field)) < 0.2
    air = np.where(X < -6, np.float32(-1000), edge(X, 40.0))
    field, _ = skin_field(air, GRID, X < 0, sigma_mm=0.5)
    assert abs(crossing(field)) < 0.1


@given(sigma=st.floats(0.6, 2.0))
def test_smoothing_leaves_constants_and_curvature_alone(sigma: float) -> None:
    bowl = (0.5 * X**2 - 0.25 * Y**2 + Z + 7).astype(np.float32)
    inner = (slice(14, -14),) * 3
    np.testing.assert_allclose(fourth_order(bowl, sigma)[inner], bowl[inner], atol=0.01)


def test_noise_is_read_from_air() -> None:
    draw = np.random.default_rng(4)
    values = draw.normal(-990, 22, GRID.shape).astype(np.float32)
    values[:, :10] = 500  # an object among the air, less than half of it
    assert noise_hu(values, np.ones(GRID.shape, dtype=bool)) == pytest.approx(22 * 1.5, rel=0.35)
    assert noise_hu(values, Y > 0) == pytest.approx(22, rel=0.05)


def test_clipped_air_has_no_noise_and_too_little_air_says_nothing() -> None:
    values = np.full(GRID.shape, np.float32(-1024))
    assert noise_hu(values, np.ones(GRID.shape, dtype=bool)) == 0
    assert noise_hu(values, (np.abs(X) < 2) & (np.abs(Y) < 2) & (np.abs(Z) < 2)) == 0
