"""How the triangles of a mesh hang together: edges, fans of vertices, shells and what lies in what.

faces ──► edges   (open, used more than twice, walked twice the same way)
      ──► fans    (a vertex whose triangles are not one ring or strip is pinched)
      ──► shells  (joined by edges) and parts (joined by vertices), cavities, what is inside out
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Faces, Mesh

__all__ = ["EdgeFaults", "Shells", "edge_faults", "euler_number", "pinched_vertices", "shells"]

Numbers = npt.NDArray[np.int64]

NO_VOLUME = 1e-12
"""Share of the mesh's size cubed below which a volume is rounding: a sheet laid on itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFaults:
    """Undirected edges, as (k, 2) vertex numbers, that a closed surface does not have."""

    open_edges: Numbers
    """Used by one face."""
    non_manifold: Numbers
    """Used by more than two faces."""
    miswound: Numbers
    """Directed edges walked by more than one face, on edges of exactly two faces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shells:
    """Pieces of a mesh that are joined by edges, and the parts that they make."""

    label: Numbers
    """(m,) shell number of each face."""
    volumes_mm3: Array64
    """Signed volume of each shell. [mm³]"""
    is_cavity: npt.NDArray[np.bool_]
    """Negative volume inside a shell of positive volume."""
    is_inverted: npt.NDArray[np.bool_]
    """No positive volume, and no cavity."""
    parts: int
    """Pieces joined by at least a vertex, cavities not counted."""
    part_volumes_mm3: Array64
    """Signed volume of each part, its cavities not taken off. [mm³]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    """Every half-edge with the number of its undirected edge."""

    ends: Numbers
    """(3m, 2) from, to; rows k, m + k, 2m + k belong to face k."""
    number: Numbers
    unique: Numbers
    uses: Numbers


