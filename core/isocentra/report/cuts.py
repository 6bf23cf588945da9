"""Where meshes and drawn structures meet the plane of a picture.

Mesh ──► mesh_cut: exact segments;  Roi ──► roi_cut: its contours, or a field between them
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.frames import ViewFrame
from isocentra.structures.model import Contour, Roi

__all__ = ["FieldCut", "LineCut", "mesh_cut", "roi_cut"]

PARALLEL: Final = 0.9995
"""Cosine above which contours lie in the picture's plane."""

SAME_PLANE_MM: Final = 0.05
SHORTEST_MM: Final = 1e-7
FIELD_STEP_MM: Final = 0.8
GAP_FACTOR: Final = 2.5
"""Planes further apart than so many usual steps belong to separate parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCut:
    """Closed or open lines in the picture's plane, (n, 2) right, up each [mm]."""

    lines: tuple[Array64, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCut:
    """A field whose zero is the outline; negative inside [mm]."""

    right_mm: Array64
    up_mm: Array64
    values: Array64
    """(up, right)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """The contours of one plane, in that plane's own two axes."""

    height_mm: float
    rings: tuple[Array64, ...]


def mesh_cut(mesh: Mesh, frame: ViewFrame) -> Array64:
    """Return (n, 2, 2) segments in which a mesh meets the frame's plane: ends, (right, up) [mm].

    Vertices that lie in the plane are taken as just above it, so no triangle is lost or doubled.
    """
    plane = frame.to_plane(mesh.vertices_mm)
    above = plane[:, 2] >= 0
    count = above[mesh.faces].sum(axis=1)
    cut = mesh.faces[(count == 1) | (count == 2)]
    lone = above[cut].sum(axis=1)[:, None] == 1
    first = np.argmax(above[cut] == lone, axis=1)
    turned = np.take_along_axis(cut, (first[:, None] + np.arange(3)) % 3, axis=1)
    apex, ends = plane[turned[:, 0]], plane[turned[:, 1:]]
    share = apex[:, None, 2] / (apex[:, None, 2] - ends[:, :, 2])
    found = apex[:, None, :2] + share[..., None] * (ends[..., :2] - apex[:, None, :2])
    length = np.abs(found[:, 0] - found[:, 1]).max(axis=1)
    return np.asarray(found[length > SHORTEST_MM])  # a corner that only touches leaves a point


def roi_cut(roi: Roi, frame: ViewFrame) -> LineCut | FieldCut:
    """Return where an ROI meets the frame's plane.

    In its own planes these are the contours as drawn, of the plane nearest to the picture's;
    across them, the zero of the signed distance to the contours, blended linearly from plane to
    plane, with half a step beyond the first and the last.
    """
    areas = [c for c in roi.areas if len(c.points_mm) >= 3]
    if not areas:
        return LineCut(lines=())
    normal = _normal(areas)
    if abs(float(normal @ frame.toward)) > PARALLEL:
        return _in_plane(areas, frame)
    return _across(areas, normal, frame)


def _normal(areas: list[Contour]) -> Array64:
    """Return the normal of the largest contour by Newell's sum, towards the head."""
    best = np.zeros(3)
    for contour in areas:
        points = contour.points_mm - contour.points_mm.mean(axis=0)
        found = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
        best = found if np.linalg.norm(found) > np.linalg.norm(best) else best
    length = float(np.linalg.norm(best))
    best = best / length if length > 0 else np.array([0.0, 0.0, 1.0])
    return np.asarray(best * np.sign(best[np.argmax(np.abs(best))]))


def _in_plane(areas: list[Contour], frame: ViewFrame) -> LineCut:
    flat = [frame.to_plane(c.points_mm) for c in areas]
    height = np.array([f[:, 2].mean() for f in flat])
    planes = np.unique(np.round(height / SAME_PLANE_MM)) * SAME_PLANE_MM
    step = float(np.median(np.diff(planes))) if len(planes) > 1 else 2.0
    nearest = float(np.abs(height).min())
    if nearest > step / 2 + SAME_PLANE_MM:
        return LineCut(lines=())
    kept = np.flatnonzero(np.abs(height) <= nearest + SAME_PLANE_MM)
    return LineCut(lines=tuple(np.vstack([flat[n], flat[n][:1]])[:, :2] for n in kept))


def _slices(areas: list[Contour], normal: Array64, axes: Array64) -> list[_Slice]:
    heights = np.array([float((c.points_mm @ normal).mean()) for c in areas])
    order = np.argsort(heights, kind="stable")
    starts = np.flatnonzero(np.diff(heights[order], prepend=-np.inf) > SAME_PLANE_MM)
    return [
        _Slice(
            height_mm=float(heights[group[0]]),
            rings=tuple(areas[n].points_mm @ axes.T for n in group),
        )
        for group in np.split(order, starts[1:])
    ]


def _across(areas: list[Contour], normal: Array64, frame: ViewFrame) -> FieldCut:
    rows = max(2, round(frame.height_mm / FIELD_STEP_MM))
    columns = max(2, round(frame.width_mm / FIELD_STEP_MM))
    plane = frame.pixel_centres(rows, columns)
    points = frame.to_points(plane).reshape(-1, 3)
    helper = np.eye(3)[np.argmin(np.abs(normal))]
    first = np.cross(normal, helper) / np.linalg.norm(np.cross(normal, helper))
    axes = np.array([first, np.cross(normal, first)])
    slices = _slices(areas, normal, axes)
    values = _blend(slices, points @ normal, points @ axes.T)
    return FieldCut(
        right_mm=plane[0, :, 0], up_mm=plane[:, 0, 1], values=values.reshape(rows, columns)
    )


def _blend(slices: list[_Slice], height: Array64, flat: Array64) -> Array64:
    """Signed distance at points: linear between neighbouring planes, capped at the ends."""
    heights = np.array([s.height_mm for s in slices])
    steps = np.diff(heights)
    step = float(np.median(steps)) if len(steps) else 2.0
    values = np.full(len(height), 2 * step)
    for n, here in enumerate(slices):
        above = steps[n] if n < len(steps) else np.inf
        joined = above <= GAP_FACTOR * step
        reach = above if joined else step / 2
        rise = height - here.height_mm
        part = np.flatnonzero((rise >= 0) & (rise < reach))
        inside = _polygon_distance(here.rings, flat[part])
        if joined:
            share = rise[part] / above
            inside = (1 - share) * inside + share * _polygon_distance(
                slices[n + 1].rings, flat[part]
            )
        else:
            inside = np.maximum(inside, rise[part] - step / 2)
        values[part] = inside
        if n == 0 or steps[n - 1] > GAP_FACTOR * step:
            under = np.flatnonzero((rise < 0) & (rise > -step / 2))
            values[under] = np.maximum(
                _polygon_distance(here.rings, flat[under]), -rise[under] - step / 2
            )
    return values


def _polygon_distance(rings: tuple[Array64, ...], points: Array64) -> Array64:
    """Signed distance of (n, 2) points to the even-odd area of rings; negative inside [mm]."""
    nearest = np.full(len(points), np.inf)
    inside: npt.NDArray[np.bool_] = np.zeros(len(points), bool)
    px, py = points[:, :1], points[:, 1:]
    for ring in rings:
        a, b = ring, np.roll(ring, -1, axis=0)
        dx, dy = (b - a).T
        length = np.maximum(dx * dx + dy * dy, 1e-12)
        t = np.clip(((px - a[:, 0]) * dx + (py - a[:, 1]) * dy) / length, 0, 1)
        gap = (a[:, 0] + t * dx - px) ** 2 + (a[:, 1] + t * dy - py) ** 2
        nearest = np.minimum(nearest, gap.min(axis=1, initial=np.inf))
        spans = (a[:, 1] > py) != (b[:, 1] > py)
        slope = np.divide(dx, dy, out=np.zeros_like(dx), where=dy != 0)
        crossing = px < a[:, 0] + (py - a[:, 1]) * slope
        inside ^= (spans & crossing).sum(axis=1) % 2 == 1
    return np.asarray(np.sqrt(nearest) * np.where(inside, -1.0, 1.0))
