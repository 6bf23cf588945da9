"""From planes in space to one regular grid: order, doubles, steps, tilt.

planes ──► sorted_planes ──► regular_grid (Grid)

The slice coordinate is s = position · n with n = r × c (PS3.3 C.7.6.2.1.1); instance numbers,
slice locations and thicknesses are not asked: files contradict them.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from isocentra.dicom.refusal import refusal
from isocentra.errors import AssemblyError, Where
from isocentra.geometry.grid import Array64, Grid

__all__ = ["SAME_PLACE_MM", "Plane", "frame_axes", "regular_grid", "slice_coordinate"]

SAME_PLACE_MM: Final = 0.01
STEP_TOLERANCE: Final = 0.01
"""Of the step; real series scatter by 0.1 % from rounding."""
SHEAR_MM: Final = 0.05
"""In-plane shift of one slice to the next from which a stack is tilted. [mm]"""
TOTAL_SHEAR_MM: Final = 1.0
"""In-plane shift over the whole stack: small shifts add up. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Where one slice lies."""

    name: str
    """File of the slice, for messages."""
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]


def frame_axes(orientation: tuple[float, ...]) -> Array64:
    """Return (3, 3) unit vectors of k, j, i, orthonormal to rounding, from six direction cosines.

    Notes
    -----
    The row direction is kept, the column direction made orthogonal to it.
    """
    row = np.array(orientation[:3])
    row /= np.linalg.norm(row)
    column = np.array(orientation[3:])
    column -= row * (row @ column)
    column /= np.linalg.norm(column)
    return np.array([np.cross(row, column), column, row])


def slice_coordinate(plane: Plane, axes: Array64) -> float:
    """Return the distance of a plane from the origin along the normal [mm]."""
    return float(np.array(plane.position_mm) @ axes[0])


def regular_grid(
    planes: list[Plane],
    spacing_mm: tuple[float, float],
    shape: tuple[int, int],
    frame_of_reference_uid: str,
) -> Grid:
    """Return the grid of planes that are sorted along their normal and without doubles.

    Parameters
    ----------
    planes
        At least two, ascending.
    spacing_mm
        Between rows, between columns. [mm]
    shape
        Rows, columns.
    frame_of_reference_uid
        Of the series.

    Raises
    ------
    AssemblyError
        ``SINGLE_SLICE``, ``MISSING_SLICE``, ``UNEQUAL_SPACING``, ``GANTRY_TILT``.
    """
    if len(planes) < 2:
        raise AssemblyError(
            "SINGLE_SLICE",
            "The series has one slice, which is no volume.",
            where=Where(file=planes[0].name),
            do="Export the whole series.",
        )
    axes = frame_axes(planes[0].orientation)
    s = [slice_coordinate(plane, axes) for plane in planes]
    shear_mm = _shear(planes, axes)
    _check_steps(planes, s, shear_mm)
    _check_shear(planes, axes, shear_mm)
    x, y, z = planes[0].position_mm
    step = (s[-1] - s[0]) / (len(s) - 1)
    if step > 10_000:
        raise refusal("BAD_GEOMETRY", f"Slices are {step:.0f} mm apart.", planes[0].name)
    k, j, i = (tuple(float(v) for v in axis) for axis in axes)
    return Grid(
        shape=(len(planes), *shape),
        spacing_mm=(step, *spacing_mm),
        origin_mm=(x, y, z),
        axes=(_triple(k), _triple(j), _triple(i)),
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z


def _check_steps(planes: list[Plane], s: list[float], shear_mm: float) -> None:
    steps = [b - a for a, b in pairwise(s)]
    # The lower median is a step that exists: with two steps, 2.4 and 4.7, it finds the hole.
    usual = statistics.median_low(steps)
    tolerance = max(SAME_PLACE_MM, STEP_TOLERANCE * usual)
    odd = [at for at, step in enumerate(steps) if abs(step - usual) > tolerance]
    if not odd:
        return
    holes = []
    for at in odd:
        times = round(steps[at] / usual)
        if times >= 2 and abs(steps[at] - times * usual) <= times * tolerance:
            holes.append(at)
    tilt = f" The stack is tilted as well (GANTRY_TILT, {shear_mm:.2f} mm)." * (shear_mm > SHEAR_MM)
    if len(holes) == len(odd):
        places = ", ".join(f"{s[at] + usual:.2f}" for at in holes[:5])
        raise AssemblyError(
            "MISSING_SLICE",
            f"{len(holes)} gap(s) in a stack of step {usual:.3f} mm: nothing at s = {places} mm."
            f"{tilt}",
            where=_after(planes, holes[0]),
            do="Export the series again with all slices.",
        )
    found = ", ".join(f"{step:.3f}" for step in sorted(set(steps))[:6])
    raise AssemblyError(
        "UNEQUAL_SPACING",
        f"The slices are not equally spaced: steps of {found} mm.{tilt}",
        where=_after(planes, odd[0]),
        do="Give a series with one slice distance, or resample it before.",
    )


def _after(planes: list[Plane], at: int) -> Where:
    x, y, z = planes[at].position_mm
    return Where(file=planes[at].name, position_mm=(x, y, z))


def _shear(planes: list[Plane], axes: Array64) -> float:
    """Return the largest in-plane shift from one slice to the next [mm]."""
    positions = np.array([plane.position_mm for plane in planes])
    shifts = np.diff(positions, axis=0) @ axes[1:].T
    return float(np.hypot(shifts[:, 0], shifts[:, 1]).max())


def _check_shear(planes: list[Plane], axes: Array64, shear_mm: float) -> None:
    whole = np.array(planes[-1].position_mm) - np.array(planes[0].position_mm)
    total_mm = float(np.hypot(*(axes[1:] @ whole)))
    if shear_mm < SHEAR_MM and total_mm < TOTAL_SHEAR_MM:
        return
    angle = math.degrees(math.atan2(total_mm, abs(float(axes[0] @ whole))))
    raise AssemblyError(
        "GANTRY_TILT",
        f"Slices shift by {shear_mm:.3f} mm in their plane from one to the next, {total_mm:.2f} mm"
        f" over the stack: a tilt of {angle:.1f}°.",
        where=Where(file=planes[0].name),
        do="Scan without gantry tilt, or resample the series to an orthogonal grid.",
    )
