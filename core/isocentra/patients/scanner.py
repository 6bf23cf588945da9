"""A CT (or simple MR) scan of a digital patient on any grid.

patient + grid ──► fine samples (≤ 0.5 mm) painted by priority ──► slice profile ──► in-plane blur
               ──► + noise ──► whole numbers ──► Image with a synthetic SeriesHeader

The grid may be oblique, reversed, anisotropic: samples follow its axes, the anatomy stays where it
is in the patient's LPS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.dicom.uids import derived_uid
from isocentra.geometry.grid import Grid
from isocentra.image import Image, SeriesHeader
from isocentra.patients.model import Body, DigitalPatient
from isocentra.patients.noise import NoiseTexture, noise_plane
from isocentra.patients.occupancy import Lattice, paint
from isocentra.patients.solids import Point

__all__ = ["PATIENT_POSITIONS", "Scanner", "simulate_ct", "simulate_mr"]

Float32 = npt.NDArray[np.float32]

FINE_MM = 0.5
"""Largest distance between fine samples; clipped shares then err by < 0.001 mm on a face."""
SLAB_MM = 16.0
REACH_SIGMAS = 4.0
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"

PATIENT_POSITIONS: Final[dict[str, tuple[Point, Point, Point]]] = {
    "HFS": ((0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "HFP": ((0, 0, 1), (0, -1, 0), (-1, 0, 0)),
    "HFDR": ((0, 0, 1), (-1, 0, 0), (0, 1, 0)),
    "HFDL": ((0, 0, 1), (1, 0, 0), (0, -1, 0)),
    "FFS": ((0, 0, -1), (0, 1, 0), (-1, 0, 0)),
    "FFP": ((0, 0, -1), (0, -1, 0), (1, 0, 0)),
    "FFDR": ((0, 0, -1), (-1, 0, 0), (0, -1, 0)),
    "FFDL": ((0, 0, -1), (1, 0, 0), (0, 1, 0)),
}
"""Axes k, j, i in LPS of a scanner that images rows along its own x, columns down, slices into the
bore, with the patient lying so (DICOM PS3.3 C.7.3.1.1.2): right-handed all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """What a scanner does to a scene."""

    psf_sigma_mm: float = 0.6
    """Standard deviation of the Gaussian point spread in the plane. [mm]"""
    slice_thickness_mm: float | None = None
    """Width of the box slice profile; None: the slice spacing. [mm]"""
    texture: NoiseTexture = NoiseTexture.BLURRED
    air_hu: float = -1000.0
    """CT number of what no body fills. [HU]"""
    patient_position: str = "HFS"
    """What the header says; the grid decides where the voxels are."""


def simulate_ct(
    patient: DigitalPatient,
    grid: Grid,
    *,
    noise_hu: float = 0.0,
    seed: int = 0,
    scanner: Scanner | None = None,
) -> Image:
    """Return a CT of the patient: whole HU, −1024 to 3071, with header and derived UIDs.

    Parameters
    ----------
    grid
        Where the voxels are; its frame of reference is kept, or made from the patient's name.
    noise_hu
        Standard deviation of the noise. [HU]
    seed
        Names the draw of the noise, ≥ 0; the same seed gives the same voxels.
    """
    how = scanner or Scanner()
    bodies = sorted(patient.bodies, key=lambda body: body.priority)
    values = np.empty(grid.shape, dtype=np.float32)
    for k, plane in _planes(bodies, [body.hu for body in bodies], grid, how, how.air_hu):
        values[k] = plane
        if noise_hu > 0:
            values[k] += noise_hu * _noise(grid, how, seed, k)
    np.clip(np.rint(values), -1024, 3071, out=values)
    name = ("ct", patient.name, repr(grid), repr(how), repr(noise_hu), str(seed))
    return _image(patient, grid, values, how, name)


def simulate_mr(
    patient: DigitalPatient,
    grid: Grid,
    *,
    noise: float = 0.0,
    seed: int = 0,
    scanner: Scanner | None = None,
) -> Image:
    """Return a T1-like MR of the patient with Rician noise; signal in whole numbers, fat 1000.

    Parameters
    ----------
    noise
        Standard deviation of each channel, in units of the signal.
    """
    how = scanner or Scanner(texture=NoiseTexture.WHITE)
    bodies = sorted(patient.bodies, key=lambda body: body.priority)
    values = np.empty(grid.shape, dtype=np.float32)
    for k, plane in _planes(bodies, [body.mr_signal for body in bodies], grid, how, 0.0):
        real = plane + noise * _noise(grid, how, seed, k)
        imaginary = noise * _noise(grid, how, seed, k + grid.shape[0])
        values[k] = np.hypot(real, imaginary)
    np.clip(np.rint(values), 0, 32767, out=values)
    name = ("mr", patient.name, repr(grid), repr(how), repr(noise), str(seed))
    return _image(patient, grid, values, how, name)


