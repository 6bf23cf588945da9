"""Mesh files: what is read is right or refused by name; what is written is read back exactly."""

from __future__ import annotations

import io
import locale
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from isocentra.errors import IsocentraError
from isocentra.mesh.check import check_mesh
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh, read_mesh_bytes
from isocentra.mesh.weld import snapped, welded_from_corners
from isocentra.mesh.write import BaseMaterial, obj_bytes, ply_bytes, stl_bytes, threemf_bytes

PLA = BaseMaterial(name="PLA", rgba=(200, 180, 160, 255))


def ball() -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=2, radius=21.7)
    return snapped(Mesh(vertices_mm=np.array(made.vertices) + 3.1, faces=np.array(made.faces)))


BALL = ball()
WRITERS: dict[str, Callable[[Mesh], bytes]] = {
    "part.stl": stl_bytes,
    "part.3mf": lambda mesh: threemf_bytes(mesh, title="bolus", material=PLA),
    "part.ply": ply_bytes,
    "part.obj": obj_bytes,
}
ASCII_PLY = b"""ply
format ascii 1.0
comment made by hand
element vertex 4
property double x
property double y
property float z
property uchar red
element face 2
property list uchar int vertex_indices
property float quality
end_header
0 0 0 1
4 0 0 2
4 4 0 3
0 4 0 4
4 0 1 2 3 0.5
3 0 2 1 0.5
"""


def ascii_stl(mesh: Mesh, line: str = "\n", end: str = "endsolid\n") -> str:
    rows = ["solid part"]
    for triangle in mesh.corners_mm:
        rows += ["facet normal 0 0 0", "  outer loop"]
        rows += ["    vertex {!r} {!r} {!r}".format(*map(float, p)) for p in triangle]
        rows += ["  endloop", "endfacet"]
    return line.join([*rows, end])


def refusal(data: bytes, name: str) -> IsocentraError:
    with pytest.raises(IsocentraError) as caught:
        read_mesh_bytes(data, name)
    return caught.value


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_back_the_same_triangles_bit_by_bit(name: str) -> None:
    again = read_mesh_bytes(WRITERS[name](BALL), name)
    assert np.array_equal(again.corners_mm, BALL.corners_mm)
    assert len(again.vertices_mm) == len(BALL.vertices_mm)


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_mesh_gives_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = WRITERS[name](BALL)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert WRITERS[name](BALL) == first
    assert b"20" + b"26-" not in first[:200]


def test_a_written_stl_is_binary_with_unit_normals_and_does_not_begin_with_solid() -> None:
    data = stl_bytes(BALL)
    assert len(data) == 84 + 50 * len(BALL.faces)
    assert not data.lower().startswith(b"solid")
    kind = [("normal", "<f4", 3), ("corners", "<f4", 9), ("attribute", "<u2")]
    records = np.frombuffer(data[84:], dtype=kind)
    assert np.allclose(np.linalg.norm(records["normal"], axis=1), 1, atol=1e-6)
    assert not records["attribute"].any()


