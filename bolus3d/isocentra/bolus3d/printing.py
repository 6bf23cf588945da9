"""How a part lies on the printer, what it weighs and how long it takes.

mesh + printer ──► directions that may point up ──► yaw on the bed ──► cheapest ──► PrintPlan
                                                    material, infill ──► mass, time

The cost of a direction is the plastic and the time it wastes, in mm³ of filament:
0.15 · (volume under overhangs) + 0.5 mm · (overhang area) + 12 mm² · height, and a tenth of the
part's volume where it would not stand by itself. Overhang: steeper than 45° over the bed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from isocentra.bolus3d.catalogue import Material, Printer, Process
from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh

__all__ = ["PrintPlan", "plan_print", "printed_mass_g", "printing_time_min"]

DIRECTIONS = 400
MORE_DIRECTIONS = 1200
"""Tried only where none of the first fits."""
FLAT_FACES = 24
YAW_STEPS = 90
OVERHANG_COSINE = -np.cos(np.radians(45.0))
RESTING_MM = 0.3
"""A face within this height of the bed rests on it."""
SUPPORT_SHARE = 0.15
SUPPORT_SKIN_MM = 0.5
HEIGHT_COST_MM2 = 12.0
UNSTABLE_SHARE = 0.1
LINES_IN_WALL = 2

Rotation = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintPlan:
    """The part on the bed."""

    fits: bool
    rotation: Rotation
    """Proper rotation, patient LPS to printer axes (z up): rows."""
    extents_mm: tuple[float, float, float]
    """Size of the part along the printer's x, y, z. [mm]"""
    bed_share: float
    """Largest of extent over room, along x, y, z; at most 1 fits."""
    overhang_cm2: float
    """Area that needs support. [cm²]"""
    support_cm3: float
    """Plastic in supports. [cm³]"""
    stands: bool
    """Whether the centre of the part is over what touches the bed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    normals: Array64
    centres: Array64
    areas: Array64
    hull: Array64
    centre: Array64
    volume_mm3: float


def plan_print(mesh: Mesh, printer: Printer) -> PrintPlan:
    """Find the orientation that fits the printer and wastes least; the nearest to fit if none does.

    Parameters
    ----------
    mesh
        Finite vertices, at least one face.
    """
    shape = _shape(mesh)
    plan = _best(shape, _directions(shape, DIRECTIONS), printer)
    if not plan.fits:
        plan = _best(shape, _directions(shape, MORE_DIRECTIONS), printer)
    return plan


def _shape(mesh: Mesh) -> _Shape:
    corners = mesh.corners_mm
    a, b, c = np.moveaxis(corners, 1, 0)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    points = mesh.vertices_mm[np.unique(mesh.faces)]
    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:  # flat, or fewer than four points
        hull = points
    centres = corners.mean(axis=1)
    weight = np.einsum("ij,ij->i", a, np.cross(b, c))
    total = float(weight.sum())
    centre = hull.mean(axis=0)
    if total > 0:  # centre of gravity: tetrahedra from the origin
        centre = ((a + b + c) * weight[:, None]).sum(axis=0) / (4 * total)
    return _Shape(
        normals=mesh.face_normals,
        centres=centres,
        areas=areas,
        hull=np.asarray(hull),
        centre=centre,
        volume_mm3=abs(total) / 6,
    )


def _directions(shape: _Shape, count: int) -> Array64:
    """Evenly spread directions, the patient's axes, and those that lay a flat side on the bed."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    turn = k * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    sphere = np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    found = [axes, sphere]
    try:
        hull = ConvexHull(shape.hull)
    except QhullError:
        return np.concatenate(found)
    corners = shape.hull[hull.simplices]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    normals = np.round(hull.equations[:, :3], 6)
    sides, number = np.unique(normals, axis=0, return_inverse=True)
    total = np.bincount(number.ravel(), weights=area)
    largest = np.argsort(-total, kind="stable")[:FLAT_FACES]
    found.append(-sides[largest] / np.linalg.norm(sides[largest], axis=1, keepdims=True))
    return np.concatenate(found)


def _best(shape: _Shape, directions: Array64, printer: Printer) -> PrintPlan:
    cost, overhang, support, stands = _costs(shape, directions)
    height = np.ptp(shape.hull @ directions.T, axis=0)
    best, least, rotation = 0, np.inf, np.eye(3)
    for row in np.argsort(cost, kind="stable"):  # the first that fits is the cheapest that fits
        if height[row] / printer.bed_mm[2] >= max(least, 1.0):
            continue  # too high, and no nearer to fit than what was found
        turned, share = _on_bed(shape.hull, directions[row], printer.bed_mm)
        if share < least:
            best, least, rotation = int(row), share, turned
        if share <= 1.0:
            best, least, rotation = int(row), share, turned
            break
    x, y, z = np.ptp(shape.hull @ rotation.T, axis=0).tolist()
    rows = [(float(r[0]), float(r[1]), float(r[2])) for r in rotation]
    return PrintPlan(
        fits=least <= 1.0,
        rotation=tuple(rows),
        extents_mm=(x, y, z),
        bed_share=least,
        overhang_cm2=float(overhang[best]) / 100,
        support_cm3=float(SUPPORT_SHARE * support[best]) / 1000,
        stands=bool(stands[best]),
    )


