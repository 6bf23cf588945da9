"""Signed Euclidean distance between voxel centres.

mask ──rows──► ──columns──► ──slices──► distance to the nearest voxel of the other kind
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from isocentra.gpu_kernels.device import ON_CPU, Compute
from isocentra.gpu_kernels.errors import LaunchError
from isocentra.gpu_kernels.launch import brought_home, launch, workplace
from isocentra.gpu_kernels.sources import LANES

__all__ = ["signed_distance"]


def signed_distance(
    mask: npt.NDArray[np.uint8],
    spacing_kji_mm: tuple[float, float, float],
    band_mm: float | None = None,
    *,
    compute: Compute = ON_CPU,
) -> npt.NDArray[np.float32]:
    """Distance of every voxel centre to the nearest voxel centre of the other kind.

    Parameters
    ----------
    mask
        (z, y, x) uint8 or bool, C-contiguous; not 0 = inside. A CuPy array stays on its device.
    spacing_kji_mm
        Distance between voxel centres along z, y, x. [mm]
    band_mm
        Beyond it the result is ± `band_mm`, and the search ends. None: no bound. [mm]
    compute
        Where it runs.

    Returns
    -------
    NDArray[float32]
        Negative inside, never 0; ± inf where the mask has one kind only and there is no band. [mm]

    Raises
    ------
    LaunchError
        A mask of another dtype, not three-dimensional or empty; a spacing or band that is not
        positive.

    Notes
    -----
    Exact to float32 rounding (3e-7 of the distance): src/distance.cu. It jumps by one voxel
    across the surface; a distance *to the surface* needs the surface, not a mask.
    """
    band = math.inf if band_mm is None else band_mm
    known = mask.dtype in (np.dtype(np.uint8), np.dtype(np.bool_))
    lengths = all(0 < step < math.inf for step in spacing_kji_mm) and band > 0  # NaN is refused
    if not known or not lengths or mask.ndim != 3 or mask.size == 0:
        raise LaunchError(
            f"No distance on {mask.dtype} {mask.shape}, spacing {spacing_kji_mm} mm, band {band}.",
            do="Give a bool or uint8 mask (z, y, x) that is not empty, and positive lengths.",
        )
    nz, ny, nx = mask.shape
    along_z, along_y, along_x = spacing_kji_mm
    with workplace(compute, mask) as module:
        kinds = module.asarray(mask).view(np.uint8)
        first = module.empty(mask.shape, np.float32)
        second = module.empty(mask.shape, np.float32)
        rows = (kinds, first, nx, ny * nz, along_x, np.float32(band) ** 2)
        launch("distance_row", rows, _pieces(ny * nz), compute)
        columns = (first, second, nx, ny, nz, along_y, 0)
        slices = (second, first, nx * ny, nz, 1, along_z, 1)  # the last axis takes the root
        for source, target, inner, count, outer, step, root in (columns, slices):
            pieces = _pieces(inner) * count * outer
            low = module.empty(pieces, np.float32)
            launch("distance_low", (source, low, inner, count * outer), pieces, compute)
            axis = (source, low, target, inner, count, outer, step, root)
            launch("distance_axis", axis, pieces, compute)
        result: npt.NDArray[np.float32] = brought_home(first, mask)
        return result


def _pieces(length: int) -> int:
    return -(-length // LANES)
