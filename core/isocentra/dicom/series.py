"""One image from a folder of slices: CT, MR, PT, single or multi-frame.

path ──► scan (each file through the gate) ──► one series ──► sorted, without doubles ──► Grid
     ──► each slice read again, rescaled, written to its place in one float32 volume ──► Image
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isocentra.dicom.enhanced import read_enhanced
from isocentra.dicom.files import open_sources
from isocentra.dicom.gate import GatedFile, read_bytes
from isocentra.dicom.grouping import Remarks, choose_series
from isocentra.dicom.pixels import stored_values
from isocentra.dicom.refusal import refusal
from isocentra.dicom.rescale import AIR, apply_rescale, check_finite, padding_of, rescale_of
from isocentra.dicom.scan import Found, Scan, scan_sources
from isocentra.dicom.slices import series_header
from isocentra.dicom.sop_classes import Kind
from isocentra.dicom.stack import (
    SAME_PLACE_MM,
    Plane,
    frame_axes,
    regular_grid,
    slice_coordinate,
)
from isocentra.errors import AssemblyError, Where, printable
from isocentra.geometry.grid import Grid
from isocentra.image import Image

__all__ = ["read_series"]


def read_series(path: Path | str, *, series_uid: str | None = None) -> Image:
    """Read one CT, MR or PT series, or one Enhanced CT or MR object.

    Parameters
    ----------
    path
        A folder (its folders included), a zip of one, or one file. Other objects and files that
        are not DICOM are stepped over; ``image.header.warnings`` names them.
    series_uid
        Which of several series.

    Returns
    -------
    Image
        Slices sorted along r × c; HU for CT, the rescaled numbers otherwise; padding is air.

    Raises
    ------
    ReadingError
        A file that the gate refuses, a broken archive.
    AssemblyError
        ``NO_SERIES``, ``SEVERAL_SERIES``, ``SINGLE_SLICE``, ``MIXED_PATIENTS``,
        ``MIXED_ORIENTATION``, ``MISSING_SLICE``, ``DUPLICATE_SLICE``, ``UNEQUAL_SPACING``,
        ``GANTRY_TILT``, ``RESCALE_MISSING``, ``FOREIGN_FRAME_OF_REFERENCE``, ``WRONG_MODALITY``.
    """
    with open_sources(Path(path)) as sources:
        scan: Scan = scan_sources(sources)
        remarks: Remarks = list(scan.remarks)
        chosen = choose_series(scan, series_uid, remarks)
        if chosen[0].header.kind is Kind.ENHANCED:
            return read_enhanced(_again(chosen[0]), remarks)
        return _assemble(chosen, remarks)


def _again(found: Found) -> GatedFile:
    """Read a file with its pixels, and make sure that it is the one that was scanned."""
    file = read_bytes(found.source.content(), found.source.name)
    if file.sha256 != found.header.sha256:
        raise refusal("TRUNCATED", "The file changes while it is being read.", file.name)
    return file


def _plane(found: Found) -> Plane:
    header = found.header
    return Plane(name=header.name, position_mm=header.position_mm, orientation=header.orientation)


def _assemble(images: list[Found], remarks: Remarks) -> Image:
    axes = frame_axes(min(images, key=lambda found: found.header.name).header.orientation)
    placed = sorted(
        ((slice_coordinate(_plane(found), axes), found) for found in images),
        key=lambda pair: (pair[0], pair[1].header.sop_uid, pair[1].header.sha256),
    )
    kept = _without_doubles(placed, remarks)
    first = kept[0].header
    row_mm, column_mm = first.spacing_mm
    grid = regular_grid(
        [_plane(found) for found in kept],
        (row_mm, column_mm),
        (first.rows, first.columns),
        first.frame_uid,
    )
    return _fill(kept, grid, remarks)


def _without_doubles(placed: list[tuple[float, Found]], remarks: Remarks) -> list[Found]:
    """Drop slices that are there twice; refuse two different ones at one place."""
    kept: list[tuple[float, Found]] = []
    uids: set[str] = set()
    for s, found in placed:
        header = found.header
        if kept and s - kept[-1][0] < SAME_PLACE_MM:
            if header.sop_uid != kept[-1][1].header.sop_uid and not _same(found, kept[-1][1]):
                raise _double(found, "Two different slices lie at one place.")
            message = f"{printable(header.name)} repeats {printable(kept[-1][1].header.name)}."
            remarks.append(("DUPLICATE_DROPPED", message))
            continue
        if header.sop_uid in uids:
            raise _double(found, "Two slices at different places have one SOP Instance UID.")
        uids.add(header.sop_uid)
        kept.append((s, found))
    return [found for _, found in kept]


def _double(found: Found, what: str) -> AssemblyError:
    x, y, z = found.header.position_mm
    return AssemblyError(
        "DUPLICATE_SLICE",
        what,
        where=Where(file=found.header.name, position_mm=(x, y, z)),
        do="Give one series, one phase and one echo, each slice once.",
    )


def _same(one: Found, other: Found) -> bool:
    """Whether two slices hold the same pixels, equally rescaled."""
    first, second = _again(one).dataset, _again(other).dataset
    return bool(
        first.PixelData == second.PixelData
        and first.get("RescaleSlope") == second.get("RescaleSlope")
        and first.get("RescaleIntercept") == second.get("RescaleIntercept")
    )


@dataclass(slots=True)
class _Mask:
    """The mask of padding, made when the first padded slice is met."""

    shape: tuple[int, int, int]
    values: npt.NDArray[np.bool_] | None = None

    def add(self, k: int, mask: npt.NDArray[np.bool_] | None) -> None:
        if mask is None:
            return
        if self.values is None:
            self.values = np.zeros(self.shape, dtype=np.bool_)
        self.values[k] = mask


def _fill(slices: list[Found], grid: Grid, remarks: Remarks) -> Image:
    volume = np.empty(grid.shape, dtype=np.float32)
    modality = slices[0].header.modality
    padding = _Mask(grid.shape)
    first: GatedFile | None = None
    for k, found in enumerate(slices):
        file = _again(found)
        layout = file.layout
        if layout is None:
            raise refusal("MISSING_ATTRIBUTE", "PixelData is missing.", file.name)
        rescale = rescale_of(file.dataset, modality, file.name)
        stored = stored_values(file.dataset.PixelData, layout)[0]
        pad = padding_of(file.dataset, layout)
        padding.add(k, apply_rescale(stored, volume[k], rescale, pad, AIR[modality]))
        check_finite(volume[k], file.name)
        first = first or file
    assert first is not None  # noqa: S101 - a grid has two slices at least
    headers = [found.header for found in slices]
    return Image(
        grid=grid,
        values=volume,
        modality=modality,
        header=series_header(
            first.dataset,
            sop_uids=tuple(header.sop_uid for header in headers),
            sha256=_hash_of(header.sha256 for header in headers),
            warnings=tuple(remarks),
        ),
        padding=padding.values,
    )


def _hash_of(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
