"""Small scans and skins of digital patients for the tests of anatomy and bolus.

patient ──► painted (voxels, no blur; milliseconds) or scanned (as a scanner does it, in a box)
solid   ──► analytic_skin: the skin that a faultless search would find
"""

from functools import cache

import numpy as np

from isocentra.bolus3d.skin import Skin
from isocentra.dicom.uids import derived_uid
from isocentra.geometry.grid import Grid
from isocentra.image import Image, SeriesHeader
from isocentra.mesh.distance import SurfaceDistance
from isocentra.mesh.isosurface import isosurface
from isocentra.patients.model import DigitalPatient
from isocentra.patients.occupancy import Lattice, paint
from isocentra.patients.scanner import simulate_ct
from isocentra.patients.solids import Point, Solid

FRAME = "1.2.826.0.1.3680043.8.498.7"


def box_grid(
    centre_mm: Point,
    half_mm: float,
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 1.5),
    axes: tuple[Point, Point, Point] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
) -> Grid:
    """Grid of a cube round a point; `axes` are those of k, j, i."""
    k, j, i = (2 * round(half_mm / s) + 1 for s in spacing_mm)
    about = Grid(shape=(k, j, i), spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0), axes=axes)
    middle = about.to_points([(n - 1) / 2 for n in about.shape])
    x, y, z = (np.array(centre_mm) - middle).tolist()
    return Grid(
        shape=(k, j, i),
        spacing_mm=spacing_mm,
        origin_mm=(x, y, z),
        axes=axes,
        frame_of_reference_uid=FRAME,
    )


@cache
def scanned(patient: DigitalPatient, grid: Grid, noise_hu: float = 0.0, seed: int = 0) -> Image:
    """CT of the patient as the simulated scanner makes it."""
    return simulate_ct(patient, grid, noise_hu=noise_hu, seed=seed)


@cache
def painted(patient: DigitalPatient, grid: Grid) -> Image:
    """CT whose voxels hold the share of each material, linear at the borders: quick and coarse."""
    k, j, i = (np.arange(n, dtype=np.float64) for n in grid.shape)
    lattice = Lattice(grid=grid, k=k, j=j, i=i, width_mm=sum(grid.spacing_mm) / 3)
    values = np.full(grid.shape, np.float32(-1000))
    for body in sorted(patient.bodies, key=lambda body: body.priority):
        paint(values, body.solid, body.hu, lattice)
    return image_of(values, grid)


def image_of(values: np.ndarray, grid: Grid, modality: str = "CT") -> Image:
    """Image with a complete synthetic header."""
    return Image(
        grid=grid,
        values=values.astype(np.float32),
        modality=modality,
        header=SeriesHeader(
            study_uid=derived_uid("test study"),
            series_uid=derived_uid("test series"),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            sop_uids=tuple(derived_uid("test slice", str(k)) for k in range(grid.shape[0])),
            patient_position="HFS",
        ),
    )


@cache
def analytic_skin(solid: Solid, centre_mm: Point, half_mm: float, step_mm: float = 0.75) -> Skin:
    """Skin of a solid, without a scan between: the zero of its formula in a box round a point."""
    grid = box_grid(centre_mm, half_mm, (step_mm, step_mm, step_mm))
    values = np.clip(solid.value(grid.centres()), -6, 6).astype(np.float32)
    mesh = isosurface(np.where(np.abs(values) < 1e-5, np.float32(1e-5), values), grid)
    return Skin(
        mesh=mesh,
        distance=SurfaceDistance(mesh),
        grid=grid,
        distance_mm=values,
        noise_hu=None,
        bridged_cm3=0.0,
    )


def holds(mask: np.ndarray, grid: Grid, point_mm: Point) -> bool:
    """Whether the voxel at a point is set."""
    k, j, i = np.rint(grid.to_index(np.array(point_mm))).astype(int)
    return bool(mask[k, j, i])
