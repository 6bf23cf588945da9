"""Lines and surfaces of equal value: the one place that calls scikit-image here."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from skimage import measure

from isocentra.geometry.grid import Array64

__all__ = ["isolines", "isosurface"]

CLEAR: Final = 1e-3
"""Least distance of a node's value from the level of a surface, in the unit of the values."""


def isolines(values: npt.NDArray[np.floating], level: float) -> list[Array64]:
    """Return closed lines of `level` round all higher values of a plane.

    Parameters
    ----------
    values
        (rows, columns), finite. What lies beyond the border is taken as lower: a line is drawn
        half a pixel outside a border pixel that is higher.
    level
        The level; no value is exactly on it, see Notes.

    Returns
    -------
    list of ndarray
        (n, 2) row, column each, not repeating the first point.

    Notes
    -----
    Marching squares with linear interpolation. A value equal to the level is moved below it by
    1e-6 of the range, so that no line runs through a pixel centre and none of them touch.
    """
    data = np.asarray(values, dtype=np.float64) - level
    tiny = 1e-6 * max(float(np.abs(data).max()), 1e-30)
    data = np.where(np.abs(data) < tiny, -tiny, data)
    padded = np.pad(data, 1, mode="edge")
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        padded[edge] = -np.abs(padded[edge])
    lines = measure.find_contours(padded, 0.0)  # type: ignore[no-untyped-call]
    return [np.asarray(line[:-1] - 1, dtype=np.float64) for line in lines if len(line) > 3]


def isosurface(
    values: npt.NDArray[np.floating], level: float
) -> tuple[Array64, npt.NDArray[np.int64]]:
    """Return the surface of `level` round all lower values: vertices in index units, faces.

    The faces run counter-clockwise seen from the higher side, the array axes 0, 1, 2 taken as the
    x, y, z of a right-handed frame; none where no value is lower. Values within
    `CLEAR` of the level are moved off it, else marching cubes makes triangles of no area at nodes.
    """
    data = np.asarray(values, dtype=np.float32) - np.float32(level)
    data = np.where(np.abs(data) < CLEAR, np.float32(CLEAR), data)
    if (data > 0).all() or (data < 0).all() or min(data.shape) < 2:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    vertices, faces, _, _ = measure.marching_cubes(  # type: ignore[no-untyped-call]
        data, 0.0, gradient_direction="ascent"
    )
    # scikit-image winds them the other way round in that frame.
    return np.asarray(vertices, dtype=np.float64), np.asarray(faces[:, ::-1], dtype=np.int64)
