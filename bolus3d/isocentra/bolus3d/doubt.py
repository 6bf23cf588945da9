"""Is the surface that was found the skin, or something that lies on it?

Skin is denser than the fat under it, never thinner in grey than what lies 5 mm deeper. Where a wide
part of the region has a darker outer layer, a mask, a foam or an old bolus lies on the patient.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from isocentra.bolus3d.region import RegionField
from isocentra.bolus3d.skin import Skin
from isocentra.errors import BolusError, Where
from isocentra.geometry.grid import Array64
from isocentra.image import Image
from isocentra.mesh.distance import vertex_normals

__all__ = ["dark_layer_share", "refuse_dark_layer"]

SHALLOW_MM = (1.7, 2.0)
"""Below the blur of the edge (1 % of the step is left), within a sheet of 2.4 mm."""
DEEP_MM = (4.5, 5.5)
DARKER_HU = 60.0
SOFT_HU = (-150.0, 130.0)
"""Where bone or air lies deeper, nothing can be said."""
MOST_SHARE = 0.35
LEAST_JUDGED = 200
EVERY = 5


def dark_layer_share(image: Image, skin: Skin, region: RegionField) -> tuple[float, Array64]:
    """Return the share of the region whose outer layer is darker, and one place of it. [mm]

    NaN where too little of the region can be judged.
    """
    rows = np.arange(0, len(skin.mesh.vertices_mm), EVERY)
    points = skin.mesh.vertices_mm[rows]
    rows = rows[region(points) < 0]
    points, normals = skin.mesh.vertices_mm[rows], vertex_normals(skin.mesh)[rows]
    # Thick slices blur what they cut at a slant: only skin that stands steep on them is judged.
    along = np.abs(normals @ np.array(image.grid.axes[0]))
    steep = along * image.grid.spacing_mm[0] < 0.9
    points, normals = points[steep], normals[steep]
    shallow = _mean_hu(image, points, normals, SHALLOW_MM)
    deep = _mean_hu(image, points, normals, DEEP_MM)
    low, high = SOFT_HU
    soft = (deep > low) & (deep < high)
    if soft.sum() < LEAST_JUDGED:
        return float("nan"), np.zeros(3)
    darker = deep[soft] - shallow[soft]
    place = points[soft][np.argmax(darker)]
    return float((darker > DARKER_HU).mean()), place


def refuse_dark_layer(image: Image, skin: Skin, region: RegionField) -> None:
    """Refuse a region that something seems to lie on (``SKIN_AMBIGUOUS``)."""
    share, place = dark_layer_share(image, skin, region)
    if not share > MOST_SHARE:
        return
    x, y, z = place.tolist()
    raise BolusError(
        "SKIN_AMBIGUOUS",
        f"Over {100 * share:.0f} % of the region the outermost 2 mm are darker than the tissue"
        " below: a mask, foam or old bolus seems to lie on the skin.",
        where=Where(position_mm=(x, y, z)),
        do="Draw it as an ROI and name it with --exclude, or scan the skin free.",
    )


def _mean_hu(
    image: Image, points: Array64, normals: Array64, depths_mm: tuple[float, float]
) -> Array64:
    """Mean grey below the skin between two depths, by trilinear reading. [HU]"""
    total = np.zeros(len(points))
    depths = np.linspace(*depths_mm, 3)
    for depth in depths:
        index = image.grid.to_index(points - depth * normals).T
        total += ndimage.map_coordinates(image.values, index, order=1, mode="nearest")
    return total / len(depths)
