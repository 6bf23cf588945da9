"""Distances, walls and simplification against shapes whose every number is known."""

from __future__ import annotations

from pathlib import Path

import igl
import numpy as np
import pytest
import trimesh

from isocentra.geometry.grid import Grid
from isocentra.mesh.check import check_mesh
from isocentra.mesh.distance import ExactDistance, SurfaceDistance
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh
from isocentra.mesh.simplify import prepared, simplify
from isocentra.mesh.wall import min_wall_mm


def of(part: trimesh.Trimesh) -> Mesh:
    return Mesh(vertices_mm=np.array(part.vertices), faces=np.array(part.faces))


def shell_cap(thickness_mm: float, *, taper_to_mm: float = 0.0, step_mm: float = 0.6) -> Mesh:
    """Mesh a shell on a sphere of 40 mm, 25 mm about its pole; its rim blunt, or tapered."""
    radius, reach = 40.0, 25.0
    grid = Grid.axial_box((-30.0, -30.0, 25.0), (30.0, 30.0, 40.0 + thickness_mm + 3), step_mm)
    points = grid.centres()
    length = np.linalg.norm(points, axis=-1)
    foot = points / length[..., None] * radius
    inside = reach - np.linalg.norm(foot - [0, 0, radius], axis=-1)
    thickness = np.full_like(inside, thickness_mm)
    if taper_to_mm:
        share = np.clip(inside / (2 * thickness_mm), 0, 1)
        thickness = taper_to_mm + share * (thickness_mm - taper_to_mm)
    distance = length - radius
    field = np.maximum(np.maximum(distance - thickness, -distance), -inside)
    field = np.where(np.abs(field) < 1e-3 * step_mm, 1e-3 * step_mm, field)
    return isosurface(field.astype(np.float32), grid)