def _costs(
    shape: _Shape, directions: Array64
) -> tuple[Array64, Array64, Array64, npt.NDArray[np.bool_]]:
    """Cost [mm³], overhang area [mm²], volume under it [mm³] and stability for each direction."""
    overhang = np.empty(len(directions))
    support = np.empty(len(directions))
    along = shape.hull @ directions.T
    bottom, height = along.min(axis=0), np.ptp(along, axis=0)
    for k, up in enumerate(directions):
        slope = shape.normals @ up
        down = np.flatnonzero(slope < OVERHANG_COSINE)
        above = shape.centres[down] @ up - bottom[k]
        off_bed = above > RESTING_MM
        hanging = down[off_bed]
        overhang[k] = shape.areas[hanging].sum()
        support[k] = -(shape.areas[hanging] * slope[hanging]) @ above[off_bed]
    stands = np.array(
        [
            _stands(shape, up, along[:, k] - bottom[k] < RESTING_MM)
            for k, up in enumerate(directions)
        ]
    )
    cost = (
        SUPPORT_SHARE * support
        + SUPPORT_SKIN_MM * overhang
        + HEIGHT_COST_MM2 * height
        + np.where(stands, 0.0, UNSTABLE_SHARE * shape.volume_mm3)
    )
    return cost, overhang, support, stands


def _stands(shape: _Shape, up: Array64, resting: npt.NDArray[np.bool_]) -> bool:
    """Tell whether the centre of gravity is over the convex hull of the resting points."""
    if resting.sum() < 3:
        return False
    x, y = _plane_axes(up)
    base = shape.hull[resting] @ np.stack([x, y], axis=1)
    try:
        hull = ConvexHull(base)
    except QhullError:
        return False
    point = np.array([shape.centre @ x, shape.centre @ y])
    return bool((hull.equations[:, :2] @ point + hull.equations[:, 2] <= 0).all())


def _plane_axes(up: Array64) -> tuple[Array64, Array64]:
    """Two axes that make a right-handed set with `up`."""
    start = np.eye(3)[np.argmin(np.abs(up))]
    x = np.cross(start, up)
    x = x / np.linalg.norm(x)
    return x, np.cross(up, x)


def _on_bed(
    hull: Array64, up: Array64, bed_mm: tuple[float, float, float]
) -> tuple[Array64, float]:
    """Turn about `up` so that the part fills the least share of the bed; rotation and share."""
    x, y = _plane_axes(up)
    angle = np.arange(YAW_STEPS) * np.pi / YAW_STEPS
    cosine, sine = np.cos(angle), np.sin(angle)
    flat = hull @ np.stack([x, y], axis=1)
    with contextlib.suppress(QhullError):  # a line has no hull
        flat = flat[ConvexHull(flat).vertices]
    u, v = flat.T
    width = np.ptp(np.outer(cosine, u) + np.outer(sine, v), axis=1)
    depth = np.ptp(np.outer(cosine, v) - np.outer(sine, u), axis=1)
    share = np.maximum(width / bed_mm[0], depth / bed_mm[1])
    k = int(np.argmin(share))
    across = cosine[k] * x + sine[k] * y
    rotation = np.stack([across, np.cross(up, across), up])
    return rotation, max(float(share[k]), float(np.ptp(hull @ up)) / bed_mm[2])


def printed_mass_g(
    mesh: Mesh, printer: Printer, material: Material, *, infill_percent: float = 100.0
) -> float:
    """Mass of the part without supports. [g]

    Notes
    -----
    m = ρ · (V_wall + (V − V_wall) · infill), V_wall = min(V, A · 2 lines): two lines round the part
    are always solid. A cast part is solid.
    """
    volume_cm3 = abs(mesh.signed_volume_mm3) / 1000
    if material.process is not Process.FILAMENT:
        return material.density_g_cm3 * volume_cm3
    wall_cm3 = min(volume_cm3, mesh.area_mm2 * LINES_IN_WALL * printer.nozzle_mm / 1000)
    return material.density_g_cm3 * (wall_cm3 + (volume_cm3 - wall_cm3) * infill_percent / 100)


def printing_time_min(
    mass_g: float, plan: PrintPlan, printer: Printer, material: Material
) -> float:
    """Estimate the time on the printer, or in the mould for a cast part. [min]

    Notes
    -----
    Filament: (V_part + V_support) / flow + layers · time per layer; resin: layers · time per layer;
    cast: curing time. The slicer's own figure holds where it differs.
    """
    if material.process is Process.CAST and material.cure_min is not None:
        return material.cure_min
    layers = plan.extents_mm[2] / printer.layer_mm
    seconds = layers * printer.layer_s
    if printer.flow_mm3_s is not None:
        volume_mm3 = 1000 * (mass_g / material.density_g_cm3 + plan.support_cm3)
        seconds += volume_mm3 / printer.flow_mm3_s
    return seconds / 60
