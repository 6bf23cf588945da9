"""The body is the patient: all of him, inner air included, and nothing that lies round him."""

from functools import cache

import numpy as np
import pytest
from scans import box_grid, holds, image_of, painted
from scipy import ndimage

from isocentra.anatomy.body import Body, block_mean, find_body
from isocentra.errors import BolusError
from isocentra.geometry.grid import Grid
from isocentra.patients.accessories import Accessory
from isocentra.patients.compose import Union
from isocentra.patients.head import head
from isocentra.patients.materials import soft_tissue
from isocentra.patients.model import DigitalPatient, Organ, body
from isocentra.patients.solids import Box, Capsule, Ellipsoid, Point, Solid
from isocentra.patients.torso import torso


@cache
def head_on(*accessories: Accessory) -> Body:
    """Body of the digital head with things round it, on 2.5 mm voxels."""
    patient = head(accessories=accessories)
    return find_body(painted(patient, patient.grid(pixel_mm=2.5, slice_mm=2.5)))


def of(*solids: Solid) -> DigitalPatient:
    """Patient of several solids of one tissue."""
    return DigitalPatient(
        name="parts",
        skin=Union(parts=solids),
        bodies=tuple(body(f"part {n}", s, soft_tissue(40.0), n) for n, s in enumerate(solids)),
        organs=(Organ(name="EXTERNAL", solid=Union(parts=solids)),),
    )


def share_of_skin_kept(found: Body, patient: DigitalPatient) -> float:
    """Share of the voxels at least a voxel inside the true skin that are in the mask."""
    centres, mask = found.grid.centres()[::2, ::2, ::2], found.mask[::2, ::2, ::2]
    inside = patient.skin.value(centres) < -max(found.grid.spacing_mm)
    return float(mask[inside].mean())


def test_block_means_of_a_ramp_are_the_ramp_at_the_blocks_centres() -> None:
    grid = Grid(shape=(5, 9, 10), spacing_mm=(2.5, 0.9, 1.1), origin_mm=(3.0, -4.0, 5.0))
    ramp = (grid.centres() @ np.array([1.0, -2.0, 0.5])).astype(np.float32)
    values, coarse = block_mean(image_of(ramp, grid), 2.0)
    assert coarse.shape == (5, 4, 5)
    assert coarse.spacing_mm == pytest.approx((2.5, 1.8, 2.2))
    np.testing.assert_allclose(values, coarse.centres() @ np.array([1.0, -2.0, 0.5]), atol=1e-4)


def test_the_head_is_whole_with_ears_nose_and_inner_air() -> None:
    found, patient = head_on(), head()
    assert share_of_skin_kept(found, patient) > 0.995
    for point in ((81.0, 17.0, 8.0), (-81.0, 17.0, 8.0), (0.0, -112.0, -13.0)):
        assert holds(found.mask, found.grid, point), f"ear or nose is lost at {point}"
    for name, point in (("sinus", (27.0, -60.0, -18.0)), ("trachea", (0.0, -31.0, -80.0))):
        assert holds(found.cavities, found.grid, point), f"the {name} is not filled"


def test_nothing_outside_the_skin_is_taken_but_nostrils_and_ear_canals() -> None:
    found, patient = head_on(), head()
    surface = found.mask & ~ndimage.binary_erosion(found.mask)
    taken = found.grid.to_points(np.argwhere(surface))
    taken = taken[patient.skin.value(taken) > max(found.grid.spacing_mm)]
    nostrils = np.linalg.norm(taken - (0.0, -100.0, -20.0), axis=1) < 22
    canals = np.linalg.norm(np.abs(taken) - (66.0, 2.0, 0.0), axis=1) < 12
    assert (nostrils | canals).all(), taken[~nostrils & ~canals][:5]


def test_nostrils_are_plugged_and_air_under_the_nose_is_not() -> None:
    found = head_on()
    for side in (1.0, -1.0):
        assert holds(found.cavities, found.grid, (side * 6.0, -96.0, -14.0))
    for point in ((0.0, -112.0, -38.0), (0.0, -103.0, -38.0), (0.0, -125.0, -14.0)):
        assert not holds(found.mask, found.grid, point)


@pytest.mark.parametrize(
    ("thing", "point"),
    [
        (Accessory.COUCH, (0.0, 114.9, 20.0)),
        (Accessory.BARS, (112.0, 60.0, 0.0)),
        (Accessory.BARS, (-112.0, 60.0, 0.0)),
    ],
)
def test_couch_and_holder_bars_are_foreign(thing: Accessory, point: Point) -> None:
    patient = head(accessories=(thing,))
    low, high = patient.box_mm
    grid = Grid(shape=(24, 56, 52), spacing_mm=(5.0, 5.0, 5.0), origin_mm=(low[0], low[1], -60.0))
    assert grid.origin_mm[1] + 55 * 5 > high[1]
    found = find_body(painted(patient, grid))
    assert not holds(found.mask, found.grid, point)


