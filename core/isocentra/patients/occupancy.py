"""Which share of each fine sample a solid fills, evaluated only round its surface.

lattice of fine samples ──► 16 mm boxes ──► 2 mm blocks ──► samples; whole boxes by the bound

A box or block whose centre's |value| exceeds its half diagonal is wholly inside or outside
(solids.py: the gradient is at most 1). What is left is sampled: share = ½ − d/w clipped to 0…1
with d = value/|∇|, w the sample's mean width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64, Grid
from isocentra.patients.solids import Point, Solid

__all__ = ["Lattice", "paint"]

Float32 = npt.NDArray[np.float32]

BOX = 32
"""Fine samples along a side of a box of the first level."""
BLOCK = 4
"""Fine samples along a side of a block of the second level."""


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Fine samples at continuous voxel indices of a grid: the product of three axes."""

    grid: Grid
    k: Array64
    j: Array64
    i: Array64
    """Sample positions along the grid's axes. [voxel]"""
    width_mm: float
    """Mean width of a sample. [mm]"""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Samples along k, j, i."""
        return len(self.k), len(self.j), len(self.i)


def paint(out: Float32, solid: Solid, amount: float, lattice: Lattice) -> None:
    """Blend `amount` into `out` by the solid's share: out ← out · (1 − share) + amount · share.

    Parameters
    ----------
    out
        Array of the lattice's shape; changed in place.
    amount
        The material's number, HU or signal.
    """
    for box in _boxes(lattice):
        centre, radius = _ball(lattice, box)
        ball = solid.bound
        if np.linalg.norm(np.subtract(centre, ball.centre_mm)) > radius + ball.radius_mm:
            continue
        value = float(solid.value(centre))
        if value > radius:
            continue
        if value < -radius:
            out[box] = amount
            continue
        _paint_box(out, solid.near(centre, radius), amount, lattice, box)


Slices = tuple[slice, slice, slice]


def _boxes(lattice: Lattice) -> list[Slices]:
    starts = [range(0, n, BOX) for n in lattice.shape]
    return [
        (
            slice(k, min(k + BOX, lattice.shape[0])),
            slice(j, min(j + BOX, lattice.shape[1])),
            slice(i, min(i + BOX, lattice.shape[2])),
        )
        for k in starts[0]
        for j in starts[1]
        for i in starts[2]
    ]


def _ball(lattice: Lattice, box: Slices) -> tuple[Point, float]:
    """Centre and half diagonal of a box of samples, each sample's own width included. [mm]"""
    axes = (lattice.k[box[0]], lattice.j[box[1]], lattice.i[box[2]])
    x, y, z = lattice.grid.to_points([(a.min() + a.max()) / 2 for a in axes]).tolist()
    half = [(a.max() - a.min()) / 2 * s for a, s in zip(axes, lattice.grid.spacing_mm, strict=True)]
    return (x, y, z), float(np.linalg.norm(half)) + lattice.width_mm


def _paint_box(out: Float32, solid: Solid, amount: float, lattice: Lattice, box: Slices) -> None:
    """Paint one box that a surface may cross."""
    axes = [axis[part] for axis, part in zip((lattice.k, lattice.j, lattice.i), box, strict=True)]
    blocks = [_block_centres(axis) for axis in axes]
    half = [half * s for (_, half), s in zip(blocks, lattice.grid.spacing_mm, strict=True)]
    radius = float(np.linalg.norm(half)) + lattice.width_mm
    points = _points(lattice.grid, *(centre for centre, _ in blocks))
    value = solid.jet(*points).value
    if not (value < radius).any():
        return
    share = np.repeat(np.repeat(np.repeat(value < 0, BLOCK, 0), BLOCK, 1), BLOCK, 2).astype(
        np.float32
    )[: len(axes[0]), : len(axes[1]), : len(axes[2])]
    k, j, i = np.nonzero(np.abs(value) <= radius)
    if k.size:
        _sample(share, solid, lattice, axes, np.stack([k, j, i]))
    out[box] += share * (np.float32(amount) - out[box])


def _block_centres(axis: Array64) -> tuple[Array64, float]:
    """Middle of each run of BLOCK samples and the largest half length. [voxel]"""
    starts = np.arange(0, len(axis), BLOCK)
    low = np.minimum.reduceat(axis, starts)
    high = np.maximum.reduceat(axis, starts)
    return (low + high) / 2, float((high - low).max() / 2)


def _points(grid: Grid, k: Array64, j: Array64, i: Array64) -> tuple[Float32, Float32, Float32]:
    """Coordinates of the product lattice of three axes of indices, as float32. [mm]"""
    m = grid.matrix
    x, y, z = (
        (
            m[a, 3]
            + k[:, None, None] * m[a, 0]
            + j[None, :, None] * m[a, 1]
            + i[None, None, :] * m[a, 2]
        ).astype(np.float32)
        for a in range(3)
    )
    return x, y, z


def _sample(
    share: Float32,
    solid: Solid,
    lattice: Lattice,
    axes: list[Array64],
    blocks: npt.NDArray[np.intp],
) -> None:
    """Write the share of every fine sample of the blocks (3, n) that a surface may cross."""
    inner = np.arange(BLOCK)
    k, j, i = (
        np.minimum(block[:, None] * BLOCK + inner, len(axis) - 1)
        for block, axis in zip(blocks, axes, strict=True)
    )
    ik, ij, ii = k[:, :, None, None], j[:, None, :, None], i[:, None, None, :]
    m = lattice.grid.matrix.astype(np.float64)
    x, y, z = (
        (
            m[a, 3]
            + axes[0][k][:, :, None, None] * m[a, 0]
            + axes[1][j][:, None, :, None] * m[a, 1]
            + axes[2][i][:, None, None, :] * m[a, 2]
        ).astype(np.float32)
        for a in range(3)
    )
    jet = solid.jet(x, y, z)
    slope: Float32 | float = 1.0
    if not solid.is_exact:
        slope = np.maximum(np.sqrt(jet.dx**2 + jet.dy**2 + jet.dz**2), np.float32(0.2))
    share[ik, ij, ii] = np.clip(0.5 - jet.value / (slope * lattice.width_mm), 0, 1)
