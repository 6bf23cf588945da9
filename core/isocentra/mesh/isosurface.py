"""The surface on which a field crosses a level, as a mesh in the patient (marching cubes)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from skimage import measure

from isocentra.geometry.grid import Grid
from isocentra.mesh.model import Mesh

__all__ = ["isosurface"]


def isosurface(values: npt.NDArray[np.float32], grid: Grid, level: float = 0.0) -> Mesh:
    """Mesh the surface ``values == level``, outward where the values grow.

    Parameters
    ----------
    values
        (nk, nj, ni) field that is below `level` inside. A surface that reaches the border of the
        grid stays open there.
    grid
        Where the field lies; left-handed axes too.

    Returns
    -------
    Mesh
        Counter-clockwise seen from outside, in LPS. [mm]

    Notes
    -----
    Lewiner, J. Graphics Tools 8 (2003). Values within a thousandth of the level's neighbourhood
    are the caller's care: a node exactly on the level makes triangles without area.
    """
    # skimage winds for a right-handed (k, j, i); that of (i, j, k) is one reversal away, so its
    # 'ascent' is outward for a right-handed grid. On a left-handed one the triangles are turned.
    nodes, faces, _, _ = measure.marching_cubes(  # type: ignore[no-untyped-call]
        values, level, gradient_direction="ascent", allow_degenerate=False
    )
    points = grid.to_points(nodes.astype(np.float64))
    if not grid.is_right_handed:
        faces = faces[:, ::-1]
    return Mesh(vertices_mm=points, faces=np.ascontiguousarray(faces, dtype=np.int64))
