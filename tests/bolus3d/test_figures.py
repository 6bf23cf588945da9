"""What is measured on a part is what it has: thickness, gap, covered skin."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scans import analytic_skin

from isocentra.bolus3d.body import BodyShape, body_field, tapered, uniform
from isocentra.bolus3d.figures import (
    FaceSamples,
    covered_share,
    inner_face,
    sample_faces,
    thickness,
)
from isocentra.bolus3d.region import RegionField
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.patients.solids import Ellipsoid

BALL = Ellipsoid.sphere((0.0, 0.0, 0.0), 40.0)
PLACE = (0.0, -40.0, 0.0)


def region(radius_mm: float = 20.0) -> RegionField:
    return lambda foot: np.linalg.norm(foot - np.array(PLACE), axis=1) - radius_mm


def shape(thickness_mm: float, clearance_mm: float = 0.0) -> BodyShape:
    return BodyShape(
        thickness=uniform(thickness_mm),
        most_mm=thickness_mm,
        clearance_mm=clearance_mm,
        rim_radius_mm=1.5,
        near_mm=None,
    )


def part(thickness_mm: float, clearance_mm: float = 0.0) -> Mesh:
    skin = analytic_skin(BALL, PLACE, 28.0)
    body = body_field(skin, region(), shape(thickness_mm, clearance_mm), 0.8)
    return isosurface(body.values, body.grid)


def sampled(mesh: Mesh, thickness_mm: float, clearance_mm: float = 0.0) -> FaceSamples:
    skin = analytic_skin(BALL, PLACE, 28.0)
    asked = shape(thickness_mm, clearance_mm)
    return sample_faces(mesh, skin, region(), asked, rim_mm=1.5 * thickness_mm)


@pytest.mark.parametrize("asked_mm", [5.0, 5.3])
def test_the_thickness_error_is_that_of_the_part_against_what_was_asked(asked_mm: float) -> None:
    found = thickness(sampled(part(5.0), asked_mm), asked_mm)
    assert found.mean == pytest.approx(5.0, abs=0.02)
    assert found.p95_abs_error == pytest.approx(asked_mm - 5.0, abs=0.04)
    assert found.max_abs_error == pytest.approx(asked_mm - 5.0, abs=0.06)
    assert found.min <= found.mean


def test_the_outer_face_of_a_tapered_rim_is_no_gap_under_the_part() -> None:
    """Towards the border both faces lie below half of the full thickness."""
    tapering = replace(shape(6.0), thickness=tapered(uniform(6.0), 0.8, 12.0), rim_radius_mm=0.2)
    skin = analytic_skin(BALL, PLACE, 28.0)
    body = body_field(skin, region(), tapering, 0.6)
    samples = sample_faces(
        isosurface(body.values, body.grid), skin, region(), tapering, rim_mm=12.0
    )
    assert inner_face(samples).p95_gap < 0.05
    assert thickness(samples, 6.0).mean == pytest.approx(6.0, abs=0.05)


def test_a_dent_in_the_outer_face_is_the_largest_error() -> None:
    mesh = part(5.0)
    dented = mesh.vertices_mm.copy()
    height = np.linalg.norm(dented, axis=1) - 40
    near = (np.linalg.norm(dented - (0.0, -45.0, 0.0), axis=1) < 3) & (height > 4)
    dented[near] *= 44.0 / 45.0
    found = thickness(sampled(Mesh(vertices_mm=dented, faces=mesh.faces), 5.0), 5.0)
    assert found.max_abs_error == pytest.approx(1.0, abs=0.1)
    assert found.p95_abs_error < 0.4


@pytest.mark.parametrize("clearance_mm", [0.0, 1.0])
def test_the_gap_is_the_clearance(clearance_mm: float) -> None:
    found = inner_face(sampled(part(5.0, clearance_mm), 5.0, clearance_mm))
    assert found.mean_gap == pytest.approx(clearance_mm, abs=0.02)
    assert found.p95_gap == pytest.approx(clearance_mm, abs=0.04)
    assert found.max_gap >= found.p95_gap


def test_the_whole_region_is_covered_by_its_own_part_and_half_of_it_by_half() -> None:
    skin = analytic_skin(BALL, PLACE, 28.0)
    mesh = part(5.0)
    whole = covered_share(skin, region(), sampled(mesh, 5.0), 1.0)
    assert whole == pytest.approx(1.0, abs=0.005)
    left = Mesh(
        vertices_mm=mesh.vertices_mm,
        faces=mesh.faces[(mesh.corners_mm[:, :, 0] > 0).all(axis=1)],
    )
    half = covered_share(skin, region(), sampled(left, 5.0), 1.0)
    assert half == pytest.approx(0.5, abs=0.05)


def test_a_region_of_nothing_is_not_covered() -> None:
    skin = analytic_skin(BALL, PLACE, 28.0)
    assert covered_share(skin, region(0.5), sampled(part(5.0), 5.0), 1.0) == 0


def test_a_part_that_is_all_rim_has_no_thickness_to_judge() -> None:
    found = thickness(sampled(part(5.0), 20.0), 20.0)
    assert math.isnan(found.p95_abs_error)
    assert math.isnan(found.min)
    assert found.nominal == 20.0
