"""Distance from the nodes of a lattice to a surface, coarse nodes first.

every 4th node ──► k-d tree ──► feet ──► every 2nd: mean of the coarser feet ──► tree ──► every node

Far from a surface almost all of it is equally near, and a k-d tree must look at much of it. The foot
of a node lies close to the mean of its coarser neighbours' feet, and what is asked from there costs
a tenth. Where neighbours have feet on two sides of a crease the mean misleads: where they lie far
apart, or one of their vertices is nearer than what was found, the node is asked for by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64, Grid
from isocentra.mesh.distance import SurfaceDistance

__all__ = ["NodeFeet", "node_feet"]

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

CORNERS = np.array([(k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)])
SPREAD_MM = 2.0
"""Feet of neighbours further than this from their middle may lie on two sides of a crease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFeet:
    """Distance and foot of the wanted nodes, in the order of ``np.argwhere(wanted)``."""

    distance_mm: Array64
    """(m,) signed. [mm]"""
    foot_mm: Array64
    """(m, 3) x, y, z in LPS. [mm]"""
    vertex: Numbers
    """(m,) the surface's nearest vertex."""
    row: npt.NDArray[np.int32]
    """(nk, nj, ni) row of each node, −1 where it was not wanted."""


def node_feet(
    surface: SurfaceDistance, grid: Grid, wanted: Mask, coarser: NodeFeet | None = None
) -> NodeFeet:
    """Find the feet of the wanted nodes.

    Parameters
    ----------
    surface
        What the distance is to.
    grid
        The lattice.
    wanted
        (nk, nj, ni) nodes to find.
    coarser
        The feet on ``grid.every(2)``, at least round the wanted nodes; None: without help.
    """
    index = np.argwhere(wanted)
    points = grid.to_points(index.astype(np.float64))
    if coarser is None or not len(coarser.vertex):
        vertex = surface.nearest_vertex(points)
    else:
        vertex = _from_coarser(surface, points, index, coarser)
    distance, foot = surface.signed_and_foot_at(points, vertex)
    row = np.full(wanted.shape, -1, dtype=np.int32)
    row[wanted] = np.arange(len(points), dtype=np.int32)
    return NodeFeet(distance_mm=distance, foot_mm=foot, vertex=vertex, row=row)


def _from_coarser(
    surface: SurfaceDistance, points: Array64, index: Numbers, coarser: NodeFeet
) -> Numbers:
    """Find nearest vertices; nodes of one parity lie between the same number of coarser nodes."""
    vertex = np.empty(len(points), dtype=np.int64)
    last = np.array(coarser.row.shape) - 1
    for parity in CORNERS:
        own = np.flatnonzero(((index & 1) == parity).all(axis=1))
        offsets = CORNERS[(parity >= CORNERS).all(axis=1)]
        k, j, i = np.moveaxis(np.minimum(index[own, None] // 2 + offsets, last), 2, 0)
        rows = coarser.row[k, j, i]
        vertex[own] = _between(surface, points[own], rows, coarser)
    return vertex


def _between(
    surface: SurfaceDistance, points: Array64, rows: npt.NDArray[np.int32], coarser: NodeFeet
) -> Numbers:
    """Find nearest vertices of points amid coarser nodes, (n, c) rows of which are given."""
    feet = coarser.foot_mm[rows]
    guess = feet.mean(axis=1)
    vertex = surface.nearest_vertex(guess)
    found = surface.square_to_vertex(points, vertex)
    lost = (rows < 0).any(axis=1)
    for corner in range(rows.shape[1]):
        away = feet[:, corner] - guess
        lost |= np.einsum("ij,ij->i", away, away) > SPREAD_MM**2
        lost |= surface.square_to_vertex(points, coarser.vertex[rows[:, corner]]) < found
    vertex[lost] = surface.nearest_vertex(points[lost])
    return vertex
