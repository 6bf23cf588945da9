"""Fewer triangles for the screen: vertices of one small cube become one.

Mesh + values per vertex ──► coarsen ──► Coarse, of at most so many triangles

For looking only: it keeps the shape to about half a cube, not the topology. What is printed or
measured is never made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh

__all__ = ["Coarse", "coarsen"]

GROWTH = 1.12
"""The cube's edge grows by this until the triangles are few enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coarse:
    """The lighter mesh, and each value array averaged over what was merged."""

    mesh: Mesh
    values: tuple[Array64, ...]


def coarsen(mesh: Mesh, values: tuple[Array64, ...], most_triangles: int) -> Coarse:
    """Merge vertices until at most `most_triangles` are left; a light mesh stays as it is."""
    if len(mesh.faces) <= most_triangles:
        return Coarse(mesh=mesh, values=values)
    # A surface of area A in n triangles has edges of about sqrt(2.3 A / n).
    edge_mm = float(np.sqrt(2.0 * mesh.area_mm2 / most_triangles))
    while True:
        found = _merged(mesh, values, edge_mm)
        if len(found.mesh.faces) <= most_triangles:
            return found
        edge_mm *= GROWTH


def _merged(mesh: Mesh, values: tuple[Array64, ...], edge_mm: float) -> Coarse:
    cell = np.floor((mesh.vertices_mm - mesh.vertices_mm.min(axis=0)) / edge_mm).astype(np.int64)
    wide = cell.max(axis=0) + 1
    key = (cell[:, 0] * wide[1] + cell[:, 1]) * wide[2] + cell[:, 2]
    _, group = np.unique(key, return_inverse=True)
    n = int(group.max()) + 1
    count = np.bincount(group, minlength=n)
    points = np.stack(
        [np.bincount(group, mesh.vertices_mm[:, a], minlength=n) / count for a in range(3)], axis=-1
    )
    faces = group[mesh.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    first = np.argmin(faces, axis=1)
    faces = np.take_along_axis(faces, (first[:, None] + np.arange(3)) % 3, axis=1)
    faces = np.unique(faces, axis=0)
    return Coarse(
        mesh=Mesh(vertices_mm=points, faces=faces.astype(np.int64)),
        values=tuple(_mean(group, n, v) for v in values),
    )


def _mean(group: np.ndarray[tuple[int], np.dtype[np.intp]], n: int, values: Array64) -> Array64:
    """Average the finite values of each group; NaN where there is none."""
    known = np.isfinite(values)
    total = np.bincount(group[known], values[known], minlength=n)
    count = np.bincount(group[known], minlength=n)
    mean: Array64 = np.divide(total, count, out=np.full(n, np.nan), where=count > 0)
    return mean
