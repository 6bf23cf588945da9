"""Grids that lie askew."""

from __future__ import annotations

import math

import numpy as np

from isocentra.geometry.grid import Grid

__all__ = ["oblique"]

Triple = tuple[float, float, float]


def oblique(
    *, shape: tuple[int, int, int], spacing_mm: Triple, centre_mm: Triple, feet_first: bool = False
) -> Grid:
    """Return a grid turned by 20° about x and 35° about z, centred on a point. [mm]

    Parameters
    ----------
    feet_first
        Whether the slices run towards the feet and the columns to the patient's right.
    """
    about_x, about_z = math.radians(20), math.radians(35)
    tilt = np.array(
        [
            [1, 0, 0],
            [0, math.cos(about_x), -math.sin(about_x)],
            [0, math.sin(about_x), math.cos(about_x)],
        ]
    )
    turn = np.array(
        [
            [math.cos(about_z), -math.sin(about_z), 0],
            [math.sin(about_z), math.cos(about_z), 0],
            [0, 0, 1],
        ]
    )
    i, j, k = (turn @ tilt).T
    if feet_first:
        i, k = -i, -k
    axes = tuple((float(v[0]), float(v[1]), float(v[2])) for v in (k, j, i))
    half = sum(
        (n - 1) / 2 * s * np.array(a) for n, s, a in zip(shape, spacing_mm, axes, strict=True)
    )
    x, y, z = (np.array(centre_mm) - half).tolist()
    return Grid(
        shape=shape,
        spacing_mm=spacing_mm,
        origin_mm=(x, y, z),
        axes=(axes[0], axes[1], axes[2]),
    )
