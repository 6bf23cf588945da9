"""One vertex per place: what a file of loose triangles needs before it can be judged.

loose corners ──► welded (bit-equal positions become one vertex) ──► topology, intersection
any mesh      ──► snapped (every coordinate a float32 and a multiple of 2⁻¹⁶ mm) ──► files
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Faces, Mesh

__all__ = ["snapped", "welded", "welded_from_corners", "without_unused_vertices"]

LATTICE_PER_MM = 65536.0
"""2¹⁶: neighbours stay within 26 bits up to 1 m apart, so that exact tests fit 64-bit integers."""


def _place_numbers(points: Array64) -> npt.NDArray[np.int64]:
    """Give each distinct bit pattern of (n, 3) points a number, in order of first appearance."""
    bits = np.ascontiguousarray(points + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    order = np.lexsort((bits[:, 2], bits[:, 1], bits[:, 0]))
    ranked = bits[order]
    new = np.ones(len(bits), dtype=bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    group = np.empty(len(bits), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    first = np.full(int(new.sum()), len(bits), dtype=np.int64)
    np.minimum.at(first, group, np.arange(len(bits)))
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return np.asarray(rank[group])


def welded_from_corners(corners_mm: Array64) -> Mesh:
    """Make a mesh of (m, 3, 3) loose corners; bit-equal corners become one vertex. [mm]."""
    points = np.ascontiguousarray(corners_mm, dtype=np.float64).reshape(-1, 3) + 0.0
    number = _place_numbers(points)
    vertices = np.empty((int(number.max(initial=-1)) + 1, 3))
    vertices[number] = points  # all corners of one number are bit-equal
    return Mesh(vertices_mm=vertices, faces=number.reshape(-1, 3))


def welded(mesh: Mesh) -> Mesh:
    """Merge vertices of bit-equal position; faces keep their order, unused vertices stay."""
    number = _place_numbers(np.asarray(mesh.vertices_mm, dtype=np.float64))
    if int(number.max(initial=-1)) + 1 == len(number):
        return mesh
    vertices = np.empty((int(number.max()) + 1, 3))
    vertices[number] = mesh.vertices_mm + 0.0
    return Mesh(vertices_mm=vertices, faces=number[mesh.faces])


def snapped(mesh: Mesh) -> Mesh:
    """Round every coordinate to a float32 that is a multiple of 2⁻¹⁶ mm (≤ 8·10⁻⁶ mm up to 256 mm).

    A float32 beyond 256 mm is such a multiple by itself, so the two roundings never contradict:
    what is checked is what a binary STL holds.
    """
    single = mesh.vertices_mm.astype(np.float32).astype(np.float64)
    lattice = np.round(single * LATTICE_PER_MM) / LATTICE_PER_MM + 0.0
    return Mesh(vertices_mm=lattice, faces=mesh.faces)


def without_unused_vertices(vertices_mm: Array64, faces: Faces) -> Mesh:
    """Drop vertices that no face uses; the order of the others stays."""
    used = np.zeros(len(vertices_mm), dtype=bool)
    used[faces.ravel()] = True
    number = np.cumsum(used) - 1
    return Mesh(vertices_mm=vertices_mm[used], faces=number[faces])