def _noise(grid: Grid, how: Scanner, seed: int, k: int) -> Float32:
    _, rows_mm, columns_mm = grid.spacing_mm
    return noise_plane(grid.shape[1:], (rows_mm, columns_mm), texture=how.texture, seed=(seed, k))


def _planes(
    bodies: list[Body], amounts: list[float], grid: Grid, how: Scanner, background: float
) -> Iterator[tuple[int, Float32]]:
    """Yield (k, plane) without noise, slab by slab so that the fine samples stay small."""
    thickness = how.slice_thickness_mm or grid.spacing_mm[0]
    fine_k = max(1, math.ceil(thickness / FINE_MM - 1e-9))
    within = ((np.arange(fine_k) + 0.5) / fine_k - 0.5) * thickness / grid.spacing_mm[0]
    rows, row_taps, row_step = _fine_axis(grid.shape[1], grid.spacing_mm[1], how.psf_sigma_mm)
    columns, column_taps, column_step = _fine_axis(
        grid.shape[2], grid.spacing_mm[2], how.psf_sigma_mm
    )
    widths = (thickness / fine_k, grid.spacing_mm[1] / row_step, grid.spacing_mm[2] / column_step)
    per_slab = max(1, round(SLAB_MM / (fine_k * widths[0])))
    for first in range(0, grid.shape[0], per_slab):
        slices = np.arange(first, min(first + per_slab, grid.shape[0]))
        lattice = Lattice(
            grid=grid,
            k=(slices[:, None] + within).ravel(),
            j=rows,
            i=columns,
            width_mm=sum(widths) / 3,
        )
        fine = np.full(lattice.shape, background, dtype=np.float32)
        for body, amount in zip(bodies, amounts, strict=True):
            paint(fine, body.solid, amount, lattice)
        profiled = fine.reshape(len(slices), fine_k, *fine.shape[1:]).mean(axis=1)
        blurred = _decimate(profiled, row_taps, row_step, grid.shape[1])
        blurred = _decimate(blurred.swapaxes(1, 2), column_taps, column_step, grid.shape[2])
        yield from zip(slices.tolist(), blurred.swapaxes(1, 2), strict=True)


def _fine_axis(
    count: int, spacing_mm: float, sigma_mm: float
) -> tuple[npt.NDArray[np.float64], Float32, int]:
    """Sample positions [voxel], Gaussian taps and samples per voxel along an in-plane axis.

    Voxel centres are samples; the samples' own width (variance w²/12) is taken off the Gaussian.
    """
    step = max(1, math.ceil(spacing_mm / FINE_MM - 1e-9))
    width = spacing_mm / step
    variance = max(sigma_mm**2 - width**2 / 12, 0.0)
    half = math.ceil(REACH_SIGMAS * sigma_mm / width)
    offsets = np.arange(-half, half + 1) * width
    taps = np.exp(-(offsets**2) / (2 * variance)) if variance > 0 else (offsets == 0) * 1.0
    positions = np.arange(-half, (count - 1) * step + half + 1) / step
    return positions, (taps / taps.sum()).astype(np.float32), step


def _decimate(planes: Float32, taps: Float32, step: int, count: int) -> Float32:
    """Convolve along axis 1 and keep every `step`-th place: (n, rows, m) to (n, count, m)."""
    out = np.zeros((planes.shape[0], count, planes.shape[2]), dtype=np.float32)
    last = (count - 1) * step + 1
    for start, tap in enumerate(taps):
        out += tap * planes[:, start : start + last : step]
    return out


def _image(
    patient: DigitalPatient, grid: Grid, values: Float32, how: Scanner, name: tuple[str, ...]
) -> Image:
    """Put grid, values and a complete synthetic header together."""
    modality = name[0].upper()
    frame = grid.frame_of_reference_uid or derived_uid("digital patient", patient.name, "frame")
    series = derived_uid("digital patient", *name)
    header = SeriesHeader(
        patient=patient.identity,
        study_uid=derived_uid("digital patient", patient.name, "study"),
        series_uid=series,
        sop_class_uid=CT_IMAGE_STORAGE if modality == "CT" else MR_IMAGE_STORAGE,
        sop_uids=tuple(derived_uid(series, str(k)) for k in range(grid.shape[0])),
        patient_position=how.patient_position,
        study_date="20260101",
        study_time="120000",
        study_id="1",
        description=f"Digital {patient.name}, {modality}",
        manufacturer="Isocentra digital patients",
    )
    placed = replace(grid, frame_of_reference_uid=frame)
    return Image(grid=placed, values=values, modality=modality, header=header)
