"""Slits that no printer prints and no mesh survives are filled.

Where the outer faces of two sheets of skin meet (behind an ear) they leave a gap that narrows to
nothing; two walls nearer than a triangle's edge cut each other when the mesh is simplified.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isocentra.gpu_kernels import signed_distance
from isocentra.image import Float32Volume

__all__ = ["without_slits"]

Mask = npt.NDArray[np.bool_]

REACH = 2
"""Radius of the ball in nodes: gaps narrower than twice that are closed. [node]"""


def without_slits(values: Float32Volume) -> Float32Volume:
    """Close a field that is negative inside by a ball, in its values, not only in its sign.

    Parameters
    ----------
    values
        (nk, nj, ni) distance-like field, clipped; its border is outside.

    Notes
    -----
    Grey closing: minimum, then maximum over the ball. A plane and everything convex keep their
    values, so faces stay where they are; only nodes that the sign's own closing turns, and their
    neighbours, are computed.
    """
    solid = values < 0
    turned = ~_grown(~_grown(solid)) & ~solid
    if not turned.any():
        return values
    wanted = _grown(turned) & (np.abs(values) < values.max())
    needed = _grown(wanted)
    steps = np.argwhere(_ball()) - REACH
    lowest = np.full(values.shape, values.max())
    lowest[needed] = _over_ball(values, needed, steps, np.minimum)
    out = values.copy()
    out[wanted | turned] = np.minimum(
        _over_ball(lowest, wanted | turned, steps, np.maximum), values[wanted | turned]
    )
    return out


def _ball() -> Mask:
    axis = np.arange(-REACH, REACH + 1)
    square = axis**2
    return np.asarray(square[:, None, None] + square[:, None] + square <= REACH**2)


def _grown(mask: Mask) -> Mask:
    """Dilate by the ball: what is within its radius of the mask, by the distance."""
    kinds = np.ascontiguousarray(mask).view(np.uint8)
    return signed_distance(kinds, (1.0, 1.0, 1.0), REACH + 1.0) < REACH + 0.1


def _over_ball(
    values: Float32Volume,
    where: Mask,
    steps: npt.NDArray[np.intp],
    better: np.ufunc,
) -> Float32Volume:
    """Return the lowest or highest value over the ball round the nodes of a mask."""
    index = np.argwhere(where)
    last = np.array(values.shape) - 1
    best: Float32Volume | None = None
    for step in steps:
        k, j, i = np.clip(index + step, 0, last).T
        found = values[k, j, i]
        best = found if best is None else better(best, found)
    return values[where] if best is None else best
