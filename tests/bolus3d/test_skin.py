"""The skin is found to a tenth of a millimetre, and what lies on or beside it is not skin."""

from functools import cache

import numpy as np
import pytest
from scans import box_grid, image_of, scanned

from isocentra import gpu_kernels
from isocentra.bolus3d.locate import locate
from isocentra.bolus3d.request import BolusRequest
from isocentra.bolus3d.skin import Skin, find_skin
from isocentra.errors import BolusError
from isocentra.geometry.grid import Array64
from isocentra.patients.accessories import Accessory
from isocentra.patients.calibration import LAYERED, Tissue, ear, face, sphere, tilted_cylinder
from isocentra.patients.head import head
from isocentra.patients.materials import METAL, Material
from isocentra.patients.model import DigitalPatient, Organ, body
from isocentra.patients.outlines import structure_set
from isocentra.patients.solids import Box, Capsule, Ellipsoid, Point, Solid

BALL = Ellipsoid.sphere((0.0, 0.0, 0.0), 30.0)
SIDE: Point = (0.0, -30.0, 0.0)


def found(request: BolusRequest) -> Skin:
    place = locate(request, gpu_kernels.ON_CPU)
    return find_skin(request.ct, place, reach_mm=8.0, step_mm=0.8, compute=gpu_kernels.ON_CPU)


def errors(skin: Skin, solid: Solid, centre: Point, radius_mm: float) -> Array64:
    """Signed distances of the skin's vertices round a point to the true skin. [mm]"""
    points = skin.mesh.vertices_mm
    near = np.linalg.norm(points - np.array(centre), axis=1) < radius_mm
    return solid.signed_distance(points[near][::3])


@cache
def error_on(patient: DigitalPatient, slice_mm: float, noise_hu: float) -> tuple[float, float]:
    """Bias and P95 of the skin round the target. [mm]"""
    centre = patient.landmark("target")
    grid = box_grid(tuple(np.add(centre, (0.31, -0.17, 0.44)).tolist()), 36, (slice_mm, 1.0, 1.0))
    request = BolusRequest(
        ct=scanned(patient, grid, noise_hu, 5), near_mm=centre, distance_mm=14.0, thickness_mm=5.0
    )
    error = errors(found(request), patient.skin, centre, 13.0)
    return float(error.mean()), float(np.percentile(np.abs(error), 95))


@pytest.mark.parametrize(
    ("make", "limit_mm"), [(sphere, 0.06), (tilted_cylinder, 0.06)], ids=["sphere", "cylinder"]
)
def test_the_skin_is_where_the_formula_says(make: type, limit_mm: float) -> None:
    bias, p95 = error_on(make(), 1.0, 20.0)
    assert abs(bias) < 0.04
    assert p95 < limit_mm


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "slice_mm", "noise_hu", "limit_mm"),
    [
        (face, 1.0, 25.0, 0.09),
        (ear, 1.0, 25.0, 0.14),
        (sphere, 3.0, 25.0, 0.20),
        (face, 3.0, 25.0, 0.20),
        (ear, 3.0, 25.0, 0.20),
        (sphere, 1.0, 40.0, 0.10),
        (face, 3.0, 40.0, 0.22),
        (ear, 1.0, 40.0, 0.18),
    ],
)
def test_the_skin_keeps_its_limits_on_face_and_ear_with_slices_and_noise(
    make: type, slice_mm: float, noise_hu: float, limit_mm: float
) -> None:
    bias, p95 = error_on(make(), slice_mm, noise_hu)
    assert abs(bias) < 0.04
    assert p95 < limit_mm


@pytest.mark.parametrize(("tissue", "limit_mm"), [(-100.0, 0.05), (0.0, 0.05), (LAYERED, 0.12)])
def test_no_tissue_moves_the_skin_by_much(tissue: Tissue, limit_mm: float) -> None:
    assert abs(error_on(sphere(tissue=tissue), 1.5, 15.0)[0]) < limit_mm


def test_the_skin_of_a_mirrored_or_turned_grid_is_outward_too() -> None:
    patient = sphere(radius_mm=30.0)
    axes = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    for turned in (axes, (axes[1], axes[0], axes[2])):
        image = scanned(patient, box_grid((0.0, 0.0, 0.0), 46, (2.0, 1.5, 1.5), turned))
        skin = found(BolusRequest(ct=image, near_mm=SIDE, distance_mm=12.0, thickness_mm=5.0))
        in_air = np.array([(0.0, -34.0, 0.0), (6.0, -33.0, 6.0), (-6.0, -33.0, -6.0)])
        assert (skin.distance.signed(in_air) > 2.5).all()
        assert skin.distance.signed(np.array([(0.0, -27.0, 0.0)]))[0] == pytest.approx(-3, abs=0.1)


def with_thing(thing: Solid, material: Material) -> DigitalPatient:
    """Ball with a thing of a material over it, of lower priority than the ball."""
    tissue = sphere(radius_mm=30.0).bodies[0]
    return DigitalPatient(
        name="ball",
        skin=BALL,
        bodies=(body("thing", thing, material, -1), tissue),
        organs=(
            Organ(name="EXTERNAL", solid=BALL, interpreted_type="EXTERNAL"),
            Organ(name="Thing", solid=thing),
        ),
    )


