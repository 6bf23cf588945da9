"""The skin under the bolus, as a surface and as a distance.

CT, body ──► crop round the region ──► isotropic greys, foreign things replaced by air
   ──► skin field (local half maximum) ──► first surface ──► its signed distance, smoothed
   ──► skin mesh at the working step ──► exact distance

Noise is taken out of the distance rather than out of the greys: along the normal a distance is a
straight line, so smoothing it costs no edge, and what is left is smoothing along the skin. The
fourth-order kernel does not shrink what is curved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra.anatomy.body import Body
from isocentra.anatomy.skin import AIR_HU, fourth_order, noise_hu, skin_field
from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.resample import Interpolation, resample_values
from isocentra.image import Float32Volume, Image
from isocentra.mesh.distance import SurfaceDistance
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh

__all__ = ["Skin", "find_skin"]

ROOM_MM = 12.0
"""What the smoothing and the inside level need round the region."""
ISOTROPIC_STEP_MM = (0.7, 1.0)
"""Finest and coarsest step of the isotropic greys."""
FOREIGN_HALO_MM = 1.5
"""Blur of foreign things into the air round them."""
GREY_SIGMA_MM = 0.5
NOISY_GREY_SIGMA_MM = 0.8
NOISY_HU = 60.0
DISTANCE_SIGMA_MM = 1.0
"""Measured on sphere, face and ear at 1 and 3 mm slices, noise 20 and 40 HU: with greys at 0.5 and
distance at 1.0 mm every P95 is least or within 10 % of it; 1.4 mm hurts the ear and the face."""
DISTANCE_BAND_MM = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skin:
    """The skin round one region."""

    mesh: Mesh
    """The skin's surface, outward; open where the crop ends."""
    distance: SurfaceDistance
    grid: Grid
    """Isotropic grid round the region."""
    distance_mm: Float32Volume
    """Signed distance on `grid`, negative inside, exact near the skin. [mm]"""
    noise_hu: float
    mesh_frame: str
    """Frame of reference UID of the image."""

    def rough_distance(self, grid: Grid) -> Float32Volume:
        """Distance to the skin on `grid`, good to a cell; negative inside the patient. [mm]"""
        inside = resample_values(self.distance_mm, self.grid, grid, fill=DISTANCE_BAND_MM) < 0
        return signed_distance_mm(inside, grid)


def find_skin(ct: Image, body: Body, around_mm: Array64, reach_mm: float, step_mm: float) -> Skin:
    """Find the skin within `reach_mm` of some points on it.

    Parameters
    ----------
    ct
        CT in HU.
    body
        The patient in that CT.
    around_mm
        (n, 3) rough points of the region's skin. [mm]
    reach_mm
        Thickness plus what lies beside the region. [mm]
    step_mm
        Working step: distance of the skin mesh's vertices.
    """
    crop = _cropped(ct, around_mm, reach_mm + ROOM_MM)
    greys, grid = _isotropic(crop)
    inside, foreign, cavities = (
        _on_grid(mask, body.grid, grid) for mask in (body.mask, body.foreign, body.cavities)
    )
    outside = ~(inside | foreign)
    spread = signed_distance_mm(foreign & ~inside, grid, FOREIGN_HALO_MM + 3) <= FOREIGN_HALO_MM
    away = signed_distance_mm(inside, grid, 6.0) > 2.0
    noise = noise_hu(greys, outside & ~spread & (signed_distance_mm(inside, grid, 9.0) > 5.0))
    greys = np.where((foreign | spread) & (away | foreign) & ~inside, np.float32(AIR_HU), greys)
    greys = np.where(cavities, np.float32(0), greys)
    sigma_mm = NOISY_GREY_SIGMA_MM if noise > NOISY_HU else GREY_SIGMA_MM
    field = skin_field(greys, grid, inside, sigma_mm=sigma_mm)
    field = _without_islands(field, inside, grid)
    smooth = _smoothed_distance(field, grid)
    mesh = _surface(smooth, grid, step_mm)
    return Skin(
        mesh=mesh,
        distance=SurfaceDistance(mesh),
        grid=grid,
        distance_mm=smooth,
        noise_hu=noise,
        mesh_frame=ct.grid.frame_of_reference_uid,
    )


def _cropped(image: Image, points_mm: Array64, margin_mm: float) -> Image:
    start, stop = image.grid.index_box(points_mm, margin_mm)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    values = np.ascontiguousarray(image.values[box])
    return replace(image, grid=image.grid.cropped(start, stop), values=values, padding=None)


def _isotropic(image: Image) -> tuple[Float32Volume, Grid]:
    """Resample to cubic voxels by a cubic spline; the axes stay the image's own."""
    finest, coarsest = ISOTROPIC_STEP_MM
    step = float(np.clip(min(image.grid.spacing_mm), finest, coarsest))
    grid = image.grid.isotropic(step)
    clipped = np.clip(image.values, -1024, 3000).astype(np.float32)
    greys = resample_values(
        clipped, image.grid, grid, interpolation=Interpolation.CUBIC, fill=AIR_HU
    )
    return greys, grid


def _on_grid(mask: npt.NDArray[np.bool_], coarse: Grid, grid: Grid) -> npt.NDArray[np.bool_]:
    values = mask.astype(np.float32)
    return np.asarray(resample_values(values, coarse, grid, fill=0.0) > 0.5)


def _without_islands(
    values: Float32Volume, body: npt.NDArray[np.bool_], grid: Grid
) -> Float32Volume:
    """Make specks in the air outside, and holes below the skin inside."""
    deep = signed_distance_mm(body, grid, 6.0) < -3.0
    solid = (values > 0) | deep
    labels, _ = ndimage.label(solid)
    wanted = np.unique(labels[deep])
    keep = np.isin(labels, wanted[wanted > 0])
    air, _ = ndimage.label(~keep)
    open_air = np.unique(
        np.concatenate([np.unique(face) for n in range(3) for face in _faces(air, n)])
    )
    hole = ~keep & ~np.isin(air, open_air[open_air > 0])
    out = np.where(deep | hole, np.maximum(values, np.float32(0.25)), values)
    return np.asarray(np.where(solid & ~keep, np.float32(-0.25), out), dtype=np.float32)


def _faces(values: npt.NDArray[np.int32], axis: int) -> tuple[npt.NDArray[np.int32], ...]:
    return values.take(0, axis), values.take(-1, axis)


def _smoothed_distance(field: Float32Volume, grid: Grid) -> Float32Volume:
    """Turn the skin field into a signed distance and smooth that."""
    step = grid.spacing_mm[0]
    solid = field > 0
    rough = signed_distance_mm(solid, grid, DISTANCE_BAND_MM)
    near = np.abs(rough) < DISTANCE_BAND_MM - 1
    first = _surface(-field, grid, step / 2)
    out = np.where(solid, np.float32(-DISTANCE_BAND_MM), np.float32(DISTANCE_BAND_MM))
    points = grid.to_points(np.argwhere(near).astype(np.float64))
    out[near] = SurfaceDistance(first).signed(points)
    return fourth_order(out, DISTANCE_SIGMA_MM / step)


def _surface(values: Float32Volume, grid: Grid, step_mm: float) -> Mesh:
    """Mesh the zero of a field on a finer grid: tangent planes need vertices ≤ 0.6 mm apart."""
    fine = grid.isotropic(step_mm)
    on_fine = resample_values(
        values, grid, fine, interpolation=Interpolation.CUBIC, fill=DISTANCE_BAND_MM
    )
    return isosurface(np.where(np.abs(on_fine) < 1e-5, np.float32(1e-5), on_fine), fine)
