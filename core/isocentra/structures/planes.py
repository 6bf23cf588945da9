"""The planes that an ROI was drawn on: contours grouped, checked and put in order.

Roi ──► PlaneStack (normal, parts of neighbouring planes, rings in the plane) ──► slabs, surfaces

Contour planes need not be image planes, nor axial; DICOM_RT rules: area contours only, even-odd
over all rings of a plane, planes equal within 0.01 mm, planar within 0.05 mm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from isocentra.errors import StructureError, Where
from isocentra.geometry.grid import Array64
from isocentra.result import Finding
from isocentra.structures.model import Contour, ContourKind, Roi
from isocentra.structures.polygons import even_odd_area_mm2, overlap_partly, signed_area_mm2, union
from isocentra.structures.touching import crosses

__all__ = ["Plane", "PlaneStack", "contour_findings", "plane_stack"]

SAME_PLANE_MM: Final = 0.01
"""Planes nearer than this are one plane: DS strings round to 1e-4 mm or worse. [mm]"""
PLANARITY_MM: Final = 0.05
"""Largest distance of a contour's points from its plane. [mm]"""
SAME_NORMAL: Final = 1e-3
"""Largest sine of the angle between the normals of one ROI's contours."""
NORMAL_NOISE_MM: Final = 0.002
"""What rounded coordinates may tilt a small contour by, over its extent. [mm]"""
DEGENERATE_MM2: Final = 0.01
"""A contour of less area is dropped. [mm²]"""
WHOLE_MULTIPLE: Final = 0.1
"""How far a step may be from a whole multiple of the regular one, in regular steps."""
GAP: Final = 1.5
"""A step of more than this many regular steps has planes missing."""
LONGEST_FILLED_GAP: Final = 3.0
"""A gap of at most this many regular steps is filled by interpolation; longer ones part the ROI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The rings of one ROI on one plane, read even-odd."""

    position_mm: float
    """Distance of the plane from the origin of LPS along the stack's normal. [mm]"""
    rings: tuple[Array64, ...]
    """(n, 2) u, v each. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneStack:
    """An ROI's planes in order of position.

    `axes` holds the unit vectors u, v, n as rows: u × v = n, n's largest component is positive.
    """

    axes: Array64
    planes: tuple[Plane, ...]
    step_mm: float | None
    """The regular distance between planes; None for a single plane. [mm]"""
    findings: tuple[Finding, ...] = ()

    @property
    def parts(self) -> tuple[tuple[Plane, ...], ...]:
        """Runs of planes with no gap longer than what is interpolated."""
        if self.step_mm is None:
            return (self.planes,)
        steps = np.diff([plane.position_mm for plane in self.planes])
        cuts = np.flatnonzero(steps > (LONGEST_FILLED_GAP + 0.05) * self.step_mm) + 1
        ends = [0, *cuts.tolist(), len(self.planes)]
        return tuple(self.planes[a:b] for a, b in pairwise(ends))

    def missing(self, low_mm: float, high_mm: float) -> int:
        """Return how many regular planes are missing between two neighbouring positions. [mm]"""
        if self.step_mm is None or high_mm - low_mm <= GAP * self.step_mm:
            return 0
        return max(round((high_mm - low_mm) / self.step_mm) - 1, 1)

    def to_points(self, uv: Array64, position_mm: float) -> Array64:
        """Map (n, 2) u, v on the plane at `position_mm` to (n, 3) x, y, z in LPS. [mm]"""
        return np.asarray(uv @ self.axes[:2] + position_mm * self.axes[2])

    @property
    def points_mm(self) -> Array64:
        """(n, 3) all ring points in LPS. [mm]"""
        return np.concatenate(
            [self.to_points(ring, p.position_mm) for p in self.planes for ring in p.rings]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A contour that encloses an area, with what its plane is judged by."""

    points_mm: Array64
    is_xor: bool
    normal: Array64
    extent_mm: float


