"""The digital patient's structures as contours on an image's planes.

organ + image ──► distances round the surface ──► traced ──► put onto the surface ──► Roi
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Image
from isocentra.patients.model import DigitalPatient, Organ
from isocentra.patients.occupancy import Lattice, paint
from isocentra.patients.solids import Solid
from isocentra.structures.model import Contour, Roi, StructureSet
from isocentra.structures.tracing import contours_from_field

__all__ = ["structure_set"]

BAND_PIXELS = 3.0
"""Width of the band in which the traced field follows the distance. [pixel]"""
NEWTON_STEPS = 3


def structure_set(
    patient: DigitalPatient, image: Image, *, names: tuple[str, ...] = ()
) -> StructureSet:
    """Return the patient's structures, drawn without error on the planes of an image.

    Parameters
    ----------
    image
        Its planes carry the contours; patient, study, series and frame of reference are taken over.
    names
        Only these structures, in the patient's order; empty: all.
    """
    wanted = [organ for organ in patient.organs if not names or organ.name in names]
    for name in names:
        patient.organ(name)
    uids = image.header.sop_uids
    return StructureSet(
        rois=tuple(_roi(organ, image.grid, uids, n) for n, organ in enumerate(wanted, start=1)),
        frame_of_reference_uid=image.grid.frame_of_reference_uid,
        patient=image.header.patient,
        study_uid=image.header.study_uid,
        image_series_uid=image.header.series_uid,
        label=f"Digital {patient.name}",
    )


def _roi(organ: Organ, grid: Grid, uids: tuple[str, ...], number: int) -> Roi:
    return Roi(
        number=number,
        name=organ.name,
        contours=tuple(_contours(organ.solid, grid, uids)),
        interpreted_type=organ.interpreted_type,
        color=organ.color,
        frame_of_reference_uid=grid.frame_of_reference_uid,
    )


def _contours(solid: Solid, grid: Grid, uids: tuple[str, ...]) -> list[Contour]:
    k, j, i = (np.arange(n, dtype=np.float64) for n in grid.shape)
    lattice = Lattice(grid=grid, k=k, j=j, i=i, width_mm=BAND_PIXELS * max(grid.spacing_mm[1:]))
    field = np.zeros(grid.shape, dtype=np.float32)
    paint(field, solid, 1.0, lattice)
    out = []
    for contour in contours_from_field(field, grid, level=0.5):
        plane = round(float(grid.to_index(contour.points_mm[0])[0]))
        # Traced points are rounded to 0.001 mm: on an oblique plane that leaves the plane.
        off = (plane - grid.to_index(contour.points_mm)[:, :1]) * grid.spacing_mm[0]
        points = _on_surface(solid, contour.points_mm + off * np.array(grid.axes[0]), grid)
        uid = uids[plane] if plane < len(uids) else ""
        out.append(replace(contour, points_mm=points, image_uid=uid))
    return out


def _on_surface(solid: Solid, points: Array64, grid: Grid) -> Array64:
    """Move contour points within their plane onto the solid's surface.

    Points that a step would carry farther than half a pixel stay: they lie on the border of the
    image or where the surface runs along the plane.
    """
    rows, columns = np.array(grid.axes[1]), np.array(grid.axes[2])
    moved = points
    for _ in range(NEWTON_STEPS):
        value, gradient = solid.value(moved), solid.gradient(moved)
        down, right = gradient @ rows, gradient @ columns
        step = value / np.maximum(down * down + right * right, 1e-2)
        moved = moved - step[:, None] * (down[:, None] * rows + right[:, None] * columns)
    far = np.linalg.norm(moved - points, axis=1) > 0.5 * min(grid.spacing_mm[1:])
    return np.where(far[:, None], points, moved)
