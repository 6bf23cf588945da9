"""Nearest points of an implicit surface, by Newton's method in the tangent plane.

points ──► starts (along the gradient; feet on the pieces) ──► Newton ──► the nearest of them

A foot q of p satisfies f(q) = 0 and p − q parallel to ∇f(q). Near q the surface is
q + T·u − n·(uᵀSu)/2 with S the shape operator, so |p − q(u)|²/2 has the Hessian I + ((p − q)·n)·S;
one step solves it for u and returns to the surface along the gradient.
"""

from __future__ import annotations

import math
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
CELL_MM = 32.0
"""Points are worked through in cells of this size, so that far pieces drop out."""

FLAT = 1e-3
"""Squared gradient below which there is no direction to follow."""
ROUNDS = 4
LEAST_BALL_MM = 1.0
DIRECTIONS = np.array(
    [
        (i / n, j / n, k / n)
        for i in range(-2, 3)
        for j in range(-2, 3)
        for k in range(-2, 3)
        if max(abs(i), abs(j), abs(k)) == 2 and (n := math.hypot(i, j, k))
    ]
)
"""98 unit vectors, through the lattice points on the faces of a cube."""


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
        x, y, z = ((here.min(axis=0) + here.max(axis=0)) / 2).tolist()
        reach = float(np.linalg.norm(here - (x, y, z), axis=1).max())
        first = _project(solid, here, here)
        # No foot is farther than this one: what plays no part within that ball is left out.
        away = float(np.linalg.norm(first - here, axis=1).max())
        out[rows] = _feet(solid.near((x, y, z), reach + away + 0.5), here, first)
    return out


def _feet(solid: Implicit, points: Array64, first: Array64) -> Array64:
    best = _refine(solid, points, first)
    for piece in solid.pieces:
        # |value| bounds a piece's distance from below: only pieces that could be nearer are tried.
        value = np.abs(_jet(piece, points)[0])
        rows = np.flatnonzero(value < _length(best - points) - TOLERANCE_MM)
        if rows.size:
            _try(solid, points, best, rows, _project(piece, points[rows], points[rows]))
    for round_number in range(ROUNDS):
        rows, start = _crossings(solid, points, best, first=round_number == 0)
        if rows.size == 0:
            break
        _try(solid, points, best, rows, start)
    return best


def _crossings(
    solid: Implicit, points: Array64, best: Array64, *, first: bool
) -> tuple[npt.NDArray[np.intp], Array64]:
    """Rows whose foot is not the nearest, and points on the way to a nearer one.

    A ball that touches the surface in the nearest foot lies on one side of it: a point of the ball
    on the other side proves that a nearer foot exists, and the way to it crosses the surface. In
    the first round the point of the ball that comes nearest to the other side is tried anyway.
    """
    distance = _length(best - points)
    rows = np.flatnonzero(distance > LEAST_BALL_MM)
    sign = np.where(_jet(solid, points[rows])[0] < 0, -1.0, 1.0)
    radius = 0.98 * distance[rows]
    probes = points[rows, None] + radius[:, None, None] * DIRECTIONS
    value = _jet(solid, probes.reshape(-1, 3))[0].reshape(len(rows), len(DIRECTIONS))
    depth = value * sign[:, None]
    found = np.flatnonzero(depth.min(axis=1) < 0) if not first else np.arange(len(rows))
    rows, sign, depth = rows[found], sign[found], depth[found]
    ray = probes[found, depth.argmin(axis=1)] - points[rows]
    low, high = np.zeros(len(rows)), np.ones(len(rows))
    for _ in range(12 if rows.size else 0):
        middle = (low + high) / 2
        same = _jet(solid, points[rows] + middle[:, None] * ray)[0] * sign > 0
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return rows, points[rows] + low[:, None] * ray


def _try(
    solid: Implicit, points: Array64, best: Array64, rows: npt.NDArray[np.intp], start: Array64
) -> None:
    """Refine other starts for some rows; a nearer foot replaces the row's `best` in place."""
    feet = _refine(solid, points[rows], _project(solid, points[rows], start))
    nearer = _length(feet - points[rows]) < _length(best[rows] - points[rows])
    nearer &= np.abs(_jet(solid, feet)[0]) < TOLERANCE_MM
    best[rows[nearer]] = feet[nearer]


def _length(vectors: Array64) -> Array64:
    return np.asarray(np.linalg.norm(vectors, axis=1))


