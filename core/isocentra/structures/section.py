"""The exact cut of a closed mesh by the planes of an image, as contours.

Mesh ──► triangles cut per plane ──► loops chained over shared edges ──► simplified Contour, …
                                              └──────── compared with ────────┘ ──► agreement

A vertex that lies on a plane counts as above it, everywhere alike (symbolic perturbation), so that
the loops of a closed mesh always close: each cut triangle is entered once and left once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.errors import BolusError
from isocentra.geometry.grid import Array64, Grid
from isocentra.mesh.model import Mesh
from isocentra.structures.fitting import (
    SMALLEST_MM2,
    fitted_contours,
    plane_frame,
)
from isocentra.structures.model import Contour, Roi
from isocentra.structures.outline import distance_to_outline, points_along
from isocentra.structures.polygons import (
    Rings,
    common_area_mm2,
    even_odd_area_mm2,
    signed_area_mm2,
)
from isocentra.structures.slabs import volume_cm3

__all__ = [
    "SectionAgreement",
    "mesh_section",
    "section_agreement",
    "section_rings",
    "slab_volume_cm3",
]

ON_PLANE_MM: Final = 0.01
"""Contours this near to a plane belong to it. [mm]"""
SAMPLE_MM: Final = 0.1
"""Distance between the points of an outline from which distances are measured. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionAgreement:
    """How well written contours follow the cut of a mesh on one plane."""

    level: float
    """Slice index, fractional between slices."""
    cut_area_mm2: float
    written_area_mm2: float
    dice: float
    """2·common / sum of the areas; of polygons, not of pixels."""
    distance_p95_mm: float
    """95th percentile of the distances from either outline to the other. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """Where planes cut triangles: one row for each pair of plane and cut triangle."""

    plane: npt.NDArray[np.intp]
    entered: npt.NDArray[np.int64]
    """(n, 2) vertices of the edge by which the cut enters the triangle, lower number first."""
    left: npt.NDArray[np.int64]
    """The same of the edge by which it leaves."""


def mesh_section(
    mesh: Mesh, grid: Grid, *, planes_per_slice: int = 1, simplify_mm: float = 0.02
) -> tuple[Contour, ...]:
    """Cut a closed mesh by the slice planes of an image grid.

    Parameters
    ----------
    mesh
        Closed, wound outward; contours are where its surface is cut, not where a mask of it ends.
    grid
        The image's grid, any orientation; its k planes cut. Its extent along j and i is no limit.
    planes_per_slice
        Above 1: so many planes a slice spacing, evenly, for systems that take contours between
        image slices; the slab volume is then that of the finer spacing.
    simplify_mm
        How far a contour may lie from the exact cut; thin sections are simplified less. [mm]

    Returns
    -------
    tuple of Contour
        CLOSED_PLANAR in order of the planes; outlines counter-clockwise seen from the tip of the k
        axis, holes as clockwise inner contours; 0.001 mm; simple, none touching another.

    Raises
    ------
    BolusError
        ``BAD_MESH``: a vertex is not finite, or the mesh is open where a plane cuts it.
    """
    found: list[Contour] = []
    for level, rings in section_rings(mesh, grid, planes_per_slice=planes_per_slice):
        frame = plane_frame(grid, level)
        found.extend(fitted_contours(rings, frame, simplify_mm=simplify_mm))
    return tuple(found)


def section_rings(
    mesh: Mesh, grid: Grid, *, planes_per_slice: int = 1
) -> tuple[tuple[float, tuple[Array64, ...]], ...]:
    """Return (slice index, rings (n, 2) u, v of its `plane_frame`) of each plane that cuts a mesh.

    The rings are the exact cut, neither simplified nor rounded. [mm]
    """
    if not np.isfinite(mesh.vertices_mm).all():
        raise BolusError(
            "BAD_MESH",
            "A vertex of the mesh has a coordinate that is not a finite number.",
            do="Inspect the mesh and repair it before it is cut into contours.",
        )
    normal = np.array(grid.axes[0])
    offset = mesh.vertices_mm @ normal - float(normal @ np.array(grid.origin_mm))
    height = offset / grid.spacing_mm[0] * planes_per_slice
    cuts = _cuts(mesh, height, (grid.shape[0] - 1) * planes_per_slice)
    if not len(cuts.plane):
        return ()
    points = _cut_points(mesh.vertices_mm, height, cuts)
    flat = points @ plane_frame(grid, 0.0).axes[:2].T
    rings: dict[int, list[Array64]] = {}
    for loop in _loops(cuts, len(mesh.vertices_mm)):
        ring = flat[loop]
        # The cuts of all edges at a vertex on the plane are that vertex: once is enough.
        ring = ring[(np.abs(ring - np.roll(ring, 1, axis=0)) > 0).any(axis=1)]
        if len(ring) >= 3:
            rings.setdefault(int(cuts.plane[loop[0]]), []).append(ring)
    return tuple((plane / planes_per_slice, tuple(rings[plane])) for plane in sorted(rings))


def section_agreement(
    contours: Sequence[Contour], mesh: Mesh, grid: Grid, *, planes_per_slice: int = 1
) -> tuple[SectionAgreement, ...]:
    """Compare contours with the exact cut of a mesh, on each plane that either of them has.

    Cut rings of less than 0.01 mm² are left out, as they are when contours are written or read.
    """
    cut = {
        level: [ring for ring in rings if abs(signed_area_mm2(ring)) >= SMALLEST_MM2]
        for level, rings in section_rings(mesh, grid, planes_per_slice=planes_per_slice)
    }
    written: dict[float, list[Array64]] = {level: [] for level, rings in cut.items() if rings}
    near = ON_PLANE_MM / grid.spacing_mm[0]
    for contour in contours:
        level = float(grid.to_index(contour.points_mm)[:, 0].mean())
        level = next((known for known in written if abs(known - level) < near), level)
        uv = plane_frame(grid, level).to_plane(contour.points_mm)
        written.setdefault(level, []).append(uv)
    return tuple(
        _agreement(level, cut.get(level, []), rings) for level, rings in sorted(written.items())
    )


def slab_volume_cm3(contours: Sequence[Contour], *, step_mm: float) -> float:
    """Volume that readers give to contours: each plane one step thick, half a step at the ends.

    `step_mm` is the thickness of a single plane without neighbours: the slice spacing. [mm]
    No contours are no volume. [cm³]
    """
    if not contours:
        return 0.0
    roi = Roi(number=1, name="section", contours=tuple(contours))
    return volume_cm3(roi, lone_step_mm=step_mm)


def _cuts(mesh: Mesh, height: Array64, last_plane: int) -> _Cuts:
    """Find the planes 0…last that cut each triangle: height < plane is below, else above."""
    above_from = np.floor(height)[mesh.faces]  # a vertex is above planes 0…floor(height)
    first = np.maximum(above_from.min(axis=1) + 1, 0).astype(np.intp)
    last = np.minimum(above_from.max(axis=1), last_plane).astype(np.intp)
    count = np.maximum(last - first + 1, 0)
    face = np.repeat(np.arange(len(mesh.faces)), count)
    plane = first[face] + np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    corners = mesh.faces[face]
    above = above_from[face] >= plane[:, None]
    goes_up = ~above & np.roll(above, -1, axis=1)
    goes_down = above & ~np.roll(above, -1, axis=1)
    following = np.roll(corners, -1, axis=1)
    # With the outside to its right, the cut of an outward triangle runs, seen from above, from its
    # falling edge to its rising one: round the solid counter-clockwise.
    edges = [
        np.sort(np.column_stack([corners[which], following[which]]), axis=1)
        for which in (goes_down, goes_up)
    ]
    return _Cuts(plane=plane, entered=edges[0], left=edges[1])


def _cut_points(vertices_mm: Array64, height: Array64, cuts: _Cuts) -> Array64:
    """(n, 3) where each cut enters its triangle; the same bits for the triangle it comes from."""
    a, b = cuts.entered.T
    share = (cuts.plane - height[a]) / (height[b] - height[a])
    return np.asarray(vertices_mm[a] + share[:, None] * (vertices_mm[b] - vertices_mm[a]))


def _loops(cuts: _Cuts, vertices: int) -> list[list[int]]:
    """Chain the cuts: each goes on in the triangle that is entered by the edge it leaves."""
    span = np.int64(vertices)
    entered, left = (
        (cuts.plane * span + edge[:, 0]) * span + edge[:, 1] for edge in (cuts.entered, cuts.left)
    )
    by_entered, by_left = np.argsort(entered, kind="stable"), np.argsort(left, kind="stable")
    if (entered[by_entered] != left[by_left]).any():
        open_edges = int(np.setxor1d(entered, left).size)
        raise BolusError(
            "BAD_MESH",
            f"The mesh is open or wound unevenly: {open_edges} cut edges have no partner.",
            do="Inspect the mesh and close it before it is cut into contours.",
        )
    following = np.empty(len(entered), dtype=np.intp)
    following[by_left] = by_entered
    ways = following.tolist()
    seen = bytearray(len(ways))
    loops = []
    for start in range(len(ways)):
        if seen[start]:
            continue
        loop, at = [], start
        while not seen[at]:
            seen[at] = 1
            loop.append(at)
            at = ways[at]
        loops.append(loop)
    return loops


def _agreement(level: float, cut: Rings, written: Rings) -> SectionAgreement:
    areas = even_odd_area_mm2(cut), even_odd_area_mm2(written)
    distance = np.inf
    if cut and written:
        distances = [
            distance_to_outline(points_along(one, SAMPLE_MM), other)
            for one, other in ((cut, written), (written, cut))
        ]
        distance = max(float(np.percentile(d, 95)) for d in distances)
    return SectionAgreement(
        level=level,
        cut_area_mm2=areas[0],
        written_area_mm2=areas[1],
        dice=2 * common_area_mm2(cut, written) / max(sum(areas), 1e-30),
        distance_p95_mm=distance,
    )
