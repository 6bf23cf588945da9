"""Where the image cuts the patient: at its borders, and at the scanner's reconstruction circle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra.anatomy.body import Body
from isocentra.geometry.grid import Array64
from isocentra.image import Image

__all__ = ["cut_points"]


def cut_points(image: Image, body: Body) -> Array64:
    """Return (n, 3) points of the body that lie where the image ends. [mm]

    The image ends at its six faces and, in a CT, at the circle outside of which the scanner wrote
    one constant number.
    """
    edge = np.zeros(body.mask.shape, dtype=bool)
    for axis in range(3):
        face = np.moveaxis(edge, axis, 0)
        face[0] = face[-1] = True
    circle = _outside_circle(image)
    if circle is not None:
        rows = np.linspace(0, circle.shape[0] - 1, body.mask.shape[1]).round().astype(int)
        columns = np.linspace(0, circle.shape[1] - 1, body.mask.shape[2]).round().astype(int)
        coarse = circle[np.ix_(rows, columns)]
        edge |= ndimage.binary_dilation(coarse, iterations=1)[None]
    return body.grid.to_points(np.argwhere(edge & body.mask).astype(np.float64))


def _outside_circle(image: Image) -> npt.NDArray[np.bool_] | None:
    """Pixels outside the circle inscribed in the slice, when all of them hold one number."""
    _, rows, columns = image.grid.shape
    if image.padding is not None and image.padding.any():
        return np.asarray(image.padding.all(axis=0))
    y = (np.arange(rows) - (rows - 1) / 2) / (rows / 2)
    x = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    outside = np.hypot(y[:, None], x[None]) > 1.01
    if not outside.any():
        return None
    slices = image.values[:: max(1, len(image.values) // 5)]
    corner = slices[:, outside]
    return outside if bool((corner == corner[0, 0]).all()) else None
