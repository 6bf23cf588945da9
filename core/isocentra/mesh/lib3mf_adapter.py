"""The one place that imports lib3mf: 3MF in and out."""

from __future__ import annotations

import io
import locale
import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lib3mf
import numpy as np
import numpy.typing as npt
from lib3mf.Lib3MF import ELib3MFException, Position, Triangle

from isocentra.errors import BolusError, IsocentraError, ReadingError, Where
from isocentra.mesh.model import Mesh

__all__ = ["BaseMaterial", "read_3mf", "write_3mf"]

MOST_UNPACKED_BYTES = 512 * 1024 * 1024
MOST_ENTRIES = 1000
MM_PER_UNIT = {
    lib3mf.ModelUnit.MicroMeter: 0.001,
    lib3mf.ModelUnit.MilliMeter: 1.0,
    lib3mf.ModelUnit.CentiMeter: 10.0,
    lib3mf.ModelUnit.Inch: 25.4,
    lib3mf.ModelUnit.Foot: 304.8,
    lib3mf.ModelUnit.Meter: 1000.0,
}
VERTICES = re.compile(rb"(<vertices>).*?(</vertices>)", re.DOTALL)
MODEL = "3D/3dmodel.model"
EARLIEST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseMaterial:
    """What 3MF says about the material of a part."""

    name: str
    rgba: tuple[int, int, int, int] = (200, 200, 200, 255)


@contextmanager
def _own_locale() -> Iterator[None]:
    """Put the process's locale back: lib3mf's writer leaves it at "C" for all that runs after.

    In the C locale Python writes and reads text files as ASCII where no encoding is named.
    """
    before = locale.setlocale(locale.LC_ALL)
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, before)


@_own_locale()
def read_3mf(data: bytes, name: str) -> Mesh:
    """Read everything that a 3MF file builds, placed and scaled to mm, as one mesh.

    Raises
    ------
    ReadingError
        ``TRUNCATED`` or ``LIMIT_EXCEEDED``: the package is cut off, or unpacks beyond the limit.
    BolusError
        ``BAD_MESH``: not understood, or nothing in it is to be built.
    """
    _check_package(data, name)
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(StrictModeActive=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part.3mf"
            path.write_bytes(data)
            reader.ReadFromFile(str(path))
        scale = MM_PER_UNIT[model.GetUnit()]
        objects = model.MergeToModel().GetMeshObjects()
        vertices, faces, count = [], [], 0
        while objects.MoveNext():
            item = objects.GetCurrentMeshObject()
            points = [p.Coordinates[:] for p in item.GetVertices()]
            corners = [t.Indices[:] for t in item.GetTriangleIndices()]
            vertices.append(np.array(points, dtype=np.float64).reshape(-1, 3))
            faces.append(np.array(corners, dtype=np.int64).reshape(-1, 3) + count)
            count += len(points)
    except ELib3MFException as error:
        raise _bad("the 3MF reader does not accept it", name) from error
    if not vertices:
        raise _bad("the 3MF file builds no part", name)
    return Mesh(vertices_mm=np.concatenate(vertices) * scale, faces=np.concatenate(faces))


def _check_package(data: bytes, name: str) -> None:
    """Look at the package's directory before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise ReadingError(
            "TRUNCATED",
            f"The 3MF package of {len(data):,} bytes has no readable directory at its end.",
            where=Where(file=name),
            do="Copy or export the file again.",
        ) from error
    total = sum(entry.file_size for entry in entries)
    if total > MOST_UNPACKED_BYTES or len(entries) > MOST_ENTRIES:
        raise ReadingError(
            "LIMIT_EXCEEDED",
            f"The 3MF package unpacks to {total:,} bytes in {len(entries)} files.",
            where=Where(file=name),
            do="Export the part alone, with fewer triangles.",
        )


@_own_locale()
def write_3mf(mesh: Mesh, *, title: str, material: BaseMaterial) -> bytes:
    """Return a 3MF package in mm with one object of one base material.

    The same mesh, title and material give the same bytes: the identifiers follow from the content
    and the package is packed again with fixed dates. lib3mf prints coordinates with an error of up
    to 4·10⁻⁶ mm (3.8·10⁻⁶ on the cup of the tests), so they are printed anew, as float32 exactly.
    """
    wrapper = lib3mf.get_wrapper()
    model = wrapper.CreateModel()
    model.SetUnit(lib3mf.ModelUnit.MilliMeter)
    model.GetMetaDataGroup().AddMetaData("", "Title", title, "xs:string", MustPreserve=True)
    model.GetMetaDataGroup().AddMetaData(
        "", "Application", "Isocentra", "xs:string", MustPreserve=True
    )
    part = model.AddMeshObject()
    part.SetName(title)
    points = np.ascontiguousarray(mesh.vertices_mm, dtype=np.float32)
    corners = np.ascontiguousarray(mesh.faces, dtype=np.uint32)
    part.SetGeometry(
        (Position * len(points)).from_buffer_copy(points.tobytes()),
        (Triangle * len(corners)).from_buffer_copy(corners.tobytes()),
    )
    group = model.AddBaseMaterialGroup()
    number = group.AddMaterial(material.name, wrapper.RGBAToColor(*material.rgba))
    part.SetObjectLevelProperty(group.GetResourceID(), number)
    item = model.AddBuildItem(part, wrapper.GetIdentityTransform())
    content = uuid.uuid5(uuid.NAMESPACE_OID, points.tobytes().hex() + corners.tobytes().hex())
    part.SetUUID(str(uuid.uuid5(content, "object")))
    item.SetUUID(str(uuid.uuid5(content, "item")))
    model.SetBuildUUID(str(uuid.uuid5(content, "build")))
    writer = model.QueryWriter("3mf")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.3mf"
        writer.WriteToFile(str(path))
        return _packed_again(path.read_bytes(), points)


def _exact_vertices(points: npt.NDArray[np.float32]) -> bytes:
    """Print (n, 3) points with the fewest digits that give back the same float32."""
    rows = ('<vertex x="{}" y="{}" z="{}"/>'.format(*map(str, row)) for row in points)
    return "\n".join(rows).encode("ascii")


def _packed_again(data: bytes, points: npt.NDArray[np.float32]) -> bytes:
    """Pack a 3MF with exact vertices, its entries in the order of their names, without a time."""
    vertices = _exact_vertices(points)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, EARLIEST_ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            content = old.read(name)
            if name == MODEL:
                content = VERTICES.sub(lambda m: m[1] + vertices + m[2], content)
            new.writestr(entry, content, compresslevel=6)
    return out.getvalue()


def _bad(what: str, name: str) -> IsocentraError:
    return BolusError(
        "BAD_MESH",
        f"The file cannot be read as a mesh: {what}.",
        where=Where(file=name),
        do="Export the part as STL or 3MF and give that file.",
    )
