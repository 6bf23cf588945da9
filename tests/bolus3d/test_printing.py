"""A part lies on the bed by a proper rotation, where it fits, stands and wastes least."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from isocentra.bolus3d.catalogue import material, printer
from isocentra.bolus3d.printing import plan_print, printed_mass_g, printing_time_min
from isocentra.mesh.model import Mesh

ULTIMAKER = printer("ultimaker-2-plus")


def of(part: trimesh.Trimesh) -> Mesh:
    return Mesh(vertices_mm=np.array(part.vertices), faces=np.array(part.faces))


def turned(mesh: Mesh, rotation: Rotation) -> Mesh:
    return Mesh(vertices_mm=rotation.apply(np.array(mesh.vertices_mm)), faces=mesh.faces)


def bowl() -> Mesh:
    """Make a half shell of spheres 35 and 30 mm, hollow side down."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=35)
    hole = trimesh.creation.icosphere(subdivisions=3, radius=30)
    box = trimesh.creation.box((100, 100, 100))
    box.apply_translation((0, 0, -50))
    return of(trimesh.boolean.difference([ball, hole, box], engine="manifold"))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_rotation_is_proper_and_gives_the_extents_that_it_says(seed: int) -> None:
    mesh = turned(of(trimesh.creation.box((120, 60, 9))), Rotation.random(rng=seed))
    plan = plan_print(mesh, ULTIMAKER)
    rotation = np.array(plan.rotation)
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    extents = np.ptp(mesh.vertices_mm @ rotation.T, axis=0)
    assert np.allclose(extents, plan.extents_mm, atol=1e-6)
    assert (extents <= ULTIMAKER.bed_mm).all()
    assert plan.fits


def test_a_slab_that_lies_anyhow_is_laid_flat() -> None:
    mesh = turned(of(trimesh.creation.box((120, 60, 9))), Rotation.from_euler("xyz", [1, 2, 3]))
    plan = plan_print(mesh, ULTIMAKER)
    assert plan.extents_mm[2] == pytest.approx(9, abs=0.01)
    assert plan.overhang_cm2 == pytest.approx(0, abs=1e-6)
    assert plan.stands


def test_a_long_rod_fits_only_across_and_only_up_to_the_diagonal() -> None:
    flat = plan_print(of(trimesh.creation.box((290, 5, 5))), ULTIMAKER)
    assert flat.fits
    assert max(flat.extents_mm[:2]) <= 223
    assert not plan_print(of(trimesh.creation.box((390, 5, 5))), ULTIMAKER).fits


def test_a_part_too_large_says_by_how_much() -> None:
    plan = plan_print(of(trimesh.creation.icosphere(subdivisions=2, radius=123)), ULTIMAKER)
    assert not plan.fits
    assert plan.bed_share == pytest.approx(246 / 205, rel=0.02)


def test_a_bowl_is_not_printed_with_its_hollow_side_full_of_supports() -> None:
    plan = plan_print(bowl(), ULTIMAKER)
    assert plan.stands
    hollow_cm3 = 2 / 3 * np.pi * 30**3 / 1000
    assert plan.support_cm3 < 0.2 * 0.15 * hollow_cm3


def test_mass_is_volume_times_density_and_falls_with_infill_but_for_the_walls() -> None:
    cube = of(trimesh.creation.box((40, 40, 40)))
    pla = material("pla")
    assert printed_mass_g(cube, ULTIMAKER, pla) == pytest.approx(64 * 1.24)
    wall_cm3 = 6 * 16 * 0.08
    half = printed_mass_g(cube, ULTIMAKER, pla, infill_percent=50)
    assert half == pytest.approx(1.24 * (wall_cm3 + (64 - wall_cm3) / 2))
    silicone = material("silicone")
    assert printed_mass_g(cube, ULTIMAKER, silicone, infill_percent=50) == pytest.approx(64 * 1.08)


def test_time_follows_the_formula_and_is_the_curing_time_for_a_cast_part() -> None:
    cube = of(trimesh.creation.box((40, 40, 40)))
    plan = dataclasses.replace(plan_print(cube, ULTIMAKER), support_cm3=2.0)
    pla = material("pla")
    seconds = (64_000 + 2000) / 4.0 + 200 * 3
    assert printing_time_min(64 * 1.24, plan, ULTIMAKER, pla) == pytest.approx(seconds / 60)
    assert printing_time_min(70, plan, ULTIMAKER, material("silicone")) == 240
    laser = printer("sla-generic")
    assert printing_time_min(70, plan, laser, material("resin")) == pytest.approx(400 * 12 / 60)
