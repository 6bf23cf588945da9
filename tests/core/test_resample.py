"""Images keep their place in the patient on whatever grid they are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from isocentra.errors import AssemblyError
from isocentra.geometry import (
    Array64,
    DisplacementField,
    FieldKind,
    Grid,
    Interpolation,
    RigidTransform,
    resample_image,
    resample_values,
)
from isocentra.image import Image

AIR = -1000.0
CENTRE = np.array([12.0, -7.0, 40.0])


def oblique_grid(seed: int, *, flip: tuple[bool, bool, bool] = (False, False, False)) -> Grid:
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    axes = turn * np.array([[-1.0 if f else 1.0] for f in flip])
    shape, spacing = (22, 30, 27), (2.2, 1.6, 1.7)
    x, y, z = (CENTRE - ((np.array(shape) - 1) / 2 * spacing) @ axes).tolist()
    k, j, i = (tuple(axis) for axis in axes.tolist())
    return Grid(
        shape=shape,
        spacing_mm=spacing,
        origin_mm=(x, y, z),
        axes=(k, j, i),
        frame_of_reference_uid="A",
    )


def plane(points: Array64) -> Array64:
    """Grey values that rise evenly and differently along x, y and z."""
    return np.asarray((points - CENTRE) @ (3.0, -5.0, 2.0) + 40)


def ball(points: Array64) -> Array64:
    """Grey values of a soft ball to the Left of CENTRE: nothing about it is symmetric."""
    return np.asarray(
        200 * np.exp(-(np.linalg.norm(points - CENTRE - (8, 2, -3), axis=-1) ** 2) / 90)
    )


def image(grid: Grid, of: object = plane) -> Image:
    values = (plane if of is plane else ball)(grid.centres()).astype(np.float32)
    return Image(grid=grid, values=values, modality="CT")


flips = st.tuples(*[st.booleans()] * 3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), flip=flips, seed_to=st.integers(0, 999), flip_to=flips)
def test_values_stay_at_their_points_between_any_two_grids(
    seed: int, flip: tuple[bool, bool, bool], seed_to: int, flip_to: tuple[bool, bool, bool]
) -> None:
    target = oblique_grid(seed_to, flip=flip_to)
    got = resample_image(image(oblique_grid(seed, flip=flip)), target, fill=np.nan)
    seen = ~np.isnan(got.values)
    assert seen.mean() > 0.3
    # Half a voxel outside, the border's value is kept: 8 per mm there.
    inner = resample_values(
        np.pad(np.ones((20, 28, 25), np.float32), 1), oblique_grid(seed, flip=flip), target, fill=0
    )
    assert np.abs(got.values - plane(target.centres()))[inner == 1].max() < 2e-3


@pytest.mark.parametrize("interpolation", list(Interpolation))
def test_there_and_back_gives_the_image_again(interpolation: Interpolation) -> None:
    first = image(oblique_grid(1), ball)
    fine = replace(oblique_grid(2), spacing_mm=(0.8, 0.8, 0.8), shape=(60, 60, 60))
    x, y, z = (CENTRE - fine.to_points([29.5] * 3) + fine.origin_mm).tolist()
    fine = replace(fine, origin_mm=(x, y, z))
    there = resample_image(first, fine, interpolation=interpolation, fill=0)
    back = resample_image(there, first.grid, interpolation=interpolation, fill=0)
    inner = np.linalg.norm(first.grid.centres() - CENTRE, axis=-1) < 15
    worst = np.abs(back.values - first.values)[inner].max()
    assert worst < (1.0 if interpolation is Interpolation.CUBIC else 12.0)


def test_cubic_is_closer_to_a_smooth_image_than_linear() -> None:
    target = oblique_grid(2)
    worst = {}
    for interpolation in Interpolation:
        got = resample_image(
            image(oblique_grid(1), ball), target, interpolation=interpolation, fill=np.nan
        )
        worst[interpolation] = np.nanmax(
            np.abs(got.values - ball(target.centres()))[5:-5, 5:-5, 5:-5]
        )
    assert worst[Interpolation.CUBIC] < 0.5
    assert worst[Interpolation.LINEAR] > 2 * worst[Interpolation.CUBIC]


def test_the_same_grid_gives_the_same_bits() -> None:
    first = image(oblique_grid(3, flip=(True, False, False)), ball)
    assert np.array_equal(resample_image(first, first.grid, fill=AIR).values, first.values)


def test_a_transform_carries_the_image_and_not_the_grid() -> None:
    """A ball at +8 mm that is moved 6 mm to the Left is found at +14 mm."""
    matrix = np.eye(4)
    matrix[0, 3] = 6
    way = RigidTransform(matrix=matrix, from_frame_uid="A", to_frame_uid="B")
    target = replace(oblique_grid(4), frame_of_reference_uid="B")
    got = resample_image(image(oblique_grid(1), ball), target, fill=0, transform=way)
    expected = ball(target.centres() - (6, 0, 0))
    inner = np.linalg.norm(target.centres() - CENTRE, axis=-1) < 10
    assert np.abs(got.values - expected)[inner].max() < 6
    turned = RigidTransform(matrix=np.linalg.inv(matrix), from_frame_uid="A", to_frame_uid="B")
    wrong = resample_image(image(oblique_grid(1), ball), target, fill=0, transform=turned)
    assert np.abs(wrong.values - expected)[inner].max() > 50


def constant(grid: Grid, shift: tuple[float, float, float], kind: FieldKind) -> DisplacementField:
    values = np.broadcast_to(np.float32(shift), (*grid.shape, 3)).copy()
    return DisplacementField(grid=grid, displacement_mm=values, kind=kind)


def test_a_pull_field_reads_where_it_points() -> None:
    first, target = image(oblique_grid(1), ball), oblique_grid(4)
    pulled = resample_image(
        first, target, fill=0, field=constant(target, (6, 0, 0), FieldKind.PULL)
    )
    inner = np.linalg.norm(target.centres() - CENTRE, axis=-1) < 10
    assert np.abs(pulled.values - ball(target.centres() - np.array([-6, 0, 0])))[inner].max() < 6


def test_a_field_on_another_grid_is_read_there_and_is_silent_outside() -> None:
    target = oblique_grid(4)
    coarse = replace(oblique_grid(9), spacing_mm=(4, 4, 4), shape=(5, 5, 5))
    got = resample_image(
        image(oblique_grid(1)), target, fill=AIR, field=constant(coarse, (1, 0, 0), FieldKind.PULL)
    )
    said = resample_values(np.ones(coarse.shape, np.float32), coarse, target, fill=0) > 0
    assert said.any()
    assert np.array_equal(got.values[~said], np.full((~said).sum(), AIR, np.float32))


def test_a_field_and_a_transform_together_are_first_the_transform_then_the_field() -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", 20, degrees=True).as_matrix()
    way = RigidTransform(matrix=matrix, from_frame_uid="A", to_frame_uid="B")
    target = replace(oblique_grid(4), frame_of_reference_uid="B")
    pull = constant(target, (3.0, -2.0, 1.0), FieldKind.PULL)
    got = resample_image(image(oblique_grid(1)), target, fill=np.nan, transform=way, field=pull)
    expected = plane(way.inverse.apply(target.centres() + np.array([3.0, -2.0, 1.0])))
    inner = np.linalg.norm(way.inverse.apply(target.centres()) - CENTRE, axis=-1) < 12
    assert inner.any()
    assert np.abs(got.values - expected)[inner].max() < 2e-3


def test_padding_spreads_to_every_voxel_it_has_a_part_in() -> None:
    first = image(oblique_grid(1))
    padding = np.zeros(first.grid.shape, np.bool_)
    padding[10, 14, 13] = True
    padded = replace(first, padding=padding)
    finer = replace(first.grid, spacing_mm=(1.1, 0.8, 0.85), shape=(43, 59, 53))
    got = resample_image(padded, finer, fill=AIR)
    assert got.padding is not None
    assert np.argwhere(got.padding).min(0).tolist() == [19, 27, 25]
    assert np.argwhere(got.padding).max(0).tolist() == [21, 29, 27]


def test_modality_and_header_stay() -> None:
    first = replace(image(oblique_grid(1)), modality="MR")
    got = resample_image(first, oblique_grid(2), fill=0)
    assert (got.modality, got.header, got.padding) == ("MR", first.header, None)


def test_a_push_field_is_refused_with_the_way_out() -> None:
    grid = oblique_grid(1)
    with pytest.raises(ValueError, match="invert the push field"):
        resample_image(image(grid), grid, fill=0, field=constant(grid, (1, 0, 0), FieldKind.PUSH))


def test_frames_that_do_not_meet_are_refused() -> None:
    first, elsewhere = image(oblique_grid(1)), replace(oblique_grid(2), frame_of_reference_uid="B")
    way = RigidTransform(matrix=np.eye(4), from_frame_uid="B", to_frame_uid="A")
    for arguments in ({}, {"transform": way}, {"transform": way.inverse.compose(way)}):
        with pytest.raises(AssemblyError) as caught:
            resample_image(first, elsewhere, fill=0, **arguments)
        assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"


def test_grids_that_share_nothing_are_refused() -> None:
    first = image(oblique_grid(1))
    with pytest.raises(AssemblyError) as caught:
        resample_image(first, replace(first.grid, origin_mm=(900, 0, 0)), fill=0)
    assert caught.value.reason == "DISJOINT_GRIDS"
