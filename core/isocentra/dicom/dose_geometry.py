"""Where the frames of an RTDOSE lie.

IPP, IOP, Pixel Spacing, Grid Frame Offset Vector ──► Grid and the order of its frames

Frame k lies at IPP + offset_k · n with n = r × c where the first offset is 0; where it equals the z
of IPP and the planes are axial, the offsets are z coordinates. PS3.3 C.8.8.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from isocentra.dicom import elements
from isocentra.dicom.refusal import refusal
from isocentra.errors import DoseError, ReadingError, Where
from isocentra.geometry.grid import Array64, Grid

__all__ = ["DosePlanes", "dose_planes"]

OFFSET_TOLERANCE_MM: Final = 0.01
"""Offsets carry noise such as 2.39999999999998."""
AXIS_TOLERANCE: Final = 1e-3
MOST_PLANES_PER_FRAME: Final = 8
"""Frames more unequal than this are no dose grid."""
MOST_FILLED_VOXELS: Final = 32_000_000
"""Of a grid that is made from unequal frames: 128 MiB."""
MOST_OFFSET_MM: Final = 10_000.0
DEEPEST_MM: Final = 50.0
FRAME_OFFSETS_TAG: Final = 0x3004000C


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePlanes:
    """The grid with its planes ascending along n, and the file's frames that they come from."""

    grid: Grid
    order: npt.NDArray[np.intp]
    """(frames,) numbers of the file's frames, ascending along n."""
    offsets_mm: Array64
    """(frames,) where they lie from the first, ascending from 0. [mm]"""

    @property
    def are_even(self) -> bool:
        """Whether each plane of the grid is a frame."""
        return bool(
            len(self.order) == self.grid.shape[0]
            and np.abs(self._heights() - self.offsets_mm).max() <= OFFSET_TOLERANCE_MM
        )

    def on_grid(self, frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the planes of the grid from the file's frames; unequal ones piecewise linear."""
        if self.are_even:
            return frames[self.order]
        heights = np.clip(self._heights(), 0.0, self.offsets_mm[-1])
        low = np.clip(np.searchsorted(self.offsets_mm, heights, side="right") - 1, 0, None)
        low = np.minimum(low, len(self.offsets_mm) - 2)
        share = (heights - self.offsets_mm[low]) / np.diff(self.offsets_mm)[low]
        out = np.empty(self.grid.shape, dtype=np.float32)
        for k, (at, weight) in enumerate(zip(low, share.astype(np.float32), strict=True)):
            below, above = frames[self.order[at]], frames[self.order[at + 1]]
            out[k] = below * (1 - weight) + above * weight
        return out

    def _heights(self) -> Array64:
        return np.arange(self.grid.shape[0], dtype=np.float64) * self.grid.spacing_mm[0]


def dose_planes(data: Dataset, *, file: str) -> DosePlanes:
    """Return the frames' places.

    Raises
    ------
    ReadingError
        ``MISSING_ATTRIBUTE``, ``BAD_VALUE``, ``BAD_GEOMETRY``.
    DoseError
        ``BAD_DOSE``: offsets missing, of another number than the frames, with a first one that is
        neither 0 nor the position's z, or two of them equal.
    """
    rows = elements.required_integer(data, "Rows", file=file)
    columns = elements.required_integer(data, "Columns", file=file)
    frames = elements.integer(data, "NumberOfFrames", file=file) or 1
    position = elements.required_numbers(data, "ImagePositionPatient", 3, file=file)
    spacing = elements.required_numbers(data, "PixelSpacing", 2, file=file)
    r, c = _axes(elements.required_numbers(data, "ImageOrientationPatient", 6, file=file), file)
    n = np.cross(r, c)
    offsets = _offsets(data, frames, position, n, file)
    order = np.argsort(offsets, kind="stable")
    ascending = offsets[order]
    planes, step = _planes(ascending, file) if frames > 1 else (1, _single_depth(data, file))
    if planes > frames and planes * rows * columns > MOST_FILLED_VOXELS:
        raise refusal(
            "LIMIT_EXCEEDED",
            f"Its unequal frames would need {planes} planes of {rows} × {columns}.",
            file,
            do="Export the dose with equally spaced frames.",
        )
    first = position + ascending[0] * n
    grid = Grid(
        shape=(planes, rows, columns),
        spacing_mm=(step, float(spacing[0]), float(spacing[1])),
        origin_mm=(float(first[0]), float(first[1]), float(first[2])),
        axes=(_triple(n), _triple(c), _triple(r)),
        frame_of_reference_uid=elements.text(data, "FrameOfReferenceUID"),
    )
    return DosePlanes(grid=grid, order=order, offsets_mm=ascending - ascending[0])


def _planes(ascending: Array64, file: str) -> tuple[int, float]:
    """Return the number and the step of equally spaced planes that carry the frames.

    Unequal frames get planes at their smallest step: where the steps are multiples of it nothing
    is lost, and trilinear interpolation between planes is what it was between frames.
    """
    steps = np.diff(ascending)
    smallest = float(steps.min())
    if smallest < OFFSET_TOLERANCE_MM:
        raise _bad("two frames have the same offset", file)
    extent = float(ascending[-1] - ascending[0])
    mean = extent / len(steps)
    if np.abs(ascending - ascending[0] - np.arange(len(ascending)) * mean).max() <= (
        OFFSET_TOLERANCE_MM
    ):
        return len(ascending), mean
    planes = int(np.ceil(extent / smallest - 1e-6)) + 1
    if planes > MOST_PLANES_PER_FRAME * len(ascending):
        raise _bad(f"its frames lie {smallest:g} to {float(steps.max()):g} mm apart", file)
    return planes, smallest


def _axes(orientation: Array64, file: str) -> tuple[Array64, Array64]:
    """Return r and c, orthonormal to the last bit."""
    r, c = orientation[:3], orientation[3:]
    lengths = float(np.linalg.norm(r)), float(np.linalg.norm(c))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(r @ c))) > AXIS_TOLERANCE:
        raise ReadingError(
            "BAD_GEOMETRY",
            "Image Orientation does not hold two unit vectors at right angles.",
            where=Where(file=file),
            do="Export the dose again.",
        )
    r = r / lengths[0]
    c = c - (c @ r) * r
    return r, np.asarray(c / np.linalg.norm(c))


