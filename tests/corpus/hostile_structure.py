"""Lengths that lie, nesting, doubled and unordered tags, wrong VRs."""

from __future__ import annotations

import struct

import dicom_builder as b
from hostile_parts import READ, Files, H, L, M, N, T, V, body, nested, replaced, with_meta


def lengths() -> Files:
    item = b.header(0xFFFEE000, "", 8, explicit=False) + bytes(8)
    good_end = b.header(0xFFFEE0DD, "", 0, explicit=False)
    uid = b.element(0x00081155, "UI", b"1.2.3")
    full_item = b.header(0xFFFEE000, "", len(uid), explicit=False) + uid
    reference = 0x00081140
    whole = b.ct_slice()
    return {
        "pixel data claims 4 GiB": (
            replaced(0x7FE00010, b.header(0x7FE00010, "OW", 0xFFFFFFFE)),
            T,
        ),
        "pixel data claims 2 GiB": (
            replaced(0x7FE00010, b.header(0x7FE00010, "OW", 0x80000000) + bytes(64)),
            T,
        ),
        "pixel data 64 KiB longer than the file": (
            replaced(0x7FE00010, b.header(0x7FE00010, "OW", 65536 + 128) + bytes(128)),
            T,
        ),
        "text claims 65534 bytes": (
            replaced(0x00100010, b.header(0x00100010, "PN", 65534) + b"A^B "),
            T,
        ),
        "sequence claims more than the file": (
            replaced(reference, b.header(reference, "SQ", 0x7FFFFFFF) + full_item),
            T,
        ),
        "sequence length 0xFFFFFFFE": (
            replaced(reference, b.header(reference, "SQ", 0xFFFFFFFE) + full_item),
            T,
        ),
        "item longer than its sequence": (
            replaced(
                reference,
                b.header(reference, "SQ", 8 + len(uid))
                + b.header(0xFFFEE000, "", 4000, explicit=False)
                + uid,
            ),
            H | T,
        ),
        "element longer than its item": (
            replaced(
                reference,
                b.header(reference, "SQ", 16 + 8)
                + b.header(0xFFFEE000, "", 16, explicit=False)
                + b.header(0x00081155, "UI", 600)
                + b"1.2.3.4\0",
            ),
            H,
        ),
        "item with rubbish": (
            replaced(reference, b.header(reference, "SQ", len(item)) + item),
            H,
        ),
        "item header cut": (replaced(reference, b.header(reference, "SQ", 4) + bytes(4)), H),
        "sequence without delimiter": (
            with_meta(body({}, b"", drop=(0x7FE00010,)) + b.header(0x00880200, "SQ", b.UNDEFINED)),
            H | T,
        ),
        "file ends inside a sequence": (
            with_meta(
                b.encode(b.without(b.slice_fields(), 0x7FE00010))
                + b.header(0x54000100, "SQ", b.UNDEFINED)
                + b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
            ),
            T | H,
        ),
        "item delimiter at the top": (
            replaced(reference, b.header(0xFFFEE00D, "", 0, explicit=False)),
            H,
        ),
        "sequence delimiter at the top": (replaced(reference, good_end), H),
        "item at the top": (replaced(reference, full_item), H),
        "delimiter with a length": (
            replaced(
                reference,
                b.header(reference, "SQ", b.UNDEFINED)
                + full_item
                + b.header(0xFFFEE0DD, "", 4, explicit=False)
                + bytes(4),
            ),
            H,
        ),
        "sequence delimiter inside a defined sequence": (
            replaced(
                reference, b.header(reference, "SQ", len(full_item) + 8) + full_item + good_end
            ),
            H,
        ),
        "element in place of an item": (
            replaced(reference, b.header(reference, "SQ", len(uid)) + uid),
            H,
        ),
        "undefined length of a text": (
            replaced(0x00102000, b.header(0x00102000, "UT", b.UNDEFINED) + b"text" + good_end),
            H | T,
        ),
        "undefined length of numbers in implicit": (
            b.part10(
                b.encode(b.without(b.slice_fields(), 0x7FE00010), explicit=False)
                + b.header(0x7FE00010, "", b.UNDEFINED, explicit=False)
                + bytes(128),
                b.meta(b.CT, b"1.2.826.0.1.100.1", b.IMPLICIT),
            ),
            H,
        ),
        "odd length of a text": (
            replaced(0x00100010, b.header(0x00100010, "PN", 3) + b"A^B"),
            {READ} | H | V,
        ),
        "odd length of numbers": (
            replaced(0x00280010, b.header(0x00280010, "US", 3) + b"\x08\0\0"),
            V,
        ),
        "cut in the pixel data": (whole[:-17], T),
        "cut in the header": (whole[:400], T | H | M),
        "cut after DICM": (whole[:132], T),
        "cut in the file meta": (whole[:160], T | H),
        "only a preamble": (bytes(128), N),
        "empty file": (b"", N),
    }