def test_a_wire_on_the_skin_is_bridged() -> None:
    wire = Capsule(start_mm=(-9.0, -29.2, 0.0), end_mm=(9.0, -29.2, 0.0), radius_mm=1.4)
    patient = with_thing(wire, METAL)
    image = scanned(patient, box_grid((0.0, -8.0, 0.0), 44, (1.5, 1.0, 1.0)), 10.0, 1)
    skin = found(BolusRequest(ct=image, near_mm=SIDE, distance_mm=12.0, thickness_mm=5.0))
    assert skin.bridged_cm3 > 0
    error = np.abs(errors(skin, BALL, SIDE, 11.0))
    assert np.percentile(error, 95) < 0.3
    assert error.max() < 0.6


def test_what_is_excluded_is_bridged() -> None:
    sticker = Box(centre_mm=(0.0, -30.5, 0.0), half_mm=(4.0, 1.5, 4.0))
    patient = with_thing(sticker, Material(60.0, 1.0, 0.0))
    image = scanned(patient, box_grid((0.0, -8.0, 0.0), 44, (1.5, 1.0, 1.0)), 10.0, 1)
    drawn = structure_set(patient, image)
    ask = {"ct": image, "near_mm": SIDE, "distance_mm": 12.0, "thickness_mm": 5.0}
    kept = found(BolusRequest(**ask))  # type: ignore[arg-type]
    assert errors(kept, BALL, SIDE, 5.0).max() > 1.0
    gone = found(BolusRequest(**ask, structures=drawn, exclude=("Thing",)))  # type: ignore[arg-type]
    assert gone.bridged_cm3 > 0
    assert np.abs(errors(gone, BALL, SIDE, 11.0)).max() < 0.6


def test_a_holder_beside_the_skin_does_not_move_it() -> None:
    bar = Capsule(start_mm=(-60.0, -38.0, 0.0), end_mm=(60.0, -38.0, 0.0), radius_mm=4.0)
    patient = with_thing(bar, Material(-50.0, 1.0, 0.0))
    image = scanned(patient, box_grid((0.0, -8.0, 0.0), 44, (1.5, 1.0, 1.0)), 10.0, 1)
    skin = found(BolusRequest(ct=image, near_mm=SIDE, distance_mm=12.0, thickness_mm=5.0))
    assert np.abs(errors(skin, BALL, SIDE, 11.0)).max() < 0.3


def test_an_external_stands_in_for_the_greys_of_an_mr() -> None:
    patient = sphere(radius_mm=30.0)
    grid = box_grid((0.0, 0.0, 0.0), 44, (2.0, 1.0, 1.0))
    mr = image_of(np.full(grid.shape, 300.0), grid, "MR")
    request = BolusRequest(
        ct=mr,
        structures=structure_set(patient, mr),
        near_mm=SIDE,
        distance_mm=12.0,
        thickness_mm=5.0,
    )
    skin = found(request)
    assert skin.noise_hu is None
    error = errors(skin, patient.skin, SIDE, 11.0)
    assert abs(error.mean()) < 0.05
    assert np.percentile(np.abs(error), 95) < 0.15


def test_the_noise_of_the_image_is_known() -> None:
    image = scanned(sphere(radius_mm=30.0), box_grid((0.0, 0.0, 0.0), 46, (1.0, 1.0, 1.0)), 25.0, 2)
    skin = found(BolusRequest(ct=image, near_mm=SIDE, distance_mm=12.0, thickness_mm=5.0))
    assert skin.noise_hu == pytest.approx(25, rel=0.25)


@pytest.mark.slow
def test_a_mask_on_the_face_is_refused_rather_than_taken_for_skin() -> None:
    from isocentra.bolus3d.design import design_bolus  # noqa: PLC0415  # slow to import

    patient = head(accessories=(Accessory.MASK,))
    centre = patient.landmark("cheek_left")
    image = scanned(patient, box_grid(centre, 45, (2.0, 1.0, 1.0)), 15.0, 1)
    with pytest.raises(BolusError, match="mask") as refusal:
        design_bolus(BolusRequest(ct=image, near_mm=centre, distance_mm=20.0, thickness_mm=5.0))
    assert refusal.value.reason == "SKIN_AMBIGUOUS"


@pytest.mark.xfail(reason="known miss: beside a marker wire the skin stays up to 1 mm outside")
@pytest.mark.slow
def test_the_wires_of_the_head_are_not_skin() -> None:
    patient = head(accessories=(Accessory.WIRES,))
    centre = patient.landmark("cheek_left")
    image = scanned(patient, box_grid(centre, 45, (1.5, 1.0, 1.0)), 15.0, 1)
    skin = found(BolusRequest(ct=image, near_mm=centre, distance_mm=22.0, thickness_mm=5.0))
    error = errors(skin, patient.skin, centre, 20.0)
    assert skin.bridged_cm3 > 0
    assert np.percentile(np.abs(error), 95) < 0.4
    assert error.max() < 0.9
