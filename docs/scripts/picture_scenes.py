"""What the pictures show: digital patients, scanned, and boluses shaped on them.

patient ──► simulated CT ──► a request ──► `Shaped`: skin, body and part, without the report
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from isocentra import gpu_kernels
from isocentra.anatomy.body import Body
from isocentra.bolus3d import BolusRequest, Rim, catalogue
from isocentra.bolus3d.body import BodyShape, body_field, tapered, uniform
from isocentra.bolus3d.locate import locate
from isocentra.bolus3d.region import region_on
from isocentra.bolus3d.skin import Skin, find_skin
from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.patients import DigitalPatient, Organ, head, simulate_ct, sphere, structure_set
from isocentra.patients.solids import Box, Solid
from isocentra.structures.model import StructureSet

__all__ = ["DRAWN", "Shaped", "ball", "drawn_head", "scanned_head", "shaped", "solid_mesh"]

DRAWN: Final = "Bolus_Region"
"""A volume drawn across the skin of the left cheek, as a planner would for ``--region``."""
NOISE_HU: Final = 15.0
FRAME: Final = gpu_kernels.ON_CPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaped:
    """A bolus and what it was made from; its mesh is not simplified."""

    image: Image
    body: Body
    skin: Skin
    mesh: Mesh


@cache
def drawn_head() -> DigitalPatient:
    """Return the digital head with one more structure, for ``--region``."""
    patient = head()
    drawn = Organ(
        name=DRAWN,
        solid=Box(centre_mm=(54.0, -72.0, -26.0), half_mm=(20.0, 22.0, 22.0)),
        interpreted_type="CONTROL",
        color=(255, 0, 255),
    )
    return replace(patient, organs=(*patient.organs, drawn))


@cache
def scanned_head(slice_mm: float = 1.5) -> tuple[Image, StructureSet]:
    """Return the CT of the demonstration and the structures on it."""
    patient = drawn_head()
    grid = patient.grid(pixel_mm=1.0, slice_mm=slice_mm)
    image = simulate_ct(patient, grid, noise_hu=NOISE_HU, seed=1)
    names = ("PTV_Nose", "PTV_Cheek_L", DRAWN)
    return image, structure_set(patient, image, names=names)


@cache
def ball(tissue: float, slice_mm: float) -> tuple[DigitalPatient, Image]:
    """Return a ball of 50 mm radius and one tissue, and its CT."""
    patient = sphere(tissue=tissue)
    grid = patient.grid(pixel_mm=1.0, slice_mm=slice_mm)
    return patient, simulate_ct(patient, grid, noise_hu=NOISE_HU, seed=1)


def shaped(request: BolusRequest) -> Shaped:
    """Go the road of a design as far as the fine mesh."""
    thickness = request.thickness_mm
    place = locate(request, FRAME)
    reach = thickness + request.margin + 3.0
    skin = find_skin(request.ct, place, reach_mm=reach, step_mm=0.5, compute=FRAME)
    region = region_on(request, place.region, skin.mesh, skin.grid)
    field = uniform(thickness)
    radius = min(thickness / 2, 3.0)
    if request.rim is Rim.TAPER:
        edge = catalogue.printer(request.printer).min_wall_mm
        field, radius = tapered(field, edge, 2 * thickness), edge / 4
    shape = BodyShape(
        thickness=field,
        most_mm=thickness,
        clearance_mm=request.clearance_mm,
        rim_radius_mm=radius,
        near_mm=request.near_mm,
    )
    found = body_field(skin, region, shape, 0.5)
    mesh = isosurface(found.values, found.grid)
    return Shaped(image=request.ct, body=place.body, skin=skin, mesh=mesh)


def solid_mesh(
    solid: Solid, box_mm: tuple[tuple[float, float, float], ...], step_mm: float
) -> Mesh:
    """Mesh the surface of an analytic solid within a box; closed where the box cuts it."""
    low, high = box_mm
    grid = Grid.axial_box(low, high, step_mm)
    values = np.empty(grid.shape, np.float32)
    for k in range(grid.shape[0]):
        index = np.indices(grid.shape[1:]).reshape(2, -1).T
        points = grid.to_points(np.column_stack([np.full(len(index), k), index]).astype(float))
        values[k] = solid.value(points).reshape(grid.shape[1:])
    for face in (0, -1):
        values[face] = values[:, face] = values[:, :, face] = 1.0
    return isosurface(np.where(np.abs(values) < 1e-4, np.float32(1e-4), values), grid)
