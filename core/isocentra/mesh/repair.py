"""Small repairs that no shape notices: edges of no length closed, pinched vertices taken apart.

edges below 2 µm ──► their ends become one vertex ──► no triangle without area
pinched vertex   ──► one copy for each fan, each drawn a little into its own fan ──► no pinch

A file of loose triangles welds copies at one place together again, so the copies must part.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.mesh.topology import corner_fans, pinched_vertices
from isocentra.mesh.weld import without_unused_vertices

__all__ = ["without_pinches", "without_short_edges"]

SHORTEST_EDGE_MM = 0.002
"""Marching cubes leaves shorter ones where the field is almost zero at a node."""
PARTING_MM = 0.02
"""Each copy moves this far: twice the least gap that survives float32 and a slicer's 0.01 mm."""
LARGEST_SHARE = 0.25
"""But never further than this share of the way to the middle of its ring."""


def without_short_edges(mesh: Mesh) -> Mesh:
    """Merge the ends of every edge below 0.002 mm; the faces on it go.

    Edge collapse does not remove triangles without area, since it cannot tell which way they look.
    """
    ends = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    way = mesh.vertices_mm[ends[:, 0]] - mesh.vertices_mm[ends[:, 1]]
    one, two = ends[np.einsum("ij,ij->i", way, way) < SHORTEST_EDGE_MM**2].T
    if not len(one):
        return mesh
    count = len(mesh.vertices_mm)
    links = coo_array((np.ones(len(one), dtype=np.int8), (one, two)), shape=(count, count))
    label = connected_components(links, directed=False)[1]
    faces = label[mesh.faces].astype(np.int64)
    a, b, c = faces.T
    vertices = np.empty((int(label.max()) + 1, 3))
    vertices[label[::-1]] = mesh.vertices_mm[::-1]  # the first of each cluster stands for it
    return without_unused_vertices(vertices, faces[(a != b) & (b != c) & (c != a)])


def without_pinches(mesh: Mesh) -> Mesh:
    """Give each fan of a pinched vertex a vertex of its own, 0.02 mm into the fan.

    Faces keep their order and number. Whether the mesh is then free of intersections must be
    checked by the caller.
    """
    pinched = pinched_vertices(mesh.faces)
    if not len(pinched):
        return mesh
    count = len(mesh.faces)
    fan = corner_fans(mesh.faces)
    corner = mesh.faces.T.ravel()
    faces = corner.copy()
    vertices = [np.asarray(mesh.vertices_mm, dtype=np.float64).copy()]
    number = len(mesh.vertices_mm)
    for vertex in pinched:
        rows = np.flatnonzero(corner == vertex)
        for order, label in enumerate(np.unique(fan[rows])):
            own = rows[fan[rows] == label]
            place = _drawn_in(mesh, mesh.vertices_mm[vertex], own % count)
            if order == 0:
                vertices[0][vertex] = place
            else:
                vertices.append(place[None])
                faces[own] = number
                number += 1
    return Mesh(vertices_mm=np.concatenate(vertices), faces=faces.reshape(3, count).T.copy())


def _drawn_in(mesh: Mesh, point: Array64, faces: npt.NDArray[np.int64]) -> Array64:
    """Move a vertex towards the middle of the ring that its faces form."""
    ring = np.unique(mesh.faces[faces])
    ring = ring[(mesh.vertices_mm[ring] != point).any(axis=1)]
    way = mesh.vertices_mm[ring].mean(axis=0) - point
    length = float(np.linalg.norm(way))
    if length == 0:
        return np.asarray(point)
    return np.asarray(point + way * min(PARTING_MM / length, LARGEST_SHARE))