def test_a_written_3mf_says_unit_material_and_title() -> None:
    package = zipfile.ZipFile(io.BytesIO(WRITERS["part.3mf"](BALL)))
    model = package.read("3D/3dmodel.model").decode()
    assert 'unit="millimeter"' in model
    assert 'name="PLA" displaycolor="#C8B4A0' in model
    assert '<metadata name="Title"' in model
    assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_locale_of_the_process_outlives_the_3mf_writer_and_reader() -> None:
    # lib3mf sets it to "C", in which text files without a named encoding become ASCII
    before = locale.setlocale(locale.LC_ALL)
    try:
        own = locale.setlocale(locale.LC_ALL, "C.UTF-8")
        read_mesh_bytes(WRITERS["part.3mf"](BALL), "part.3mf")
        assert locale.setlocale(locale.LC_ALL) == own
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_a_ply_carries_a_number_for_each_vertex() -> None:
    values = np.linspace(-1, 1, len(BALL.vertices_mm))
    data = ply_bytes(BALL, scalars={"distance_mm": values})
    assert b"property float distance_mm\n" in data
    back = trimesh.load(io.BytesIO(data), file_type="ply", process=False)
    stored = back.metadata["_ply_raw"]["vertex"]["data"]["distance_mm"]
    assert np.array_equal(np.ravel(stored), values.astype(np.float32))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.upper(),
        lambda text: text.replace("endsolid\n", ""),
        lambda text: text.replace(" ", "\t  "),
        lambda text: " ".join(text.split()),
        lambda text: text.replace("solid part", "solid vertex of a facet, normal"),
        lambda text: text.replace(".", ","),
        lambda text: "\n\n" + text,
    ],
)
def test_ascii_stl_is_read_by_its_words_however_it_is_laid_out(
    change: Callable[[str], str],
) -> None:
    mesh = read_mesh_bytes(change(ascii_stl(BALL)).encode(), "part.stl")
    assert np.array_equal(mesh.corners_mm, BALL.corners_mm)


def test_several_solids_in_one_ascii_file_are_all_read() -> None:
    other = Mesh(vertices_mm=BALL.vertices_mm + 64, faces=BALL.faces)
    mesh = read_mesh_bytes((ascii_stl(BALL) + ascii_stl(other)).encode(), "part.stl")
    assert len(mesh.faces) == 2 * len(BALL.faces)
    assert check_mesh(mesh).parts == 2


def test_a_number_that_is_none_stays_for_the_checks_to_find() -> None:
    text = ascii_stl(BALL)
    first = f"{float(BALL.corners_mm[0, 0, 0])!r}"
    mesh = read_mesh_bytes(text.replace(first, "nan", 1).encode(), "part.stl")
    assert check_mesh(mesh).bad_vertices == 1
    mesh = read_mesh_bytes(text.replace(first, "1e300", 1).encode(), "part.stl")
    assert check_mesh(mesh).bad_vertices == 1


def test_minus_zero_and_zero_are_one_place() -> None:
    corners = np.zeros((2, 3, 3))
    corners[0, 1, 0] = corners[1, 1, 1] = 1
    corners[1, 0] = -0.0
    corners[:, 2, 2] = 1
    assert len(welded_from_corners(corners).vertices_mm) == 4


def test_ply_polygons_become_triangles_and_other_columns_are_passed_over() -> None:
    mesh = read_mesh_bytes(ASCII_PLY, "part.ply")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 2, 1]]
    assert mesh.vertices_mm[2].tolist() == [4, 4, 0]


def test_big_endian_ply_with_polygons_of_both_kinds_is_read() -> None:
    header = (
        b"ply\nformat binary_big_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
        b"property float z\nelement face 2\nproperty list uchar uint vertex_index\nend_header\n"
    )
    points = np.array([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]], dtype=">f4").tobytes()
    faces = b"\x04" + np.array([0, 1, 2, 3], dtype=">u4").tobytes()
    faces += b"\x03" + np.array([0, 2, 1], dtype=">u4").tobytes()
    mesh = read_mesh_bytes(header + points + faces, "part.ply")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 2, 1]]
    cut = refusal(header + points + faces[:-1], "part.ply")
    assert cut.reason == "TRUNCATED"


