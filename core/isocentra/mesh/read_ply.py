"""PLY (ASCII and binary) and OBJ: vertices and polygons, nothing else of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.errors import BolusError, IsocentraError, ReadingError, Where, printable
from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Faces, Mesh

__all__ = ["read_obj", "read_ply"]

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
LONGEST_HEADER_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class _Property:
    name: str
    kind: str
    length_kind: str = ""
    """Type of a list's length; empty for a single value."""


@dataclass(slots=True, kw_only=True)
class _Element:
    name: str
    count: int
    properties: list[_Property]

    @property
    def row(self) -> np.dtype[np.void] | None:
        """Return the record of a row without lists; None with one."""
        if any(p.length_kind for p in self.properties):
            return None
        return np.dtype([(f"{k}", p.kind) for k, p in enumerate(self.properties)])


def read_ply(data: bytes, name: str) -> Mesh:
    """Read the vertex and face elements of a PLY; polygons become fans of triangles.

    Raises
    ------
    ReadingError
        ``TRUNCATED``: fewer rows than the header announces.
    BolusError
        ``BAD_MESH``: a header or a row that is not understood.
    """
    end = data.find(b"end_header", 0, LONGEST_HEADER_BYTES)
    start = data.find(b"\n", end) + 1
    if end < 0 or not start:
        raise _bad("the PLY header has no end", name)
    layout, elements = _header(data[:end].decode("latin-1"), name)
    body = data[start:]
    rows = sum(element.count for element in elements)
    if rows > len(body):  # a row takes at least a byte
        raise _truncated(f"{rows:,} rows announced in {len(body):,} bytes", name)
    reader = _read_ascii if layout == "ascii" else _read_binary
    vertices, polygons = reader(body, elements, layout, name)
    return _mesh(vertices, polygons, name)


def _header(text: str, name: str) -> tuple[str, list[_Element]]:
    layout = ""
    elements: list[_Element] = []
    for line in text.splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", ("ascii" | "binary_little_endian" | "binary_big_endian") as kind, *_]:
                layout = kind
            case ["element", label, count] if count.isascii() and count.isdigit():
                elements.append(_Element(name=label, count=int(count[:18]), properties=[]))
            case ["property", "list", length, kind, label] if (
                elements and TYPES.get(length, "f")[0] != "f" and kind in TYPES
            ):
                elements[-1].properties.append(
                    _Property(name=label, kind=TYPES[kind], length_kind=TYPES[length])
                )
            case ["property", kind, label] if elements and kind in TYPES:
                elements[-1].properties.append(_Property(name=label, kind=TYPES[kind]))
            case [] | ["comment" | "obj_info", *_]:
                pass
            case _:
                raise _bad(f"PLY header line not understood: {printable(line, 60)}", name)
    names = [element.name for element in elements]
    if not layout or names.count("vertex") != 1 or names.count("face") != 1:
        raise _bad("the PLY header does not announce one list of vertices and one of faces", name)
    return layout, elements


Polygons = list[npt.NDArray[np.int64]]
"""Corner numbers by polygon, or arrays (n, k) of polygons with k corners."""


def _columns(element: _Element, name: str) -> list[int]:
    labels = [p.name for p in element.properties]
    if not {"x", "y", "z"} <= set(labels) or element.row is None:
        raise _bad("the PLY vertices have no x, y and z", name)
    return [labels.index(axis) for axis in "xyz"]


def _read_ascii(
    body: bytes, elements: list[_Element], layout: str, name: str
) -> tuple[Array64, Polygons]:
    del layout
    lines = iter([line for line in body.splitlines() if line.strip()])
    vertices = np.empty((0, 3))
    polygons: Polygons = []
    for element in elements:
        rows = _numbers(lines, element, name)
        if element.name == "vertex":
            columns = _columns(element, name)
            if any(len(row) != len(element.properties) for row in rows):
                raise _bad("a PLY vertex has not the announced number of values", name)
            vertices = np.array([[row[k] for k in columns] for row in rows]).reshape(-1, 3)
        elif element.name == "face":
            polygons = [_ascii_polygon(row, element, name) for row in rows]
    return vertices, polygons


def _numbers(lines: Iterator[bytes], element: _Element, name: str) -> list[list[float]]:
    rows = []
    for number in range(element.count):
        line = next(lines, None)
        if line is None:
            raise _truncated(f"{element.count:,} rows announced, {number:,} found", name)
        try:
            rows.append([float(word) for word in line.split()])
        except ValueError as error:
            shown = printable(line.decode("latin-1"), 60)
            raise _bad(f"PLY row that is not numbers: {shown}", name) from error
    return rows


def _ascii_polygon(row: list[float], element: _Element, name: str) -> npt.NDArray[np.int64]:
    """Find the list of corners within a row of values and lists."""
    place = 0
    for prop in element.properties:
        if not prop.length_kind:
            place += 1
            continue
        length = row[place] if place < len(row) else -1.0
        if not 0 <= length <= len(row) - place - 1:
            break
        values = row[place + 1 : place + 1 + int(length)]
        place += 1 + int(length)
        if prop.name in {"vertex_indices", "vertex_index"}:
            if not all(abs(v) < 2**31 for v in values):
                break
            return np.array(values, dtype=np.int64)
    raise _bad("a PLY face has no whole list of corners", name)


