"""What the report draws of a design."""

from __future__ import annotations

import numpy as np

from isocentra.bolus3d.catalogue import Printer
from isocentra.bolus3d.report_inputs import BolusPictures
from isocentra.bolus3d.request import BolusRequest
from isocentra.bolus3d.skin import Skin
from isocentra.mesh.distance import vertex_normals
from isocentra.mesh.model import Mesh
from isocentra.structures.model import Roi

__all__ = ["bolus_pictures"]


def bolus_pictures(
    request: BolusRequest, mesh: Mesh, skin: Skin, roi: Roi, printer: Printer
) -> BolusPictures:
    """Gather the objects of one design, with gap and thickness per vertex of the part."""
    distance, foot = skin.distance.signed_and_foot(mesh.vertices_mm)
    away = np.einsum("ij,ij->i", vertex_normals(mesh), mesh.vertices_mm - foot)
    middle = (request.thickness_mm + request.clearance_mm) / 2
    outer = (distance > middle) & (away > 0)
    inner = distance < min(middle, request.clearance_mm + 0.5)
    name = request.target or request.region
    drawn = None
    if request.structures is not None and name is not None:
        drawn = request.structures.roi(name)
    return BolusPictures(
        image=request.ct,
        skin=skin.mesh,
        bolus=mesh,
        gap_mm=np.where(inner, distance, np.nan),
        thickness_mm=np.where(outer, distance, np.nan),
        contours=roi,
        target=drawn,
        bed_mm=printer.bed_mm,
        structure_set="" if request.structures is None else request.structures.label,
    )
