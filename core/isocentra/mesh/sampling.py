"""Points spread evenly over a surface, the same ones every time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh

__all__ = ["surface_points"]

MOST_POINTS = 2_000_000


def surface_points(mesh: Mesh, step_mm: float) -> tuple[Array64, npt.NDArray[np.int64]]:
    """Spread about one point per ``step_mm²`` over each triangle, one at least.

    Returns
    -------
    points, face
        (n, 3) points [mm] and (n,) rows of the triangles that they lie on.

    Notes
    -----
    Barycentric coordinates from the R2 low-discrepancy sequence (plastic number), folded into the
    triangle; the same for every triangle count, so runs agree.
    """
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    step = max(step_mm, float(np.sqrt(area.sum() / MOST_POINTS)))
    count = np.maximum(1, np.rint(area / step**2)).astype(np.int64)
    face = np.repeat(np.arange(len(area)), count)
    number = np.arange(len(face))
    plastic = 1.324717957244746
    u = (0.5 + number / plastic) % 1
    v = (0.5 + number / plastic**2) % 1
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    points = a[face] + u[:, None] * (b - a)[face] + v[:, None] * (c - a)[face]
    return np.asarray(points), face
