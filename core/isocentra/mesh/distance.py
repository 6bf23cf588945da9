"""Distance to a surface: fast and signed for fields, exact for figures.

mesh ──► k-d tree of vertices + normals ──► SurfaceDistance.signed   (plane of the nearest vertex)
mesh ──► box tree of triangles          ──► ExactDistance.nearest    (foot on the nearest triangle)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from isocentra.geometry.grid import Array64
from isocentra.mesh.boxes import BoxTree
from isocentra.mesh.model import Mesh

__all__ = ["ExactDistance", "Nearest", "SurfaceDistance", "vertex_normals"]

Numbers = npt.NDArray[np.int64]

SIDEWAYS_MM = 2.0
"""Beyond this way along the tangent plane the foot is not near the vertex: the plane is left."""
LEAF = 64
"""Vertices in a leaf of the tree: points far from the surface look at many of them anyway and are
found in half the time that leaves of 16 take; near points cost the same."""
BLOCK = 1 << 16
"""Points asked at a time: keeps the temporaries below 200 MB."""


def vertex_normals(mesh: Mesh) -> Array64:
    """(n, 3) unit normals of the vertices, faces weighted by the angle they have there.

    Notes
    -----
    Thürmer and Wüthrich, J. Graphics Tools 3:43, 1998: weighting by angle does not depend on how a
    face is cut into triangles.
    """
    corners = mesh.corners_mm
    total = np.zeros_like(np.asarray(mesh.vertices_mm, dtype=np.float64))
    normal = mesh.face_normals
    for k in range(3):
        one = corners[:, (k + 1) % 3] - corners[:, k]
        two = corners[:, (k + 2) % 3] - corners[:, k]
        angle = np.arctan2(
            np.linalg.norm(np.cross(one, two), axis=1), np.einsum("ij,ij->i", one, two)
        )
        for axis in range(3):
            total[:, axis] += np.bincount(
                mesh.faces[:, k], weights=angle * normal[:, axis], minlength=len(total)
            )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.divide(total, length, out=np.zeros_like(total), where=length > 0))


class SurfaceDistance:
    """Signed distance to a finely triangulated surface, which may be open.

    Parameters
    ----------
    mesh
        Outward, with edges of at most about 0.6 mm where the distance is to be good to 0.01 mm.
    """

    def __init__(self, mesh: Mesh) -> None:
        used = np.unique(mesh.faces)
        self._vertices = np.asarray(mesh.vertices_mm[used], dtype=np.float64)
        self._normals = vertex_normals(mesh)[used]
        self._tree = cKDTree(self._vertices, leafsize=LEAF)

    def signed(self, points_mm: npt.ArrayLike) -> Array64:
        """Signed distance of (n, 3) points; negative inside. [mm]."""
        return self.signed_and_foot(points_mm)[0]

    def signed_and_foot(self, points_mm: npt.ArrayLike) -> tuple[Array64, Array64]:
        """Signed distance (n,) of (n, 3) points, negative inside, and their feet (n, 3). [mm].

        Notes
        -----
        (x − v)·n with v the nearest vertex and n its normal; the foot is x moved back along n.
        Where x lies further sideways of v than the vertex spacing explains (a crease seen from
        beyond its medial axis, the border of an open mesh), the length of x − v with the sign of
        the plane is taken, and v is the foot.
        """
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        length, vertex = self._tree.query(points)
        nearest, normal = self._vertices[vertex], self._normals[vertex]
        height = np.einsum("ij,ij->i", points - nearest, normal)
        beyond = length**2 - height**2 > SIDEWAYS_MM**2
        distance = np.where(beyond, np.where(height < 0, -length, length), height)
        foot = np.where(beyond[:, None], nearest, points - height[:, None] * normal)
        return distance, foot


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The nearest place on a surface for each of n points."""

    distance_mm: Array64
    """(n,) not signed. [mm]"""
    foot_mm: Array64
    """(n, 3) x, y, z in LPS. [mm]"""
    face: Numbers
    """(n,) face that the foot lies on."""


class ExactDistance:
    """Distance to the triangles themselves, for triangles of any size.

    Parameters
    ----------
    mesh
        At least one face, finite vertices.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._corners = np.asarray(mesh.corners_mm, dtype=np.float64)
        self._vertices = cKDTree(self._corners.reshape(-1, 3))
        self._boxes = BoxTree(self._corners.min(axis=1), self._corners.max(axis=1))

    def nearest(self, points_mm: npt.ArrayLike) -> Nearest:
        """Find the nearest place on the mesh for (n, 3) points. [mm]."""
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        blocks = [
            self._nearest(points[start : start + BLOCK])
            for start in range(0, max(len(points), 1), BLOCK)
        ]
        return Nearest(
            distance_mm=np.concatenate([b.distance_mm for b in blocks]),
            foot_mm=np.concatenate([b.foot_mm for b in blocks]),
            face=np.concatenate([b.face for b in blocks]),
        )

    def _nearest(self, points: Array64) -> Nearest:
        # the nearest corner bounds the distance; one of its own triangles bounds it closer
        bound, corner = self._vertices.query(points)
        foot = _feet(points, self._corners[corner // 3])
        bound = np.minimum(bound, np.linalg.norm(points - foot, axis=1))
        pairs = self._boxes.within(points, bound * (1 + 1e-12) + 1e-12)
        order = np.argsort(pairs[:, 0], kind="stable")
        point, face = pairs[order].T
        feet = _feet(points[point], self._corners[face])
        distance = np.linalg.norm(points[point] - feet, axis=1)
        best = np.lexsort((face, distance, point))
        first = best[np.searchsorted(point[best], np.arange(len(points)))] if len(points) else best
        return Nearest(distance_mm=distance[first], foot_mm=feet[first], face=face[first])


def _feet(points: Array64, corners: Array64) -> Array64:
    """Return the nearest point of each (n, 3, 3) triangle to its point.

    Notes
    -----
    Regions of the barycentric plane, Ericson, Real-Time Collision Detection (2005), 5.1.5; the foot
    is the plane's where it falls inside, else the nearest of the three edges'.
    """
    a, b, c = np.moveaxis(corners, 1, 0)
    best = _foot_on_segment(points, a, b)
    square = ((points - best) ** 2).sum(axis=1)
    for start, stop in ((b, c), (c, a)):
        foot = _foot_on_segment(points, start, stop)
        other = ((points - foot) ** 2).sum(axis=1)
        nearer = other < square
        best[nearer], square[nearer] = foot[nearer], other[nearer]
    one, two, way = b - a, c - a, points - a
    d11, d12, d22 = (np.einsum("ij,ij->i", p, q) for p, q in ((one, one), (one, two), (two, two)))
    w1, w2 = np.einsum("ij,ij->i", way, one), np.einsum("ij,ij->i", way, two)
    det = d11 * d22 - d12**2
    solid = det > 0
    det = np.where(solid, det, 1.0)
    u, v = (d22 * w1 - d12 * w2) / det, (d11 * w2 - d12 * w1) / det
    inside = solid & (u >= 0) & (v >= 0) & (u + v <= 1)
    plane = a + u[:, None] * one + v[:, None] * two
    best[inside] = plane[inside]
    return best


def _foot_on_segment(points: Array64, start: Array64, stop: Array64) -> Array64:
    way = stop - start
    square = np.einsum("ij,ij->i", way, way)
    share = np.einsum("ij,ij->i", points - start, way) / np.where(square > 0, square, 1.0)
    return np.asarray(start + np.clip(share, 0.0, 1.0)[:, None] * way)
