"""RLE Lossless to plain pixels, bounded by what the header announces.

fragments ──► check_offsets ──► decode (PackBits, PS3.5 annex G) ──► little endian samples
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from isocentra.dicom.limits import MAX_RLE_RUNS
from isocentra.dicom.refusal import refusal
from isocentra.errors import ReadingError

__all__ = ["FrameSize", "decode_rle"]

HEADER_BYTES = 64
"""Number of segments and 15 offsets, 32 bits each (PS3.5 G.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSize:
    """What the header says of the pixels."""

    frames: int
    pixels: int
    """Rows times columns."""
    sample_bytes: int


def decode_rle(
    data: bytes, fragments: list[tuple[int, int]], size: FrameSize, name: str
) -> memoryview:
    """Return the pixels of all frames, little endian.

    Raises
    ------
    ReadingError
        ``PIXEL_DATA_MISMATCH``: not one fragment a frame, segments that overrun, run dry or do not
        fill the frame. ``LIMIT_EXCEEDED``: more runs than can be unpacked in the time of one file.
    """
    if len(fragments) != size.frames:
        raise _mismatch(f"{len(fragments)} fragments for {size.frames} frames", name)
    wanted = size.frames * size.pixels * size.sample_bytes
    if sum(length for _, length in fragments) > wanted * 5 // 4 + 4096 * size.frames:
        raise _mismatch("more packed than unpacked bytes", name)
    out = np.empty((size.frames, size.pixels, size.sample_bytes), dtype=np.uint8)
    runs = 0
    for frame, (start, length) in enumerate(fragments):
        segments = _segments(data, start, length, size.sample_bytes, name)
        for plane, (low, high) in enumerate(segments):
            plain, used = _unpack(data, low, high, size.pixels, name)
            runs += used
            if runs > MAX_RLE_RUNS:
                raise refusal("LIMIT_EXCEEDED", "The RLE pixel data take too long.", name)
            # The most significant byte comes first (PS3.5 G.2).
            out[frame, :, size.sample_bytes - 1 - plane] = np.frombuffer(plain, dtype=np.uint8)
    return out.reshape(-1).data


def _mismatch(what: str, name: str) -> ReadingError:
    return refusal("PIXEL_DATA_MISMATCH", f"The RLE pixel data have {what}.", name)


def _segments(
    data: bytes, start: int, length: int, planes: int, name: str
) -> list[tuple[int, int]]:
    if length < HEADER_BYTES:
        raise _mismatch("a frame without its header", name)
    count, *offsets = struct.unpack_from("<16I", data, start)
    if count != planes:
        raise _mismatch(f"{count} segments for samples of {planes} bytes", name)
    bounds = [*offsets[:count], length]
    ascending = all(a < b for a, b in pairwise(bounds))
    if bounds[0] < HEADER_BYTES or not ascending:
        raise _mismatch("segment offsets outside their frame", name)
    return [(start + a, start + b) for a, b in pairwise(bounds)]


def _unpack(data: bytes, pos: int, end: int, wanted: int, name: str) -> tuple[bytes, int]:
    """Unpack one segment until `wanted` bytes are there; return them and the number of runs."""
    out = bytearray()
    runs = 0
    while len(out) < wanted:
        if pos >= end or runs > MAX_RLE_RUNS:
            break
        runs += 1
        code = data[pos]
        if code < 128:
            stop = pos + code + 2
            if stop > end:
                break
            out += data[pos + 1 : stop]
            pos = stop
        elif code > 128:
            if pos + 1 >= end:
                break
            out += data[pos + 1 : pos + 2] * (257 - code)
            pos += 2
        else:
            pos += 1
    if len(out) != wanted and runs <= MAX_RLE_RUNS:
        raise _mismatch(f"a segment of {len(out)} bytes for {wanted} pixels", name)
    return bytes(out[:wanted].ljust(wanted, b"\0")), runs