def plane_stack(roi: Roi) -> PlaneStack:
    """Group the area contours of an ROI by plane.

    Parameters
    ----------
    roi
        The ROI; POINT and open contours are passed over.

    Raises
    ------
    StructureError
        ``EMPTY_ROI``: no contour encloses an area. ``BAD_CONTOUR``: a point that is not finite, a
        contour that is not planar, planes of more than one direction, only degenerate contours.
    """
    if not roi.areas:
        raise StructureError(
            "EMPTY_ROI",
            f"The ROI has no contour that encloses an area ({len(roi.contours)} of other kinds).",
            where=Where(roi=roi.name),
            do="Draw it in the planning system, or name another ROI.",
        )
    drawn = [found for contour in roi.areas if (found := _drawn(contour, roi)) is not None]
    dropped = len(roi.areas) - len(drawn)
    if not drawn:
        raise _bad(
            roi,
            f"All {dropped} contours are degenerate: fewer than three points, on one line, or "
            f"under {DEGENERATE_MM2} mm².",
        )
    axes = _axes(_common_normal(drawn))
    heights = [contour.points_mm @ axes[2] for contour in drawn]
    for contour, height in zip(drawn, heights, strict=True):
        _require_parallel(roi, contour, axes[2], float(np.ptp(height)))
    positions = np.array([float(height.mean()) for height in heights])
    findings = []
    if dropped:
        findings.append(
            Finding(code="DEGENERATE_CONTOUR", message=f"{dropped} degenerate contours dropped.")
        )
    planes = []
    for position, members in _groups(positions):
        flat = [(drawn[m].points_mm @ axes[:2].T, drawn[m].is_xor) for m in members]
        rings, notes = _rings_of_plane(flat, position)
        planes.append(Plane(position_mm=position, rings=rings))
        findings.extend(notes)
    step = _regular_step(np.array([plane.position_mm for plane in planes]))
    stack = PlaneStack(axes=axes, planes=tuple(planes), step_mm=step)
    return PlaneStack(
        axes=axes,
        planes=tuple(planes),
        step_mm=step,
        findings=(*findings, *_gap_findings(stack)),
    )


def contour_findings(roi: Roi) -> tuple[Finding, ...]:
    """Say what was dropped, united or filled when an ROI's contours were read."""
    return plane_stack(roi).findings


def _drawn(contour: Contour, roi: Roi) -> _Drawn | None:
    points = np.asarray(contour.points_mm, dtype=np.float64)
    if not np.isfinite(points).all():
        raise StructureError(
            "BAD_CONTOUR",
            "A contour has a coordinate that is not a finite number.",
            where=Where(roi=roi.name),
            do="Export the structure set again.",
        )
    keep = (np.abs(points - np.roll(points, 1, axis=0)) > 1e-9).any(axis=1)
    points = points[keep]
    if len(points) < 3:
        return None
    centred = points - points.mean(axis=0)
    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    _, widths, directions = np.linalg.svd(centred, full_matrices=False)
    if widths[1] < 1e-6 * max(widths[0], 1e-9):
        return None
    # Newell: half the sum of the cross products of successive points, the vector of the area.
    area = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0) / 2
    size = float(np.linalg.norm(area))
    # The lobes of a figure of eight cancel in Newell's sum; its plane is that of the best fit.
    normal = area / size if size > 0.05 * extent**2 else directions[2]
    if size < DEGENERATE_MM2:
        flat = centred @ directions[:2].T
        if even_odd_area_mm2([flat]) < DEGENERATE_MM2:
            return None
    return _Drawn(
        points_mm=points,
        is_xor=contour.kind is ContourKind.CLOSEDPLANAR_XOR,
        normal=normal,
        extent_mm=extent,
    )


def _common_normal(drawn: Sequence[_Drawn]) -> Array64:
    """Direction that the contours' normals share, longer contours counting for more."""
    weighted = np.array([contour.normal * contour.extent_mm for contour in drawn])
    normal = np.linalg.svd(weighted, full_matrices=False)[2][0]
    largest = int(np.abs(normal).argmax())
    normal = np.asarray(normal * np.sign(normal[largest]))
    rounded = np.zeros(3)
    rounded[largest] = 1.0
    # Coordinates along a patient axis stay what they are in the file.
    return rounded if np.abs(normal - rounded).max() < 1e-6 else normal


def _axes(normal: Array64) -> Array64:
    """Rows u, v, n: for n = z they are x, y, z; for n = x: y, z, x; for n = y: z, x, y."""
    first = np.roll(np.eye(3), 1, axis=1)[int(np.abs(normal).argmax())]
    u = first - normal * (first @ normal)
    u /= np.linalg.norm(u)
    return np.array([u, np.cross(normal, u), normal])


def _require_parallel(roi: Roi, contour: _Drawn, normal: Array64, spread_mm: float) -> None:
    own = contour.points_mm - contour.points_mm.mean(axis=0)
    own_spread = float(np.ptp(own @ contour.normal))
    if own_spread > 2 * PLANARITY_MM:
        raise _bad(roi, f"A contour is not planar: its points spread {own_spread:.2f} mm.", contour)
    tilt = float(np.linalg.norm(np.cross(contour.normal, normal)))
    if tilt > SAME_NORMAL + NORMAL_NOISE_MM / contour.extent_mm or spread_mm > 2 * PLANARITY_MM:
        raise _bad(
            roi,
            "The contours lie on planes of more than one direction, up to "
            f"{np.degrees(np.arcsin(min(tilt, 1.0))):.2f}° apart.",
            contour,
        )