def test_a_pad_that_carries_the_head_is_not_the_head() -> None:
    bare, found = head_on(), head_on(Accessory.PAD)
    assert (found.mask & ~bare.mask).sum() * found.grid.voxel_volume_mm3 < 5_000


def test_something_dense_that_touches_the_skin_puts_it_in_doubt_there() -> None:
    ball = Ellipsoid.sphere((0.0, 0.0, 0.0), 30.0)
    sheet = Box(centre_mm=(0.0, 31.5, 0.0), half_mm=(60.0, 1.6, 60.0))
    grid = box_grid((0.0, 0.0, 0.0), 70, (2.0, 2.0, 2.0))
    found = find_body(painted(of(ball, sheet), grid))
    doubt = found.grid.to_points(np.argwhere(found.attached))
    assert not holds(found.mask, found.grid, (40.0, 31.5, 0.0))
    assert len(doubt)
    assert np.linalg.norm(doubt - (0.0, 31.0, 0.0), axis=1).min() < 20


def test_lungs_are_filled_though_they_are_mostly_air() -> None:
    patient = torso()
    found = find_body(painted(patient, patient.grid(pixel_mm=6.0, slice_mm=6.0)))
    assert holds(found.mask, found.grid, (72.0, 4.0, 6.0))
    assert share_of_skin_kept(found, patient) > 0.99


def two_legs(second_radius_mm: float) -> DigitalPatient:
    legs = [
        Capsule(start_mm=(x, 0.0, -200.0), end_mm=(x, 0.0, 200.0), radius_mm=radius)
        for x, radius in ((-40.0, 25.0), (30.0, second_radius_mm))
    ]
    return of(*legs)


def test_the_other_leg_is_body_too() -> None:
    grid = box_grid((0.0, 0.0, 0.0), 75, (6.0, 2.0, 2.0))
    found = find_body(painted(two_legs(20.0), grid))
    assert holds(found.mask, grid, (30.0, 0.0, 0.0))
    assert holds(found.mask, grid, (-40.0, 0.0, 0.0))


def test_a_small_part_counts_where_somebody_points_at_it() -> None:
    grid = box_grid((0.0, 0.0, 0.0), 75, (6.0, 2.0, 2.0))
    image = painted(two_legs(8.0), grid)
    finger = (30.0, 0.0, 0.0)
    alone = find_body(image)
    assert not holds(alone.mask, alone.grid, finger)
    assert holds(alone.foreign, alone.grid, finger)
    for point in (finger, (30.0, -8.0, 0.0), (39.0, 0.0, 10.0)):
        asked = find_body(image, near_mm=np.array([point]))
        assert holds(asked.mask, asked.grid, finger)
    beside = find_body(image, near_mm=np.array([(30.0, -25.0, 0.0)]))
    assert not holds(beside.mask, beside.grid, finger)


def test_a_massive_board_under_the_patient_is_no_second_part() -> None:
    board = Box(centre_mm=(0.0, 55.0, 0.0), half_mm=(74.0, 8.0, 300.0))
    patient = of(Capsule(start_mm=(0.0, 0.0, -200.0), end_mm=(0.0, 0.0, 200.0), radius_mm=35.0))
    both = of(*(part.solid for part in patient.bodies), board)
    grid = box_grid((0.0, 0.0, 0.0), 78, (6.0, 2.0, 2.0))
    found = find_body(painted(both, grid))
    assert not holds(found.mask, found.grid, (50.0, 55.0, 0.0))
    assert holds(found.foreign, found.grid, (50.0, 55.0, 0.0))


def test_what_the_user_excludes_is_not_body() -> None:
    ball = Ellipsoid.sphere((0.0, 0.0, 0.0), 30.0)
    grid = box_grid((0.0, 0.0, 0.0), 50, (2.0, 2.0, 2.0))
    image = painted(of(ball), grid)
    absent = grid.centres()[..., 0] > 10
    found = find_body(image, absent=absent)
    assert not (found.mask & (found.grid.centres()[..., 0] > 12)).any()
    assert holds(found.mask, found.grid, (0.0, 0.0, 0.0))


def test_an_image_of_air_holds_no_body_and_says_so() -> None:
    grid = box_grid((0.0, 0.0, 0.0), 30, (3.0, 3.0, 3.0))
    with pytest.raises(BolusError, match="No body was found") as refusal:
        find_body(image_of(np.full(grid.shape, -1000.0), grid))
    assert refusal.value.reason == "EMPTY_REGION"
