"""The one place that imports numpy-stl: binary STL out."""

from __future__ import annotations

import io

import numpy as np
import stl

from isocentra.mesh.model import Mesh

__all__ = ["write_binary_stl"]


def write_binary_stl(mesh: Mesh, header: bytes) -> bytes:
    """Return a binary STL whose first 80 bytes are `header`, filled up with blanks."""
    records = np.zeros(len(mesh.faces), dtype=stl.mesh.Mesh.dtype)
    records["vectors"] = mesh.corners_mm
    records["normals"] = mesh.face_normals  # numpy-stl's own are not of unit length
    out = io.BytesIO()
    solid = stl.mesh.Mesh(records, calculate_normals=False)
    solid.save("part.stl", fh=out, mode=stl.Mode.BINARY, update_normals=False)
    return header.ljust(80)[:80] + out.getvalue()[80:]
