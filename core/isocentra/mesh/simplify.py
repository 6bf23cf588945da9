"""Fewer triangles, within a stated error, and never broken by it.

fine Mesh ──► collapse edges ──► snap to float32 ──► part pinches ──► exact checks ──► its error
                   └── on a fault or an error too large: other settings, then twice as many
       └── on an error a little too large: vertices fitted to the fine mesh
last resort: the fine mesh itself, snapped
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fast_simplification
import numpy as np

from isocentra.geometry.grid import Array64
from isocentra.mesh.distance import ExactDistance
from isocentra.mesh.fitting import fitted
from isocentra.mesh.intersection import self_intersections, zero_area
from isocentra.mesh.model import Mesh
from isocentra.mesh.repair import without_pinches, without_short_edges
from isocentra.mesh.sampling import surface_points
from isocentra.mesh.topology import edge_faults, pinched_vertices, shells
from isocentra.mesh.weld import snapped, welded, without_unused_vertices

__all__ = ["Simplified", "deviation_mm", "is_embedded", "prepared", "simplify"]

AGGRESSIVENESS = (7.0, 6.0, 8.0, 5.0)
"""How fast the collapse's error limit grows; another value is another order of collapses."""
GROWTH = 1.4
"""How many more triangles are taken where the error is too large."""
SHRINK = 0.99
"""Chords of a coarser mesh enclose a little less: the triangles are per cm³ of the result."""
OVERSHOOT = 1.01
SAMPLE_STEP_MM = 0.7
LEAST_AREA_MM2 = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Simplified:
    """A mesh of fewer triangles and what that cost."""

    mesh: Mesh
    """Snapped: its vertices are what a file holds."""
    added_p95_mm: float
    """P95 of the distance from points all over the fine mesh to this one. [mm]"""
    added_max_mm: float
    tries: int
    """Settings that were tried until a mesh passed; 0: the fine mesh was kept."""


def simplify(mesh: Mesh, per_cm3: float = 500.0, *, most_added_p95_mm: float = 0.03) -> Simplified:
    """Collapse edges down to a number of triangles per volume.

    Parameters
    ----------
    mesh
        Closed, outward. Its own faults are not repaired, but for pinched vertices.
    per_cm3
        Triangles per cm³ at most, as long as a sound mesh is found there.
    most_added_p95_mm
        Where the error is larger, more triangles are taken. [mm]
    """
    tries = 0
    fine = prepared(mesh)
    target = max(4, int(SHRINK * per_cm3 * abs(mesh.signed_volume_mm3) / 1000))
    while target < len(fine.faces):
        for aggressiveness in AGGRESSIVENESS:
            tries += 1
            coarse = prepared(_collapsed(fine, target, aggressiveness))
            if len(coarse.faces) > OVERSHOOT * target or not is_embedded(coarse):
                continue  # a slow collapse may stop far above what was asked
            for found in _as_it_is_and_fitted(coarse, fine):
                p95, most = deviation_mm(mesh, found)
                if p95 <= most_added_p95_mm:
                    return Simplified(mesh=found, added_p95_mm=p95, added_max_mm=most, tries=tries)
            break  # another order of collapses has the same error
        target = int(GROWTH * target)
    p95, most = deviation_mm(mesh, fine)
    return Simplified(mesh=fine, added_p95_mm=p95, added_max_mm=most, tries=0)


def _as_it_is_and_fitted(coarse: Mesh, fine: Mesh) -> Iterator[Mesh]:
    """Yield a mesh, then, where it is sound, the same one fitted to the fine one."""
    yield coarse
    closer = prepared(fitted(coarse, fine))
    if is_embedded(closer):
        yield closer


def _collapsed(mesh: Mesh, target: int, aggressiveness: float) -> Mesh:
    """Collapse edges by quadric error down to about `target` faces (fast-simplification)."""
    vertices, faces = fast_simplification.simplify(
        np.array(mesh.vertices_mm, dtype=np.float64),
        np.array(mesh.faces, dtype=np.int32),
        target_count=target,
        agg=aggressiveness,
    )
    return without_unused_vertices(
        np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    )


def prepared(mesh: Mesh) -> Mesh:
    """Snap to what files hold, weld, close edges of no length and part pinched vertices.

    Parting is done twice, if the first made another pinch.
    """
    mesh = without_short_edges(welded(snapped(mesh)))
    for _ in range(2):
        parted = without_pinches(mesh)
        if parted is mesh:
            break
        mesh = welded(snapped(parted))
    return mesh


def is_embedded(mesh: Mesh) -> bool:
    """Tell whether a mesh is a closed outward surface without faults and self-intersections."""
    if not len(mesh.faces):
        return False
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    if (area < LEAST_AREA_MM2).any() or zero_area(mesh).any():
        return False
    edges = edge_faults(mesh.faces)
    if len(edges.open_edges) + len(edges.non_manifold) + len(edges.miswound):
        return False
    if len(pinched_vertices(mesh.faces)) or (shells(mesh).volumes_mm3 <= 0).any():
        return False
    return len(self_intersections(mesh)) == 0


def deviation_mm(fine: Mesh, coarse: Mesh) -> tuple[float, float]:
    """P95 and maximum of the distance from points spread over `fine` to `coarse`. [mm]."""
    points: Array64 = surface_points(fine, SAMPLE_STEP_MM)[0]
    # every small triangle gets a point: of those, as many as the step asks for
    wanted = fine.area_mm2 / SAMPLE_STEP_MM**2
    points = points[:: max(1, int(len(points) / max(wanted, 1.0)))]
    distance = ExactDistance(coarse).nearest(points).distance_mm
    return float(np.percentile(distance, 95)), float(distance.max())