def _jet(solid: Implicit, points: Array64) -> tuple[Array64, Array64]:
    value, dx, dy, dz = solid.jet(points[:, 0], points[:, 1], points[:, 2])
    return value, np.stack([dx, dy, dz], axis=1)


def _project(solid: Implicit, points: Array64, start: Array64) -> Array64:
    """Walk from `start` to the surface along the gradient."""
    q = start.copy()
    active = np.arange(len(points))
    for _ in range(40):
        value, gradient = _jet(solid, q[active])
        square = (gradient * gradient).sum(axis=1)
        # In the middle of a solid the gradient vanishes; any direction leads out of there.
        gradient[square < FLAT] = (1.0, 0.0, 0.0)
        square = np.where(square < FLAT, 1.0, square)
        q[active] -= (value / square)[:, None] * gradient
        active = active[np.abs(value) > TOLERANCE_MM / 100]
        if active.size == 0:
            break
    return q


def _refine(solid: Implicit, points: Array64, start: Array64) -> Array64:
    """Slide along the surface until the line to the point is the normal."""
    q = start
    best = _length(points - q)
    trust = np.full(len(points), 10.0)
    active = np.arange(len(points))
    for _ in range(STEPS):
        normal, norm, offset = _frame(solid, points[active], q[active])
        along = (offset * normal).sum(axis=1)
        sideways = (offset * offset).sum(axis=1) - along * along
        # The distance falls by at most u²/2H/d when the foot slides by u.
        error = sideways / (2 * LEAST_HESSIAN * np.maximum(np.abs(along), 1e-3))
        far = error > TOLERANCE_MM
        active = active[far]
        if active.size == 0:
            break
        step = _tangent_step(solid, q[active], normal[far], norm[far], offset[far])
        length = _length(step)
        step *= np.minimum(1.0, trust[active] / np.maximum(length, 1e-12))[:, None]
        tried = _project(solid, points[active], q[active] + step)
        distance = _length(points[active] - tried)
        nearer = distance <= best[active] + TOLERANCE_MM / 10
        q[active[nearer]] = tried[nearer]
        best[active[nearer]] = distance[nearer]
        trust[active[~nearer]] = np.minimum(length, trust[active])[~nearer] / 4
        active = active[trust[active] > 1e-4]
        if active.size == 0:
            break
    return q


def _frame(solid: Implicit, points: Array64, q: Array64) -> tuple[Array64, Array64, Array64]:
    """Return unit normal (n, 3) and gradient length (n, 1) at `q`, and the way to the points."""
    _, gradient = _jet(solid, q)
    norm = np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)
    return gradient / norm, norm, points - q


def _tangent_step(
    solid: Implicit, q: Array64, normal: Array64, norm: Array64, offset: Array64
) -> Array64:
    """Newton step (n, 3) in the tangent plane. [mm]"""
    first = np.cross(normal, np.where(np.abs(normal[:, :1]) < 0.7, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(normal, first)
    along = (offset * normal).sum(axis=1)
    u, v = (offset * first).sum(axis=1), (offset * second).sum(axis=1)
    h = 1e-4
    by_first = (_jet(solid, q + h * first)[1] - _jet(solid, q - h * first)[1]) / (2 * h * norm)
    by_second = (_jet(solid, q + h * second)[1] - _jet(solid, q - h * second)[1]) / (2 * h * norm)
    a = 1 + along * (by_first * first).sum(axis=1)
    b = along * ((by_first * second).sum(axis=1) + (by_second * first).sum(axis=1)) / 2
    c = 1 + along * (by_second * second).sum(axis=1)
    du, dv = _solve_floored(np.stack([a, b, c]), u, v)
    return np.asarray(du[:, None] * first + dv[:, None] * second)


def _solve_floored(hessian: Array64, u: Array64, v: Array64) -> tuple[Array64, Array64]:
    """Solve the symmetric 2×2 systems (rows a, b, c) with eigenvalues of at least the floor."""
    a, b, c = hessian
    middle, half = (a + c) / 2, np.hypot((a - c) / 2, b)
    angle = np.arctan2(2 * b, a - c) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    large = (cos * u + sin * v) / np.maximum(middle + half, LEAST_HESSIAN)
    small = (cos * v - sin * u) / np.maximum(middle - half, LEAST_HESSIAN)
    return cos * large - sin * small, sin * large + cos * small
