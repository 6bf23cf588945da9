"""Each fault of a mesh is counted under its own name, and sound meshes have none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from isocentra.mesh.check import Fault, MeshReport, check_mesh
from isocentra.mesh.model import Mesh
from isocentra.mesh.repair import without_pinches, without_short_edges
from isocentra.mesh.topology import euler_number, pinched_vertices

FAULTS = (
    "bad_vertices degenerate_triangles open_edges non_manifold_edges miswound_edges"
    " pinched_vertices inverted_shells cavities self_intersections"
).split()


def mesh_of(vertices: object, faces: object) -> Mesh:
    return Mesh(
        vertices_mm=np.array(vertices, dtype=np.float64), faces=np.array(faces, dtype=np.int64)
    )


def of(part: trimesh.Trimesh) -> Mesh:
    return mesh_of(part.vertices, part.faces)


def joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices_mm) for m in meshes)])
    return mesh_of(
        np.concatenate([m.vertices_mm for m in meshes]),
        np.concatenate([m.faces + k for m, k in zip(meshes, starts, strict=False)]),
    )


def turned_inside_out(mesh: Mesh) -> Mesh:
    return mesh_of(mesh.vertices_mm, mesh.faces[:, ::-1])


def cone(tip_up: float) -> Mesh:
    """Make a closed cone with its tip at the origin, opening towards ±z."""
    count = 12
    turn = np.arange(count) * 2 * np.pi / count
    ring = np.stack([10 * np.cos(turn), 10 * np.sin(turn), np.full(count, 10.0)], axis=1)
    points = np.concatenate([[[0, 0, 0], [0, 0, 10]], ring]) * [1, 1, tip_up]
    after = np.roll(np.arange(count), -1)
    sides = [[0, 2 + b, 2 + a] for a, b in enumerate(after)]
    lid = [[1, 2 + a, 2 + b] for a, b in enumerate(after)]
    mesh = mesh_of(points, sides + lid)
    return mesh if mesh.signed_volume_mm3 > 0 else turned_inside_out(mesh)


def found(report: MeshReport) -> dict[str, int]:
    """Return only the counters of faults that are not zero."""
    return {name: n for name in FAULTS if (n := getattr(report, name))}


BALL = of(trimesh.creation.icosphere(subdivisions=3, radius=20))
CUBE = of(trimesh.creation.box((20, 20, 20)))


@pytest.mark.parametrize(
    ("mesh", "parts", "euler"),
    [
        (BALL, 1, 2),
        (CUBE, 1, 2),
        (of(trimesh.creation.torus(30, 8)), 1, 0),
        (joined(BALL, mesh_of(CUBE.vertices_mm + 50, CUBE.faces)), 2, 4),
    ],
)
def test_sound_meshes_have_no_fault(mesh: Mesh, parts: int, euler: int) -> None:
    report = check_mesh(mesh)
    assert found(report) == {}
    assert report.is_sound
    assert (report.parts, report.euler_number) == (parts, euler)
    assert report.volume_mm3 == pytest.approx(mesh.signed_volume_mm3)


def test_two_cones_that_touch_with_their_tips_have_one_pinched_vertex() -> None:
    report = check_mesh(joined(cone(1.0), cone(-1.0)))
    assert found(report) == {"pinched_vertices": 1}
    assert report.euler_number == 3
    assert report.parts == 1
    assert report.place(Fault.PINCHED) == pytest.approx((0, 0, 0))


def test_a_pinched_vertex_is_parted_and_stays_parted_in_single_precision() -> None:
    parted = without_pinches(check_welded(joined(cone(1.0), cone(-1.0))))
    single = mesh_of(parted.vertices_mm.astype(np.float32), parted.faces)
    report = check_mesh(single)
    assert found(report) == {}
    assert report.euler_number == 4
    gap = single.vertices_mm[np.abs(single.vertices_mm).sum(axis=1) < 1]
    assert np.ptp(gap[:, 2]) == pytest.approx(0.04, abs=1e-3)


def check_welded(mesh: Mesh) -> Mesh:
    places, number = np.unique(mesh.vertices_mm, axis=0, return_inverse=True)
    return mesh_of(places, number.ravel()[mesh.faces])


def test_a_hole_has_open_edges_and_no_other_name() -> None:
    report = check_mesh(mesh_of(BALL.vertices_mm, np.delete(BALL.faces, 7, axis=0)))
    assert found(report) == {"open_edges": 3}
    assert report.min_wall_mm is None


def test_two_holes_that_meet_in_a_vertex_pinch_it() -> None:
    around = np.flatnonzero((BALL.faces == 0).any(axis=1))
    edges = {int(f): set(BALL.faces[f].tolist()) for f in around}
    first = int(around[0])
    apart = next(f for f in edges if len(edges[f] & edges[first]) == 1)
    report = check_mesh(mesh_of(BALL.vertices_mm, np.delete(BALL.faces, [first, apart], axis=0)))
    assert found(report) == {"open_edges": 6, "pinched_vertices": 1}


def test_cubes_on_one_edge_are_non_manifold_there_and_not_pinched() -> None:
    report = check_mesh(joined(CUBE, mesh_of(CUBE.vertices_mm + np.array([20, 20, 0]), CUBE.faces)))
    assert found(report) == {"non_manifold_edges": 1}
    assert report.parts == 1


def test_a_turned_face_is_miswound_on_its_three_edges() -> None:
    faces = BALL.faces.copy()
    faces[5] = faces[5, ::-1]
    assert found(check_mesh(mesh_of(BALL.vertices_mm, faces))) == {"miswound_edges": 3}


def test_a_hollow_is_a_cavity_and_no_part_of_its_own() -> None:
    inner = turned_inside_out(mesh_of(BALL.vertices_mm / 2, BALL.faces))
    report = check_mesh(joined(BALL, inner))
    assert found(report) == {"cavities": 1}
    assert report.parts == 1
    assert report.volume_mm3 == pytest.approx(BALL.signed_volume_mm3 * 7 / 8)


def test_an_inverted_part_beside_another_is_no_cavity() -> None:
    beside = turned_inside_out(mesh_of(BALL.vertices_mm + np.array([60, 0, 0]), BALL.faces))
    report = check_mesh(joined(BALL, beside))
    assert found(report) == {"inverted_shells": 1}
    assert report.parts == 2


def test_a_shell_inside_the_arm_of_a_torus_but_outside_its_ring_is_told_by_winding() -> None:
    ring = of(trimesh.creation.torus(30, 10))
    small = turned_inside_out(mesh_of(BALL.vertices_mm / 5, BALL.faces))
    assert found(check_mesh(joined(ring, small))) == {"inverted_shells": 1}
    inside = mesh_of(small.vertices_mm + np.array([30, 0, 0]), small.faces)
    assert found(check_mesh(joined(ring, inside))) == {"cavities": 1}


def test_a_triangle_of_no_area_is_named_and_does_not_open_the_mesh() -> None:
    faces = np.concatenate([CUBE.faces, [[0, 0, 1], [2, 3, 3]]])
    report = check_mesh(mesh_of(CUBE.vertices_mm, faces))
    assert found(report) == {"degenerate_triangles": 2}
    assert report.parts == 1


def test_a_t_junction_is_open_though_nothing_gapes() -> None:
    # one face of the cube is cut in two at the middle of an edge that its neighbour keeps whole
    a, b, c = CUBE.faces[0]
    middle = (CUBE.vertices_mm[a] + CUBE.vertices_mm[b]) / 2
    vertices = np.concatenate([CUBE.vertices_mm, [middle]])
    faces = np.concatenate([CUBE.faces[1:], [[a, 8, c], [8, b, c]]])
    report = check_mesh(mesh_of(vertices, faces))
    assert report.open_edges == 3
    assert report.self_intersections
    assert report.non_manifold_edges == 0


def test_a_flap_of_two_equal_faces_is_non_manifold_where_it_hangs() -> None:
    a, b, c = BALL.faces[3]
    tip = BALL.vertices_mm[[a, b, c]].mean(axis=0) * 1.2
    vertices = np.concatenate([BALL.vertices_mm, [tip]])
    number = len(BALL.vertices_mm)
    faces = np.concatenate([BALL.faces, [[a, b, number], [b, a, number]]])
    assert found(check_mesh(mesh_of(vertices, faces))) == {"non_manifold_edges": 1}


def test_two_equal_faces_alone_enclose_nothing() -> None:
    report = check_mesh(mesh_of([[0, 0, 0], [9, 1, 0], [2, 9, 5]], [[0, 1, 2], [0, 2, 1]]))
    assert found(report) == {"inverted_shells": 1}
    assert not report.is_sound


def test_a_coordinate_that_is_no_number_takes_the_measures_away() -> None:
    vertices = BALL.vertices_mm.copy()
    vertices[4, 1] = np.nan
    report = check_mesh(mesh_of(vertices, BALL.faces))
    assert report.bad_vertices == 1
    assert (report.volume_mm3, report.self_intersections, report.min_wall_mm) == (None, None, None)
    assert report.place(Fault.NOT_FINITE) is not None


def test_every_coordinate_infinite_or_no_face_at_all_is_a_report_too() -> None:
    gone = check_mesh(mesh_of(np.full_like(BALL.vertices_mm, np.inf), BALL.faces))
    assert gone.bad_vertices > 0
    assert gone.bounds_mm is None
    assert not check_mesh(mesh_of(np.zeros((0, 3)), np.zeros((0, 3)))).is_sound


def test_short_edges_close_without_a_trace() -> None:
    vertices = CUBE.vertices_mm.copy()
    a, b, c = CUBE.faces[0]
    vertices = np.concatenate([vertices, [vertices[a] + 1e-4]])
    other = next(
        k for k in range(1, 12) if {a, b} <= set(CUBE.faces[k].tolist())
    )  # the face beyond edge a-b
    d = (set(CUBE.faces[other].tolist()) - {a, b}).pop()
    faces = np.delete(CUBE.faces, [0, other], axis=0).tolist()
    faces += [[8, b, c], [a, 8, c], [8, d, b], [8, a, d]]
    fine = mesh_of(vertices, faces)
    assert check_mesh(fine).open_edges == 0
    closed = without_short_edges(fine)
    assert len(closed.faces) == 12
    assert check_mesh(closed).is_sound


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(len(CUBE.faces))), turn=st.integers(0, 2))
def test_the_report_does_not_depend_on_the_order_of_faces_and_corners(
    order: list[int], turn: int
) -> None:
    mesh = joined(CUBE, mesh_of(CUBE.vertices_mm + np.array([20, 20, 0]), CUBE.faces))
    faces = mesh.faces.copy()
    faces[: len(order)] = np.roll(faces[order], turn, axis=1)
    one, two = check_mesh(mesh), check_mesh(mesh_of(mesh.vertices_mm, faces))
    for field in dataclasses.fields(one):
        if field.name not in {
            "places",
            "min_wall_mm",
            "area_mm2",
            "volume_mm3",
            "smallest_part_cm3",
        }:
            assert getattr(one, field.name) == getattr(two, field.name), field.name


def test_fans_and_euler_agree_on_a_ball_with_handles() -> None:
    ring = of(trimesh.creation.torus(30, 8))
    assert euler_number(ring.faces) == 0
    assert len(pinched_vertices(ring.faces)) == 0
