"""Everything that can be counted and measured on a mesh, broken or not.

mesh ──► welded ──► finite? ──► degenerate, edges, fans, shells ──► self-intersection ──► walls
                                       └──► MeshReport: counts, and a place in mm for each fault
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.intersection import self_intersections, zero_area
from isocentra.mesh.model import Faces, Mesh
from isocentra.mesh.topology import (
    EdgeFaults,
    Shells,
    edge_faults,
    euler_number,
    pinched_vertices,
    shells,
)
from isocentra.mesh.wall import walls
from isocentra.mesh.weld import welded

__all__ = ["Fault", "MeshReport", "Place", "check_mesh"]

LEAST_AREA_MM2 = 1e-9
"""A triangle below it has no direction in float32 at the size of a patient."""
PATIENT_MM = 50.0
"""A mesh below this size (another unit) is judged by an area in proportion."""

Bounds = tuple[tuple[float, float, float], tuple[float, float, float]]


class Fault(StrEnum):
    """What can be wrong with a mesh, by the name of the check that fails."""

    NOT_FINITE = "finite"
    DEGENERATE = "no_degenerate_triangles"
    OPEN = "closed"
    NON_MANIFOLD = "edge_manifold"
    MISWOUND = "winding"
    INVERTED = "outward"
    PINCHED = "vertex_manifold"
    CAVITY = "no_cavity"
    SELF_INTERSECTION = "no_self_intersection"
    THIN = "wall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a fault can be seen; for THIN: where the thinnest wall is."""

    fault: Fault
    position_mm: tuple[float, float, float]
    """x, y, z in LPS. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshReport:
    """Counts and measures; None where the mesh does not allow them to be made."""

    triangles: int
    vertices: int
    """Distinct positions that faces use."""
    bad_vertices: int
    """Vertices with a coordinate that is not finite."""
    degenerate_triangles: int
    open_edges: int
    non_manifold_edges: int
    miswound_edges: int
    pinched_vertices: int
    euler_number: int
    parts: int
    smallest_part_cm3: float | None
    inverted_shells: int
    cavities: int
    self_intersections: int | None
    min_wall_mm: float | None
    """None also where no two sides face each other."""
    volume_mm3: float | None
    """Signed, Σ of x·nₓ over the surface; of an open or miswound mesh an indication. [mm³]"""
    area_mm2: float | None
    bounds_mm: Bounds | None
    """Lowest and highest x, y, z. [mm]"""
    places: tuple[Place, ...]
    """One for each kind of fault that was found, and for the thinnest wall."""

    @property
    def is_finite(self) -> bool:
        """Whether every coordinate is a number."""
        return self.bad_vertices == 0

    @property
    def is_closed_surface(self) -> bool:
        """Whether edges and vertices are those of a closed, consistently wound surface."""
        return (
            self.open_edges
            + self.non_manifold_edges
            + self.miswound_edges
            + self.pinched_vertices
            + self.degenerate_triangles
            + self.bad_vertices
            == 0
        )

    @property
    def is_sound(self) -> bool:
        """Whether it is also outward, solid and free of self-intersections; walls not judged."""
        return (
            self.is_closed_surface
            and self.triangles > 0
            and self.inverted_shells == 0
            and self.cavities == 0
            and self.self_intersections == 0
        )

    def place(self, fault: Fault) -> tuple[float, float, float] | None:
        """Return where that fault can be seen. [mm]."""
        return next((p.position_mm for p in self.places if p.fault is fault), None)


def check_mesh(mesh: Mesh) -> MeshReport:
    """Count and measure everything on a mesh, which may be broken in any way.

    Vertices of bit-equal position count as one, as they do in every STL.
    """
    mesh = welded(mesh)
    finite = mesh.finite_vertices
    used = np.zeros(len(mesh.vertices_mm), dtype=bool)
    used[mesh.faces.ravel()] = True
    bad = int((~finite & used).sum())
    faces = mesh.faces[_has_three_corners(mesh.faces)]
    edges = edge_faults(faces)
    pinched = pinched_vertices(faces)
    if bad or not len(faces):
        return _unmeasured(mesh, faces, edges, pinched)
    solid = Mesh(vertices_mm=mesh.vertices_mm, faces=faces)
    pieces = shells(solid)
    degenerate = _degenerate(mesh)
    cut = self_intersections(solid)
    spots = _places(mesh, solid, edges, pinched, pieces)
    if degenerate.any():
        spots.append(_place(Fault.DEGENERATE, mesh.corners_mm[degenerate][0].mean(axis=0)))
    if len(cut):
        spots.append(_place(Fault.SELF_INTERSECTION, solid.corners_mm[cut[0, 0]].mean(axis=0)))
    wall, where = None, None
    if not len(cut) and not _open_or_miswound(edges):
        wall, where = _thinnest(solid, pieces)
    if where is not None:
        spots.append(_place(Fault.THIN, where))
    corner = mesh.vertices_mm[used]
    return MeshReport(
        triangles=len(mesh.faces),
        vertices=int(used.sum()),
        bad_vertices=0,
        degenerate_triangles=int(degenerate.sum()),
        open_edges=len(edges.open_edges),
        non_manifold_edges=len(edges.non_manifold),
        miswound_edges=len(edges.miswound),
        pinched_vertices=len(pinched),
        euler_number=euler_number(faces),
        parts=pieces.parts,
        smallest_part_cm3=float(np.abs(pieces.part_volumes_mm3).min(initial=np.inf)) / 1000,
        inverted_shells=int(pieces.is_inverted.sum()),
        cavities=int(pieces.is_cavity.sum()),
        self_intersections=len(cut),
        min_wall_mm=wall,
        volume_mm3=_volume_mm3(solid),
        area_mm2=mesh.area_mm2,
        bounds_mm=_bounds(corner),
        places=tuple(spots),
    )


def _volume_mm3(mesh: Mesh) -> float:
    """Return the flux of the field (x, 0, 0), which is the volume of a closed mesh. [mm³]."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    across = np.cross(b - a, c - a)[:, 0]
    return float((across * (a[:, 0] + b[:, 0] + c[:, 0])).sum() / 6)


