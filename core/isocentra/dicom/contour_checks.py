"""What is wrong with the contours of one ROI, and what is left out.

raw contours ──► without degenerate ones ──► planar, of one family ──► crossings and overlaps seen

Rules and numbers: DICOM PS3.3 C.8.8.6 as read in practice. Two contours of equal orientation that
overlap in part were meant as a union, which even-odd filling would turn into a hole: they are
reported here, and united where the ROI is turned into a volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocentra.geometry.grid import Array64
from isocentra.geometry.plane_segments import candidates, crossings, shared_area_mm2
from isocentra.structures.model import Contour, ContourKind

__all__ = ["MOST_WORK", "CheckedContours", "check_contours", "newell"]

PLANARITY_MM: Final = 0.05
"""Largest distance of a point from its contour's plane."""
SMALLEST_AREA_MM2: Final = 0.01
SAME_PLANE_MM: Final = 0.01
"""ContourData holds 16 characters a number: planes nearer than this are one."""
OVERLAP_SHARE: Final = 1e-3
"""Share of the smaller contour that must be shared, and not shared, to call an overlap partial."""
MOST_WORK: Final = 16_000_000
"""Pairs of edges looked at in one file, about 1 s: nine clinical sets need 600 to 480,000."""
MOST_WORK_PER_ROI: Final = 4_000_000
WORK_PER_STRIP: Final = 200
"""What one strip of an overlap takes, in pairs of edges."""
_INTRICATE: Final = "too many of its edges lie side by side to be checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedContours:
    """The contours to use, and what was found on the way."""

    contours: tuple[Contour, ...]
    dropped: int = 0
    """Degenerate ones that were left out."""
    self_crossing: int = 0
    overlapping: int = 0
    """Pairs of equal orientation that overlap in part: their union is meant."""
    opposed: int = 0
    """Pairs of opposite orientation that overlap in part: left to even-odd filling."""
    defect: str = ""
    work: int = 0
    """Pairs of edges that were looked at."""


class _IntricateError(Exception):
    """The contours are made so that checking them does not end."""


@dataclass(slots=True, kw_only=True)
class _Work:
    done: int = 0
    limit: int

    def add(self, pairs: int) -> None:
        self.done += pairs
        if self.done > self.limit:
            raise _IntricateError


def newell(points_mm: Array64) -> Array64:
    """Return the area vector (3,) of a closed polygon (n, 3) mm; its length is the area in mm².

    Newell's method: half the sum of the cross products of successive points.
    """
    centred = points_mm - points_mm.mean(axis=0)
    x, y, z = np.ascontiguousarray(centred.T)
    u, v, w = np.roll(np.stack([x, y, z]), -1, axis=1)
    return np.array([y @ w - z @ v, z @ u - x @ w, x @ v - y @ u]) / 2


def check_contours(
    contours: Sequence[Contour], *, work_left: int = MOST_WORK_PER_ROI
) -> CheckedContours:
    """Check and tidy the contours of one ROI; points and lines pass through.

    Contours that would take more than `work_left` pairs of edges are a defect, found before the
    work is done.
    """
    work = _Work(limit=min(work_left, MOST_WORK_PER_ROI))
    try:
        checked = _check(contours, work)
    except _IntricateError:
        checked = CheckedContours(contours=tuple(contours), defect=_INTRICATE)
        work.done = min(work.done, work.limit)
    return replace(checked, work=work.done)


def _check(contours: Sequence[Contour], work: _Work) -> CheckedContours:
    areas = [contour for contour in contours if contour.is_area]
    sound = [contour for contour in areas if not _is_degenerate(contour.points_mm, work)]
    dropped = len(areas) - len(sound)
    if areas and not sound:
        kept = tuple(contour for contour in contours if not contour.is_area)
        defect = "" if kept else f"all of its {dropped} contours are degenerate"
        return CheckedContours(contours=kept, dropped=dropped, defect=defect)
    if not sound:
        return CheckedContours(contours=tuple(contours))
    vectors = np.array([newell(contour.points_mm) for contour in sound])
    normal = _shared_normal(sound, vectors)
    defect = _plane_defect(sound, normal)
    if defect:
        return CheckedContours(contours=tuple(contours), dropped=dropped, defect=defect)
    seen = _seen_by_plane(sound, vectors @ normal, normal, work)
    lines = tuple(contour for contour in contours if not contour.is_area)
    return replace(seen, contours=seen.contours + lines, dropped=dropped)


def _is_degenerate(points_mm: Array64, work: _Work) -> bool:
    """Whether a polygon has no area to speak of: too few points, all on a line, a sliver."""
    if len(points_mm) < 3:
        return True
    if np.linalg.norm(newell(points_mm)) >= SMALLEST_AREA_MM2:
        return False
    centred = points_mm - points_mm.mean(axis=0)
    _, extents, axes = np.linalg.svd(centred, full_matrices=False)
    if extents[1] < 1e-3 or np.ptp(centred @ axes[0]) * np.ptp(centred @ axes[1]) < 0.01:
        return True
    flat = centred @ axes[:2].T  # the loops of a figure of eight cancel in the area vector
    after = np.roll(flat, -1, axis=0)
    work.add(candidates(flat, after))
    return not len(crossings(flat, after).proper)