def _offsets(data: Dataset, frames: int, position: Array64, n: Array64, file: str) -> Array64:
    """Return each frame's distance from the position along n, in mm."""
    offsets = elements.numbers(data, "GridFrameOffsetVector", file=file)
    if frames == 1 and len(offsets) < 2:
        return np.zeros(1)
    pointer = elements.text(data, "FrameIncrementPointer")
    if pointer and not _names_offsets(data):
        raise _bad("Frame Increment Pointer does not name the Grid Frame Offset Vector", file)
    if len(offsets) != frames:
        raise _bad(f"there are {len(offsets)} frame offsets for {frames} frames", file)
    if np.abs(offsets).max() > MOST_OFFSET_MM:
        raise _bad(f"a frame offset lies beyond {MOST_OFFSET_MM:g} mm", file)
    first = float(offsets[0])
    if abs(first) <= OFFSET_TOLERANCE_MM:
        return np.asarray(offsets - first)
    is_axial = abs(abs(n[2]) - 1) <= AXIS_TOLERANCE
    if is_axial and abs(first - position[2]) <= OFFSET_TOLERANCE_MM:
        return np.asarray((offsets - first) * np.sign(n[2]))
    raise _bad(
        f"the first frame offset is {first:g} mm, neither 0 nor the z of the position"
        f" ({position[2]:g} mm)",
        file,
    )


def _names_offsets(data: Dataset) -> bool:
    value = data["FrameIncrementPointer"].value
    return FRAME_OFFSETS_TAG in [int(tag) for tag in np.atleast_1d(np.asarray(value, dtype=object))]


def _single_depth(data: Dataset, file: str) -> float:
    """Depth of a single plane: its Slice Thickness, else 1 mm; nothing is interpolated along it."""
    thickness = elements.number(data, "SliceThickness", file=file)
    is_possible = thickness is not None and 0.01 <= thickness <= DEEPEST_MM
    return thickness if thickness is not None and is_possible else 1.0


def _triple(vector: Array64) -> tuple[float, float, float]:
    x, y, z = (vector + 0.0).tolist()
    return (x, y, z)


def _bad(what: str, file: str) -> DoseError:
    return DoseError(
        "BAD_DOSE",
        f"The dose cannot be used: {what}.",
        where=Where(file=file),
        do="Export the dose again from the planning system.",
    )