def _read_binary(
    body: bytes, elements: list[_Element], layout: str, name: str
) -> tuple[Array64, Polygons]:
    order = "<" if layout == "binary_little_endian" else ">"
    place = 0
    vertices = np.empty((0, 3))
    polygons: Polygons = []
    for element in elements:
        row = element.row
        if row is not None:
            row = row.newbyteorder("<" if order == "<" else ">")
            size = row.itemsize * element.count
            if place + size > len(body):
                raise _truncated(f"{element.count:,} rows announced", name)
            table = np.frombuffer(body, dtype=row, offset=place, count=element.count)
            if element.name == "vertex":
                columns = _columns(element, name)
                vertices = np.stack([table[f"{k}"].astype(np.float64) for k in columns], axis=1)
            place += size
        else:
            found, place = _binary_lists(body, element, order, place, name)
            polygons = found if element.name == "face" else polygons
    return vertices, polygons


def _binary_lists(
    body: bytes, element: _Element, order: str, place: int, name: str
) -> tuple[Polygons, int]:
    """Read rows with lists: at once when all are triangles, else one by one."""
    corner = next(
        (p for p in element.properties if p.name in {"vertex_indices", "vertex_index"}), None
    )
    fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = []
    for k, prop in enumerate(element.properties):
        if prop.length_kind:
            fields += [(f"n{k}", order + prop.length_kind), (f"v{k}", order + prop.kind, (3,))]
        else:
            fields.append((f"v{k}", order + prop.kind))
    row = np.dtype(fields)
    if corner is not None and place + row.itemsize * element.count <= len(body):
        table = np.frombuffer(body, dtype=row, offset=place, count=element.count)
        lists = [k for k, prop in enumerate(element.properties) if prop.length_kind]
        if all((table[f"n{k}"] == 3).all() for k in lists):
            values = table[f"v{element.properties.index(corner)}"].astype(np.int64)
            return [values], place + row.itemsize * element.count
    polygons: Polygons = []
    for _ in range(element.count):
        for prop in element.properties:
            count = 1
            if prop.length_kind:
                length, place = _take(body, order + prop.length_kind, 1, place, name)
                count = max(int(length[0]), 0)
            taken, place = _take(body, order + prop.kind, count, place, name)
            if prop is corner:
                polygons.append(taken.astype(np.int64))
    return polygons, place


def _take(
    body: bytes, kind: str, count: int, place: int, name: str
) -> tuple[npt.NDArray[np.generic], int]:
    size = np.dtype(kind).itemsize * count
    if place + size > len(body):
        raise _truncated(f"the data end at byte {len(body):,} of the body", name)
    return np.frombuffer(body, dtype=kind, offset=place, count=count), place + size


def read_obj(data: bytes, name: str) -> Mesh:
    """Read the `v` and `f` lines of an OBJ; polygons become fans of triangles.

    Raises
    ------
    BolusError
        ``BAD_MESH``: a line that is not understood, or none of them there.
    """
    vertices: list[list[float]] = []
    polygons: Polygons = []
    for number, line in enumerate(data.decode("latin-1").replace("\\\n", " ").splitlines(), 1):
        words = line.split("#", 1)[0].split()
        try:
            if words[:1] == ["v"]:
                vertices.append([float(word) for word in words[1:4]])
            elif words[:1] == ["f"]:
                corners = [int(word.split("/", 1)[0]) for word in words[1:]]
                count = len(vertices)
                polygons.append(
                    np.array([k - 1 if k > 0 else count + k for k in corners], dtype=np.int64)
                )
        except (ValueError, OverflowError) as error:
            raise _bad(f"OBJ line {number}: {printable(line, 60)}", name) from error
    if any(len(vertex) != 3 for vertex in vertices):
        raise _bad("an OBJ vertex has not three coordinates", name)
    if not vertices or not polygons:
        raise _bad("the OBJ file has no vertices or no faces", name)
    return _mesh(np.array(vertices).reshape(-1, 3), polygons, name)


def _mesh(vertices: Array64, polygons: Polygons, name: str) -> Mesh:
    """Fan the polygons and hold every corner against the vertices that are there."""
    fans: list[Faces] = []
    for polygon in polygons:
        table = np.atleast_2d(polygon)
        if table.shape[1] < 3:
            raise _bad(f"a face has {table.shape[1]} corners", name)
        fans.extend(table[:, [0, k, k + 1]] for k in range(1, table.shape[1] - 1))
    faces = np.concatenate(fans) if fans else np.empty((0, 3), dtype=np.int64)
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise _bad(f"a face names corner {int(faces.max())} of {len(vertices):,} vertices", name)
    return Mesh(vertices_mm=vertices, faces=faces)


def _bad(what: str, name: str) -> BolusError:
    return BolusError(
        "BAD_MESH",
        f"The file cannot be read as a mesh: {what}.",
        where=Where(file=name),
        do="Export the part as STL or 3MF and give that file.",
    )


def _truncated(what: str, name: str) -> IsocentraError:
    return ReadingError(
        "TRUNCATED",
        f"The PLY file ends before its last row: {what}.",
        where=Where(file=name),
        do="Copy or export the file again.",
    )