def test_obj_counts_from_the_end_and_takes_texture_numbers() -> None:
    text = b"# cube\nv 0 0 0\nv 1 0 0\nv 0 1 0 1.0\nvt 0 0\nf 1/1/1 2//1 -1\n"
    assert read_mesh_bytes(text, "part.obj").faces.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("inch", 25.4), ("centimeter", 10.0), ("meter", 1000.0), ("micron", 0.001), ("foot", 304.8)],
)
def test_a_3mf_in_another_unit_is_brought_to_millimetres(unit: str, factor: float) -> None:
    old = zipfile.ZipFile(io.BytesIO(WRITERS["part.3mf"](BALL)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b'unit="millimeter"', f'unit="{unit}"'.encode())
            new.writestr(name, content)
    mesh = read_mesh_bytes(out.getvalue(), "part.3mf")
    assert np.allclose(mesh.corners_mm, BALL.corners_mm * factor, rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "part.stl", "BAD_MESH"),
        (b"solid nothing\nendsolid nothing\n", "part.stl", "BAD_MESH"),
        (bytes(84), "part.stl", "BAD_MESH"),
        (b"%PDF-1.7 and more text " * 20, "part.stl", "BAD_MESH"),
        (bytes(range(256)) * 8, "part.stl", "BAD_MESH"),
        (stl_bytes(BALL)[:-1], "part.stl", "TRUNCATED"),
        (stl_bytes(BALL)[:84], "part.stl", "TRUNCATED"),
        (stl_bytes(BALL) + b"x", "part.stl", "BAD_MESH"),
        (ascii_stl(BALL)[:5000].encode(), "part.stl", "TRUNCATED"),
        (ascii_stl(BALL).replace("vertex 3", "vertex x", 1).encode(), "part.stl", "BAD_MESH"),
        (WRITERS["part.3mf"](BALL)[:-30], "part.3mf", "TRUNCATED"),
        (b"PK\x03\x04" + bytes(100), "part.3mf", "TRUNCATED"),
        (ply_bytes(BALL)[:-5], "part.ply", "TRUNCATED"),
        (ASCII_PLY.replace(b"vertex 4", b"vertex 400000000000"), "part.ply", "TRUNCATED"),
        (ASCII_PLY.replace(b"\n4 0 1 2 3", b"\n4 0 1 2 9"), "part.ply", "BAD_MESH"),
        (ASCII_PLY.replace(b"\n4 0 1 2 3 0.5", b"\n9 0 1 2 3"), "part.ply", "BAD_MESH"),
        (ASCII_PLY.replace(b"double x", b"double w"), "part.ply", "BAD_MESH"),
        (ASCII_PLY.replace(b"property float z", b"property quad z"), "part.ply", "BAD_MESH"),
        (ASCII_PLY[:60], "part.ply", "BAD_MESH"),
        (b"v 0 0 0\nv 1 0 0\nf 1 2 3\n", "part.obj", "BAD_MESH"),
        (b"v 0 0\nf 1 1 1\n", "part.obj", "BAD_MESH"),
        (b"v 0 0 zero\n", "part.obj", "BAD_MESH"),
    ],
)
def test_what_is_no_mesh_is_refused_by_name(data: bytes, name: str, reason: str) -> None:
    error = refusal(data, name)
    assert error.reason == reason
    assert error.where.file == name
    assert error.do


def test_a_truncated_binary_stl_says_what_was_announced_and_found(mesh_files: Path) -> None:
    with pytest.raises(IsocentraError, match=r"1,064 triangles and holds 1,044"):
        read_mesh(mesh_files / "truncated.stl")


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.stl"):
        with pytest.raises(IsocentraError) as caught:
            read_mesh(path)
        assert caught.value.reason == "BAD_MESH"


def test_a_package_that_unpacks_beyond_the_limit_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for k in range(600):
            package.writestr(f"{k}", bytes(1_000_000))
    assert refusal(out.getvalue(), "part.3mf").reason == "LIMIT_EXCEEDED"


SEEDS = {name: write(BALL) for name, write in WRITERS.items()} | {
    "ascii.stl": ascii_stl(BALL).encode(),
    "ascii.ply": ASCII_PLY,
}


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(sorted(SEEDS)),
    place=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 60),
    put=st.binary(max_size=12),
)
def test_a_file_with_a_changed_place_is_read_or_refused_and_never_breaks_the_reader(
    name: str, place: float, cut: int, put: bytes
) -> None:
    data = SEEDS[name]
    at = int(place * len(data))
    try:
        mesh = read_mesh_bytes(data[:at] + put + data[at + cut :], name)
    except IsocentraError:
        return
    report = check_mesh(mesh)
    assert report.triangles == len(mesh.faces)
