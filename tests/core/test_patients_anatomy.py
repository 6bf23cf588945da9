"""The catalogue's patients: left is left, organs inside, volumes known, contours exact."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from isocentra.errors import StructureError
from isocentra.geometry.grid import Array64, Grid
from isocentra.patients import (
    Accessory,
    DigitalPatient,
    ear,
    face,
    forearm,
    head,
    known_volume_cm3,
    leg,
    pelvis,
    simulate_ct,
    sphere,
    structure_set,
    tilted_cylinder,
    torso,
    volume_mm3,
)
from isocentra.patients.head import CHEEK_LEFT
from isocentra.patients.letter import STROKES_F, reading_axes
from isocentra.patients.solids import Point

CATALOGUE: list[Callable[[], DigitalPatient]] = [
    sphere,
    tilted_cylinder,
    face,
    ear,
    head,
    torso,
    forearm,
    leg,
    pelvis,
]


def relief(patient: DigitalPatient, place: Point, side_mm: float, step_mm: float) -> Array64:
    """How far the skin stands off a tangent plane, as a reader outside sees it: [up, right]."""
    steps = np.arange(-side_mm, side_mm + step_mm / 2, step_mm)
    foot = patient.skin.foot_points(place)
    right, up = reading_axes(patient.skin, place, (0.0, 0.0, 1.0))
    normal = np.cross(right, up)
    heights = np.arange(6.0, -9.0, -0.25)
    plane = foot + steps[:, None, None] * up + steps[None, :, None] * right
    value = patient.skin.value(plane[:, :, None] + heights[:, None] * normal)
    return np.asarray(heights[(value < 0).argmax(axis=2)])


def letter_score(image: Array64, step_mm: float) -> float:
    """Mean height along the strokes of an F minus that of its surroundings."""
    half = (image.shape[0] - 1) // 2
    on = []
    for start, end in STROKES_F:
        share = np.linspace(0.1, 0.9, 9)[:, None]
        flat = ((1 - share) * start + share * np.array(end) - (0.31, 0.5)) * 24.0
        column, row = (np.rint(flat / step_mm).astype(int) + half).T
        on.append(image[row, column].mean())
    return float(np.mean(on))


def test_the_letter_stands_on_the_left_cheek_and_reads_rightly() -> None:
    step = 0.5
    # Taken off a smooth cheek: what is left is the letter.
    patient = head()
    seen = relief(patient, CHEEK_LEFT, 16.0, step)
    background = _smooth(seen)
    raised = seen - background
    right_way, mirrored = letter_score(raised, step), letter_score(raised[:, ::-1], step)
    assert CHEEK_LEFT[0] > 0
    assert right_way > 0.6
    assert right_way > mirrored + 0.3


def _smooth(image: Array64) -> Array64:
    """Return the quadratic surface (the cheek) that fits best what does not stand out of it."""
    n = image.shape[0]
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    weight = np.ones(n * n)
    fitted = np.zeros(n * n)
    for _ in range(8):
        solution = np.linalg.lstsq(terms * weight[:, None], image.ravel() * weight, rcond=None)[0]
        fitted = terms @ solution
        weight = np.where(image.ravel() - fitted > 0.3, 0.1, 1.0)
    return fitted.reshape(n, n)


def test_the_right_cheek_bears_no_letter() -> None:
    patient = head()
    x, y, z = CHEEK_LEFT
    left = patient.skin.value((x, y, z))
    mirrored = patient.skin.value((-x, y, z))
    # The stem lies 7 mm off the middle: go over the whole field instead of one point.
    field = np.array(
        list(itertools.product((x,), np.arange(y - 9, y + 9), np.arange(z - 9, z + 9)))
    )
    other = field * (-1, 1, 1)
    assert np.abs(patient.skin.value(field) - patient.skin.value(other)).max() > 1.0
    assert left <= mirrored + 1e-9


def test_nostrils_are_open_to_the_outside_and_lead_to_inner_air() -> None:
    patient = head()
    way = np.linspace((6.5, -106.0, -31.0), (6.0, -95.0, -12.0), 30)
    assert (patient.skin.value(way) > 0).all()
    below = np.linspace((6.5, -106.0, -31.0), (6.5, -108.0, -45.0), 10)
    assert (patient.skin.value(below) > 0).all()
    air = patient.organ("Air").solid
    assert air.value((0.0, -72.0, -8.0)) < 0 < air.value((0.0, -72.0, 30.0))
    assert (air.value(np.linspace((6.0, -95.0, -12.0), (0.0, -90.0, -9.0), 20)) < 0).all()


def test_a_pinna_is_four_millimetres_thick() -> None:
    patient = head()
    normal = np.array((np.cos(np.radians(28)), -np.sin(np.radians(28)), 0.0))
    outer = np.array((72.0 + 20 * np.sin(np.radians(28)), 20 * np.cos(np.radians(28)), 8.0))
    along = np.linspace(-6, 6, 2401)
    inside = patient.skin.value(outer + along[:, None] * normal) < 0
    assert inside.sum() * 0.005 == pytest.approx(4.4, abs=0.02)


@pytest.mark.parametrize("make", CATALOGUE)
def test_every_organ_but_targets_lies_inside_the_skin(make: Callable[[], DigitalPatient]) -> None:
    patient = make()
    low, high = np.array(patient.box_mm)
    points = np.random.default_rng(1).uniform(low, high, (60_000, 3))
    outside = points[patient.skin.value(points) > 0.5]
    for organ in patient.organs:
        if organ.interpreted_type not in {"EXTERNAL", "CAVITY"}:
            assert (organ.solid.value(outside) > 0).all(), organ.name


@pytest.mark.parametrize("make", CATALOGUE)
def test_landmarks_lie_on_the_skin(make: Callable[[], DigitalPatient]) -> None:
    patient = make()
    for landmark in patient.landmarks:
        assert abs(patient.skin.signed_distance(landmark.point_mm)) < 1e-3, landmark.name


@pytest.mark.parametrize("make", [head, pelvis])
def test_formulas_of_organs_agree_with_quadrature(make: Callable[[], DigitalPatient]) -> None:
    patient = make()
    checked = 0
    for organ in patient.organs:
        if organ.volume_cm3 is not None and organ.solid.bound.radius_mm < 45:
            measured = volume_mm3(organ.solid, step_mm=1.0) / 1000
            assert measured == pytest.approx(organ.volume_cm3, rel=1e-3), organ.name
            checked += 1
    assert checked >= 2


@pytest.mark.slow
def test_targets_of_the_head_have_the_volumes_of_the_reference_page() -> None:
    patient = head()
    expected = {"PTV_Nose": 7.184, "PTV_Cheek_L": 6.660, "PTV_Ear_L": 5.240, "PTV_Scalp": 11.934}
    for name, volume in expected.items():
        assert known_volume_cm3(patient, patient.organ(name)) == pytest.approx(volume, rel=1e-3)


def test_contours_lie_on_the_surface_and_carry_their_slice() -> None:
    patient = sphere()
    image = simulate_ct(patient, patient.grid(pixel_mm=2.0, slice_mm=5.0))
    structures = structure_set(patient, image)
    external = structures.roi("EXTERNAL")
    assert structures.names == ("EXTERNAL", "PTV")
    assert external.interpreted_type == "EXTERNAL"
    assert structures.image_series_uid == image.header.series_uid
    for contour in external.contours:
        assert np.abs(np.linalg.norm(contour.points_mm, axis=1) - 50).max() < 0.01
        plane = image.grid.to_index(contour.points_mm)[:, 0]
        assert np.ptp(plane) < 1e-6
        assert contour.image_uid == image.header.sop_uids[round(plane[0])]


def test_contours_on_an_oblique_stack_lie_in_its_planes() -> None:
    patient = sphere()
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    origin = -60 * axes.sum(axis=0)
    grid = Grid(
        shape=(25, 61, 61),
        spacing_mm=(5.0, 2.0, 2.0),
        origin_mm=tuple(origin),
        axes=tuple(tuple(float(v) for v in axis) for axis in axes),
    )
    external = structure_set(patient, simulate_ct(patient, grid), names=("EXTERNAL",)).rois[0]
    assert len(external.contours) == 19
    for contour in external.contours:
        index = grid.to_index(contour.points_mm)[:, 0]
        assert np.abs(index - np.rint(index)).max() < 1e-6
        assert np.abs(np.linalg.norm(contour.points_mm, axis=1) - 50).max() < 0.01


def test_an_unknown_structure_is_refused_with_the_names() -> None:
    with pytest.raises(StructureError, match="EXTERNAL, PTV") as caught:
        sphere().organ("Spleen")
    assert caught.value.reason == "NO_SUCH_ROI"


@pytest.mark.slow
def test_accessories_lie_outside_the_skin_and_change_nothing_inside() -> None:
    grid = Grid(shape=(3, 60, 60), spacing_mm=(4.0, 4.0, 4.0), origin_mm=(-118.0, -130.0, -4.0))
    bare = simulate_ct(head(), grid).values
    patient = head(accessories=tuple(Accessory))
    dressed = simulate_ct(patient, grid).values
    deep = patient.skin.value(grid.centres()) < -8
    outside = patient.skin.value(grid.centres()) > 8
    assert np.array_equal(bare[deep], dressed[deep])
    assert (np.abs(bare - dressed)[outside] > 100).sum() > 200


def test_the_identity_is_synthetic() -> None:
    assert head().identity.name == "Digital^Head"
    assert head().identity.id == "DIGITAL-HEAD"
