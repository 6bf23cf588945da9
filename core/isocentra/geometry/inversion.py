"""Where points come from: p + u(p) = q solved for p.

q ──fixed point──► most points ──Newton with halved steps──► the rest ──► p, residual
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.sampling import Float32Array, spatial_gradient, vectors_at

__all__ = ["Preimages", "preimages"]

_CLOSE_MM: Final = 0.001
"""Where the iteration stops: a tenth of what is promised, a hundred times float32 rounding."""

_FIXED_POINT_STEPS: Final = 12
"""Enough for 0.001 mm of 10 mm where the gradient is below 0.45; Newton takes steeper ones."""

_NEWTON_STEPS: Final = 25
_HALVINGS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Preimages:
    """Solutions of p + u(p) = q."""

    points_mm: Array64
    """(n, 3); NaN where the solution lies outside the field, or the field is NaN there."""
    residual_mm: Array64
    """(n,) |p + u(p) − q|; NaN where there is no solution."""


def preimages(displacement_mm: Float32Array, grid: Grid, ends_mm: Array64) -> Preimages:
    """Solve p + u(p) = q for every q of `ends_mm` (n, 3).

    Outside the grid u is continued with its value at the border while iterating, so that a point
    may come back; one that ends more than half a voxel outside is NaN.
    """
    points = ends_mm.copy()
    residual = _step_residual(displacement_mm, grid, points, ends_mm)
    for _ in range(_FIXED_POINT_STEPS):
        open_ = _left(residual)
        if not open_.size:
            break
        points[open_] -= residual[open_]
        residual[open_] = _step_residual(displacement_mm, grid, points[open_], ends_mm[open_])
    open_ = _left(residual)
    if open_.size:
        _newton(displacement_mm, grid, ends_mm, (points, residual), open_)
    index = grid.to_index(points)
    outside = ((index < -0.5) | (index > np.array(grid.shape) - 0.5)).any(axis=1)
    points[outside | np.isnan(residual).any(axis=1)] = np.nan
    residual[outside] = np.nan
    return Preimages(points_mm=points, residual_mm=np.linalg.norm(residual, axis=1))


def _newton(
    displacement_mm: Float32Array,
    grid: Grid,
    ends_mm: Array64,
    state: tuple[Array64, Array64],
    open_: npt.NDArray[np.intp],
) -> None:
    """Improve the points `open_` of `state` (points, residual) in place."""
    points, residual = state
    gradient = spatial_gradient(displacement_mm, grid).reshape(*grid.shape, 9)
    for _ in range(_NEWTON_STEPS):
        slope = _clamped(gradient, grid, points[open_]).reshape(-1, 3, 3) + np.eye(3)
        regular = np.abs(np.linalg.det(slope)) > 1e-6
        slope[~regular] = np.eye(3)
        step = np.linalg.solve(slope, residual[open_][..., None])[..., 0]
        best, best_residual = points[open_], residual[open_]
        for halving in range(_HALVINGS):
            trial = points[open_] - step / 2**halving
            left = _step_residual(displacement_mm, grid, trial, ends_mm[open_])
            better = np.linalg.norm(left, axis=1) < np.linalg.norm(best_residual, axis=1)
            best = np.where(better[:, None], trial, best)
            best_residual = np.where(better[:, None], left, best_residual)
        points[open_], residual[open_] = best, best_residual
        open_ = open_[_left(residual[open_])]
        if not open_.size:
            return


def _left(residual: Array64) -> npt.NDArray[np.intp]:
    """Return the indices of the points that are not yet close; NaN counts as done."""
    return np.flatnonzero(np.einsum("nc,nc->n", residual, residual) > _CLOSE_MM**2)


def _step_residual(
    displacement_mm: Float32Array, grid: Grid, points: Array64, ends_mm: Array64
) -> Array64:
    return points + _clamped(displacement_mm, grid, points) - ends_mm


def _clamped(vectors: Float32Array, grid: Grid, points_mm: Array64) -> Array64:
    """Return (n, c) vectors at points, those outside the grid moved to its border."""
    index = np.clip(grid.to_index(points_mm), 0.0, np.array(grid.shape) - 1.0)
    return vectors_at(vectors, index).astype(np.float64)
