"""How a picture lies in the patient: frames, sides, orientation letters, scale bars.

Plane or Side ──► ViewFrame (centre, right, up, size in mm) ──► slices, cuts, renderings, letters

Axial slices are seen from the feet (the patient's Left on the viewer's right), coronal ones from
the front, sagittal ones from the patient's left. DICOM LPS: x Left, y Posterior, z Superior.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64

__all__ = ["Plane", "Side", "ViewFrame", "frame_from", "letters_of", "plane_frame", "scale_bar_mm"]

Triple = tuple[float, float, float]


class Plane(StrEnum):
    """A plane along the patient's axes."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Side(StrEnum):
    """Where the viewer stands."""

    ANTERIOR = "anterior"
    POSTERIOR = "posterior"
    LEFT = "left"
    RIGHT = "right"
    SUPERIOR = "superior"
    INFERIOR = "inferior"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFrame:
    """A rectangle in the patient, seen at right angles."""

    centre_mm: Triple
    right: Triple
    """Unit vector towards the viewer's right, in LPS."""
    up: Triple
    """Unit vector towards the viewer's top, in LPS, at right angles to `right`."""
    width_mm: float
    height_mm: float

    @property
    def toward(self) -> Array64:
        """Unit vector from the picture to the viewer, right × up."""
        return np.cross(self.right, self.up)

    def to_plane(self, points_mm: npt.ArrayLike) -> Array64:
        """Map points (..., 3) in LPS to (..., 3): right, up, towards the viewer, from the centre.

        [mm]
        """
        basis = np.array([self.right, self.up, self.toward])
        offset = np.asarray(points_mm, dtype=np.float64) - np.array(self.centre_mm)
        return np.asarray(offset @ basis.T)

    def to_points(self, plane_mm: npt.ArrayLike) -> Array64:
        """Map (..., 2) right, up from the centre [mm] to points (..., 3) in LPS [mm]."""
        plane = np.asarray(plane_mm, dtype=np.float64)
        out = np.empty((*plane.shape[:-1], 3))
        for axis in range(3):  # a product with a 2 × 3 matrix takes ten times as long
            out[..., axis] = plane[..., 0] * self.right[axis] + plane[..., 1] * self.up[axis]
            out[..., axis] += self.centre_mm[axis]
        return out

    def pixel_centres(self, rows: int, columns: int) -> Array64:
        """(rows, columns, 2) right, up of the pixels' centres, first row on top [mm]."""
        u = ((np.arange(columns) + 0.5) / columns - 0.5) * self.width_mm
        v = (0.5 - (np.arange(rows) + 0.5) / rows) * self.height_mm
        return np.stack(np.broadcast_arrays(u[None, :], v[:, None]), axis=-1)


PLANE_AXES: Final[dict[Plane, tuple[Triple, Triple]]] = {
    Plane.AXIAL: ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    Plane.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    Plane.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
"""Right and up of each plane's picture, in LPS."""

SIDE_AXES: Final[dict[Side, tuple[Triple, Triple]]] = {
    Side.ANTERIOR: ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    Side.POSTERIOR: ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    Side.LEFT: ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    Side.RIGHT: ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    Side.SUPERIOR: ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
    Side.INFERIOR: ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0)),
}
"""Right and up of the picture from each side, in LPS."""

OBLIQUE = 0.35
"""Sine (about 20°) from which a second letter is written: LA for left and anterior."""


def plane_frame(plane: Plane, through_mm: Triple, size_mm: tuple[float, float]) -> ViewFrame:
    """Return the frame of a slice through a point, of (width, height) in mm."""
    right, up = PLANE_AXES[plane]
    return ViewFrame(
        centre_mm=through_mm, right=right, up=up, width_mm=size_mm[0], height_mm=size_mm[1]
    )


def frame_from(
    seen_from: Side | Triple, centre_mm: Triple, size_mm: tuple[float, float]
) -> ViewFrame:
    """Return the frame seen from a side, or from the direction of a vector in LPS.

    Seen along a free direction the patient's head is up; along the body's axis, the face is.
    """
    if isinstance(seen_from, Side):
        right, up = SIDE_AXES[seen_from]
    else:
        toward = np.array(seen_from) / np.linalg.norm(seen_from)
        pole = np.array((0.0, 0.0, 1.0) if abs(toward[2]) < 0.95 else (0.0, -1.0, 0.0))
        across = np.cross(pole, toward)
        across /= np.linalg.norm(across)
        right, up = _triple(across), _triple(np.cross(toward, across))
    return ViewFrame(
        centre_mm=centre_mm, right=right, up=up, width_mm=size_mm[0], height_mm=size_mm[1]
    )


def letters_of(direction: npt.ArrayLike) -> str:
    """Return the orientation letter of a direction in LPS, two where it is oblique."""
    d = np.asarray(direction, dtype=np.float64)
    d = d / np.linalg.norm(d)
    order = np.argsort(-np.abs(d), kind="stable")
    letters = [("RL", "AP", "IS")[axis][int(d[axis] > 0)] for axis in order]
    return letters[0] + (letters[1] if abs(d[order[1]]) > OBLIQUE else "")


def scale_bar_mm(width_mm: float) -> float:
    """Return the round length nearest below 40 % of a picture's width [mm]."""
    lengths = [m * 10.0**e for e in range(-2, 4) for m in (1, 2, 5)]
    return max((length for length in lengths if length <= 0.4 * width_mm), default=lengths[0])


def _triple(vector: Array64) -> Triple:
    x, y, z = vector.tolist()
    return x, y, z
