"""What the kernels must give, by formulas that do not use them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from isocentra import gpu_kernels
from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.resample import resample_values
from isocentra.gpu_kernels import Compute, Interpolation
from isocentra.services.known_answers.grids import oblique
from isocentra.verdict import Check, at_most

__all__ = ["kernel_checks"]

SOURCE: Final = Grid(
    shape=(40, 56, 48), spacing_mm=(2.5, 1.0, 1.25), origin_mm=(-30.0, -28.0, -50.0)
)
SLOPE_HU_PER_MM: Final = (3.0, -2.0, 1.5)


def kernel_checks(compute: Compute) -> tuple[Check, ...]:
    """Check resampling, distance, polygons and the independence of the number of threads."""
    return (
        _trilinear(compute),
        _cubic(compute),
        _box_distance(compute),
        _sphere_distance(compute),
        _polygon(compute),
        _threads(compute),
    )


def _plane(points_mm: Array64) -> Array64:
    return np.asarray(points_mm @ np.array(SLOPE_HU_PER_MM) + 40.0)


def _trilinear(compute: Compute) -> Check:
    """Hold trilinear interpolation to a plane of greys, which it reproduces on any grid."""
    target = oblique(shape=(20, 22, 24), spacing_mm=(1.7, 1.1, 0.9), centre_mm=(0.0, 0.0, 0.0))
    greys = _plane(SOURCE.centres()).astype(np.float32)
    made = resample_values(greys, SOURCE, target, fill=np.nan, compute=compute)
    error = float(np.abs(made - _plane(target.centres())).max())
    return at_most(
        "resample_trilinear",
        error,
        0.01,
        "HU",
        "A plane of greys, resampled to an oblique grid, is that plane.",
    )


def _cubic(compute: Compute) -> Check:
    """Hold cubic B-splines to a cubic polynomial, which they reproduce away from the border."""
    target = oblique(shape=(12, 12, 12), spacing_mm=(1.1, 0.9, 0.8), centre_mm=(0.0, 0.0, 0.0))

    def cubic(points_mm: Array64) -> Array64:
        x, y, z = np.moveaxis(points_mm / 20.0, -1, 0)
        return np.asarray(100 * (x**3 - y**2 * z + x * y * z + z))

    greys = cubic(SOURCE.centres()).astype(np.float32)
    made = resample_values(
        greys, SOURCE, target, interpolation=Interpolation.CUBIC, fill=np.nan, compute=compute
    )
    error = float(np.abs(made - cubic(target.centres())).max())
    return at_most(
        "resample_cubic",
        error,
        0.02,
        "HU",
        "A cubic polynomial, resampled by cubic B-splines, is that polynomial.",
    )


def _box_distance(compute: Compute) -> Check:
    """Hold the distance to a box of voxels to what follows from its corners."""
    spacing = (2.0, 0.7, 1.1)
    grid = Grid(shape=(30, 44, 40), spacing_mm=spacing, origin_mm=(0.0, 0.0, 0.0))
    low, high = np.array((9, 12, 14)), np.array((20, 30, 25))
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    inside = np.asarray(((index >= low) & (index <= high)).all(axis=-1))
    beyond = np.maximum(np.maximum(low - index, index - high), 0) * spacing
    outward = np.minimum(index - low + 1, high + 1 - index) * spacing
    known = np.where(inside, -outward.min(axis=-1), np.linalg.norm(beyond, axis=-1))
    error = float(np.abs(signed_distance_mm(inside, grid, compute=compute) - known).max())
    return at_most(
        "distance_box",
        error,
        1e-4,
        "mm",
        "The distance to a box on an anisotropic grid is that of its corners.",
    )


def _sphere_distance(compute: Compute) -> Check:
    """Hold the distance to a ball of voxels to the ball's, within a voxel's diagonal."""
    grid = Grid.axial_box((-24.0, -24.0, -24.0), (24.0, 24.0, 24.0), 1.0)
    known = np.linalg.norm(grid.centres(), axis=-1) - 15.0
    found = signed_distance_mm(known < 0, grid, compute=compute)
    error = float(np.abs(found - known).max())
    return at_most(
        "distance_sphere",
        error,
        math.sqrt(3.0),
        "mm",
        "The distance to a ball of 1 mm voxels is the ball's within a voxel's diagonal.",
    )


def _polygon(compute: Compute) -> Check:
    """Hold the sum of all pixels to the area by the shoelace formula, less the hole's."""
    turn = np.linspace(0, 2 * np.pi, 11)[:-1]
    radius = np.where(np.arange(10) % 2, 9.0, 21.0)
    star = np.stack([30.3 + radius * np.cos(turn), 27.6 + radius * np.sin(turn)], axis=1)
    hole = np.array([[28.1, 25.2], [33.4, 26.1], [31.7, 30.9]])
    starts = np.array([0, len(star), len(star) + len(hole)], dtype=np.int32)
    made = gpu_kernels.polygon_coverage(
        np.concatenate([star, hole]), starts, (56, 64), compute=compute
    )
    known = _shoelace(star) - _shoelace(hole)
    error = 100 * abs(float(made.sum(dtype=np.float64)) - known) / known
    return at_most(
        "polygon_area",
        error,
        1e-3,
        "%",
        "A star with a hole covers pixels of the area that the shoelace formula gives.",
    )


def _shoelace(ring: Array64) -> float:
    x, y = ring.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _threads(compute: Compute) -> Check:
    """Compare the bits that one thread and three give."""
    target = oblique(shape=(24, 24, 24), spacing_mm=(1.5, 1.3, 1.1), centre_mm=(1.0, 2.0, 3.0))
    greys = np.sin(SOURCE.centres()).sum(axis=-1).astype(np.float32)
    made = [
        resample_values(
            greys,
            SOURCE,
            target,
            interpolation=Interpolation.CUBIC,
            fill=0.0,
            compute=Compute(device=compute.device, ordinal=compute.ordinal, threads=threads),
        )
        for threads in (1, 3)
    ]
    differing = int((made[0].view(np.uint32) != made[1].view(np.uint32)).sum())
    return at_most(
        "same_bits",
        differing,
        0,
        "voxels",
        "One thread and three give the same bits.",
    )
