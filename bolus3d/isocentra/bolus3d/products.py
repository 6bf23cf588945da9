"""The files of a design: meshes for the printer, the structure for the planning system."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from isocentra import dicom
from isocentra.bolus3d.catalogue import Material
from isocentra.bolus3d.request import BolusRequest
from isocentra.bolus3d.result import RoiFigures
from isocentra.errors import ServiceError, Where
from isocentra.geometry.grid import Grid
from isocentra.mesh.lib3mf_adapter import BaseMaterial
from isocentra.mesh.model import Mesh
from isocentra.mesh.write import ply_bytes, stl_bytes, threemf_bytes
from isocentra.result import OutputRef
from isocentra.structures.model import Roi, StructureSet
from isocentra.structures.section import mesh_section, section_agreement, slab_volume_cm3

__all__ = [
    "bolus_roi",
    "output_refs",
    "part_files",
    "refuse_known_name",
    "roi_figures",
    "structure_file",
]

BOLUS_COLOR = (255, 160, 60)
MEDIA_TYPES = {
    "bolus.stl": "model/stl",
    "bolus.3mf": "model/3mf",
    "bolus.dcm": "application/dicom",
    "skin.ply": "application/ply",
}


def refuse_known_name(request: BolusRequest) -> None:
    """Refuse, before any work, a name that the set holds already (``CONFLICT``)."""
    names = request.structures.names if request.structures is not None else ()
    if request.name.strip().casefold() in {name.strip().casefold() for name in names}:
        raise ServiceError(
            "CONFLICT",
            "The structure set already holds an ROI of the new name.",
            where=Where(roi=request.name),
            do="Give another --name.",
        )


def bolus_roi(request: BolusRequest, mesh: Mesh, material: Material) -> Roi:
    """Cut the part by the image's slice planes."""
    return Roi(
        number=0,
        name=request.name,
        contours=mesh_section(mesh, request.ct.grid),
        interpreted_type="BOLUS",
        color=BOLUS_COLOR,
        description=f"{material.name}, {request.thickness_mm:g} mm",
        frame_of_reference_uid=request.ct.grid.frame_of_reference_uid,
        density_g_cm3=material.density_g_cm3,
    )


def roi_figures(roi: Roi, mesh: Mesh, grid: Grid) -> RoiFigures:
    """Compare the written contours with the part."""
    agreement = section_agreement(roi.contours, mesh, grid)
    worst = max((plane.distance_p95_mm for plane in agreement), default=float("nan"))
    return RoiFigures(
        name=roi.name,
        volume_cm3=slab_volume_cm3(roi.contours, step_mm=grid.spacing_mm[0]),
        contour_p95_mm=worst,
    )


def part_files(
    request: BolusRequest, mesh: Mesh, skin: Mesh, material: Material
) -> dict[str, bytes]:
    """Return the meshes by file name."""
    look = BaseMaterial(name=material.title, rgba=material.rgba)
    return {
        "bolus.stl": stl_bytes(mesh),
        "bolus.3mf": threemf_bytes(mesh, title=request.name, material=look),
        "skin.ply": ply_bytes(skin),
    }


def structure_file(request: BolusRequest, roi: Roi, external: Roi | None) -> bytes:
    """Return bolus.dcm: the set that came with the BOLUS added, or a new one with EXTERNAL."""
    given = request.structures
    if given is not None and given.encoded:
        return dicom.with_rois_added(given, (roi,), request.ct)
    if given is not None:  # made in this process, not read from a file
        return dicom.structure_set_bytes(replace(given, rois=(*given.rois, roi)), request.ct)
    rois = (roi,) if external is None else (external, roi)
    made = StructureSet(
        rois=rois,
        frame_of_reference_uid=request.ct.grid.frame_of_reference_uid,
        patient=request.ct.header.patient,
        study_uid=request.ct.header.study_uid,
        image_series_uid=request.ct.header.series_uid,
        label="Bolus",
    )
    return dicom.structure_set_bytes(made, request.ct)


def output_refs(files: Mapping[str, bytes]) -> tuple[OutputRef, ...]:
    """Describe the products."""
    return tuple(
        OutputRef(
            name=name,
            media_type=MEDIA_TYPES[name],
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
        )
        for name, content in sorted(files.items())
    )
