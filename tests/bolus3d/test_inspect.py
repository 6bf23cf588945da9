"""`inspect` names every defect of a mesh by its check, and a good mesh passes all of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from isocentra.bolus3d.catalogue import printer
from isocentra.bolus3d.inspect import InspectResult, inspect_file, inspect_mesh
from isocentra.errors import BolusError, ReadingError
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh
from isocentra.result import as_json
from isocentra.verdict import Status

NAMES = (
    "finite no_degenerate_triangles closed edge_manifold winding outward vertex_manifold parts"
    " no_cavity no_self_intersection wall fits_printer unit_plausible"
).split()

KNOWN: dict[str, tuple[set[str], int, float]] = {
    # file: (checks that fail, triangles, cm³) by the README of the data
    "good_cup.stl": (set(), 1064, 22.765),
    "good_cup_lib3mf.3mf": (set(), 3696, 22.969),
    "binary_solid_header.stl": (set(), 1064, 22.765),
    "eclipse_cup.stl": (set(), 1064, 22.765),
    "clinical_nose_eclipse_ascii.stl": (set(), 1566, 13.294),
    "clinical_ear_eclipse_ascii_nonmanifold.stl": ({"edge_manifold"}, 2812, 23.914),
    "open_hole.stl": ({"closed"}, 1058, 21.514),
    "inverted.stl": ({"outward"}, 1064, -22.765),
    "mixed_winding.stl": ({"winding"}, 1064, 22.42),
    "selfint_two_spheres.stl": ({"parts", "no_self_intersection"}, 576, 64.389),
    "selfint_fold.stl": ({"no_self_intersection"}, 1064, 19.940),
    "nonmanifold_edge.stl": ({"edge_manifold"}, 24, 16.000),
    "island.stl": ({"parts"}, 1136, 22.771),
    "thin_0p3.stl": ({"wall"}, 1024, 1.131),
    "oversize_275mm.stl": ({"fits_printer"}, 992, 400.518),
    "unit_metres.stl": ({"unit_plausible"}, 1064, 0.0),
    "nan_vertex.stl": ({"finite"}, 1064, np.nan),
    "degenerate.stl": ({"no_degenerate_triangles"}, 1066, 22.765),
}
COUNTED = {
    "open_hole.stl": ("closed", 10),
    "mixed_winding.stl": ("winding", 12),
    "selfint_two_spheres.stl": ("no_self_intersection", 108),
    "selfint_fold.stl": ("no_self_intersection", 56),
    "clinical_ear_eclipse_ascii_nonmanifold.stl": ("edge_manifold", 1),
    "degenerate.stl": ("no_degenerate_triangles", 2),
    "island.stl": ("parts", 2),
    "nan_vertex.stl": ("finite", 1),
}


def with_status(result: InspectResult, status: Status) -> set[str]:
    return {check.name for check in result.checks if check.status is status}


@pytest.mark.parametrize("name", KNOWN)
def test_each_of_the_known_meshes_fails_its_own_check_and_no_other(
    name: str, mesh_files: Path
) -> None:
    result = inspect_file(mesh_files / name)
    failing, triangles, volume_cm3 = KNOWN[name]
    assert with_status(result, Status.FAIL) == failing
    assert result.status is (Status.FAIL if failing else Status.PASS)
    assert [check.name for check in result.checks] == NAMES
    assert result.mesh.triangles == triangles
    if np.isfinite(volume_cm3):
        assert result.mesh.volume_cm3 == pytest.approx(volume_cm3, abs=6e-4, rel=2e-5)
    else:
        assert result.mesh.volume_cm3 is None
    if not failing:
        assert with_status(result, Status.PASS) == set(NAMES)
    if name in COUNTED:
        check, found = COUNTED[name]
        assert next(c.value for c in result.checks if c.name == check) == found


def test_the_oversize_part_passes_on_the_larger_printer(mesh_files: Path) -> None:
    result = inspect_file(mesh_files / "oversize_275mm.stl", printer="raise3d-pro2")
    assert result.status is Status.PASS
    small = inspect_file(mesh_files / "oversize_275mm.stl")
    share = next(c.value for c in small.checks if c.name == "fits_printer")
    assert share is not None
    assert 1.0 < share < 275 / 205


def test_parts_that_were_declared_are_no_defect_but_an_island_stays_one(mesh_files: Path) -> None:
    cup = read_mesh(mesh_files / "good_cup.stl")
    two = Mesh(
        vertices_mm=np.concatenate([cup.vertices_mm, cup.vertices_mm + 80]),
        faces=np.concatenate([cup.faces, cup.faces + len(cup.vertices_mm)]),
    )
    machine = printer("ultimaker-2-plus")
    assert inspect_mesh(two, printer=machine, parts=2).status is Status.PASS
    assert with_status(inspect_mesh(two, printer=machine), Status.FAIL) == {"parts"}
    island = inspect_file(mesh_files / "island.stl", parts=2)
    assert with_status(island, Status.FAIL) == {"parts"}


def test_what_cannot_be_judged_is_incomplete_and_says_why(mesh_files: Path) -> None:
    broken = inspect_file(mesh_files / "nan_vertex.stl")
    assert with_status(broken, Status.INCOMPLETE) == set(NAMES) - {"finite"}
    hole = inspect_file(mesh_files / "open_hole.stl")
    assert with_status(hole, Status.INCOMPLETE) == {"outward", "no_cavity", "wall"}
    metres = inspect_file(mesh_files / "unit_metres.stl")
    assert with_status(metres, Status.INCOMPLETE) == {"wall", "fits_printer"}
    for result in (broken, hole, metres):
        assert all(c.message for c in result.checks)
        assert all(c.value is None for c in result.checks if c.status is Status.INCOMPLETE)


@pytest.mark.parametrize(
    ("factor", "status"),
    [
        (1.0, Status.PASS),
        (0.1, Status.INCOMPLETE),
        (1 / 25.4, Status.INCOMPLETE),
        (0.001, Status.FAIL),
        (1000.0, Status.FAIL),
    ],
)
def test_a_part_in_another_unit_is_doubted(factor: float, status: Status, mesh_files: Path) -> None:
    cup = read_mesh(mesh_files / "good_cup.stl")
    scaled = Mesh(vertices_mm=cup.vertices_mm * factor, faces=cup.faces)
    result = inspect_mesh(scaled, printer=printer("raise3d-pro2"))
    assert next(c.status for c in result.checks if c.name == "unit_plausible") is status


def test_a_small_solid_part_is_not_doubted() -> None:
    cube = trimesh.creation.box((20, 20, 20))
    mesh = Mesh(vertices_mm=np.array(cube.vertices), faces=np.array(cube.faces))
    assert inspect_mesh(mesh, printer=printer("ultimaker-2-plus")).status is Status.PASS


def test_a_pinch_and_a_hollow_fail_their_own_checks(mesh_files: Path) -> None:
    cup = read_mesh(mesh_files / "good_cup.stl")
    low = cup.vertices_mm[np.argmax(cup.vertices_mm[:, 2])]
    mirrored = Mesh(
        vertices_mm=np.concatenate(
            [cup.vertices_mm - low, (cup.vertices_mm - low) * np.array([1, 1, -1])]
        ),
        faces=np.concatenate([cup.faces, cup.faces[:, ::-1] + len(cup.vertices_mm)]),
    )
    machine = printer("ultimaker-2-plus")
    assert with_status(inspect_mesh(mirrored, printer=machine), Status.FAIL) == {"vertex_manifold"}
    ball = trimesh.creation.icosphere(subdivisions=3, radius=20)
    hollow = Mesh(
        vertices_mm=np.concatenate([ball.vertices, np.array(ball.vertices) / 2]),
        faces=np.concatenate([ball.faces, np.array(ball.faces)[:, ::-1] + len(ball.vertices)]),
    )
    assert with_status(inspect_mesh(hollow, printer=machine), Status.FAIL) == {"no_cavity"}


def test_a_file_that_is_no_mesh_or_half_of_one_is_an_error(
    mesh_files: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReadingError) as cut:
        inspect_file(mesh_files / "truncated.stl")
    assert cut.value.reason == "TRUNCATED"
    text = tmp_path / "letter.stl"
    text.write_text("Dear colleague,\n")
    with pytest.raises(BolusError) as none:
        inspect_file(text)
    assert none.value.reason == "BAD_MESH"


def test_the_result_is_json_with_the_identity_of_the_file(mesh_files: Path) -> None:
    one = inspect_file(mesh_files / "selfint_fold.stl")
    table = json.loads(as_json(one))
    assert table["schema"] == "isocentra.bolus.inspect.v1"
    assert table["status"] == "FAIL"
    assert table["mesh"]["self_intersections"] == 56
    assert len(table["inputs"][0]["sha256"]) == 64
    again = json.loads(as_json(inspect_file(mesh_files / "selfint_fold.stl")))
    del table["stages"], again["stages"]
    assert table == again
