"""A raised letter that follows a skin: it tells left from right.

skin, place, up ──► strokes on the skin ──► Union of capsules (half sunk in, half raised)

The letter is an F: no rotation of an F is its mirror image. It reads rightly when seen from
outside with `up` upwards.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt

from isocentra.patients.compose import Union
from isocentra.patients.solids import Capsule, Point, Solid

__all__ = ["STROKES_F", "raised_letter", "reading_axes"]

STROKES_F = (
    ((0.0, 0.0), (0.0, 1.0)),
    ((0.0, 1.0), (0.62, 1.0)),
    ((0.0, 0.55), (0.48, 0.55)),
)
"""Strokes from (right, up) to (right, up) in units of the letter's height."""
STEP_MM = 6.0
"""Longest chord of a stroke: on a cheek (radius > 25 mm) its sagitta is below 0.2 mm."""


def reading_axes(
    skin: Solid, place_mm: Point, up: Point
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the unit vectors (right, up) on the skin at a place, as a reader outside sees them.

    The reader looks along −n; his right is up × n.
    """
    normal = skin.gradient(place_mm)
    normal /= np.linalg.norm(normal)
    upward = np.asarray(up) - np.dot(up, normal) * normal
    upward /= np.linalg.norm(upward)
    return np.cross(upward, normal), upward


def raised_letter(
    skin: Solid, place_mm: Point, *, up: Point, height_mm: float, radius_mm: float
) -> Union:
    """Return a letter F centred at the skin's point nearest to a place.

    Parameters
    ----------
    height_mm
        Height of the letter. [mm]
    radius_mm
        Half width of a stroke, and how far it stands off the skin. [mm]
    """
    foot = skin.foot_points(place_mm)
    x, y, z = foot.tolist()
    right, upward = reading_axes(skin, (x, y, z), up)
    pieces: list[Solid] = []
    for start, end in STROKES_F:
        count = max(1, math.ceil(math.dist(start, end) * height_mm / STEP_MM))
        share = np.linspace(0, 1, count + 1)[:, None]
        flat = ((1 - share) * start + share * np.array(end) - (0.31, 0.5)) * height_mm
        on_skin = skin.foot_points(foot + flat[:, :1] * right + flat[:, 1:] * upward).tolist()
        pieces += [
            Capsule(start_mm=(a[0], a[1], a[2]), end_mm=(b[0], b[1], b[2]), radius_mm=radius_mm)
            for a, b in itertools.pairwise(on_skin)
        ]
    return Union(parts=tuple(pieces))
