"""Meshes out: the bytes of STL, 3MF, PLY and OBJ, the same for the same mesh.

snapped Mesh ──► stl_bytes │ threemf_bytes (unit, material) │ ply_bytes (scalars) │ obj_bytes

Every file holds the vertices as float32 without further rounding, so that what is printed is what
was checked; no file holds a time, a user or a patient.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isocentra.mesh.lib3mf_adapter import BaseMaterial, write_3mf
from isocentra.mesh.model import Mesh
from isocentra.mesh.stl_adapter import write_binary_stl
from isocentra.mesh.trimesh_adapter import write_obj, write_ply

__all__ = ["BaseMaterial", "obj_bytes", "ply_bytes", "stl_bytes", "threemf_bytes"]

STL_HEADER = b"Isocentra binary STL, LPS patient coordinates, mm"
"""Must not begin with "solid": some readers then take the file for ASCII."""
OBJ_DIGITS = 16
"""Decimals of a multiple of 2⁻¹⁶ mm."""


def stl_bytes(mesh: Mesh) -> bytes:
    """Return a binary STL; float32 vertices, unit normals, attribute 0."""
    return write_binary_stl(mesh, STL_HEADER)


def threemf_bytes(mesh: Mesh, *, title: str, material: BaseMaterial) -> bytes:
    """Return a 3MF package: unit millimetre, one object with a base material and a title."""
    return write_3mf(mesh, title=title, material=material)


def ply_bytes(
    mesh: Mesh, *, scalars: Mapping[str, npt.NDArray[np.floating]] | None = None
) -> bytes:
    """Return a binary PLY; `scalars` are (n,) values per vertex, their names with the unit."""
    values = {name: np.asarray(v, dtype=np.float32) for name, v in (scalars or {}).items()}
    return write_ply(mesh, values)


def obj_bytes(mesh: Mesh) -> bytes:
    """Return an OBJ of vertices and faces."""
    return write_obj(mesh, OBJ_DIGITS)
