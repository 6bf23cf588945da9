"""How thin the thinnest wall is.

surface samples ──► rays inward ──► opposite face, nearly parallel? ──► thickness ──► thinnest patch

A wall is where the surface and the face that a ray inward leaves through look away from each other
(150° to 180°): a rounded edge never is one. The last of a wall before its edge, as far as it is
thick, is left out: a taper that ends in two lines of a printer would else be judged by how its end
is faceted. A knife's edge has no end face, and is found.

The thickness is the diameter of the ball that touches both sides: for planes at a small angle α it
is the ray's length times 2·tan(α/2)/tan(α), which is at most 7 % less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from isocentra.geometry.grid import Array64
from isocentra.mesh.embree_adapter import first_hits
from isocentra.mesh.model import Mesh
from isocentra.mesh.sampling import surface_points

__all__ = ["Walls", "min_wall_mm", "walls"]

OPPOSITE_COSINE = -np.cos(np.radians(30.0))
START_MM = 1e-3
"""Rays begin this far below the surface: above the float32 error of a 1 m part, below any wall."""
RAY_STEP_MM = 0.5
MOST_RAYS = 100_000
SMALLEST_PATCH_MM2 = 0.5
"""A thinner place than this much surface is a facet's corner, not a wall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """Thickness at points of the surface that face another side."""

    points_mm: Array64
    """(n, 3) x, y, z in LPS, thinnest first. [mm]"""
    thickness_mm: Array64
    """(n,) rising. [mm]"""
    area_mm2: Array64
    """(n,) area that each point stands for. [mm²]"""

    def thinnest(self) -> int | None:
        """Return the row where the thinner area reaches the smallest patch; None without walls."""
        if not len(self.thickness_mm):
            return None
        total = np.cumsum(self.area_mm2)
        return int(np.searchsorted(total, min(SMALLEST_PATCH_MM2, 0.5 * total[-1])))


def walls(mesh: Mesh) -> Walls:
    """Measure the walls of a closed mesh that is wound outward and does not cut itself."""
    step = max(RAY_STEP_MM, float(np.sqrt(mesh.area_mm2 / MOST_RAYS)))
    points, face = surface_points(mesh, step)
    normals = mesh.face_normals
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2 / np.bincount(face)
    inward = -normals[face]
    hits = first_hits(mesh, points + START_MM * inward, inward)
    met = hits.face >= 0
    cosine = np.einsum("ij,ij->i", normals[hits.face], -inward)
    wall = met & (cosine <= OPPOSITE_COSINE) & (area[face] > 0)
    thickness = (hits.distance_mm[wall] + START_MM) * _ball_share(cosine[wall])
    inner = np.flatnonzero(wall)[_away_from_edges(points[wall], thickness + step, points[~wall])]
    thickness = thickness[np.searchsorted(np.flatnonzero(wall), inner)]
    order = np.argsort(thickness, kind="stable")
    return Walls(
        points_mm=points[inner][order],
        thickness_mm=thickness[order],
        area_mm2=area[face][inner][order],
    )


def _away_from_edges(points: Array64, reach: Array64, edges: Array64) -> npt.NDArray[np.bool_]:
    """Tell which points of walls are further from every edge point than their reach."""
    everywhere = np.ones(len(points), dtype=np.bool_)
    if not len(points) or not len(edges):
        return everywhere
    away = cKDTree(edges).query(points)[0] > reach
    return np.asarray(away) if away.any() else everywhere


def _ball_share(cosine: Array64) -> npt.NDArray[np.float64]:
    """Diameter of the ball between two planes at angle α over the way across along a normal."""
    alpha = np.arccos(np.clip(-cosine, -1.0, 1.0))
    safe = np.maximum(alpha, 1e-6)
    return np.asarray(2 * np.tan(safe / 2) / np.tan(safe))


def min_wall_mm(mesh: Mesh) -> float | None:
    """Return the thickness of the thinnest wall [mm]; None where no two sides face each other."""
    found = walls(mesh)
    row = found.thinnest()
    return None if row is None else float(found.thickness_mm[row])
