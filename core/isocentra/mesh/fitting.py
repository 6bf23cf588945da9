"""Bring a coarse mesh's vertices to where its triangles lie nearest to a fine one.

Edge collapse puts vertices on the fine surface's tangent planes: of a curved surface the triangles
then all lie on one side. Moved along their normals by a least-squares fit they lie on both.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from isocentra.geometry.grid import Array64
from isocentra.mesh.distance import ExactDistance, vertex_normals
from isocentra.mesh.model import Mesh
from isocentra.mesh.sampling import surface_points

__all__ = ["fitted"]

SAMPLE_STEP_MM = 0.8
MOST_POINTS = 25_000
STIFFNESS = 0.02
"""Weight of a vertex staying where it is, against 1 for each point over its triangles."""
MOST_MOVE_MM = 0.3


def fitted(coarse: Mesh, fine: Mesh) -> Mesh:
    """Move the vertices of `coarse` along their normals towards `fine`.

    Notes
    -----
    min over t of Σ_p (n·(p − Σ_j w_j (v_j + t_j m_j)))² + λ Σ_j t_j²: p points over the fine mesh,
    n and w the normal and barycentric weights of their feet on the coarse one, m vertex normals.
    Topology is kept; whether the surface is then free of self-intersections the caller must check.
    """
    points = surface_points(fine, SAMPLE_STEP_MM)[0]
    points = points[:: max(1, len(points) // MOST_POINTS)]
    nearest = ExactDistance(coarse).nearest(points)
    normal = coarse.face_normals[nearest.face]
    corner = coarse.faces[nearest.face]
    weight = _barycentric(nearest.foot_mm, coarse.corners_mm[nearest.face])
    towards = vertex_normals(coarse)
    miss = np.einsum("ij,ij->i", points - nearest.foot_mm, normal)
    slope = weight * np.einsum("ik,ijk->ij", normal, towards[corner])
    rows = np.repeat(np.arange(len(points)), 3)
    size = (len(points), len(coarse.vertices_mm))
    matrix = sparse.csr_matrix((slope.ravel(), (rows, corner.ravel())), shape=size)
    square = (matrix.T @ matrix + STIFFNESS * sparse.identity(size[1])).tocsc()
    move = np.clip(spsolve(square, matrix.T @ miss), -MOST_MOVE_MM, MOST_MOVE_MM)
    return Mesh(vertices_mm=coarse.vertices_mm + move[:, None] * towards, faces=coarse.faces.copy())


def _barycentric(points: Array64, corners: Array64) -> Array64:
    """Return (n, 3) weights of the corners of each triangle for a point on it."""
    a, b, c = np.moveaxis(corners, 1, 0)
    one, two, way = b - a, c - a, points - a
    d11, d12, d22 = (np.einsum("ij,ij->i", p, q) for p, q in ((one, one), (one, two), (two, two)))
    w1, w2 = np.einsum("ij,ij->i", way, one), np.einsum("ij,ij->i", way, two)
    det = np.where(d11 * d22 - d12**2 == 0, 1.0, d11 * d22 - d12**2)
    v, w = (d22 * w1 - d12 * w2) / det, (d11 * w2 - d12 * w1) / det
    return np.asarray(np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1))
