"""One image from an Enhanced CT or MR: the geometry of each frame, its rescale, one stack.

GatedFile ──► frames (per-frame groups, else the shared ones) ──► sorted ──► Image
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom.dictionary import tag
from isocentra.dicom.gate import GatedFile
from isocentra.dicom.pixels import stored_values
from isocentra.dicom.refusal import refusal
from isocentra.dicom.rescale import (
    AIR,
    Rescale,
    apply_rescale,
    check_finite,
    padding_of,
    rescale_of,
)
from isocentra.dicom.slices import numbers_of, series_header, shown_types, text_of
from isocentra.dicom.sop_classes import MODALITY
from isocentra.dicom.stack import (
    SAME_PLACE_MM,
    Plane,
    frame_axes,
    regular_grid,
    slice_coordinate,
)
from isocentra.errors import AssemblyError, Where
from isocentra.geometry.grid import Array64
from isocentra.image import Image

__all__ = ["read_enhanced"]

_SPATIAL: Final = frozenset(
    tag(name) for name in ("InStackPositionNumber", "ImagePositionPatient", "PlanePositionSequence")
)
"""Dimensions that say where a frame lies, not what it is."""
_ORIENTATION_SPREAD: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    index: int
    plane: Plane
    spacing_mm: tuple[float, ...]
    rescale: Rescale
    types: tuple[str, ...]
    """Frame Type."""
    dimensions: str
    """What sets frames apart that are not told apart by their place."""
    stack: str


def read_enhanced(file: GatedFile, remarks: list[tuple[str, str]]) -> Image:
    """Assemble the frames of one multi-frame object.

    Raises
    ------
    ReadingError
        ``MISSING_ATTRIBUTE``, ``BAD_GEOMETRY``.
    AssemblyError
        ``SEVERAL_SERIES``: more than one echo, phase, stack or frame type. ``MIXED_ORIENTATION``
        and what `regular_grid` raises.
    """
    data, layout = file.dataset, file.layout
    if layout is None:
        raise refusal("MISSING_ATTRIBUTE", "PixelData is missing.", file.name)
    modality = MODALITY[text_of(data, "SOPClassUID")]
    frames = list(_frames(file, modality))
    _check_one_kind(frames, file)
    axes = frame_axes(frames[0].plane.orientation)
    frames.sort(key=lambda frame: slice_coordinate(frame.plane, axes))
    _check_doubles(frames, axes, file)
    row_mm, column_mm = frames[0].spacing_mm
    grid = regular_grid(
        [frame.plane for frame in frames],
        (row_mm, column_mm),
        (layout.rows, layout.columns),
        text_of(data, "FrameOfReferenceUID"),
    )
    volume = np.empty(grid.shape, dtype=np.float32)
    mask = None
    pad = padding_of(data, layout)
    view = memoryview(data.PixelData)
    step = layout.total_bytes // layout.frames
    for k, frame in enumerate(frames):
        start = frame.index * step
        stored = stored_values(view[start : start + step], layout)[0]
        padded = apply_rescale(stored, volume[k], frame.rescale, pad, AIR[modality])
        if padded is not None:
            mask = np.zeros(grid.shape, dtype=np.bool_) if mask is None else mask
            mask[k] = padded
        check_finite(volume[k], file.name)
    return Image(
        grid=grid,
        values=volume,
        modality=modality,
        header=series_header(
            data,
            sop_uids=(text_of(data, "SOPInstanceUID"),) * len(frames),
            sha256=hashlib.sha256(file.sha256.encode()).hexdigest(),
            warnings=tuple(remarks),
        ),
        padding=mask,
    )


def _frames(file: GatedFile, modality: str) -> Iterator[_Frame]:
    data = file.dataset
    shared = _first_item(data, "SharedFunctionalGroupsSequence") or Dataset()
    pointers = [
        int(pointer) if isinstance(pointer := item.get("DimensionIndexPointer"), int) else 0
        for item in data.get("DimensionIndexSequence") or ()
    ]
    for index, own in enumerate(data.PerFrameFunctionalGroupsSequence):
        position = _numbers(own, shared, "PlanePositionSequence", "ImagePositionPatient")
        orientation = _numbers(own, shared, "PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = _numbers(own, shared, "PixelMeasuresSequence", "PixelSpacing")
        for values, name in (
            (position, "ImagePositionPatient"),
            (orientation, "ImageOrientationPatient"),
            (spacing, "PixelSpacing"),
        ):
            if not values:
                what = f"{name} is missing for frame {index + 1}."
                raise refusal("MISSING_ATTRIBUTE", what, file.name)
        transformation = _group(own, shared, "PixelValueTransformationSequence")
        yield _Frame(
            index=index,
            plane=Plane(name=file.name, position_mm=position, orientation=orientation),
            spacing_mm=spacing,
            rescale=rescale_of(transformation or Dataset(), modality, file.name),
            types=_types(own, shared, modality),
            dimensions=_dimensions(own, shared, pointers),
            stack=text_of(_group(own, shared, "FrameContentSequence") or Dataset(), "StackID"),
        )


def _first_item(data: Dataset, name: str) -> Dataset | None:
    items = data.get(name)
    return items[0] if items else None


def _group(own: Dataset, shared: Dataset, name: str) -> Dataset | None:
    """Return a functional group: that of the frame wins over the shared one."""
    return _first_item(own, name) or _first_item(shared, name)


def _numbers(own: Dataset, shared: Dataset, group: str, name: str) -> tuple[float, ...]:
    item = _group(own, shared, group)
    return numbers_of(item, name) if item is not None else ()


def _types(own: Dataset, shared: Dataset, modality: str) -> tuple[str, ...]:
    frame_type = _group(own, shared, f"{modality}ImageFrameTypeSequence") or Dataset()
    types = frame_type.get("FrameType") or ()
    return (types,) if isinstance(types, str) else tuple(str(word) for word in types)


def _dimensions(own: Dataset, shared: Dataset, pointers: list[int]) -> str:
    content = _group(own, shared, "FrameContentSequence") or Dataset()
    indices = content.get("DimensionIndexValues")
    numbers = [indices] if isinstance(indices, int) else list(indices or ())
    others = [
        f"{pointer:08X}={number}"
        for pointer, number in zip(pointers, numbers, strict=False)
        if pointer not in _SPATIAL
    ]
    return " ".join(others)


def _check_one_kind(frames: list[_Frame], file: GatedFile) -> None:
    kinds = Counter((frame.types, frame.dimensions, frame.stack) for frame in frames)
    if len(kinds) > 1:
        # A stack's name is free text, in which a patient's may stand: it is not shown.
        lines = "; ".join(
            f"{n} of {shown_types(types)} {dimensions}".rstrip()
            for (types, dimensions, _), n in sorted(kinds.items())[:8]
        )
        raise AssemblyError(
            "SEVERAL_SERIES",
            f"The object holds {len(kinds)} sets of frames in"
            f" {len({stack for *_, stack in kinds})} stack(s): {lines}.",
            where=Where(file=file.name),
            do="Export one echo, phase, stack and type of frame as an object of its own.",
        )
    orientations = np.array([frame.plane.orientation for frame in frames])
    if np.abs(orientations - orientations[0]).max() > _ORIENTATION_SPREAD:
        raise AssemblyError(
            "MIXED_ORIENTATION",
            "The frames have different orientations.",
            where=Where(file=file.name),
            do="Export each orientation as an object of its own.",
        )
    if len({frame.spacing_mm for frame in frames}) > 1:
        raise refusal("BAD_GEOMETRY", "The frames have different pixel spacings.", file.name)


def _check_doubles(frames: list[_Frame], axes: Array64, file: GatedFile) -> None:
    s = [slice_coordinate(frame.plane, axes) for frame in frames]
    if any(b - a < SAME_PLACE_MM for a, b in pairwise(s)):
        raise AssemblyError(
            "DUPLICATE_SLICE",
            "Two frames lie at one place.",
            where=Where(file=file.name),
            do="Export one echo and one phase as an object of its own.",
        )
