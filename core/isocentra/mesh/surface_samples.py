"""Evenly spread points on a surface, the same ones every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh

__all__ = ["SurfaceSamples", "face_normals", "sample_surface"]

PLASTIC = (0.7548776662466927, 0.5698402909980532)
"""1/ρ and 1/ρ², ρ the plastic number: a two-dimensional additive recurrence fills a square evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceSamples:
    """Points on a mesh and the share of the surface that each stands for."""

    points_mm: Array64
    """(n, 3) x, y, z in LPS. [mm]"""
    face: npt.NDArray[np.int64]
    """(n,) face that each lies on."""
    area_mm2: Array64
    """(n,) area that each stands for. [mm²]"""


def face_normals(mesh: Mesh) -> Array64:
    """(m, 3) unit normals of the faces; zero for a face without area."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(np.divide(normal, length, out=np.zeros_like(normal), where=length > 0))


def sample_surface(mesh: Mesh, area_per_point_mm2: float, most: int = 400_000) -> SurfaceSamples:
    """Spread points over the faces: one per face and more on faces above the area per point.

    Parameters
    ----------
    mesh
        Finite vertices.
    area_per_point_mm2
        Area that a point stands for at most, enlarged where that would take more than `most`. [mm²]
    """
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    step = max(area_per_point_mm2, float(area.sum()) / most)
    count = np.maximum(np.ceil(area / step), 1).astype(np.int64)
    face = np.repeat(np.arange(len(area)), count)
    serial = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    u, v = ((0.5 + share * serial) % 1.0 for share in PLASTIC)
    alone = count[face] == 1  # the centroid
    u = np.where(alone, 1 / 3, u)
    v = np.where(alone, 1 / 3, v)
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u)[:, None], np.where(fold, 1 - v, v)[:, None]
    points = (1 - u - v) * a[face] + u * b[face] + v * c[face]
    return SurfaceSamples(points_mm=points, face=face, area_mm2=area[face] / count[face])
