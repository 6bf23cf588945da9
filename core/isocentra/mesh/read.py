"""Meshes from outside: STL (binary and ASCII), 3MF, PLY and OBJ, none of them trusted.

bytes ──► what is it really? (content, not suffix) ──► its reader ──► welded Mesh, or a typed error

Every coordinate becomes the float32 that a printer's software would see. Faults that a mesh can
carry (NaN, triangles without area, holes) are kept: they are findings of `check_mesh`, not errors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isocentra.errors import BolusError, ReadingError, Where
from isocentra.mesh.lib3mf_adapter import read_3mf
from isocentra.mesh.model import Mesh
from isocentra.mesh.read_ply import read_obj, read_ply
from isocentra.mesh.read_stl import corners_of_ascii_stl, corners_of_binary_stl, is_binary_stl
from isocentra.mesh.weld import welded, welded_from_corners, without_unused_vertices

__all__ = ["read_mesh", "read_mesh_bytes"]

LARGEST_FILE_BYTES = 256 * 1024 * 1024
MOST_TRIANGLES = 4_000_000


def read_mesh(path: Path) -> Mesh:
    """Read a mesh file; vertices of bit-equal position are one.

    Parameters
    ----------
    path
        STL, 3MF, PLY or OBJ, told by its content. 3MF states its unit and is brought to mm; the
        others are taken as mm.

    Raises
    ------
    ReadingError
        ``TRUNCATED`` (says how many triangles were announced and found), ``LIMIT_EXCEEDED``.
    BolusError
        ``BAD_MESH``: no mesh, or none that can be understood.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise _too_large(f"{size:,} bytes; at most {LARGEST_FILE_BYTES:,} are read", path.name)
        data = path.read_bytes()
    except OSError as error:
        raise BolusError(
            "BAD_MESH",
            f"The file cannot be opened ({error.strerror}).",
            where=Where(file=path.name),
            do="Give the path of a readable STL, 3MF, PLY or OBJ file.",
        ) from error
    return read_mesh_bytes(data, path.name)


def read_mesh_bytes(data: bytes, name: str) -> Mesh:
    """Read a mesh from the bytes of a file called `name`; see `read_mesh`."""
    if len(data) > LARGEST_FILE_BYTES:
        raise _too_large(f"{len(data):,} bytes; at most {LARGEST_FILE_BYTES:,} are read", name)
    with np.errstate(over="ignore", invalid="ignore"):
        # a signalling NaN and what is too large for float32 are findings of the checks
        mesh = _read(data, name)
    if len(mesh.faces) > MOST_TRIANGLES:
        raise _too_large(f"{len(mesh.faces):,} triangles; at most {MOST_TRIANGLES:,}", name)
    if not len(mesh.faces):
        raise BolusError(
            "BAD_MESH",
            "The file holds no triangles.",
            where=Where(file=name),
            do="Export the mesh again; look at the file in a viewer.",
        )
    return mesh


def _read(data: bytes, name: str) -> Mesh:
    if is_binary_stl(data):
        return welded_from_corners(corners_of_binary_stl(data))
    if data[:4] == b"PK\x03\x04":
        return _as_printed(read_3mf(data, name))
    if data[:4].rstrip() == b"ply":
        return _as_printed(read_ply(data, name))
    if Path(name).suffix.lower() == ".obj":
        return _as_printed(read_obj(data, name))
    return welded_from_corners(corners_of_ascii_stl(data, name))


def _as_printed(mesh: Mesh) -> Mesh:
    """Round to float32 and weld, as for a file of loose triangles."""
    single = mesh.vertices_mm.astype(np.float32).astype(np.float64)
    joined = welded(Mesh(vertices_mm=single, faces=mesh.faces))
    return without_unused_vertices(joined.vertices_mm, joined.faces)


def _too_large(what: str, name: str) -> ReadingError:
    return ReadingError(
        "LIMIT_EXCEEDED",
        f"The mesh has {what}.",
        where=Where(file=name),
        do="Export the part alone, with fewer triangles.",
    )
