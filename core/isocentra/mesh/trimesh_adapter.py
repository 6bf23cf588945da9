"""The one place that imports trimesh: PLY and OBJ out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import trimesh

from isocentra.mesh.model import Mesh

__all__ = ["write_obj", "write_ply"]


def _as_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(
        vertices=np.array(mesh.vertices_mm), faces=np.array(mesh.faces), process=False
    )


def write_ply(mesh: Mesh, scalars: dict[str, npt.NDArray[np.float32]]) -> bytes:
    """Return a binary little-endian PLY with a float32 property per vertex for each scalar."""
    part = _as_trimesh(mesh)
    for name, values in scalars.items():
        part.vertex_attributes[name] = np.asarray(values, dtype=np.float32)
    data = trimesh.exchange.ply.export_ply(part, encoding="binary", vertex_normal=False)
    return bytes(data).replace(b"comment https://github.com/mikedh/trimesh\n", b"", 1)


def write_obj(mesh: Mesh, digits: int) -> bytes:
    """Return an OBJ of vertices and faces with `digits` decimals."""
    text = trimesh.exchange.obj.export_obj(  # type: ignore[no-untyped-call]
        _as_trimesh(mesh), include_normals=False, include_color=False, digits=digits, header=None
    )
    return str(text).encode("ascii")
