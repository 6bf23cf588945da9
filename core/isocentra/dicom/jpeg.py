"""JPEG Lossless, only where a decoder is installed, and only after its own header was believed.

A frame header that claims 65,535 × 65,535 pixels makes a decoder allocate them: the size in the
stream must be that of the data set before the decoder sees it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGLossless, JPEGLosslessSV1

from isocentra.dicom.refusal import refusal
from isocentra.errors import ReadingError

__all__ = ["JPEG_LOSSLESS", "check_frame_header", "decode_jpeg", "has_decoder"]

JPEG_LOSSLESS: Final = frozenset({str(JPEGLossless), str(JPEGLosslessSV1)})
_LOSSLESS_FRAME: Final = 0xC3
_OTHER_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC3, 0xC4, 0xC8, 0xCC}


def has_decoder(transfer_syntax: str) -> bool:
    """Whether a decoder for this JPEG Lossless syntax is installed."""
    return transfer_syntax in JPEG_LOSSLESS and bool(get_decoder(transfer_syntax).is_available)


def check_frame_header(stream: bytes, rows: int, columns: int, name: str) -> None:
    """Refuse a JPEG stream whose frame header is not one lossless image of `rows` × `columns`.

    Raises
    ------
    ReadingError
        ``PIXEL_DATA_MISMATCH``.
    """
    pos = 2
    if stream[:2] != b"\xff\xd8":
        raise _mismatch("are no JPEG stream", name)
    if not stream.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise _mismatch("end before the picture does", name)
    while pos + 10 <= len(stream) and stream[pos] == 0xFF:
        marker = stream[pos + 1]
        length = int.from_bytes(stream[pos + 2 : pos + 4], "big")
        if marker == _LOSSLESS_FRAME:
            found = [int.from_bytes(stream[pos + at : pos + at + 2], "big") for at in (5, 7)]
            if found != [rows, columns] or stream[pos + 9] != 1:
                raise _mismatch(f"hold {found[0]} × {found[1]} pixels", name)
            return
        if marker in _OTHER_FRAMES or length < 2:
            break
        pos += 2 + length
    raise _mismatch("have no lossless frame header", name)


def decode_jpeg(
    streams: list[bytes], transfer_syntax: str, shape: tuple[int, int, int, int], name: str
) -> memoryview:
    """Return the pixels of all frames, little endian.

    Parameters
    ----------
    streams
        One JPEG stream a frame.
    transfer_syntax
        One that `has_decoder`.
    shape
        Frames, rows, columns, bytes a pixel.
    name
        Base name for messages.

    Raises
    ------
    ReadingError
        ``PIXEL_DATA_MISMATCH``.
    """
    frames, rows, columns, sample_bytes = shape
    if len(streams) != frames:
        raise _mismatch(f"have {len(streams)} fragments for {frames} frames", name)
    for stream in streams:
        check_frame_header(stream, rows, columns, name)
    options: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "number_of_frames": frames,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": 0,
        "bits_allocated": 8 * sample_bytes,
        "bits_stored": 8 * sample_bytes,
        "pixel_keyword": "PixelData",
    }
    try:
        pixels, _ = get_decoder(transfer_syntax).as_array(encapsulate(streams), **options)
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise _mismatch("cannot be decoded", name) from error
    plain = np.ascontiguousarray(pixels, dtype=f"<u{sample_bytes}")
    if plain.size != frames * rows * columns:
        raise _mismatch("decode to another size", name)
    return plain.reshape(-1).view(np.uint8).data


def _mismatch(what: str, name: str) -> ReadingError:
    return refusal("PIXEL_DATA_MISMATCH", f"The JPEG pixel data {what}.", name)