def _has_three_corners(faces: Faces) -> npt.NDArray[np.bool_]:
    a, b, c = faces.T
    return np.asarray((a != b) & (b != c) & (c != a))


def _open_or_miswound(edges: EdgeFaults) -> int:
    return len(edges.open_edges) + len(edges.miswound)


def _degenerate(mesh: Mesh) -> npt.NDArray[np.bool_]:
    """Tell which faces have a repeated corner or less than the least area."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    size = 0.0 if not len(mesh.vertices_mm) else float(np.ptp(mesh.vertices_mm, axis=0).max())
    least = LEAST_AREA_MM2 * min(1.0, (size / PATIENT_MM) ** 2)
    return np.asarray(~_has_three_corners(mesh.faces) | (area < least) | zero_area(mesh))


def _thinnest(mesh: Mesh, pieces: Shells) -> tuple[float | None, Array64 | None]:
    """Thickness and place of the thinnest wall; a mesh wholly inside out is turned first."""
    if pieces.is_inverted.any():
        if (pieces.volumes_mm3 > 0).any():
            return None, None
        mesh = Mesh(vertices_mm=mesh.vertices_mm, faces=mesh.faces[:, ::-1])
    found = walls(mesh)
    row = found.thinnest()
    if row is None:
        return None, None
    return float(found.thickness_mm[row]), found.points_mm[row]


def _places(
    mesh: Mesh,
    solid: Mesh,
    edges: EdgeFaults,
    pinched: npt.NDArray[np.int64],
    pieces: Shells,
) -> list[Place]:
    """Collect the first place of each fault of edges, vertices and shells."""
    spots = []
    for fault, rows in (
        (Fault.OPEN, edges.open_edges),
        (Fault.NON_MANIFOLD, edges.non_manifold),
        (Fault.MISWOUND, edges.miswound),
        (Fault.PINCHED, pinched[:, None]),
    ):
        if len(rows):
            spots.append(_place(fault, mesh.vertices_mm[rows[0]].mean(axis=0)))
    for fault, flags in (
        (Fault.INVERTED, pieces.is_inverted),
        (Fault.CAVITY, pieces.is_cavity),
    ):
        if flags.any():
            face = np.flatnonzero(flags[pieces.label])[0]
            spots.append(_place(fault, solid.corners_mm[face].mean(axis=0)))
    return spots


def _place(fault: Fault, point: Array64) -> Place:
    x, y, z = np.asarray(point, dtype=np.float64).tolist()
    return Place(fault=fault, position_mm=(x, y, z))


def _bounds(points: Array64) -> Bounds:
    x, y, z = points.min(axis=0).tolist()
    u, v, w = points.max(axis=0).tolist()
    return (x, y, z), (u, v, w)


def _unmeasured(
    mesh: Mesh, faces: Faces, edges: EdgeFaults, pinched: npt.NDArray[np.int64]
) -> MeshReport:
    """Report what can be counted without coordinates."""
    finite = mesh.finite_vertices
    used = np.unique(mesh.faces)
    wrong = used[~finite[used]]
    spots = []
    if len(wrong):
        beside = mesh.faces[(mesh.faces == wrong[0]).any(axis=1)].ravel()
        beside = beside[finite[beside]]
        if len(beside):
            spots.append(_place(Fault.NOT_FINITE, mesh.vertices_mm[beside].mean(axis=0)))
    filled = np.where(finite[:, None], mesh.vertices_mm, 0.0)
    good = mesh.faces[finite[mesh.faces].all(axis=1)]
    links = shells(Mesh(vertices_mm=filled, faces=faces)).parts if len(faces) else 0
    whole = used[finite[used]]
    return MeshReport(
        triangles=len(mesh.faces),
        vertices=len(used),
        bad_vertices=len(wrong),
        degenerate_triangles=int(_degenerate(Mesh(vertices_mm=filled, faces=good)).sum()),
        open_edges=len(edges.open_edges),
        non_manifold_edges=len(edges.non_manifold),
        miswound_edges=len(edges.miswound),
        pinched_vertices=len(pinched),
        euler_number=euler_number(faces),
        parts=links,
        smallest_part_cm3=None,
        inverted_shells=0,
        cavities=0,
        self_intersections=None,
        min_wall_mm=None,
        volume_mm3=None,
        area_mm2=None,
        bounds_mm=_bounds(mesh.vertices_mm[whole]) if len(whole) else None,
        places=tuple(spots),
    )
