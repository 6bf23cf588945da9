"""Structures: contours ↔ coverage ↔ mesh.

planes ──► slabs ──► coverage, volume      tracing: field ──► contours
      └──► solid ──► mesh, distance        section: mesh ──► contours
"""

from isocentra.structures.checked import checked_roi
from isocentra.structures.coverage import coverage
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet
from isocentra.structures.planes import Plane, PlaneStack, contour_findings, plane_stack
from isocentra.structures.section import (
    SectionAgreement,
    mesh_section,
    section_agreement,
    slab_volume_cm3,
)
from isocentra.structures.slabs import Cap, Slab, slabs_of, volume_cm3
from isocentra.structures.solid import mesh_from_roi, signed_distance_of_roi
from isocentra.structures.tracing import contours_from_field

__all__ = [
    "Cap",
    "Contour",
    "ContourKind",
    "Plane",
    "PlaneStack",
    "Roi",
    "SectionAgreement",
    "Slab",
    "StructureSet",
    "checked_roi",
    "contour_findings",
    "contours_from_field",
    "coverage",
    "mesh_from_roi",
    "mesh_section",
    "plane_stack",
    "section_agreement",
    "signed_distance_of_roi",
    "slab_volume_cm3",
    "slabs_of",
    "volume_cm3",
]
