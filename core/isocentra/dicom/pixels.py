"""The pixels of a gated file: judged against their description, then plain.

Tree ──► describe (rows, columns, frames, bits) ──► plain_pixels (bytes, little endian)
GatedFile ──► stored_values ──► (frames, rows, columns) whole numbers
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.dicom.dictionary import tag
from isocentra.dicom.jpeg import decode_jpeg
from isocentra.dicom.limits import MAX_DECODED_BYTES, MAX_MATRIX
from isocentra.dicom.refusal import refusal
from isocentra.dicom.rle import FrameSize, decode_rle
from isocentra.dicom.sop_classes import Kind
from isocentra.dicom.tokens import Tree
from isocentra.dicom.values import Values

__all__ = ["RLE_LOSSLESS", "PixelLayout", "describe", "plain_pixels", "stored_values"]

RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
PIXEL_DATA: Final = tag("PixelData")
_FRAMES = tag("NumberOfFrames")
_PER_FRAME = tag("PerFrameFunctionalGroupsSequence")
_BITS: Final = {
    Kind.IMAGE: frozenset({8, 16}),
    Kind.ENHANCED: frozenset({8, 16}),
    Kind.DOSE: frozenset({16, 32}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelLayout:
    """How the pixels of one object are stored."""

    frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    @property
    def sample_bytes(self) -> int:
        """Size of one pixel [byte]."""
        return self.bits_allocated // 8

    @property
    def total_bytes(self) -> int:
        """Size of all pixels [byte]."""
        return self.frames * self.rows * self.columns * self.sample_bytes


def describe(tree: Tree, values: Values, kind: Kind) -> PixelLayout:
    """Read and judge the description of the pixels (PS3.3 C.7.6.3).

    Raises
    ------
    ReadingError
        ``MISSING_ATTRIBUTE``, ``BAD_VALUE``, ``LIMIT_EXCEEDED``, ``PIXEL_DATA_MISMATCH`` (an
        Enhanced object that does not describe each frame).
    """
    root = tree.root

    def unsigned(name: str) -> int:
        return values.unsigned(root, tag(name))

    allocated, stored, high = (unsigned(n) for n in ("BitsAllocated", "BitsStored", "HighBit"))
    representation = unsigned("PixelRepresentation")
    if allocated not in _BITS[kind]:
        raise values.bad(tag("BitsAllocated"), f"is {allocated}")
    if not 1 <= stored <= allocated or high != stored - 1:
        raise values.bad(tag("BitsStored"), f"is {stored} of {allocated}, the high bit {high}")
    if representation > 1:
        raise values.bad(tag("PixelRepresentation"), f"is {representation}")
    if unsigned("SamplesPerPixel") != 1:
        raise values.bad(tag("SamplesPerPixel"), "is not 1")
    photometric = values.text(root, tag("PhotometricInterpretation"))
    if photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        raise values.bad(tag("PhotometricInterpretation"), "is not MONOCHROME1 or MONOCHROME2")
    rows, columns = unsigned("Rows"), unsigned("Columns")
    if not rows or not columns:
        raise values.bad(tag("Rows"), f"and Columns are {rows} and {columns}")
    return PixelLayout(
        frames=_frames(tree, values, kind),
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=representation == 1,
    )


def _frames(tree: Tree, values: Values, kind: Kind) -> int:
    told = values.decimals(tree.root, _FRAMES)
    frames = int(told[0]) if told else 1
    if frames < 1:
        raise values.bad(_FRAMES, f"is {frames}")
    if kind is Kind.IMAGE and frames != 1:
        raise values.bad(_FRAMES, f"is {frames} in a single-frame object", "PIXEL_DATA_MISMATCH")
    if kind is Kind.ENHANCED:
        groups = tree.root.get(_PER_FRAME)
        count = len(groups) if isinstance(groups, list) else 0
        if count != frames:
            why = f"is {frames}, but {count} frames are described"
            raise values.bad(_FRAMES, why, "PIXEL_DATA_MISMATCH")
    return frames


def check_length(tree: Tree, layout: PixelLayout, values: Values, transfer_syntax: str) -> None:
    """Compare the size of the pixel data, where there are any, with their description.

    Raises
    ------
    ReadingError
        ``PIXEL_DATA_MISMATCH``, ``LIMIT_EXCEEDED``.
    """
    wanted = layout.total_bytes
    span = tree.root.get(PIXEL_DATA)
    if tree.encapsulated:
        if wanted > MAX_DECODED_BYTES:
            what = f"The pixels would take {wanted} bytes; {MAX_DECODED_BYTES} are read."
            raise refusal("LIMIT_EXCEEDED", what, values.name, uid=values.uid)
    elif isinstance(span, tuple) and span[2]:
        if transfer_syntax not in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}:
            raise values.bad(PIXEL_DATA, "is not in fragments", "PIXEL_DATA_MISMATCH")
        if span[2] not in {wanted, wanted + wanted % 2}:
            why = f"has {span[2]} bytes where the header announces {wanted}"
            raise values.bad(PIXEL_DATA, why, "PIXEL_DATA_MISMATCH")
    if max(layout.rows, layout.columns) > MAX_MATRIX:
        what = f"The image has {layout.rows} × {layout.columns} pixels; {MAX_MATRIX} are read."
        raise refusal("LIMIT_EXCEEDED", what, values.name, uid=values.uid)


def plain_pixels(
    data: bytes, tree: Tree, layout: PixelLayout, values: Values, transfer_syntax: str
) -> memoryview:
    """Return the pixels of all frames, uncompressed little endian, without padding.

    Raises
    ------
    ReadingError
        ``MISSING_ATTRIBUTE`` when there are none, ``PIXEL_DATA_MISMATCH``, ``LIMIT_EXCEEDED``.
    """
    span = tree.root.get(PIXEL_DATA)
    if isinstance(span, tuple) and span[2]:
        return memoryview(data)[span[1] : span[1] + layout.total_bytes]
    if not tree.encapsulated:
        raise refusal("MISSING_ATTRIBUTE", "PixelData is missing.", values.name, uid=values.uid)
    size = FrameSize(
        frames=layout.frames,
        pixels=layout.rows * layout.columns,
        sample_bytes=layout.sample_bytes,
    )
    # The first item is the offset table. It is not needed, one fragment being one frame, and so
    # its numbers, which may lie, are never used.
    fragments = tree.fragments[1:]
    if transfer_syntax == RLE_LOSSLESS:
        return decode_rle(data, fragments, size, values.name)
    streams = [data[start : start + length] for start, length in fragments]
    shape = (layout.frames, layout.rows, layout.columns, layout.sample_bytes)
    return decode_jpeg(streams, transfer_syntax, shape, values.name)


def stored_values(pixels: bytes | memoryview, layout: PixelLayout) -> npt.NDArray[np.integer]:
    """Return the stored whole numbers of all frames.

    Parameters
    ----------
    pixels
        As `plain_pixels` returns them, or the bytes of some whole frames.
    layout
        Their description.

    Returns
    -------
    ndarray
        (frames, rows, columns); a view on `pixels` where all bits are used, int or uint of the
        allocated size.

    Notes
    -----
    The value is the low `bits_stored` bits, the high bit being one less (PS3.3 C.7.6.3.1.1); the
    bits above may hold overlays or rubbish and are cut off before the sign is extended.
    """
    kind = "i" if layout.signed else "u"
    raw = np.frombuffer(pixels, dtype=f"<{kind}{layout.sample_bytes}")
    raw = raw.reshape(-1, layout.rows, layout.columns)
    unused = layout.bits_allocated - layout.bits_stored
    return np.right_shift(np.left_shift(raw, unused), unused) if unused else raw
