"""Descriptions of pixels that lie, and RLE that does."""

from __future__ import annotations

import struct

import dicom_builder as b
from hostile_parts import READ, Files, H, L, M, P, T, V, body, with_meta


def pixels() -> Files:
    def changed(tag: int, value: int) -> bytes:
        return b.changed({tag: ("US", b.us(value))})

    plain = struct.pack("<64h", *range(64))
    good = b.rle_frame(plain)
    lying = struct.pack("<16I", 2, 64, 0x7FFFFFFF, *[0] * 13) + good[64:]
    dry = struct.pack("<16I", 2, 64, 70, *[0] * 13) + good[64:90]
    many = struct.pack("<16I", 0xFFFFFFFF, *[64] * 15) + good[64:]
    bomb_plane = b"\x81\0" * 66_000
    bomb = struct.pack("<16I", 2, 64, 64 + len(bomb_plane), *[0] * 13) + bomb_plane * 2
    backwards = struct.pack("<16I", 2, 200, 64, *[0] * 13) + good[64:]
    large = {0x00280010: ("US", b.us(65535)), 0x00280011: ("US", b.us(65535))}
    enhanced = b.enhanced_fields()
    return {
        "rows too many": (changed(0x00280010, 4096), P),
        "rows too few": (changed(0x00280010, 4), P),
        "rows zero": (changed(0x00280010, 0), V),
        "rows missing": (b.file_of(b.without(b.slice_fields(), 0x00280010)), M),
        "rows of two numbers": (b.changed({0x00280010: ("US", b.us(8, 8))}), V),
        "rows and columns 65535": (b.file_of(b.slice_fields(fields=large)), P | L),
        "columns empty": (b.changed({0x00280011: ("US", b"")}), M),
        "bits allocated 12": (changed(0x00280100, 12), V),
        "bits allocated 0": (changed(0x00280100, 0), V),
        "bits allocated 64": (changed(0x00280100, 64), V),
        "bits stored above allocated": (changed(0x00280101, 17), V),
        "bits stored zero": (changed(0x00280101, 0), V),
        "high bit beyond": (changed(0x00280102, 31), V),
        "high bit above stored": (
            b.changed({0x00280101: ("US", b.us(12)), 0x00280102: ("US", b.us(15))}),
            V,
        ),
        "high bit below stored": (changed(0x00280102, 3), V),
        "representation 2": (changed(0x00280103, 2), V),
        "three samples": (changed(0x00280002, 3), V),
        "65535 samples": (changed(0x00280002, 65535), V),
        "palette colour": (b.changed({0x00280004: ("CS", b"PALETTE COLOR")}), V),
        "photometric missing": (b.file_of(b.without(b.slice_fields(), 0x00280004)), M | V),
        "pixel data missing": (b.file_of(b.without(b.slice_fields(), 0x7FE00010)), M),
        "pixel data empty": (b.changed({0x7FE00010: ("OW", b"")}), M | P),
        "pixel data two bytes short": (b.changed({0x7FE00010: ("OW", bytes(126))}), P),
        "pixel data two bytes long": (b.changed({0x7FE00010: ("OW", bytes(130))}), P),
        "float pixel data": (
            b.file_of({**b.without(b.slice_fields(), 0x7FE00010), 0x7FE00008: ("OF", bytes(256))}),
            M,
        ),
        "frames a billion": (b.changed({0x00280008: ("IS", b"1000000000")}), P),
        "frames negative": (b.changed({0x00280008: ("IS", b"-1")}), V),
        "frames zero": (b.changed({0x00280008: ("IS", b"0")}), V),
        "dose frames too many": (
            b.file_of({**b.dose_fields(), 0x00280008: ("IS", b"2000000000")}),
            P,
        ),
        "enhanced frames not described": (
            b.file_of({**enhanced, 0x00280008: ("IS", b"4")}),
            P,
        ),
        "enhanced without groups": (b.file_of(b.without(enhanced, 0x52009230)), P | M),
        "native pixels in an RLE file": (b.file_of(b.slice_fields(), syntax=b.RLE), P),
        "RLE good": (b.rle_slice(b.encapsulated([good])), {READ}),
        "RLE offset table lies": (
            b.rle_slice(b.encapsulated([good], struct.pack("<I", 0xFFFFFFF0))),
            {READ} | P,
        ),
        "RLE offset beyond the frame": (b.rle_slice(b.encapsulated([lying])), P),
        "RLE offsets backwards": (b.rle_slice(b.encapsulated([backwards])), P),
        "RLE runs dry": (b.rle_slice(b.encapsulated([dry])), P),
        "RLE of 4 billion segments": (b.rle_slice(b.encapsulated([many])), P),
        "RLE bomb": (b.rle_slice(b.encapsulated([bomb])), P),
        "RLE rubbish": (b.rle_slice(b.encapsulated([b"\xff\xd8\xff\xe0" + bytes(96)])), P),
        "RLE short fragment": (b.rle_slice(b.encapsulated([b"\0\0"])), P),
        "RLE no fragment": (b.rle_slice(b.encapsulated([])), P),
        "RLE two fragments": (b.rle_slice(b.encapsulated([good, good])), P),
        "RLE of 65535 × 65535": (b.rle_slice(b.encapsulated([good]), large), P | L),
        "RLE fragment without a length": (
            b.rle_slice(
                b.header(0x7FE00010, "OB", b.UNDEFINED)
                + b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
                + good
            ),
            H | T,
        ),
        "RLE fragment beyond the file": (
            b.rle_slice(
                b.header(0x7FE00010, "OB", b.UNDEFINED)
                + b.header(0xFFFEE000, "", 0x7FFFFFFE, explicit=False)
                + good
            ),
            T | H,
        ),
        "RLE without delimiter": (b.rle_slice(b.encapsulated([good])[:-8]), T | H),
        "RLE element among fragments": (
            b.rle_slice(b.encapsulated([good])[:-8] + b.element(0x7FE00020, "OB", b"xx")),
            H,
        ),
        "fragments in an uncompressed file": (
            with_meta(body({}, b.encapsulated([good]), drop=(0x7FE00010,))),
            H,
        ),
    }