def _edges(faces: Faces) -> _Edges:
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    span = int(faces.max(initial=0)) + 1
    low, high = ends.min(axis=1), ends.max(axis=1)
    key, number, uses = np.unique(low * span + high, return_inverse=True, return_counts=True)
    unique = np.stack([key // span, key % span], axis=1)
    return _Edges(ends=ends, number=number.ravel(), unique=unique, uses=uses)


def edge_faults(faces: Faces) -> EdgeFaults:
    """Find the edges that are open, shared by more than two faces or walked twice one way.

    Faces with a repeated corner must have been left out.
    """
    edges = _edges(faces)
    forward = np.zeros(len(edges.uses), dtype=np.int64)
    np.add.at(forward, edges.number, edges.ends[:, 0] < edges.ends[:, 1])
    miswound = (edges.uses == 2) & (forward != 1)
    return EdgeFaults(
        open_edges=edges.unique[edges.uses == 1],
        non_manifold=edges.unique[edges.uses > 2],
        miswound=edges.unique[miswound],
    )


def euler_number(faces: Faces) -> int:
    """Return V − E + F over the used vertices: 2 for each closed shell without handles."""
    if not len(faces):
        return 0
    return len(np.unique(faces)) - len(_edges(faces).unique) + len(faces)


def _half_edge_pairs(edges: _Edges) -> tuple[Numbers, Numbers]:
    """Chain the half-edges of each undirected edge: rows of neighbours."""
    order = np.argsort(edges.number, kind="stable")
    same = edges.number[order][1:] == edges.number[order][:-1]
    return order[:-1][same], order[1:][same]


def _components(count: int, first: Numbers, second: Numbers) -> Numbers:
    """Label the connected components of an undirected graph."""
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def pinched_vertices(faces: Faces) -> Numbers:
    """Return the vertices whose faces fall into more than one fan.

    Two faces are of one fan when they share an edge at the vertex; an edge of more than two faces
    joins them all, so that it is not named a second time here.
    """
    if not len(faces):
        return np.empty(0, dtype=np.int64)
    label = corner_fans(faces)
    vertex_of_fan = np.empty(int(label.max()) + 1, dtype=np.int64)
    vertex_of_fan[label] = faces.T.ravel()
    return np.flatnonzero(np.bincount(vertex_of_fan) > 1)


def corner_fans(faces: Faces) -> Numbers:
    """Label each corner (3m, in the order of ``faces.T.ravel()``) with the fan it belongs to."""
    count = len(faces)
    edges = _edges(faces)
    one, two = _half_edge_pairs(edges)
    # half-edge r starts at corner r and ends at the next corner of its face: r + m, modulo 3m
    start_one, stop_one = one, (one + count) % (3 * count)
    start_two, stop_two = two, (two + count) % (3 * count)
    same_way = edges.ends[one, 0] == edges.ends[two, 0]
    first = np.concatenate([start_one, stop_one])
    second = np.concatenate(
        [np.where(same_way, start_two, stop_two), np.where(same_way, stop_two, start_two)]
    )
    return _components(3 * count, first, second)


def shells(mesh: Mesh) -> Shells:
    """Split a mesh with finite vertices into shells and parts, and find cavities."""
    count = len(mesh.faces)
    edges = _edges(mesh.faces)
    one, two = _half_edge_pairs(edges)
    label = _components(count, one % count, two % count)
    number = int(label.max(initial=-1)) + 1
    a, b, c = np.moveaxis(mesh.corners_mm - mesh.vertices_mm.mean(axis=0), 1, 0)
    volumes = np.zeros(number)
    np.add.at(volumes, label, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)
    size = float(np.ptp(mesh.vertices_mm, axis=0).max())
    cavity = _cavities(mesh, label, volumes)
    vertex_part = _components(
        len(mesh.vertices_mm), mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    )
    part_of_shell = np.zeros(number, dtype=np.int64)
    part_of_shell[label] = vertex_part[mesh.faces[:, 0]]
    kept, part = np.unique(part_of_shell[~cavity], return_inverse=True)
    part_volumes = np.zeros(len(kept))
    np.add.at(part_volumes, part.ravel(), volumes[~cavity])
    return Shells(
        label=label,
        volumes_mm3=volumes,
        is_cavity=cavity,
        is_inverted=(volumes <= NO_VOLUME * size**3) & ~cavity,
        parts=len(kept),
        part_volumes_mm3=part_volumes,
    )


def _cavities(mesh: Mesh, label: Numbers, volumes: Array64) -> npt.NDArray[np.bool_]:
    """Tell which shells are walls of a hollow inside another shell."""
    out = np.zeros(len(volumes), dtype=bool)
    outer = np.flatnonzero(volumes > 0)
    if not len(outer):
        return out
    corners = mesh.corners_mm
    low = np.full((len(volumes), 3), np.inf)
    high = np.full((len(volumes), 3), -np.inf)
    np.minimum.at(low, label, corners.min(axis=1))
    np.maximum.at(high, label, corners.max(axis=1))
    for inner in np.flatnonzero(volumes < 0):
        boxed = (low[outer] <= low[inner]).all(axis=1) & (high[outer] >= high[inner]).all(axis=1)
        point = corners[label == inner].mean(axis=1)[0]
        out[inner] = any(_winding(point, corners[label == k]) > 0.5 for k in outer[boxed])
    return out


def _winding(point: Array64, corners: Array64) -> float:
    """Return how often (m, 3, 3) closed triangles wind round a point; outside 0, inside 1.

    Notes
    -----
    Sum of signed solid angles over 4π; van Oosterom and Strackee, IEEE Trans Biomed Eng 30:125,
    1983: tan(Ω/2) = a·(b×c) / (abc + (a·b)c + (b·c)a + (c·a)b).
    """
    a, b, c = np.moveaxis(corners - point, 1, 0)
    la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
    top = np.einsum("ij,ij->i", a, np.cross(b, c))
    bottom = (
        la * lb * lc
        + np.einsum("ij,ij->i", a, b) * lc
        + np.einsum("ij,ij->i", b, c) * la
        + np.einsum("ij,ij->i", c, a) * lb
    )
    return float(2 * np.arctan2(top, bottom).sum() / (4 * np.pi))
