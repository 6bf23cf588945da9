"""The ROI a job was asked for, checked before anything is computed from it.

StructureSet + name (+ the image's grid) ──► Roi with an area, in the frame and inside the image
"""

from __future__ import annotations

import numpy as np

from isocentra.errors import AssemblyError, StructureError, Where, printable
from isocentra.geometry.grid import Grid
from isocentra.structures.model import Roi, StructureSet

__all__ = ["checked_roi"]


def checked_roi(structures: StructureSet, name: str, *, grid: Grid | None = None) -> Roi:
    """Return the ROI of that name with at least one contour that encloses an area.

    Parameters
    ----------
    structures
        The set.
    name
        Compared without case and outer blanks, exactly.
    grid
        The image's grid, where the ROI must lie on it.

    Raises
    ------
    StructureError
        ``NO_SUCH_ROI``, ``AMBIGUOUS_ROI``, ``BAD_CONTOUR``; ``EMPTY_ROI``: no contour encloses an
        area; ``ROI_OUTSIDE_IMAGE``: no point of it lies inside the grid's box.
    AssemblyError
        ``FOREIGN_FRAME_OF_REFERENCE``: the ROI lies in another frame than the grid.
    """
    roi = structures.roi(name)
    where = Where(roi=roi.name, uid=structures.sop_uid or None)
    if not roi.areas:
        what = "has only points and lines" if roi.contours else "has no contours"
        raise StructureError(
            "EMPTY_ROI",
            f"ROI {printable(roi.name, 64)} {what}.",
            where=where,
            do="Draw it, or name another ROI.",
        )
    if grid is None:
        return roi
    frame = roi.frame_of_reference_uid or structures.frame_of_reference_uid
    if frame and grid.frame_of_reference_uid and frame != grid.frame_of_reference_uid:
        raise AssemblyError(
            "FOREIGN_FRAME_OF_REFERENCE",
            f"ROI {printable(roi.name, 64)} lies in frame of reference {printable(frame, 64)}, the"
            f" image in {printable(grid.frame_of_reference_uid, 64)}.",
            where=where,
            do="Give a registration between the two frames, or the image it was drawn on.",
        )
    points = np.concatenate([contour.points_mm for contour in roi.areas])
    index = grid.to_index(points)
    low, high = index.min(axis=0), index.max(axis=0)
    if ((high < -0.5) | (low > np.array(grid.shape) - 0.5)).any():
        x, y, z = points.mean(axis=0).tolist()
        raise StructureError(
            "ROI_OUTSIDE_IMAGE",
            f"ROI {printable(roi.name, 64)} lies wholly outside the image.",
            where=Where(roi=roi.name, uid=structures.sop_uid or None, position_mm=(x, y, z)),
            do="Give the image that covers it, or name another ROI.",
        )
    return roi
