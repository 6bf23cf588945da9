"""Structures moved by a displacement field.

StructureSet ──DisplacementField──► StructureSet in the frame to which the field moves data
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from isocentra.errors import DistortionError, Where, printable
from isocentra.geometry.field import DisplacementField
from isocentra.geometry.frames import require_same_frame
from isocentra.geometry.grid import Array64
from isocentra.structures.model import Contour, Roi, StructureSet

__all__ = ["warp_structures"]

PLANARITY_MM: Final = 0.01
"""Departure from its plane above which a moved contour gets a remark. [mm]"""


def warp_structures(structures: StructureSet, field: DisplacementField) -> StructureSet:
    """Move every contour point as the field moves data.

    The result belongs to no file and no slices yet: `encoded`, `sop_uid` and the contours' image
    UIDs are empty. Where the field moves points across their plane, contours are no longer planar;
    such ROIs are named in `warnings` (code ``CONTOUR_LEFT_PLANE``) and must be cut anew on the
    planes of an image.

    Raises
    ------
    AssemblyError
        ``FOREIGN_FRAME_OF_REFERENCE``: the structures are not in the frame the field moves from.
    DistortionError
        ``OUTSIDE_SUPPORT``: a point lies where the field says nothing. ``FIELD_NOT_INVERTIBLE``.
    """
    require_same_frame(
        structures.frame_of_reference_uid, field.from_frame_uid, "The structures and the field"
    )
    drawn = [contour.points_mm for roi in structures.rois for contour in roi.contours]
    before = np.concatenate(drawn) if drawn else np.empty((0, 3))
    after = field.warp_points(before)
    moved = iter(np.split(after, np.cumsum([len(points) for points in drawn])[:-1]))
    rois, remarks = [], []
    for roi in structures.rois:
        contours = tuple(
            replace(contour, points_mm=next(moved), image_uid="") for contour in roi.contours
        )
        _require_known(roi, contours)
        rois.append(replace(roi, contours=contours, frame_of_reference_uid=field.to_frame_uid))
        departure = max((_departure_mm(c.points_mm) for c in contours if c.is_area), default=0.0)
        if departure > PLANARITY_MM:
            text = f"ROI {printable(roi.name, 64)} leaves its planes by up to {departure:.2f} mm."
            remarks.append(("CONTOUR_LEFT_PLANE", text))
    return replace(
        structures,
        rois=tuple(rois),
        frame_of_reference_uid=field.to_frame_uid,
        sop_uid="",
        sha256="",
        encoded=b"",
        warnings=(*structures.warnings, *remarks),
    )


def _require_known(roi: Roi, contours: tuple[Contour, ...]) -> None:
    for contour, drawn in zip(contours, roi.contours, strict=True):
        unknown = np.flatnonzero(np.isnan(contour.points_mm).any(axis=1))
        if unknown.size:
            x, y, z = drawn.points_mm[unknown[0]].tolist()
            raise DistortionError(
                "OUTSIDE_SUPPORT",
                f"{unknown.size} points of a contour lie where the field says nothing.",
                where=Where(roi=roi.name, position_mm=(x, y, z)),
                do="Use a field that covers the structure, or leave the ROI out.",
            )


def _departure_mm(points_mm: Array64) -> float:
    """Return the largest distance [mm] of points (n, 3) from the plane that fits them best."""
    if len(points_mm) < 4:
        return 0.0
    centred = points_mm - points_mm.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][2]
    return float(np.abs(centred @ normal).max())