def structure() -> Files:
    good = b.encode(b.slice_fields())
    name = b.element(0x00100010, "PN", b"A^B")
    private = b.element(0x00290010, "LO", b"EVIL") + b.header(0x00291010, "OB", 0x7FFFFFF0)
    return {
        "2000 nested sequences": (replaced(0x00081140, nested(2000)), L),
        "40 nested sequences with lengths": (replaced(0x00081140, nested(40, defined=True)), L),
        "2000 nested in a private element": (replaced(0x00091010, nested(2000, 0x00091010)), L),
        "2000 nested in unknown VR": (
            replaced(
                0x00081140,
                b.header(0x00081140, "UN", b.UNDEFINED)
                + (
                    b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
                    + b.header(0x00081140, "", b.UNDEFINED, explicit=False)
                )
                * 2000,
            ),
            L | T,
        ),
        "100000 empty items": (
            replaced(
                0x00081140,
                b.header(0x00081140, "SQ", 800_000)
                + b.header(0xFFFEE000, "", 0, explicit=False) * 100_000,
            ),
            L,
        ),
        "300000 private elements": (
            replaced(
                0x00091000,
                b"".join(b.header(0x00091000 + n, "UN", 0) for n in range(1, 60000))
                + b"".join(
                    b.header((0x000B + 2 * g << 16) + n, "UN", 0)
                    for g in range(5)
                    for n in range(1, 60000)
                ),
            ),
            H | L,
        ),
        "tag twice": (replaced(0x00100010, name + name), H),
        "pixel data twice": (
            with_meta(good + b.element(0x7FE00010, "OW", bytes(128))),
            H,
        ),
        "tags out of order": (replaced(0x00100010, b.element(0x00400244, "DA", b"20200101")), H),
        "rows twice, the later one larger": (
            with_meta(good + b.element(0x00280010, "US", b.us(4096))),
            H,
        ),
        "group 0002 again after group 0008": (
            replaced(0x00100010, b.element(0x00020010, "UI", b.IMPLICIT)),
            H,
        ),
        "group 0002 in an item": (
            b.changed({0x00081140: ("SQ", [{0x00020010: ("UI", b.IMPLICIT)}])}),
            H,
        ),
        "command group in the data set": (
            with_meta(b.element(0x00000002, "UI", b"1.2") + good),
            H,
        ),
        "bytes after the last element": (with_meta(good + b"\x01\x02\x03\x04\x05"), H),
        "a program after the last element": (
            with_meta(good + b"MZ" + bytes(range(256)) * 4),
            H | T,
        ),
        "a zip after the last element": (
            with_meta(good + b"PK\x03\x04" + bytes(60) + b"PK\x05\x06" + bytes(18)),
            H,
        ),
        "a zip in the trailing padding": (
            with_meta(
                good
                + b.element(0xFFFCFFFC, "OB", b"PK\x03\x04" + bytes(60) + b"PK\x05\x06" + bytes(18))
            ),
            H,
        ),
        "zeros after the last element": (with_meta(good + bytes(1000)), {READ}),
        "trailing padding element": (
            with_meta(good + b.element(0xFFFCFFFC, "OB", bytes(500))),
            {READ},
        ),
        "private element longer than the file": (replaced(0x00290010, private), T | H),
        "private element without creator": (
            replaced(0x00291010, b.element(0x00291010, "OB", b"data")),
            {READ},
        ),
        "private element of wrong length": (
            replaced(
                0x01F10010,
                b.element(0x01F10010, "LO", b"ELSCINT1") + b.element(0x01F11026, "FD", b"\0\0\0"),
            ),
            {READ},
        ),
        "private element of unknown VR": (
            replaced(0x00291010, struct.pack("<HH2sH", 0x29, 0x1010, b"??", 4) + b"data"),
            {READ},
        ),
        "public element of unknown VR": (
            replaced(0x00100030, struct.pack("<HH2sH", 0x10, 0x30, b"ZZ", 8) + b"19700101"),
            H,
        ),
        "rows as 32 bits": (b.changed({0x00280010: ("UL", struct.pack("<I", 8))}), V),
        "rows as 32 bits, overflowing": (
            b.changed({0x00280010: ("UL", struct.pack("<I", 0x10001))}),
            V,
        ),
        "position as binary doubles": (
            b.changed({0x00200032: ("FD", struct.pack("<3d", 0, 0, 0))}),
            V,
        ),
        "pixel data as a sequence": (b.changed({0x7FE00010: ("SQ", [{}])}), V | H),
        "contours as bytes": (
            b.file_of(
                {
                    **b.slice_fields(),
                    0x00080016: ("UI", b.RTSTRUCT),
                    0x30060039: ("OB", b"\0" * 64),
                }
            ),
            V,
        ),
        "group length lies": (
            with_meta(b.element(0x00080000, "UL", struct.pack("<I", 0x7FFFFFFF)) + good),
            {READ},
        ),
        "meta group length lies": (
            b.part10(good, b.meta(b.CT, b"1.2.826.0.1.100.1", told=0x7FFFFFFF)),
            {READ} | H | T,
        ),
        "meta element longer than the file": (
            b.part10(good, b.header(0x00020001, "OB", 0x7FFFFFFF) + b"\0\1"),
            T,
        ),
        "meta of illegal VR": (
            b.part10(good, struct.pack("<HH2sH", 2, 1, b"\0\0", 2) + bytes(2)),
            H,
        ),
    }
