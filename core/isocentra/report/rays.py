"""Rays against triangle meshes: the one place that knows embreex.

meshes ──► RayScene ──► cast: what each ray meets first
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh

__all__ = ["Hits", "RayScene"]

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What n rays met first; `mesh` and `triangle` are −1 where they met nothing."""

    mesh: npt.NDArray[np.int32]
    triangle: npt.NDArray[np.int32]
    weights: Float32s
    """(n, 3) barycentric weights of the triangle's corners."""
    distance_mm: Float32s


class RayScene:
    """Meshes ready for ray casting, in single precision about their common middle."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        ends = [m.vertices_mm for m in meshes if len(m.faces)]
        if not ends:
            raise ValueError("a scene without triangles")
        low = np.min([v.min(axis=0) for v in ends], axis=0)
        high = np.max([v.max(axis=0) for v in ends], axis=0)
        self._middle: Array64 = (low + high) / 2
        self.box_mm: tuple[Array64, Array64] = (low, high)
        """Lowest and highest x, y, z of all meshes, in LPS."""
        self._scene = EmbreeScene()
        self._kept = []  # embree numbers only what it was given: empty meshes are left out
        for number, mesh in enumerate(meshes):
            if len(mesh.faces):
                TriangleMesh(self._scene, (mesh.corners_mm - self._middle).astype(np.float32))
                self._kept.append(number)

    def cast(self, origins_mm: Array64, direction: npt.ArrayLike) -> Hits:
        """Cast rays from (n, 3) points along one direction, or (n, 3) unit vectors [mm]."""
        origins = (origins_mm - self._middle).astype(np.float32)
        along = np.broadcast_to(np.asarray(direction, dtype=np.float32), origins.shape)
        found = self._scene.run(origins, np.ascontiguousarray(along), output=1)
        u, v = found["u"], found["v"]
        missed = found["primID"] < 0
        number = np.asarray(self._kept, dtype=np.int32)[np.where(missed, 0, found["geomID"])]
        return Hits(
            mesh=np.where(missed, np.int32(-1), number),
            triangle=found["primID"],
            weights=np.stack([1 - u - v, u, v], axis=-1),
            distance_mm=found["tfar"],
        )
