"""A triangle mesh in patient coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["Faces", "Mesh"]

Faces = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Triangles over shared vertices, counter-clockwise seen from outside.

    Both arrays are made read-only. Nothing is promised about closedness: see `isocentra.mesh`'s
    checks for that.
    """

    vertices_mm: Array64
    """(n, 3) x, y, z in LPS. [mm]"""
    faces: Faces
    """(m, 3) vertex rows."""

    def __post_init__(self) -> None:
        if self.vertices_mm.ndim != 2 or self.vertices_mm.shape[1] != 3:
            raise TypeError(f"vertices of shape {self.vertices_mm.shape}")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise TypeError(f"faces of shape {self.faces.shape}")
        self.vertices_mm.setflags(write=False)
        self.faces.setflags(write=False)

    @property
    def corners_mm(self) -> Array64:
        """(m, 3, 3) corner points of each triangle. [mm]."""
        return np.asarray(self.vertices_mm[self.faces])

    @property
    def signed_volume_mm3(self) -> float:
        """Volume by the divergence theorem, Σ a·(b×c)/6; negative for an inverted mesh. [mm³]."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

    @property
    def area_mm2(self) -> float:
        """Sum of the triangles' areas. [mm²]."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)

    @property
    def finite_vertices(self) -> npt.NDArray[np.bool_]:
        """(n,) whether all three coordinates are numbers."""
        return np.asarray(np.isfinite(self.vertices_mm).all(axis=1), dtype=np.bool_)

    @property
    def face_normals(self) -> Array64:
        """(m, 3) unit normals, outward for an outward mesh; zero for a triangle without area."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return np.asarray(np.divide(normal, length, out=np.zeros_like(normal), where=length > 0))
