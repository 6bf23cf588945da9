"""What makes a bolus impossible is said before any work: cut skin, doubtful skin, no CT."""

from dataclasses import replace

import numpy as np
import pytest
from scans import box_grid, image_of, painted

from isocentra import gpu_kernels
from isocentra.bolus3d.locate import Place, locate
from isocentra.bolus3d.request import BolusRequest
from isocentra.errors import AssemblyError, BolusError, StructureError
from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.patients.calibration import sphere
from isocentra.patients.compose import Union
from isocentra.patients.materials import soft_tissue
from isocentra.patients.model import DigitalPatient, Organ, body
from isocentra.patients.outlines import structure_set
from isocentra.patients.solids import Box, Capsule, Ellipsoid, Point, Solid
from isocentra.structures.model import StructureSet

BALL = Ellipsoid.sphere((0.0, 0.0, 0.0), 30.0)
BOARD = Box(centre_mm=(0.0, 33.0, 0.0), half_mm=(60.0, 3.0, 60.0))
FRONT: Point = (0.0, -30.0, 0.0)
BACK: Point = (0.0, 30.0, 0.0)
GRID = box_grid((0.0, 0.0, 0.0), 64, (2.0, 2.0, 2.0))


def of(*solids: Solid, **drawn: Solid) -> DigitalPatient:
    skin = solids[0] if len(solids) == 1 else Union(parts=solids)
    return DigitalPatient(
        name="parts",
        skin=skin,
        bodies=tuple(body(f"part {n}", s, soft_tissue(40.0), n) for n, s in enumerate(solids)),
        organs=(
            Organ(name="EXTERNAL", solid=solids[0], interpreted_type="EXTERNAL"),
            *(Organ(name=name, solid=solid) for name, solid in drawn.items()),
        ),
    )


def on(patient: DigitalPatient, grid: Grid = GRID) -> tuple[Image, StructureSet]:
    image = painted(patient, grid)
    return image, structure_set(patient, image)


def place(image: Image, near: Point, **more: object) -> Place:
    given: dict[str, object] = {"ct": image, "near_mm": near, "distance_mm": 12.0}
    request = BolusRequest(**(given | {"thickness_mm": 5.0} | more))  # type: ignore[arg-type]
    return locate(request, gpu_kernels.ON_CPU)


def test_free_skin_is_located_round_the_point() -> None:
    image, _ = on(of(BALL))
    found = place(image, FRONT)
    assert found.external is None
    assert np.linalg.norm(found.region.skin_mm - np.array(FRONT), axis=1).max() < 14.1


@pytest.mark.parametrize("margin_mm", [0.0, 20.0])
def test_skin_that_the_image_cuts_is_refused_with_what_is_missing(margin_mm: float) -> None:
    image, _ = on(of(BALL), box_grid((0.0, 0.0, 20.0 + 12 - margin_mm), 32, (2.0, 2.0, 2.0)))
    with pytest.raises(BolusError, match="are missing") as refusal:
        place(image, FRONT, margin_mm=margin_mm)
    assert refusal.value.reason == "SKIN_TRUNCATED"
    assert refusal.value.where is not None


def test_skin_further_from_the_cut_is_accepted() -> None:
    image, _ = on(of(BALL), box_grid((0.0, 0.0, 8.0), 32, (2.0, 2.0, 2.0)))
    assert len(place(image, FRONT).region.skin_mm)


def test_skin_under_something_dense_is_refused_and_free_skin_beside_it_is_not() -> None:
    image, _ = on(of(BALL, BOARD))
    with pytest.raises(BolusError, match="touch the skin") as refusal:
        place(image, BACK, distance_mm=20.0)
    assert refusal.value.reason == "SKIN_AMBIGUOUS"
    assert "--exclude" in refusal.value.do
    assert len(place(image, FRONT).region.skin_mm)


def test_what_is_excluded_no_longer_makes_the_skin_doubtful() -> None:
    thick = Box(centre_mm=(0.0, 33.2, 0.0), half_mm=(62.0, 3.5, 62.0))
    image, structures = on(of(BALL, BOARD, Board=thick))
    found = place(image, BACK, structures=structures, exclude=("Board",))
    assert found.absent is not None
    assert found.absent.any()
    assert found.body.mask.sum() * found.body.grid.voxel_volume_mm3 == pytest.approx(
        4 / 3 * np.pi * 30**3, rel=0.08
    )


def test_a_small_part_with_the_point_on_it_is_the_body() -> None:
    finger = Capsule(start_mm=(48.0, 0.0, -80.0), end_mm=(48.0, 0.0, 80.0), radius_mm=8.0)
    image, _ = on(
        of(Capsule(start_mm=(0.0, 0.0, -90.0), end_mm=(0.0, 0.0, 90.0), radius_mm=30.0), finger)
    )
    found = place(image, (48.0, -8.0, 0.0))
    assert found.region.skin_mm[:, 0].min() > 35


def test_an_mr_without_external_is_refused_and_with_one_it_stands_in_for_the_greys() -> None:
    image, structures = on(of(BALL))
    mr = image_of(np.full(GRID.shape, 300.0), GRID, "MR")
    assert image.grid == mr.grid
    with pytest.raises(AssemblyError, match="EXTERNAL") as refusal:
        place(mr, FRONT)
    assert refusal.value.reason == "WRONG_MODALITY"
    found = place(mr, FRONT, structures=structures)
    assert found.external is not None
    assert found.body.mask.sum() * found.body.grid.voxel_volume_mm3 == pytest.approx(
        4 / 3 * np.pi * 30**3, rel=0.05
    )


def test_a_ct_does_not_need_the_external_that_comes_with_it() -> None:
    image, structures = on(of(BALL))
    assert place(image, FRONT, structures=structures).external is None


def test_two_externals_of_an_mr_are_ambiguous() -> None:
    _, structures = on(of(BALL))
    twice = replace(
        structures, rois=(*structures.rois, replace(structures.rois[0], name="EXTERNAL2"))
    )
    mr = image_of(np.full(GRID.shape, 300.0), GRID, "MR")
    with pytest.raises(StructureError, match="2 ROIs") as refusal:
        place(mr, FRONT, structures=twice)
    assert refusal.value.reason == "AMBIGUOUS_ROI"


def test_an_external_beside_the_image_is_refused() -> None:
    _, structures = on(of(BALL))
    far = box_grid((500.0, 0.0, 0.0), 30, (2.0, 2.0, 2.0))
    with pytest.raises(StructureError, match="inside the grid of the image") as refusal:
        place(image_of(np.zeros(far.shape), far, "MR"), FRONT, structures=structures)
    assert refusal.value.reason == "ROI_OUTSIDE_IMAGE"


def test_an_empty_roi_to_exclude_is_refused_by_its_name() -> None:
    image, structures = on(of(BALL))
    hollow = replace(
        structures, rois=(*structures.rois, replace(structures.rois[0], name="None", contours=()))
    )
    with pytest.raises(StructureError, match="exclude") as refusal:
        place(image, FRONT, structures=hollow, exclude=("None",))
    assert refusal.value.reason == "EMPTY_ROI"


def test_a_sphere_far_inside_the_image_needs_no_more_than_the_scan_of_the_phantom() -> None:
    patient = sphere(radius_mm=30.0)
    image = painted(patient, box_grid((0.0, 0.0, 0.0), 44, (3.0, 1.5, 1.5)))
    assert len(place(image, patient.landmark("target")).region.skin_mm)