def test_the_signed_distance_to_a_sphere_is_good_to_four_micrometres() -> None:
    grid = Grid.axial_box((-24.0, -24.0, -24.0), (24.0, 24.0, 24.0), 0.5)
    field = (np.linalg.norm(grid.centres(), axis=-1) - 22).astype(np.float32)
    distance = SurfaceDistance(isosurface(field, grid))
    generator = np.random.default_rng(7)
    way = generator.normal(size=(20_000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    true = generator.uniform(-3, 8, 20_000)
    found, foot = distance.signed_and_foot(way * (22 + true)[:, None])
    assert np.percentile(np.abs(found - true), 95) <= 0.004
    assert abs((found - true).mean()) <= 0.003
    assert np.percentile(np.linalg.norm(foot - 22 * way, axis=1), 95) < 0.1
    assert np.array_equal(distance.signed(way * (22 + true)[:, None]), found)


def test_air_is_positive_and_tissue_negative_also_far_from_an_open_surface() -> None:
    ball = of(trimesh.creation.icosphere(subdivisions=4, radius=20))
    upper = Mesh(
        vertices_mm=ball.vertices_mm,
        faces=ball.faces[(ball.corners_mm[:, :, 2] > 0).all(axis=1)],
    )
    distance = SurfaceDistance(upper).signed([[0, 0, 80], [0, 0, 10], [0, 0, 0.5]])
    assert distance == pytest.approx([60, -10, -19.5], abs=0.05)
    # beside the border the plane says little: the length to the border is taken
    beside = SurfaceDistance(upper).signed([[24.0, 0, -9.0]])
    assert abs(beside[0]) == pytest.approx(np.hypot(4, 9), abs=1.5)


def test_exact_distances_and_feet_agree_with_a_peer() -> None:
    parts = [
        of(trimesh.creation.icosphere(subdivisions=3, radius=20)),
        of(trimesh.creation.box((60, 2, 30))),
        of(trimesh.creation.cylinder(radius=3, height=80)),
    ]
    points = np.random.default_rng(3).normal(size=(3000, 3)) * 25
    for mesh in parts:
        found = ExactDistance(mesh).nearest(points)
        square, _, foot = igl.point_mesh_squared_distance(points, mesh.vertices_mm, mesh.faces)
        assert np.allclose(found.distance_mm, np.sqrt(square), atol=1e-9)
        assert np.allclose(
            np.linalg.norm(points - found.foot_mm, axis=1), found.distance_mm, atol=1e-12
        )
        medial = np.linalg.norm(found.foot_mm - foot, axis=1) > 1e-6
        assert medial.mean() < 0.01


def test_walls_of_known_thickness_are_measured(mesh_files: Path) -> None:
    for name, wall_mm, within in (
        ("thin_0p3.stl", 0.3, 0.01),
        ("good_cup.stl", 5.0, 0.08),
        ("good_cup_lib3mf.3mf", 5.0, 0.03),
    ):
        assert min_wall_mm(read_mesh(mesh_files / name)) == pytest.approx(wall_mm, abs=within)
    assert min_wall_mm(of(trimesh.creation.box((20, 30, 7)))) == pytest.approx(7, abs=1e-4)
    rod = of(trimesh.creation.cylinder(radius=0.2, height=10, sections=48))
    assert min_wall_mm(rod) == pytest.approx(0.4, abs=0.01)


def test_a_thin_fin_on_a_thick_block_is_found() -> None:
    block = trimesh.creation.box((20, 20, 10))
    fin = trimesh.creation.box((8, 0.4, 8))
    fin.apply_translation((0, 0, 8))
    together = trimesh.boolean.union([block, fin], engine="manifold")
    assert min_wall_mm(of(together)) == pytest.approx(0.4, abs=0.01)


def test_a_knife_edge_is_found() -> None:
    wedge = np.array([[0, 0, 0], [30, 0, 0], [30, 0, 8], [0, 20, 0], [30, 20, 0], [30, 20, 8]])
    assert min_wall_mm(of(trimesh.convex.convex_hull(wedge))) < 0.2


@pytest.mark.parametrize("thickness_mm", [3.0, 5.0])
def test_blunt_and_tapered_rims_are_no_thin_walls(thickness_mm: float) -> None:
    blunt = simplify(shell_cap(thickness_mm)).mesh
    assert min_wall_mm(blunt) == pytest.approx(thickness_mm, abs=0.06)
    tapered = simplify(shell_cap(thickness_mm, taper_to_mm=0.8)).mesh
    assert min_wall_mm(tapered) >= 0.8


def test_a_rough_shell_is_simplified_within_its_error_and_stays_sound() -> None:
    fine = shell_cap(5.0)
    slim = simplify(fine)
    report = check_mesh(slim.mesh)
    assert report.is_sound
    assert report.parts == 1
    assert report.euler_number == 2
    assert len(slim.mesh.faces) <= 500 * report.volume_mm3 / 1000
    assert slim.added_p95_mm <= 0.03
    assert report.volume_mm3 == pytest.approx(fine.signed_volume_mm3, rel=2e-3)
    points = np.asarray(fine.corners_mm.mean(axis=1))
    own = igl.point_mesh_squared_distance(points, slim.mesh.vertices_mm, slim.mesh.faces)[0]
    assert np.percentile(np.sqrt(own), 95) <= 0.03


def test_what_is_simplified_is_what_single_precision_holds_and_always_the_same() -> None:
    fine = shell_cap(3.0)
    one, two = simplify(fine), simplify(fine)
    assert np.array_equal(one.mesh.vertices_mm, two.mesh.vertices_mm)
    assert np.array_equal(one.mesh.faces, two.mesh.faces)
    single = one.mesh.vertices_mm.astype(np.float32).astype(np.float64)
    assert np.array_equal(single, one.mesh.vertices_mm)
    assert np.array_equal(np.round(single * 65536), single * 65536)


def test_more_triangles_are_taken_where_the_error_would_be_too_large() -> None:
    fine = shell_cap(3.0, step_mm=0.9)
    coarse = simplify(fine, 20)
    assert coarse.added_p95_mm <= 0.03
    assert coarse.tries > 1
    assert len(coarse.mesh.faces) > 20 * coarse.mesh.signed_volume_mm3 / 1000


def test_a_mesh_that_cannot_be_coarser_is_kept() -> None:
    cube = of(trimesh.creation.box((20, 20, 20)))
    kept = simplify(cube, 500)
    assert kept.tries == 0
    assert len(kept.mesh.faces) == 12
    assert kept.added_max_mm < 1e-9


def test_a_pinched_fine_mesh_comes_out_without_a_pinch() -> None:
    ball = of(trimesh.creation.icosphere(subdivisions=4, radius=12))
    top = ball.vertices_mm[np.argmax(ball.vertices_mm[:, 2])]
    bottom = ball.vertices_mm[np.argmin(ball.vertices_mm[:, 2])]
    points = np.concatenate([ball.vertices_mm - top, ball.vertices_mm - bottom])
    pair = Mesh(
        vertices_mm=points, faces=np.concatenate([ball.faces, ball.faces + len(ball.vertices_mm)])
    )
    assert check_mesh(pair).pinched_vertices == 1
    assert check_mesh(prepared(pair)).is_sound
    slim = simplify(pair)
    assert slim.tries > 0
    assert check_mesh(slim.mesh).is_sound
