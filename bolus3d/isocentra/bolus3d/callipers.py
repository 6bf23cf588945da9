"""Where a technician measures the printed part, and what the calliper must read.

bolus Mesh + thickness of its outer face ──► calliper_points ──► numbered points, expected mm

A point is good when it is away from the rim, in reach of a calliper's jaws, seen from the side the
picture is taken from, and when a calliper that sits a little off reads the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.frames import Triple, ViewFrame
from isocentra.report.rays import RayScene
from isocentra.report.render import Surface, stage, vertex_normals, visible

__all__ = ["CalliperPoint", "calliper_points", "outward_mean"]

POINTS: Final = 6
RIM_MM: Final = 10.0
"""Nearer to the rim its rounding or taper is measured, not the thickness."""
JAW_MM: Final = 38.0
"""Usable depth of the jaws of a common 150 mm calliper (40 mm)."""
FOOT_MM: Final = 3.0
"""A calliper sits within this of its mark."""
EVEN_MM: Final = 0.25
"""Range of the reading within `FOOT_MM` up to which a place is called even."""
FACING: Final = 0.40
"""Least cosine between the face and the viewer at a numbered point."""
PARALLEL: Final = 0.95
"""Least cosine between the two faces at a point (18°)."""
START_MM: Final = 0.02
"""Rays begin so deep under the outer face, to miss the triangle they start on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalliperPoint:
    """A numbered point on the outer face."""

    number: int
    at_mm: Triple
    """x, y, z in LPS."""
    normal: Triple
    """Outward, unit length."""
    expected_mm: float
    """Thickness of the material, square to the face."""


def calliper_points(
    bolus: Mesh, thickness_mm: Array64, frame: ViewFrame, *, count: int = POINTS
) -> tuple[CalliperPoint, ...]:
    """Choose points on the outer face, numbered clockwise from the top of the picture.

    Parameters
    ----------
    bolus
        The part, closed, in patient coordinates.
    thickness_mm
        (n,) distance to the skin per vertex of `bolus`, NaN where it is not the outer face.
    frame
        The picture in which the points are numbered; only what it shows is chosen.
    count
        How many; fewer where the part is too small for them.
    """
    outer = np.flatnonzero(np.isfinite(thickness_mm))
    if not outer.size:
        return ()
    normals = vertex_normals(bolus)
    expected = _through(bolus, outer, normals)
    keep = np.isfinite(expected) & (normals[outer] @ frame.toward >= FACING)
    keep[keep] = visible(bolus.vertices_mm[outer[keep]], stage([Surface(mesh=bolus)]), frame)
    outer, expected = outer[keep], expected[keep]
    if not outer.size:
        return ()
    rim = _rim_distance(bolus, thickness_mm, outer)
    best = _best(bolus.vertices_mm[outer], expected, rim)
    chosen = best[_spread(bolus.vertices_mm[outer[best]], rim[best], count)]
    ordered = chosen[_clockwise(frame.to_plane(bolus.vertices_mm[outer[chosen]]))]
    return tuple(
        CalliperPoint(
            number=number,
            at_mm=_triple(bolus.vertices_mm[outer[n]]),
            normal=_triple(normals[outer[n]]),
            expected_mm=float(expected[n]),
        )
        for number, n in enumerate(ordered, start=1)
    )


def outward_mean(mesh: Mesh, thickness_mm: Array64) -> Triple:
    """Return the mean outward direction of the outer face; anterior where it has none (a ring)."""
    corners = mesh.corners_mm[np.isfinite(thickness_mm)[mesh.faces].all(axis=1)]
    facet = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = facet.sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < 0.1 * float(np.linalg.norm(facet, axis=1).sum()) or length == 0:
        return (0.0, -1.0, 0.0)
    return _triple(total / length)


def _through(bolus: Mesh, outer: npt.NDArray[np.intp], normals: Array64) -> Array64:
    """Thickness of the material at each outer vertex, NaN where it cannot be measured [mm].

    A calliper that is rocked finds the shortest way: the distance along the normal times the
    cosine between the two faces. Where they are not nearly parallel nobody reads the same twice.
    """
    start = bolus.vertices_mm[outer] - START_MM * normals[outer]
    hits = RayScene([bolus]).cast(start, -normals[outer])
    a, b, c = np.moveaxis(bolus.corners_mm[hits.triangle], 1, 0)
    across = np.cross(b - a, c - a)
    length = np.linalg.norm(across, axis=1)
    cosine = -(across * normals[outer]).sum(axis=1) / np.where(length > 0, length, 1.0)
    found = (hits.distance_mm.astype(np.float64) + START_MM) * cosine
    return np.where((hits.mesh < 0) | (cosine < PARALLEL), np.nan, found)


def _rim_distance(bolus: Mesh, thickness_mm: Array64, outer: npt.NDArray[np.intp]) -> Array64:
    """Distance of outer vertices to where the outer face ends [mm]."""
    known = np.isfinite(thickness_mm)[bolus.faces]
    border = known.any(axis=1) & ~known.all(axis=1)
    rim = np.unique(bolus.faces[border])
    if not rim.size:
        return np.full(len(outer), RIM_MM)
    distance, _ = cKDTree(bolus.vertices_mm[rim]).query(bolus.vertices_mm[outer])
    return np.asarray(distance, dtype=np.float64)


def _best(points: Array64, expected: Array64, rim: Array64) -> npt.NDArray[np.intp]:
    """Keep places away from the rim, in reach and even; asked less where none is left."""
    tree = cKDTree(points)
    near = tree.query_ball_point(points, FOOT_MM)
    uneven = np.array([float(np.ptp(expected[n])) for n in near])
    away = rim >= min(RIM_MM, 0.6 * float(rim.max()))
    wishes = (
        away & (rim <= JAW_MM) & (uneven <= EVEN_MM),
        away & (uneven <= EVEN_MM),
        away & (uneven <= np.quantile(uneven[away], 0.25)),
    )
    return next(found for found in map(np.flatnonzero, wishes) if found.size)


def _spread(points: Array64, rim: Array64, count: int) -> npt.NDArray[np.intp]:
    """Choose points far from each other, beginning with the one deepest inside the rim."""
    chosen = [int(np.argmax(rim))]
    distance = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count and float(distance.max()) > 2 * FOOT_MM:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen, dtype=np.intp)


def _clockwise(plane: Array64) -> npt.NDArray[np.intp]:
    offset = plane[:, :2] - plane[:, :2].mean(axis=0)
    return np.argsort(np.arctan2(offset[:, 0], offset[:, 1]) % (2 * np.pi), kind="stable")


def _triple(vector: Array64) -> Triple:
    x, y, z = vector.tolist()
    return x, y, z
