"""Resampling gives the value of the interpolating function at the mapped position, on every device.

The oracle is float64 scipy, which computes neither in float32 nor with these formulas.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from isocentra.gpu_kernels import Compute, Interpolation, LaunchError, resample

UNCHANGED = np.eye(3, 4)
LINEAR, CUBIC = Interpolation.LINEAR, Interpolation.CUBIC
ORDERS = pytest.mark.parametrize("order", [LINEAR, CUBIC])
DEGREE = {LINEAR: 1, CUBIC: 3}
Float32 = npt.NDArray[np.float32]


def noise(*shape: int, seed: int = 3) -> Float32:
    random = np.random.default_rng(seed).standard_normal(shape)
    return ndimage.gaussian_filter(random, 1).astype(np.float32)


def oracle(
    volume: Float32, position_zyx: npt.NDArray[np.float64], order: Interpolation, fill: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(values, whether float32 can decide between inside and outside) at positions (3, …)."""
    top = np.array(volume.shape, dtype=float).reshape(3, *[1] * (position_zyx.ndim - 1))
    clamped = np.clip(position_zyx, 0, top - 1)
    value = ndimage.map_coordinates(
        volume.astype(float), clamped, order=DEGREE[order], mode="mirror"
    )
    inside = ((position_zyx >= -0.5) & (position_zyx <= top - 0.5)).all(0)
    border = np.abs(np.stack([position_zyx + 0.5, position_zyx - top + 0.5])).min((0, 1))
    return np.where(inside, value, fill), border > 1e-4


@ORDERS
@pytest.mark.parametrize("shape", [(21, 37, 150), (3, 40, 129), (2, 2, 2), (9, 5, 260)])
def test_a_displacement_is_followed(
    place: Compute, order: Interpolation, shape: tuple[int, int, int]
) -> None:
    volume = noise(*shape)
    shift = (np.random.default_rng(7).standard_normal((3, *shape)) * 3).astype(np.float32)
    got = resample(
        volume,
        shape=shape,
        matrix=UNCHANGED,
        displacement=shift,
        order=order,
        fill=-7.0,
        compute=place,
    )
    position = np.indices(shape) + shift[::-1].astype(float)
    expected, decided = oracle(volume, position, order, -7.0)
    assert np.abs(got - expected)[decided].max() <= 2e-5 * np.ptp(volume)


@ORDERS
def test_a_matrix_maps_output_to_volume_indices(place: Compute, order: Interpolation) -> None:
    volume = noise(20, 30, 40)
    matrix = np.array([[0.4, 0.1, -0.2, 3.0], [-0.1, 0.5, 0.1, 2.0], [0.05, 0.2, 0.3, -1.0]])
    shape = (25, 31, 133)
    got = resample(volume, shape=shape, matrix=matrix, order=order, fill=9.0, compute=place)
    z, y, x = np.indices(shape)
    position_xyz = np.tensordot(matrix[:, :3], np.stack([x, y, z]), 1) + matrix[:, 3].reshape(
        3, 1, 1, 1
    )
    expected, decided = oracle(volume, position_xyz[::-1], order, 9.0)
    assert (expected == 9.0).any()
    assert np.abs(got - expected)[decided].max() <= 4e-5 * np.ptp(volume)


@ORDERS
def test_a_field_of_zeros_is_the_matrix_alone_to_the_bit(
    place: Compute, order: Interpolation
) -> None:
    volume = noise(7, 9, 131)
    matrix = np.array([[0.9, 0.1, 0, 0.3], [0, 1.1, 0, -0.2], [0.02, 0, 1, 0.4]])
    zeros = np.zeros((3, 7, 9, 131), np.float32)
    with_field = resample(
        volume, shape=(7, 9, 131), matrix=matrix, displacement=zeros, order=order, compute=place
    )
    alone = resample(volume, shape=(7, 9, 131), matrix=matrix, order=order, compute=place)
    assert np.array_equal(with_field, alone)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 7), (4, 1, 129), (3, 4, 1), (2, 3, 128)])
def test_identity_gives_the_same_bits_on_any_shape(
    place: Compute, shape: tuple[int, int, int]
) -> None:
    volume = noise(*shape, seed=2)
    assert np.array_equal(resample(volume, shape=shape, matrix=UNCHANGED, compute=place), volume)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 7), (4, 1, 129), (3, 4, 1), (2, 3, 128)])
