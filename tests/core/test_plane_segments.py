"""Segments cross where geometry says, found by the sweep as by trying all pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isocentra.geometry import plane_segments
from isocentra.geometry.plane_segments import candidates, crossings, shared_area_mm2


def square(x: float, y: float, side: float) -> np.ndarray:
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def side(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> float:
    return float((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]))


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, (8, 4), elements=st.integers(-6, 6)))
def test_the_sweep_finds_the_pairs_that_all_pairs_give(ends: np.ndarray) -> None:
    start, stop = ends[:, :2].astype(float), ends[:, 2:].astype(float)
    expected = {
        (a, b)
        for a, b in combinations(range(8), 2)
        if side(start[a], stop[a], start[b]) * side(start[a], stop[a], stop[b]) < 0
        and side(start[b], stop[b], start[a]) * side(start[b], stop[b], stop[a]) < 0
    }
    found = crossings(start, stop)
    assert {tuple(sorted(pair)) for pair in found.proper.tolist()} == expected
    touching = {tuple(sorted(pair)) for pair in found.touching.tolist()}
    assert expected <= touching


def test_blocks_of_pairs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = np.random.default_rng(5).uniform(-10, 10, (60, 4))
    whole = crossings(ends[:, :2], ends[:, 2:])
    monkeypatch.setattr(plane_segments, "BLOCK_PAIRS", 7)
    blocks = crossings(ends[:, :2], ends[:, 2:])
    assert np.array_equal(whole.proper, blocks.proper)
    assert np.array_equal(whole.touching, blocks.touching)
    assert len(whole.proper) > 7


def test_segments_are_swept_along_the_axis_on_which_fewer_lie_side_by_side() -> None:
    heights = np.arange(100.0)
    start, stop = np.stack([heights * 0, heights], 1), np.stack([heights * 0 + 50, heights], 1)
    assert candidates(start, stop) == 0
    assert candidates(start[:, ::-1], stop[:, ::-1]) == 0
    assert candidates(start, stop + np.array([0, 200])) == 100 * 99 / 2


def test_neighbours_touch_and_do_not_cross() -> None:
    ring = square(0, 0, 4)
    found = crossings(ring, np.roll(ring, -1, axis=0))
    assert len(found.proper) == 0
    assert len(found.touching) == 4


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (square(5, 0, 10), 50.0),
        (square(2, 3, 4), 16.0),
        (square(10, 0, 10), 0.0),
        (square(30, 0, 10), 0.0),
        (square(5, 5, 10), 25.0),
    ],
)
def test_the_shared_area_of_two_squares_is_exact(other: np.ndarray, shared: float) -> None:
    area, one, two = shared_area_mm2(square(0, 0, 10), other)
    assert (area, one) == pytest.approx((shared, 100.0))
    assert two == pytest.approx(float(np.ptp(other[:, 0]) ** 2))
