"""DICOM files made byte by byte, so that tests can say exactly what is wrong in them.

fields (tag ──► VR and bytes) ──► encode ──► part10 ──► bytes of a file

Nothing of the product is used here: a fault of the reader cannot hide in the writer.
"""

from __future__ import annotations

import struct

Items = list[dict]
Value = bytes | Items
Fields = dict[int, tuple[str, Value]]

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
CT = b"1.2.840.10008.5.1.4.1.1.2"
MR = b"1.2.840.10008.5.1.4.1.1.4"
PT = b"1.2.840.10008.5.1.4.1.1.128"
ENHANCED_CT = b"1.2.840.10008.5.1.4.1.1.2.1"
RTSTRUCT = b"1.2.840.10008.5.1.4.1.1.481.3"
RTDOSE = b"1.2.840.10008.5.1.4.1.1.481.2"
IMPLICIT = b"1.2.840.10008.1.2"
EXPLICIT = b"1.2.840.10008.1.2.1"
RLE = b"1.2.840.10008.1.2.5"
UNDEFINED = 0xFFFFFFFF


def us(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def even(value: bytes, vr: str) -> bytes:
    return value if len(value) % 2 == 0 else value + (b" " if vr not in {"UI", "OB"} else b"\0")


def header(tag: int, vr: str, length: int, *, explicit: bool = True) -> bytes:
    """One element header with any length at all."""
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return start + struct.pack("<I", length)
    if vr in LONG:
        return start + vr.encode() + b"\0\0" + struct.pack("<I", length)
    return start + vr.encode() + struct.pack("<H", length & 0xFFFF)


def element(tag: int, vr: str, value: Value, *, explicit: bool = True) -> bytes:
    """One element, padded to an even length; sequences with undefined lengths."""
    if isinstance(value, list):
        body = b"".join(
            header(0xFFFEE000, "", UNDEFINED, explicit=False)
            + encode(item, explicit=explicit)
            + header(0xFFFEE00D, "", 0, explicit=False)
            for item in value
        )
        end = header(0xFFFEE0DD, "", 0, explicit=False)
        return header(tag, vr, UNDEFINED, explicit=explicit) + body + end
    value = even(value, vr)
    return header(tag, vr, len(value), explicit=explicit) + value


def encode(fields: Fields, *, explicit: bool = True) -> bytes:
    return b"".join(
        element(tag, vr, value, explicit=explicit) for tag, (vr, value) in sorted(fields.items())
    )


def meta(
    sop_class: bytes, sop_uid: bytes, syntax: bytes | None = EXPLICIT, *, told: int | None = None
) -> bytes:
    """File meta group; `told` is a lie about its length."""
    fields: Fields = {
        0x00020001: ("OB", b"\0\1"),
        0x00020002: ("UI", sop_class),
        0x00020003: ("UI", sop_uid),
        0x00020012: ("UI", b"1.2.3.4"),
    }
    if syntax is not None:
        fields[0x00020010] = ("UI", syntax)
    body = encode(fields)
    length = len(body) if told is None else told
    return element(0x00020000, "UL", struct.pack("<I", length)) + body


def part10(body: bytes, file_meta: bytes, preamble: bytes = b"") -> bytes:
    return preamble.ljust(128, b"\0") + b"DICM" + file_meta + body


def slice_fields(**changes: object) -> Fields:
    """One 8 × 8 CT slice; `k` moves it along z."""
    k = int(changes.pop("k", 0))  # type: ignore[call-overload]
    fields: Fields = {
        0x00080005: ("CS", b"ISO_IR 100"),
        0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\AXIAL"),
        0x00080016: ("UI", CT),
        0x00080018: ("UI", b"1.2.826.0.1.100.%d" % (k + 1)),
        0x00080060: ("CS", b"CT"),
        0x00100010: ("PN", b"Phantom^One"),
        0x00100020: ("LO", b"P1"),
        0x00180050: ("DS", b"3"),
        0x00185100: ("CS", b"HFS"),
        0x0020000D: ("UI", b"1.2.826.0.1.1"),
        0x0020000E: ("UI", b"1.2.826.0.1.2"),
        0x00200013: ("IS", b"%d" % (k + 1)),
        0x00200032: ("DS", b"-4\\-4\\%d" % (3 * k)),
        0x00200037: ("DS", b"1\\0\\0\\0\\1\\0"),
        0x00200052: ("UI", b"1.2.826.0.1.3"),
        0x00280002: ("US", us(1)),
        0x00280004: ("CS", b"MONOCHROME2"),
        0x00280010: ("US", us(8)),
        0x00280011: ("US", us(8)),
        0x00280030: ("DS", b"1\\1"),
        0x00280100: ("US", us(16)),
        0x00280101: ("US", us(16)),
        0x00280102: ("US", us(15)),
        0x00280103: ("US", us(1)),
        0x00281052: ("DS", b"-1000"),
        0x00281053: ("DS", b"1"),
        0x7FE00010: ("OW", struct.pack("<64h", *range(64 * k, 64 * k + 64))),
    }
    fields.update(changes.pop("fields", {}))  # type: ignore[call-overload]
    return fields


def without(fields: Fields, *tags: int) -> Fields:
    return {tag: value for tag, value in fields.items() if tag not in tags}


def file_of(fields: Fields, *, syntax: bytes = EXPLICIT, preamble: bytes = b"") -> bytes:
    """Return a Part 10 file of `fields`, its meta agreeing with them."""

    def uid(tag: int) -> bytes:
        value = fields.get(tag, ("UI", b"1.2.3"))[1]
        return value if isinstance(value, bytes) else b"1.2.3"

    body = encode(fields, explicit=syntax != IMPLICIT)
    return part10(body, meta(uid(0x00080016), uid(0x00080018), syntax), preamble)


def ct_slice(k: int = 0, *, syntax: bytes = EXPLICIT, fields: Fields | None = None) -> bytes:
    return file_of(slice_fields(k=k, fields=fields or {}), syntax=syntax)


def changed(fields: Fields, *, k: int = 0) -> bytes:
    return file_of(slice_fields(k=k, fields=fields))


def contour_file(data: bytes, points: bytes, *, syntax: bytes = IMPLICIT) -> bytes:
    """Return an RTSTRUCT with one contour."""
    contour: Fields = {
        0x30060042: ("CS", b"CLOSED_PLANAR"),
        0x30060046: ("IS", points),
        0x30060050: ("DS", data),
    }
    fields: Fields = {
        0x00080016: ("UI", RTSTRUCT),
        0x00080018: ("UI", b"1.2.826.0.1.9"),
        0x00080060: ("CS", b"RTSTRUCT"),
        0x00100020: ("LO", b"P1"),
        0x0020000D: ("UI", b"1.2.826.0.1.1"),
        0x0020000E: ("UI", b"1.2.826.0.1.8"),
        0x30060020: ("SQ", [{0x30060022: ("IS", b"1"), 0x30060026: ("LO", b"Skin")}]),
        0x30060039: ("SQ", [{0x30060040: ("SQ", [contour]), 0x30060084: ("IS", b"1")}]),
    }
    return file_of(fields, syntax=syntax)


def dose_fields(frames: int = 2) -> Fields:
    fields = slice_fields()
    fields = without(fields, 0x00281052, 0x00281053, 0x00080008)
    fields |= {
        0x00080016: ("UI", RTDOSE),
        0x00080060: ("CS", b"RTDOSE"),
        0x00280008: ("IS", b"%d" % frames),
        0x00280009: ("AT", us(0x3004, 0x000C)),
        0x00280103: ("US", us(0)),
        0x30040002: ("CS", b"GY"),
        0x3004000C: ("DS", b"\\".join(b"%d" % (3 * n) for n in range(frames))),
        0x3004000E: ("DS", b"0.001"),
        0x7FE00010: ("OW", bytes(frames * 128)),
    }
    return fields


def enhanced_fields(frames: int = 3, *, missing: int | None = None) -> Fields:
    """Return an Enhanced CT: shared orientation and spacing, position and rescale per frame."""
    fields = slice_fields()
    fields = without(fields, 0x00200032, 0x00200037, 0x00280030, 0x00281052, 0x00281053)
    shared: Fields = {
        0x00209116: ("SQ", [{0x00200037: ("DS", b"1\\0\\0\\0\\1\\0")}]),
        0x00289110: ("SQ", [{0x00280030: ("DS", b"1\\1")}]),
    }
    per_frame: Items = []
    for n in range(frames):
        z = 3 * (frames - n)  # descending: frames must be sorted by place
        frame: Fields = {
            0x00209113: ("SQ", [{0x00200032: ("DS", b"-4\\-4\\%d" % z)}]),
            0x00289145: (
                "SQ",
                [
                    {
                        0x00281052: ("DS", b"%d" % (-1000 - n)),
                        0x00281053: ("DS", b"%d" % (n + 1)),
                        0x00281054: ("LO", b"HU"),
                    }
                ],
            ),
        }
        per_frame.append(without(frame, missing) if missing else frame)
    fields |= {
        0x00080016: ("UI", ENHANCED_CT),
        0x00280008: ("IS", b"%d" % frames),
        0x52009229: ("SQ", [shared]),
        0x52009230: ("SQ", per_frame),
        0x7FE00010: ("OW", struct.pack(f"<{64 * frames}h", *range(64 * frames))),
    }
    return fields


def packbits(plane: bytes) -> bytes:
    """PackBits in literal runs, good enough for tests."""
    out = bytearray()
    for at in range(0, len(plane), 128):
        run = plane[at : at + 128]
        out += bytes([len(run) - 1]) + run
    return bytes(out) if len(out) % 2 == 0 else bytes(out) + b"\x80"


def rle_frame(pixels: bytes) -> bytes:
    """One RLE frame of 16-bit little endian pixels: high bytes, then low bytes."""
    high, low = packbits(pixels[1::2]), packbits(pixels[0::2])
    return struct.pack("<16I", 2, 64, 64 + len(high), *[0] * 13) + high + low


def encapsulated(frames: list[bytes], table: bytes = b"") -> bytes:
    """Return the pixel data element with an offset table and one fragment a frame."""
    parts = [header(0x7FE00010, "OB", UNDEFINED)]
    for fragment in [table, *frames]:
        parts += [header(0xFFFEE000, "", len(fragment), explicit=False), fragment]
    return b"".join([*parts, header(0xFFFEE0DD, "", 0, explicit=False)])


def rle_slice(pixel_element: bytes, fields: Fields | None = None) -> bytes:
    """Return a CT slice whose last element is given as bytes."""
    plain = without(slice_fields(fields=fields or {}), 0x7FE00010)
    return part10(encode(plain) + pixel_element, meta(CT, b"1.2.826.0.1.100.1", RLE))