def test_cubic_goes_through_the_values_on_any_shape(
    place: Compute, shape: tuple[int, int, int]
) -> None:
    volume = noise(*shape, seed=2)
    got = resample(volume, shape=shape, matrix=UNCHANGED, order=CUBIC, compute=place)
    assert np.abs(got - volume).max() <= 3e-6 * max(1.0, float(np.abs(volume).max()))


def test_half_a_voxel_outside_keeps_the_border_and_more_is_filled(place: Compute) -> None:
    volume = noise(1, 1, 4)
    row = np.array([-0.51, -0.5, 0.0, 3.0, 3.5, 3.51], np.float32)
    shift = np.zeros((3, 1, 1, 6), np.float32)
    shift[0, 0, 0] = row
    got = resample(
        volume,
        shape=(1, 1, 6),
        matrix=np.zeros((3, 4)),
        displacement=shift,
        fill=5.0,
        compute=place,
    )
    first, last = volume[0, 0, 0], volume[0, 0, 3]
    assert got[0, 0].tolist() == [5.0, first, first, last, last, 5.0]


@ORDERS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_a_position_that_is_no_number_is_filled_alone(
    place: Compute, order: Interpolation, bad: float
) -> None:
    volume = noise(4, 5, 130)
    shift = np.zeros((3, 4, 5, 130), np.float32)
    for axis in range(3):
        moved = shift.copy()
        moved[axis, 2, 3, 77] = bad
        got = resample(
            volume,
            shape=(4, 5, 130),
            matrix=UNCHANGED,
            displacement=moved,
            order=order,
            fill=11.0,
            compute=place,
        )
        assert got[2, 3, 77] == 11.0
        assert (got == 11.0).sum() == 1


def test_nan_in_the_volume_reaches_only_its_neighbours(place: Compute) -> None:
    volume = noise(9, 9, 140)
    volume[4, 4, 70] = np.nan
    matrix = np.hstack([np.eye(3), [[0.5], [0.5], [0.5]]])
    got = resample(volume, shape=(8, 8, 139), matrix=matrix, compute=place)
    where = np.argwhere(np.isnan(got))
    assert where.min(0).tolist() == [3, 3, 69]
    assert where.max(0).tolist() == [4, 4, 70]


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(2, 6), st.integers(2, 6), st.integers(2, 140)),
    slope=st.tuples(*[st.floats(-3, 3)] * 3),
    offset=st.tuples(*[st.floats(-0.4, 1.0)] * 3),
)
def test_linear_is_exact_on_affine_volumes(
    shape: tuple[int, int, int], slope: tuple[float, ...], offset: tuple[float, ...]
) -> None:
    index = np.indices(shape)
    volume = np.tensordot(slope, index, 1).astype(np.float32)
    matrix = np.hstack([np.eye(3), np.array(offset)[::-1, None]])
    got = resample(volume, shape=shape, matrix=matrix, fill=np.nan)
    top = np.array(shape).reshape(3, 1, 1, 1) - 1
    position = np.clip(index + np.array(offset).reshape(3, 1, 1, 1), 0, top)
    expected = np.tensordot(slope, position, 1)
    seen = ~np.isnan(got)
    assert seen.any()
    assert np.abs(got - expected)[seen].max() <= 1e-4 * max(1.0, float(np.abs(expected).max()))


@pytest.mark.parametrize("order", [LINEAR, CUBIC])
def test_a_constant_stays_a_constant(place: Compute, order: Interpolation) -> None:
    volume = np.full((6, 7, 150), -1000.0, np.float32)
    matrix = np.hstack([np.eye(3) * 0.9, [[0.2], [0.3], [0.1]]])
    got = resample(volume, shape=(6, 7, 150), matrix=matrix, order=order, compute=place)
    assert np.abs(got + 1000).max() <= 1e-3


def test_wrong_arrays_are_refused_and_say_what_is_taken() -> None:
    volume = noise(4, 5, 6)
    with pytest.raises(LaunchError, match="float32"):
        resample(volume.astype(np.float64), shape=(4, 5, 6), matrix=UNCHANGED)  # type: ignore[arg-type]
    with pytest.raises(LaunchError, match="contiguous"):
        resample(volume[:, :, ::2], shape=(4, 5, 3), matrix=UNCHANGED)
    with pytest.raises(LaunchError, match="shape"):
        resample(
            volume,
            shape=(4, 5, 6),
            matrix=UNCHANGED,
            displacement=np.zeros((3, 4, 5, 5), np.float32),
        )
    with pytest.raises(LaunchError, match="empty"):
        resample(volume[:0], shape=(4, 5, 6), matrix=UNCHANGED)
