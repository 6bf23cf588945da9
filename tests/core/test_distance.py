"""The signed distance of a mask counts in millimetres of its grid, whatever the grid's axes."""

from __future__ import annotations

import numpy as np
import pytest

from isocentra.geometry import Grid, signed_distance_mm

AXES = (
    ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
)


@pytest.mark.parametrize("axes", AXES)
def test_distances_are_between_voxel_centres(axes: tuple[tuple[float, float, float], ...]) -> None:
    k, j, i = axes
    grid = Grid(shape=(9, 10, 130), spacing_mm=(3.0, 2.0, 1.0), origin_mm=(5, 6, 7), axes=(k, j, i))
    mask = np.zeros(grid.shape, np.bool_)
    mask[4, 5, 60] = True
    got = signed_distance_mm(mask, grid)
    away = np.linalg.norm(grid.centres() - grid.to_points([4, 5, 60]), axis=-1)
    assert np.abs(got - away)[~mask].max() < 1e-4
    assert got[4, 5, 60] == -1.0


def test_a_band_ends_the_search() -> None:
    grid = Grid(shape=(5, 5, 5), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    mask = np.zeros(grid.shape, np.bool_)
    mask[0, 0, 0] = True
    got = signed_distance_mm(mask, grid, 2.0)
    assert got[0, 0, 1] == 1
    assert got[4, 4, 4] == 2


def test_a_mask_of_another_grid_is_refused() -> None:
    grid = Grid(shape=(5, 5, 5), spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    with pytest.raises(ValueError, match="on a grid"):
        signed_distance_mm(np.zeros((5, 5, 4), np.bool_), grid)
