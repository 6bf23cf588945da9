"""Volumes of solids that no formula gives.

solid ──► share of each cell of a fine lattice, round the surface only ──► volume

The share ½ − d/h of a cell averages the volumes of the solid grown by −h/2 … h/2: V + h²V″/24, with
V″ = ∫ 2H dA. Two steps h and h/2 (Richardson) take that term off.
"""

from __future__ import annotations

import math

import numpy as np

from isocentra.geometry.grid import Grid
from isocentra.patients.model import DigitalPatient, Organ
from isocentra.patients.occupancy import Lattice, paint
from isocentra.patients.solids import Solid

__all__ = ["known_volume_cm3", "volume_mm3"]


def volume_mm3(solid: Solid, *, step_mm: float = 0.5, grid: Grid | None = None) -> float:
    """Return the volume inside the solid's bound, or inside a grid's voxels. [mm³]

    Parameters
    ----------
    step_mm
        The coarser of the two cell sizes. [mm]
    grid
        Needed for a solid without end: only what lies in its voxels counts.
    """
    coarse, fine = (
        _volume(solid, grid or _bounding_grid(solid), h) for h in (step_mm, step_mm / 2)
    )
    return fine + (fine - coarse) / 3


def known_volume_cm3(patient: DigitalPatient, organ: Organ) -> float:
    """Return an organ's volume inside the patient's usual field of view: formula or quadrature.

    A formula holds only where the field of view holds the whole organ. [cm³]
    """
    bound = organ.solid.bound
    low, high = np.array(patient.box_mm)
    whole = bool((np.subtract(bound.centre_mm, bound.radius_mm) > low - 0.5).all()) and bool(
        (np.add(bound.centre_mm, bound.radius_mm) < high + 0.5).all()
    )
    if organ.volume_cm3 is not None and whole:
        return organ.volume_cm3
    return volume_mm3(organ.solid, step_mm=1.0, grid=patient.grid()) / 1000


def _bounding_grid(solid: Solid) -> Grid:
    centre, radius = solid.bound
    if not math.isfinite(radius):
        raise ValueError("the solid has no end: give the grid that cuts it")
    x, y, z = (c - radius for c in centre)
    count = math.ceil(2 * radius) + 1
    return Grid(shape=(count, count, count), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(x, y, z))


def _volume(solid: Solid, grid: Grid, step_mm: float) -> float:
    """Sum of the shares over the cells that tile the grid's voxels, slab by slab. [mm³]"""
    counts = [math.ceil(n * s / step_mm) for n, s in zip(grid.shape, grid.spacing_mm, strict=True)]
    k, j, i = ((np.arange(m) + 0.5) * n / m - 0.5 for m, n in zip(counts, grid.shape, strict=True))
    widths = [n * s / m for m, n, s in zip(counts, grid.shape, grid.spacing_mm, strict=True)]
    total = 0.0
    for start in range(0, len(k), 32):
        lattice = Lattice(grid=grid, k=k[start : start + 32], j=j, i=i, width_mm=sum(widths) / 3)
        share = np.zeros(lattice.shape, dtype=np.float32)
        paint(share, solid, 1.0, lattice)
        total += float(share.sum(dtype=np.float64))
    return total * math.prod(widths)
