"""Signed distance of a mask on its grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra import gpu_kernels
from isocentra.geometry.grid import Grid

__all__ = ["signed_distance_mm"]


def signed_distance_mm(
    mask: npt.NDArray[np.bool_],
    grid: Grid,
    band_mm: float | None = None,
    *,
    compute: gpu_kernels.Compute = gpu_kernels.ON_CPU,
) -> npt.NDArray[np.float32]:
    """Distance between voxel centres to the nearest voxel of the other kind, negative inside.

    Parameters
    ----------
    mask
        (nk, nj, ni) bool, of ``grid.shape``.
    grid
        Where it lies; only its spacing counts, whatever its axes.
    band_mm
        Beyond it the result is ± `band_mm`; None: no bound, and ± inf without a voxel of the other
        kind. A band is faster. [mm]
    compute
        Where it runs.

    Returns
    -------
    NDArray[float32]
        (nk, nj, ni). It jumps by about a voxel across the surface and is never 0. [mm]

    Raises
    ------
    ValueError
        `mask` is not of ``grid.shape``.
    """
    if mask.shape != grid.shape:
        raise ValueError(f"a mask of shape {mask.shape} on a grid of {grid.shape}")
    kinds = np.ascontiguousarray(mask, dtype=np.bool_).view(np.uint8)
    return gpu_kernels.signed_distance(kinds, grid.spacing_mm, band_mm, compute=compute)
