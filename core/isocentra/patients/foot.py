"""Nearest points of an implicit surface, by Newton's method in the tangent plane.

points ──► starts (along the gradient; feet on the pieces) ──► Newton ──► the nearest of them

A foot q of p satisfies f(q) = 0 and p − q parallel to ∇f(q). Near q the surface is
q + T·u − n·(uᵀSu)/2 with S the shape operator, so |p − q(u)|²/2 has the Hessian I + ((p − q)·n)·S;
one step solves it for u and returns to the surface along the gradient.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["foot_points"]

Array64 = npt.NDArray[np.float64]

TOLERANCE_MM = 1e-4
"""Bound on the error of the distance at which a foot is taken as found."""
STEPS = 25
LEAST_HESSIAN = 0.15
"""Floor of the Hessian's eigenvalues: beyond a focal point the step would run away."""
CELL_MM = 24.0
"""Points are worked through in cells of this size, so that far pieces drop out."""


class Implicit(Protocol):
    """What the search needs of a solid."""

    def jet(self, x: Any, y: Any, z: Any) -> Any:  # noqa: ANN401  # four arrays: value, gradient
        """Value and gradient."""

    @property
    def pieces(self) -> tuple[Any, ...]:
        """Solids whose surfaces it may follow."""

    def near(self, centre_mm: tuple[float, float, float], radius_mm: float) -> Any:  # noqa: ANN401
        """Return the same function inside a ball, simplified."""


def foot_points(solid: Implicit, points: Array64) -> Array64:
    """Return the nearest surface point (n, 3) of each of the points (n, 3). [mm]"""
    out = np.empty_like(points)
    cells = np.floor(points / CELL_MM).astype(np.int64)
    _, member = np.unique(cells, axis=0, return_inverse=True)
    order = np.argsort(member, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(member[order])) + 1):
        here = points[rows]
        centre = (here.min(axis=0) + here.max(axis=0)) / 2
        reach = float(np.linalg.norm(here - centre, axis=1).max())
        away = float(np.abs(_jet(solid, here)[0]).max())
        # The nearest surface lies within the way down the gradient: leave room for it.
        x, y, z = centre.tolist()
        local = solid.near((x, y, z), reach + 2 * away + 10.0)
        out[rows] = _feet(local, here)
    return out


def _feet(solid: Implicit, points: Array64) -> Array64:
    best = _refine(solid, points, _project(solid, points, points))
    distance = np.linalg.norm(best - points, axis=1)
    for piece in solid.pieces:
        # |value| bounds a piece's distance from below: only pieces that could be nearer are tried.
        value = np.abs(_jet(piece, points)[0])
        rows = np.flatnonzero(value < distance - TOLERANCE_MM)
        if rows.size == 0:
            continue
        start = _project(solid, points[rows], _project(piece, points[rows], points[rows]))
        feet = _refine(solid, points[rows], start)
        length = np.linalg.norm(feet - points[rows], axis=1)
        on_surface = np.abs(_jet(solid, feet)[0]) < TOLERANCE_MM
        nearer = on_surface & (length < distance[rows])
        best[rows[nearer]] = feet[nearer]
        distance[rows[nearer]] = length[nearer]
    return best


def _jet(solid: Implicit, points: Array64) -> tuple[Array64, Array64]:
    value, dx, dy, dz = solid.jet(points[:, 0], points[:, 1], points[:, 2])
    return value, np.stack([dx, dy, dz], axis=1)


def _project(solid: Implicit, points: Array64, start: Array64) -> Array64:
    """Walk from `start` to the surface along the gradient."""
    q = start.copy()
    active = np.arange(len(points))
    for _ in range(40):
        value, gradient = _jet(solid, q[active])
        square = np.maximum((gradient * gradient).sum(axis=1), 1e-3)
        q[active] -= (value / square)[:, None] * gradient
        active = active[np.abs(value) > TOLERANCE_MM / 100]
        if active.size == 0:
            break
    return q


def _refine(solid: Implicit, points: Array64, start: Array64) -> Array64:
    """Slide along the surface until the line to the point is the normal."""
    q = start
    best = np.linalg.norm(points - q, axis=1)
    trust = np.full(len(points), 10.0)
    active = np.arange(len(points))
    for _ in range(STEPS):
        step, error = _tangent_step(solid, points[active], q[active])
        active, step = active[error > TOLERANCE_MM], step[error > TOLERANCE_MM]
        if active.size == 0:
            break
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, trust[active] / np.maximum(length, 1e-12))[:, None]
        tried = _project(solid, points[active], q[active] + step)
        distance = np.linalg.norm(points[active] - tried, axis=1)
        nearer = distance <= best[active] + TOLERANCE_MM / 10
        q[active[nearer]] = tried[nearer]
        best[active[nearer]] = distance[nearer]
        trust[active[~nearer]] = np.minimum(length, trust[active])[~nearer] / 4
        active = active[trust[active] > 1e-4]
    return q


def _tangent_step(solid: Implicit, points: Array64, q: Array64) -> tuple[Array64, Array64]:
    """Newton step (n, 3) in the tangent plane and a bound (n,) on the distance's error. [mm]"""
    _, gradient = _jet(solid, q)
    norm = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)
    normal = gradient / norm
    first = np.cross(normal, np.where(np.abs(normal[:, :1]) < 0.7, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    offset = points - q
    along = (offset * normal).sum(axis=1)
    u, v = (offset * first).sum(axis=1), (offset * second).sum(axis=1)
    error = (u * u + v * v) / (2 * LEAST_HESSIAN * np.maximum(np.abs(along), 1e-3))
    h = 1e-4
    by_first = (_jet(solid, q + h * first)[1] - _jet(solid, q - h * first)[1]) / (2 * h * norm)
    by_second = (_jet(solid, q + h * second)[1] - _jet(solid, q - h * second)[1]) / (2 * h * norm)
    a = 1 + along * (by_first * first).sum(axis=1)
    b = along * ((by_first * second).sum(axis=1) + (by_second * first).sum(axis=1)) / 2
    c = 1 + along * (by_second * second).sum(axis=1)
    du, dv = _solve_floored(np.stack([a, b, c]), u, v)
    return du[:, None] * first + dv[:, None] * second, error


def _solve_floored(hessian: Array64, u: Array64, v: Array64) -> tuple[Array64, Array64]:
    """Solve the symmetric 2×2 systems (rows a, b, c) with eigenvalues of at least the floor."""
    a, b, c = hessian
    middle, half = (a + c) / 2, np.hypot((a - c) / 2, b)
    angle = np.arctan2(2 * b, a - c) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    large = (cos * u + sin * v) / np.maximum(middle + half, LEAST_HESSIAN)
    small = (cos * v - sin * u) / np.maximum(middle - half, LEAST_HESSIAN)
    return cos * large - sin * small, sin * large + cos * small