def _own_normal(points_mm: Array64) -> Array64:
    """Return the unit normal of one contour; of one whose loops cancel, that of its best plane."""
    vector = newell(points_mm)
    length = np.linalg.norm(vector)
    if length >= SMALLEST_AREA_MM2:
        return np.asarray(vector / length)
    _, _, axes = np.linalg.svd(points_mm - points_mm.mean(axis=0), full_matrices=False)
    return np.asarray(axes[2])


def _shared_normal(contours: Sequence[Contour], vectors: Array64) -> Array64:
    """Return the normal of the largest contour, averaged over those that follow it."""
    lengths = np.linalg.norm(vectors, axis=1)
    normal = _own_normal(contours[int(np.argmax(lengths))].points_mm)
    along = vectors @ normal
    total = (vectors * np.sign(along)[:, None])[np.abs(along) > 0.9 * lengths].sum(axis=0)
    if np.linalg.norm(total) >= SMALLEST_AREA_MM2:
        normal = np.asarray(total / np.linalg.norm(total))
    # A drawn axial set is axial to the last bit: do not let rounding tilt it.
    largest = int(np.argmax(np.abs(normal)))
    nearest = np.eye(3)[largest] * np.sign(normal[largest])
    return nearest if np.abs(normal - nearest).max() < 1e-6 else normal


def _plane_defect(contours: Sequence[Contour], normal: Array64) -> str:
    for number, contour in enumerate(contours, start=1):
        if np.ptp(contour.points_mm @ normal) <= 2 * PLANARITY_MM:
            continue
        deviation = float(np.ptp(contour.points_mm @ _own_normal(contour.points_mm))) / 2
        if deviation > PLANARITY_MM:
            return f"contour {number} leaves its plane by {deviation:.2f} mm"
        return "its contours lie in more than one family of planes"
    return ""


def _seen_by_plane(
    contours: Sequence[Contour], signed_areas: Array64, normal: Array64, work: _Work
) -> CheckedContours:
    """Look at the contours plane by plane and count what is odd."""
    heights = np.array([float(contour.points_mm.mean(axis=0) @ normal) for contour in contours])
    order = np.argsort(heights, kind="stable")
    planes = np.split(order, np.flatnonzero(np.diff(heights[order]) > SAME_PLANE_MM) + 1)
    basis = _basis(normal)
    self_crossing = overlapping = opposed = 0
    for plane in planes:
        members = [contours[i] for i in plane]
        crossing, overlaps = _look(
            members, [contour.points_mm @ basis.T for contour in members], work
        )
        equal = sum(signed_areas[plane[[a, b]]].prod() > 0 for a, b in overlaps)
        self_crossing += crossing
        overlapping += int(equal)
        opposed += len(overlaps) - int(equal)
    return CheckedContours(
        contours=tuple(contours),
        self_crossing=self_crossing,
        overlapping=overlapping,
        opposed=opposed,
    )


def _look(
    members: Sequence[Contour], flat: Sequence[Array64], work: _Work
) -> tuple[int, list[tuple[int, int]]]:
    """Return how many contours of a plane cross themselves, and the pairs that overlap in part."""
    labels = np.repeat(np.arange(len(flat)), [len(points) for points in flat])
    start = np.concatenate(flat)
    stop = np.concatenate([np.roll(points, -1, axis=0) for points in flat])
    work.add(candidates(start, stop))
    found = crossings(start, stop)
    own = labels[found.proper]
    crossing = len(set(own[own[:, 0] == own[:, 1], 0].tolist()))
    met = np.sort(labels[found.touching], axis=1)
    touching = np.unique(met[met[:, 0] != met[:, 1]], axis=0).tolist()
    closed = [
        (a, b)
        for a, b in touching
        if members[a].kind is ContourKind.CLOSED_PLANAR
        and members[b].kind is ContourKind.CLOSED_PLANAR
    ]
    work.add(WORK_PER_STRIP * sum(len(flat[a]) + len(flat[b]) for a, b in closed))
    return crossing, [(a, b) for a, b in closed if _overlaps_in_part(flat[a], flat[b])]


def _basis(normal: Array64) -> Array64:
    """(2, 3) orthonormal vectors u, v with u × v = normal."""
    helper = np.eye(3)[np.argmin(np.abs(normal))]
    u = np.cross(helper, normal)
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(normal, u)])


def _overlaps_in_part(one: Array64, other: Array64) -> bool:
    shared, *areas = shared_area_mm2(one, other)
    smaller = min(areas)
    slack = max(SMALLEST_AREA_MM2, OVERLAP_SHARE * smaller)
    return slack < shared < smaller - slack
