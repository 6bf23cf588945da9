"""On which side: signs of determinants that are never wrong.

points ──► float64 determinant ──► |det| above its rounding bound? its sign
                                └► else the same determinant in integers (floats are dyadic)

The bound of the float64 evaluation is Shewchuk's (Adaptive precision floating-point arithmetic and
fast robust geometric predicates, Discrete Comput Geom 18:305, 1997). Rows in doubt are scaled by a
power of two of their own; differences below 2²⁶ are evaluated in 64-bit integers, others in
Python's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["ExactPoints", "Index", "Signs"]

Index = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]

EPSILON = 2.0**-53
ORIENT3D_BOUND = (7 + 56 * EPSILON) * EPSILON
ORIENT2D_BOUND = (3 + 16 * EPSILON) * EPSILON
SMALL_BITS = 26
"""Differences of fewer bits: a 2×2 minor fits 53 bits and its product is split in two limbs."""
LIMB = 27


def _lowest_bit(points: Array64) -> npt.NDArray[np.int32]:
    """Exponent of the lowest set bit of each value; a large number for zero."""
    fraction, exponent = np.frexp(points)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    isolated = (mantissa & -mantissa).astype(np.float64)
    trailing = np.frexp(isolated)[1] - 1
    return np.where(mantissa == 0, 4096, exponent - 53 + trailing).astype(np.int32)


class ExactPoints:
    """Points whose mutual position can be asked exactly.

    Parameters
    ----------
    points
        (n, 3) finite coordinates, none below 10⁻⁹⁰ in size but zero. [mm]
    """

    def __init__(self, points: Array64) -> None:
        self.points = np.asarray(points, dtype=np.float64)
        self._low = _lowest_bit(self.points)
        self._top = np.abs(self.points)

    def orient3d(self, a: Index, b: Index, c: Index, d: Index) -> Signs:
        """Sign of det[a−d; b−d; c−d] for rows of point numbers; 0 exactly when coplanar."""
        p = self.points
        end = p[d]
        ax, ay, az = (p[a] - end).T
        bx, by, bz = (p[b] - end).T
        cx, cy, cz = (p[c] - end).T
        bxcy, cxby = bx * cy, cx * by
        cxay, axcy = cx * ay, ax * cy
        axby, bxay = ax * by, bx * ay
        det = az * (bxcy - cxby) + bz * (cxay - axcy) + cz * (axby - bxay)
        size = (
            (np.abs(bxcy) + np.abs(cxby)) * np.abs(az)
            + (np.abs(cxay) + np.abs(axcy)) * np.abs(bz)
            + (np.abs(axby) + np.abs(bxay)) * np.abs(cz)
        )
        signs = np.sign(det).astype(np.int8)
        doubt = np.flatnonzero((np.abs(det) <= ORIENT3D_BOUND * size) & (size > 0))
        if len(doubt):
            rows = np.stack([a[doubt], b[doubt], c[doubt], d[doubt]], axis=1)
            signs[doubt] = self._exact(rows, (0, 1, 2))
        return np.asarray(signs)

    def orient2d(self, a: Index, b: Index, c: Index, drop: Index) -> Signs:
        """Sign of the turn a → b → c seen along coordinate `drop` (0, 1 or 2) of each row."""
        out = np.zeros(len(a), dtype=np.int8)
        for axis in range(3):
            rows = np.flatnonzero(drop == axis)
            if len(rows):
                kept = ((axis + 1) % 3, (axis + 2) % 3)
                out[rows] = self._orient2d(np.stack([a[rows], b[rows], c[rows]], axis=1), kept)
        return out

    def _orient2d(self, rows: Index, kept: tuple[int, int]) -> Signs:
        u, v = (self.points[rows, k] for k in kept)
        left = (u[:, 0] - u[:, 2]) * (v[:, 1] - v[:, 2])
        right = (v[:, 0] - v[:, 2]) * (u[:, 1] - u[:, 2])
        det = left - right
        size = np.abs(left) + np.abs(right)
        signs = np.sign(det).astype(np.int8)
        doubt = np.flatnonzero((np.abs(det) <= ORIENT2D_BOUND * size) & (size > 0))
        if len(doubt):
            signs[doubt] = self._exact(rows[doubt], kept)
        return np.asarray(signs)

    def _exact(self, rows: Index, kept: tuple[int, ...]) -> Signs:
        """Exact sign for rows of point numbers, the last being the origin of the differences."""
        columns = list(kept)
        low = self._low[rows][:, :, columns].min(axis=(1, 2))
        low = np.where(low == 4096, 0, low)
        top = np.frexp(self._top[rows][:, :, columns].max(axis=(1, 2)))[1] - low
        points = self.points[rows][:, :, columns]
        signs = np.zeros(len(rows), dtype=np.int8)
        fits = top <= 52
        difference = np.ldexp(points[:, :-1] - points[:, -1:], -low[:, None, None])
        fits &= np.abs(difference).max(axis=(1, 2)) < 2.0**SMALL_BITS
        if fits.any():
            signs[fits] = _small_determinant(difference[fits].astype(np.int64))
        for row in np.flatnonzero(~fits):
            whole = [[_integer(x, int(low[row])) for x in point] for point in points[row]]
            signs[row] = _large_determinant(whole)
        return signs


def _small_determinant(m: npt.NDArray[np.int64]) -> Signs:
    """Sign of (n, d, d) integer determinants, d = 2 or 3, entries below 2²⁶ in size."""
    if m.shape[1] == 2:
        return np.sign(m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0]).astype(np.int8)
    high = np.zeros(len(m), dtype=np.int64)
    rest = np.zeros(len(m), dtype=np.int64)
    for k in range(3):
        (i, j) = ((1, 2), (2, 0), (0, 1))[k]
        minor = m[:, i, 0] * m[:, j, 1] - m[:, i, 1] * m[:, j, 0]
        high += (minor >> LIMB) * m[:, k, 2]
        rest += (minor & ((1 << LIMB) - 1)) * m[:, k, 2]
    high += rest >> LIMB
    rest &= (1 << LIMB) - 1
    return np.where(high != 0, np.sign(high), np.sign(rest)).astype(np.int8)


def _integer(value: float, low: int) -> int:
    """Return value·2^−low, a whole number."""
    numerator, denominator = value.as_integer_ratio()
    shift = -low - (denominator.bit_length() - 1)
    return numerator << shift if shift >= 0 else numerator >> -shift


def _large_determinant(points: list[list[int]]) -> int:
    """Sign of the determinant of point differences, whatever the size of the integers."""
    m = [[x - y for x, y in zip(point, points[-1], strict=True)] for point in points[:-1]]
    if len(m) == 2:
        det = m[0][0] * m[1][1] - m[0][1] * m[1][0]
    else:
        det = (
            m[0][2] * (m[1][0] * m[2][1] - m[2][0] * m[1][1])
            + m[1][2] * (m[2][0] * m[0][1] - m[0][0] * m[2][1])
            + m[2][2] * (m[0][0] * m[1][1] - m[1][0] * m[0][1])
        )
    return (det > 0) - (det < 0)