def _groups(positions: Array64) -> Iterator[tuple[float, list[int]]]:
    """Yield the mean position and the members of each plane, in order."""
    order = np.argsort(positions, kind="stable")
    members: list[int] = []
    for index in order.tolist():
        if members and positions[index] - positions[members[0]] > SAME_PLANE_MM:
            yield float(positions[members].mean()), sorted(members)
            members = []
        members.append(index)
    yield float(positions[members].mean()), sorted(members)


def _rings_of_plane(
    flat: Sequence[tuple[Array64, bool]], position_mm: float
) -> tuple[tuple[Array64, ...], list[Finding]]:
    """Make rings that even-odd reads right: copies dropped, unions drawn as overlaps united."""
    findings = []
    rings: list[Array64] = []
    plain: list[Array64] = []
    for ring, is_xor in flat:
        if is_xor:
            rings.append(ring)
        elif any(_same_ring(ring, other) for other in plain):
            findings.append(
                Finding(
                    code="DOUBLED_CONTOUR",
                    message=f"A contour is given twice on the plane at {position_mm:.2f} mm.",
                )
            )
        else:
            plain.append(ring)
    for group in _overlapping(plain):
        if len(group) == 1:
            rings.append(plain[group[0]])
            continue
        rings.extend(union([plain[m] for m in group]))
        findings.append(
            Finding(
                code="OVERLAPPING_CONTOURS",
                message=f"{len(group)} contours of one orientation overlap in part on the plane at "
                f"{position_mm:.2f} mm; their union was taken.",
            )
        )
    if crosses(rings):
        findings.append(
            Finding(
                code="CROSSING_CONTOURS",
                message=f"Contours cross themselves or one another on the plane at "
                f"{position_mm:.2f} mm; they were read even-odd.",
            )
        )
    return tuple(rings), findings


def _same_ring(one: Array64, other: Array64) -> bool:
    if len(one) != len(other) or abs(abs(signed_area_mm2(one)) - abs(signed_area_mm2(other))) > 0.1:
        return False
    ordered = [ring[np.lexsort(np.round(ring, 3).T)] for ring in (one, other)]
    return bool(np.abs(ordered[0] - ordered[1]).max() < 2e-3)


def _overlapping(rings: Sequence[Array64]) -> list[list[int]]:
    """Group rings of equal orientation that overlap while neither lies inside the other."""
    groups = [[m] for m in range(len(rings))]
    if len(rings) < 2:
        return groups
    turn = np.array([signed_area_mm2(ring) > 0 for ring in rings])
    low = np.array([ring.min(axis=0) for ring in rings])
    high = np.array([ring.max(axis=0) for ring in rings])
    meet = (low[:, None] < high[None]).all(axis=2)
    meet &= meet.T & (turn[:, None] == turn[None])
    for a, b in np.argwhere(np.triu(meet, 1)).tolist():
        with_a = next(group for group in groups if a in group)
        with_b = next(group for group in groups if b in group)
        if with_a is not with_b and overlap_partly(rings[a], rings[b], DEGENERATE_MM2):
            with_a.extend(with_b)
            groups.remove(with_b)
    return groups


def _regular_step(positions: Array64) -> float | None:
    """Distance between neighbouring planes: the smallest, if the others are multiples of it.

    Steps that are no multiples of one another (a stack of unequal spacing), or one far smaller than
    the rest (a plane drawn beside another), make the median the regular one.
    """
    steps = np.diff(positions)
    if len(steps) == 0:
        return None
    smallest, median = float(steps.min()), float(np.median(steps))
    ratio = steps / smallest
    is_regular = np.abs(ratio - np.round(ratio)).max() <= WHOLE_MULTIPLE
    return smallest if is_regular and smallest > median / 4 else median


def _gap_findings(stack: PlaneStack) -> Iterator[Finding]:
    for part in stack.parts:
        for low, high in pairwise(part):
            if missing := stack.missing(low.position_mm, high.position_mm):
                yield Finding(
                    code="PLANES_INTERPOLATED",
                    message=f"{missing} planes between {low.position_mm:.2f} and "
                    f"{high.position_mm:.2f} mm are missing and were interpolated.",
                )
    if len(stack.parts) > 1:
        yield Finding(
            code="SEPARATE_PARTS",
            message=f"Gaps of more than {LONGEST_FILLED_GAP:.0f} steps of {stack.step_mm:.2f} mm "
            f"leave {len(stack.parts)} separate parts.",
        )


def _bad(roi: Roi, what: str, contour: _Drawn | None = None) -> StructureError:
    where = Where(roi=roi.name)
    if contour is not None:
        x, y, z = contour.points_mm.mean(axis=0).tolist()
        where = Where(roi=roi.name, position_mm=(x, y, z))
    return StructureError(
        "BAD_CONTOUR", what, where=where, do="Correct the ROI in the planning system, export again."
    )
