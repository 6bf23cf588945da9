"""The signed distance is exact on anisotropic grids, with and without a band, on every device."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from isocentra.gpu_kernels import Compute, LaunchError, signed_distance

SPACINGS = pytest.mark.parametrize(
    "spacing", [(1.0, 1.0, 1.0), (3.0, 0.98, 0.98), (0.5, 2.0, 1.25)]
)
Spacing = tuple[float, float, float]


def oracle(mask: npt.NDArray[np.generic], spacing: Spacing) -> npt.NDArray[np.float64]:
    outside = ndimage.distance_transform_edt(mask == 0, spacing)
    return np.asarray(outside - ndimage.distance_transform_edt(mask != 0, spacing))


def blobs(*shape: int) -> npt.NDArray[np.uint8]:
    random = np.random.default_rng(5).standard_normal(shape)
    return (ndimage.gaussian_filter(random, 2) > 0.05).astype(np.uint8)


@SPACINGS
def test_it_is_the_euclidean_distance_to_the_other_kind(place: Compute, spacing: Spacing) -> None:
    mask = blobs(30, 41, 140)
    got = signed_distance(mask, spacing, compute=place)
    expected = oracle(mask, spacing)
    assert np.abs(got - expected).max() <= 1e-6 * np.abs(expected).max()


@SPACINGS
@pytest.mark.parametrize("band", [0.1, 2.0, 7.5])
def test_inside_the_band_it_is_exact_and_beyond_it_is_the_band(
    place: Compute, spacing: Spacing, band: float
) -> None:
    mask = blobs(30, 41, 140)
    got = signed_distance(mask, spacing, band, compute=place)
    expected = np.clip(oracle(mask, spacing), -band, band)
    assert np.abs(got - expected).max() <= 1e-5


@pytest.mark.parametrize("at", [(0, 0, 0), (9, 20, 129), (5, 11, 64), (0, 22, 128)])
def test_one_voxel_in_a_large_grid(place: Compute, at: tuple[int, int, int]) -> None:
    mask = np.zeros((10, 23, 131), np.uint8)
    mask[at] = 1
    got = signed_distance(mask, (3.0, 0.98, 0.98), compute=place)
    assert np.abs(got - oracle(mask, (3.0, 0.98, 0.98))).max() <= 2e-5


@pytest.mark.parametrize("shape", [(1, 1, 2), (1, 2, 1), (2, 1, 1), (1, 1, 129), (3, 1, 128)])
def test_axes_of_one_voxel(place: Compute, shape: tuple[int, int, int]) -> None:
    mask = np.zeros(shape, np.uint8)
    mask.flat[0] = 1
    got = signed_distance(mask, (2.0, 1.5, 0.7), compute=place)
    assert np.abs(got - oracle(mask, (2.0, 1.5, 0.7))).max() <= 1e-5


def test_one_kind_alone_is_infinitely_far_or_as_far_as_the_band(place: Compute) -> None:
    empty = np.zeros((4, 5, 130), np.uint8)
    assert np.all(signed_distance(empty, (1, 1, 1), compute=place) == np.inf)
    assert np.all(signed_distance(empty + 1, (1, 1, 1), compute=place) == -np.inf)
    assert np.all(signed_distance(empty, (1, 1, 1), 12.5, compute=place) == 12.5)


def test_any_number_but_zero_is_inside(place: Compute) -> None:
    mask = blobs(8, 9, 40)
    expected = signed_distance(mask, (1, 1, 1), compute=place)
    assert np.array_equal(signed_distance(mask * 255, (1, 1, 1), compute=place), expected)
    assert np.array_equal(signed_distance(mask.view(np.bool_), (1, 1, 1), compute=place), expected)


@settings(max_examples=40, deadline=None)
@given(
    mask=hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 3), elements=st.integers(0, 1)),
    spacing=st.tuples(*[st.floats(0.3, 4.0)] * 3),
)
def test_turning_inside_out_changes_the_sign_and_nothing_else(
    mask: npt.NDArray[np.uint8], spacing: Spacing
) -> None:
    got = signed_distance(mask, spacing)
    assert np.array_equal(got, -signed_distance(1 - mask, spacing))
    assert np.array_equal(got < 0, mask != 0)
    if 0 < mask.mean() < 1:
        assert np.abs(got - oracle(mask, spacing)).max() <= 1e-5


@settings(max_examples=15, deadline=None)
@given(axes=st.permutations([0, 1, 2]), flip=st.tuples(*[st.booleans()] * 3))
def test_turning_and_mirroring_the_grid_turns_the_result(
    axes: list[int], flip: tuple[bool, bool, bool]
) -> None:
    mask, spacing = blobs(7, 12, 33), (3.0, 0.98, 1.3)
    reverse = tuple(slice(None, None, -1 if f else 1) for f in flip)
    turned = np.ascontiguousarray(mask.transpose(axes)[reverse])
    a, b, c = (spacing[axis] for axis in axes)
    got = signed_distance(turned, (a, b, c))
    expected = signed_distance(mask, spacing).transpose(axes)[reverse]
    assert np.abs(got - expected).max() <= 1e-5


@pytest.mark.parametrize(
    ("mask", "spacing", "band"),
    [
        (np.zeros((3, 4), np.uint8), (1, 1, 1), None),
        (np.zeros((0, 4, 4), np.uint8), (1, 1, 1), None),
        (np.zeros((2, 2, 2), np.int32), (1, 1, 1), None),
        (np.zeros((2, 2, 2), np.uint8), (1, 0, 1), None),
        (np.zeros((2, 2, 2), np.uint8), (1, np.nan, 1), None),
        (np.zeros((2, 2, 2), np.uint8), (1, 1, 1), -3.0),
    ],
)
def test_what_has_no_distance_is_refused(
    mask: npt.NDArray[np.uint8], spacing: Spacing, band: float | None
) -> None:
    with pytest.raises(LaunchError, match="No distance"):
        signed_distance(mask, spacing, band)
