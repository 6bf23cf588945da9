"""Hostile and broken files: what an attacker writes, and what a broken exporter writes.

cases() ──► name ──► (bytes, reasons that are right; READ where the file may be read rightly)

Classes after the public advisories of DICOM programs: lengths that lie, nesting, doubled and
unordered tags, wrong VRs, bombs, polyglots, numbers that are none, UIDs, pixel descriptions.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import dicom_builder as b

READ = "READ"
H, T, L = {"HOSTILE_INPUT"}, {"TRUNCATED"}, {"LIMIT_EXCEEDED"}
P, V, U = {"PIXEL_DATA_MISMATCH"}, {"BAD_VALUE"}, {"BAD_UID"}
G, M, N = {"BAD_GEOMETRY"}, {"MISSING_ATTRIBUTE"}, {"NOT_DICOM"}
S, C = {"UNSUPPORTED_TRANSFER_SYNTAX"}, {"UNSUPPORTED_SOP_CLASS"}


@dataclass(frozen=True, slots=True)
class Case:
    """One file and the answers that are right."""

    data: bytes
    reasons: frozenset[str]


def _body(fields: b.Fields, extra: bytes = b"", *, drop: tuple[int, ...] = ()) -> bytes:
    return b.encode(b.without(b.slice_fields(fields=fields), *drop)) + extra


def _with_meta(body: bytes, syntax: bytes = b.EXPLICIT) -> bytes:
    return b.part10(body, b.meta(b.CT, b"1.2.826.0.1.100.1", syntax))


def _split(tag: int) -> tuple[bytes, bytes]:
    """Return the good slice cut before and after one element."""
    fields = b.slice_fields()
    low = {t: v for t, v in fields.items() if t < tag}
    high = {t: v for t, v in fields.items() if t > tag}
    return b.encode(low), b.encode(high)


def _replace(tag: int, raw: bytes) -> bytes:
    """Return the good slice with the bytes `raw` in the place of one element."""
    low, high = _split(tag)
    return _with_meta(low + raw + high)


def _ds(tag: int, text: bytes) -> bytes:
    return b.changed({tag: ("DS", text)})


def _nested(depth: int, tag: int = 0x00081140, *, defined: bool = False) -> bytes:
    inner = b""
    if defined:
        for _ in range(depth):
            item = b.header(0xFFFEE000, "", len(inner), explicit=False) + inner
            inner = b.header(tag, "SQ", len(item)) + item
        return inner
    start = b.header(tag, "SQ", b.UNDEFINED) + b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
    end = b.header(0xFFFEE00D, "", 0, explicit=False) + b.header(0xFFFEE0DD, "", 0, explicit=False)
    return start * depth + end * depth


def _lengths() -> dict[str, tuple[bytes, set[str]]]:
    item = b.header(0xFFFEE000, "", 8, explicit=False) + bytes(8)
    good_end = b.header(0xFFFEE0DD, "", 0, explicit=False)
    uid = b.element(0x00081155, "UI", b"1.2.3")
    full_item = b.header(0xFFFEE000, "", len(uid), explicit=False) + uid
    reference = 0x00081140
    whole = b.ct_slice()
    return {
        "pixel data claims 4 GiB": (
            _replace(0x7FE00010, b.header(0x7FE00010, "OW", 0xFFFFFFFE)),
            T,
        ),
        "pixel data claims 2 GiB": (
            _replace(0x7FE00010, b.header(0x7FE00010, "OW", 0x80000000) + bytes(64)),
            T,
        ),
        "pixel data 64 KiB longer than the file": (
            _replace(0x7FE00010, b.header(0x7FE00010, "OW", 65536 + 128) + bytes(128)),
            T,
        ),
        "text claims 65534 bytes": (
            _replace(0x00100010, b.header(0x00100010, "PN", 65534) + b"A^B "),
            T,
        ),
        "sequence claims more than the file": (
            _replace(reference, b.header(reference, "SQ", 0x7FFFFFFF) + full_item),
            T,
        ),
        "sequence length 0xFFFFFFFE": (
            _replace(reference, b.header(reference, "SQ", 0xFFFFFFFE) + full_item),
            T,
        ),
        "item longer than its sequence": (
            _replace(
                reference,
                b.header(reference, "SQ", 8 + len(uid))
                + b.header(0xFFFEE000, "", 4000, explicit=False)
                + uid,
            ),
            H | T,
        ),
        "element longer than its item": (
            _replace(
                reference,
                b.header(reference, "SQ", 16 + 8)
                + b.header(0xFFFEE000, "", 16, explicit=False)
                + b.header(0x00081155, "UI", 600)
                + b"1.2.3.4\0",
            ),
            H,
        ),
        "item with rubbish": (
            _replace(reference, b.header(reference, "SQ", len(item)) + item),
            H,
        ),
        "item header cut": (_replace(reference, b.header(reference, "SQ", 4) + bytes(4)), H),
        "sequence without delimiter": (
            _with_meta(
                _body({}, b"", drop=(0x7FE00010,)) + b.header(0x00880200, "SQ", b.UNDEFINED)
            ),
            H | T,
        ),
        "file ends inside a sequence": (
            _with_meta(
                b.encode(b.without(b.slice_fields(), 0x7FE00010))
                + b.header(0x54000100, "SQ", b.UNDEFINED)
                + b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
            ),
            T | H,
        ),
        "item delimiter at the top": (
            _replace(reference, b.header(0xFFFEE00D, "", 0, explicit=False)),
            H,
        ),
        "sequence delimiter at the top": (_replace(reference, good_end), H),
        "item at the top": (_replace(reference, full_item), H),
        "delimiter with a length": (
            _replace(
                reference,
                b.header(reference, "SQ", b.UNDEFINED)
                + full_item
                + b.header(0xFFFEE0DD, "", 4, explicit=False)
                + bytes(4),
            ),
            H,
        ),
        "sequence delimiter inside a defined sequence": (
            _replace(
                reference, b.header(reference, "SQ", len(full_item) + 8) + full_item + good_end
            ),
            H,
        ),
        "element in place of an item": (
            _replace(reference, b.header(reference, "SQ", len(uid)) + uid),
            H,
        ),
        "undefined length of a text": (
            _replace(0x00102000, b.header(0x00102000, "UT", b.UNDEFINED) + b"text" + good_end),
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
            _replace(0x00100010, b.header(0x00100010, "PN", 3) + b"A^B"),
            {READ} | H | V,
        ),
        "odd length of numbers": (
            _replace(0x00280010, b.header(0x00280010, "US", 3) + b"\x08\0\0"),
            V,
        ),
        "cut in the pixel data": (whole[:-17], T),
        "cut in the header": (whole[:400], T | H | M),
        "cut after DICM": (whole[:132], T),
        "cut in the file meta": (whole[:160], T | H),
        "only a preamble": (bytes(128), N),
        "empty file": (b"", N),
    }


def _structure() -> dict[str, tuple[bytes, set[str]]]:
    good = b.encode(b.slice_fields())
    name = b.element(0x00100010, "PN", b"A^B")
    private = b.element(0x00290010, "LO", b"EVIL") + b.header(0x00291010, "OB", 0x7FFFFFF0)
    return {
        "2000 nested sequences": (_replace(0x00081140, _nested(2000)), L),
        "40 nested sequences with lengths": (_replace(0x00081140, _nested(40, defined=True)), L),
        "2000 nested in a private element": (_replace(0x00091010, _nested(2000, 0x00091010)), L),
        "2000 nested in unknown VR": (
            _replace(
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
            _replace(
                0x00081140,
                b.header(0x00081140, "SQ", 800_000)
                + b.header(0xFFFEE000, "", 0, explicit=False) * 100_000,
            ),
            L,
        ),
        "300000 private elements": (
            _replace(
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
        "tag twice": (_replace(0x00100010, name + name), H),
        "pixel data twice": (
            _with_meta(good + b.element(0x7FE00010, "OW", bytes(128))),
            H,
        ),
        "tags out of order": (_replace(0x00100010, b.element(0x00400244, "DA", b"20200101")), H),
        "rows twice, the later one larger": (
            _with_meta(good + b.element(0x00280010, "US", b.us(4096))),
            H,
        ),
        "group 0002 again after group 0008": (
            _replace(0x00100010, b.element(0x00020010, "UI", b.IMPLICIT)),
            H,
        ),
        "group 0002 in an item": (
            b.changed({0x00081140: ("SQ", [{0x00020010: ("UI", b.IMPLICIT)}])}),
            H,
        ),
        "command group in the data set": (
            _with_meta(b.element(0x00000002, "UI", b"1.2") + good),
            H,
        ),
        "bytes after the last element": (_with_meta(good + b"\x01\x02\x03\x04\x05"), H),
        "a program after the last element": (
            _with_meta(good + b"MZ" + bytes(range(256)) * 4),
            H | T,
        ),
        "a zip after the last element": (
            _with_meta(good + b"PK\x03\x04" + bytes(60) + b"PK\x05\x06" + bytes(18)),
            H,
        ),
        "a zip in the trailing padding": (
            _with_meta(
                good
                + b.element(0xFFFCFFFC, "OB", b"PK\x03\x04" + bytes(60) + b"PK\x05\x06" + bytes(18))
            ),
            H,
        ),
        "zeros after the last element": (_with_meta(good + bytes(1000)), {READ}),
        "trailing padding element": (
            _with_meta(good + b.element(0xFFFCFFFC, "OB", bytes(500))),
            {READ},
        ),
        "private element longer than the file": (_replace(0x00290010, private), T | H),
        "private element without creator": (
            _replace(0x00291010, b.element(0x00291010, "OB", b"data")),
            {READ},
        ),
        "private element of wrong length": (
            _replace(
                0x01F10010,
                b.element(0x01F10010, "LO", b"ELSCINT1") + b.element(0x01F11026, "FD", b"\0\0\0"),
            ),
            {READ},
        ),
        "private element of unknown VR": (
            _replace(0x00291010, struct.pack("<HH2sH", 0x29, 0x1010, b"??", 4) + b"data"),
            {READ},
        ),
        "public element of unknown VR": (
            _replace(0x00100030, struct.pack("<HH2sH", 0x10, 0x30, b"ZZ", 8) + b"19700101"),
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
            _with_meta(b.element(0x00080000, "UL", struct.pack("<I", 0x7FFFFFFF)) + good),
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


def _door() -> dict[str, tuple[bytes, set[str]]]:
    fields = b.slice_fields()

    def preamble(start: bytes) -> bytes:
        return b.file_of(fields, preamble=start)

    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    inflated = bomb.compress(bytes(64 << 20)) + bomb.flush()
    whole = b.ct_slice()
    return {
        "Windows program": (preamble(b"MZ\x90\0\3\0\0\0"), H),
        "Linux program": (preamble(b"\x7fELF\x02\x01\x01"), H),
        "macOS program": (preamble(b"\xcf\xfa\xed\xfe\x07\0\0\1"), H),
        "fat macOS program": (preamble(b"\xca\xfe\xba\xbe\0\0\0\2"), H),
        "shell script": (preamble(b"#!/bin/sh\nid\nexit\n"), H),
        "page with a script": (preamble(b"<html><script>alert(1)</script>"), H),
        "page after blanks": (preamble(b"\n\n   <!DOCTYPE html><body onload=x>"), H),
        "PHP": (preamble(b"<?php system($_GET[0]); ?>"), H),
        "PDF": (preamble(b"%PDF-1.7\n"), H),
        "PDF further on": (preamble(b"junk junk %PDF-1.4"), H),
        "PNG": (preamble(b"\x89PNG\r\n\x1a\n"), H | {READ}),
        "zip in front": (preamble(b"PK\x03\x04\x14\0"), H),
        "gzip in front": (preamble(b"\x1f\x8b\x08\0"), H),
        "TIFF": (preamble(b"II*\0\x08\0\0\0"), {READ}),
        "big-endian TIFF": (preamble(b"MM\0*\0\0\0\x08"), {READ}),
        "random bytes": (bytes((n * 7919 + 13) % 251 for n in range(4096)), N),
        "a page": (b"<html><body>404</body></html>" * 40, N),
        "DICM at the start": (b"DICM" + whole[132:], N),
        "no preamble, class unknown": (
            b.encode(b.slice_fields(fields={0x00080016: ("UI", b"1.2.3")})),
            C | N,
        ),
        "no preamble, no class": (b.encode(b.without(fields, 0x00080016)), N),
        "no preamble, starts with group 0010": (
            b.encode({t: v for t, v in fields.items() if t > 0x00100000}),
            N,
        ),
        "no preamble, good": (b.encode(fields), {READ}),
        "no preamble, good, implicit": (b.encode(fields, explicit=False), {READ}),
        "gzip of a file": (b"\x1f\x8b\x08\0" + zlib.compress(whole), N),
        "DICOMDIR": (
            b.file_of({**fields, 0x00080016: ("UI", b"1.2.840.10008.1.3.10")}),
            C,
        ),
        "DICOMDIR with file IDs that climb": (
            b.part10(
                b.element(
                    0x00041220,
                    "SQ",
                    [{0x00041500: ("CS", b"..\\..\\..\\ETC\\PASSWD")}],
                ),
                b.meta(b"1.2.840.10008.1.3.10", b"1.2.3"),
            ),
            C,
        ),
        "secondary capture": (
            b.file_of({**fields, 0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7")}),
            C,
        ),
        "encapsulated PDF class": (
            b.file_of({**fields, 0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.104.1")}),
            C,
        ),
        "deflated": (
            b.part10(
                zlib.compress(b.encode(fields))[2:-4],
                b.meta(b.CT, b"1.2.826.0.1.100.1", b"1.2.840.10008.1.2.1.99"),
            ),
            S,
        ),
        "deflate bomb": (
            b.part10(inflated, b.meta(b.CT, b"1.2.3", b"1.2.840.10008.1.2.1.99")),
            S,
        ),
        "big endian": (
            b.part10(b.encode(fields), b.meta(b.CT, b"1.2.826.0.1.100.1", b"1.2.840.10008.1.2.2")),
            S,
        ),
        "JPEG baseline": (b.file_of(fields, syntax=b"1.2.840.10008.1.2.4.50"), S),
        "JPEG 2000": (b.file_of(fields, syntax=b"1.2.840.10008.1.2.4.90"), S),
        "MPEG": (b.file_of(fields, syntax=b"1.2.840.10008.1.2.4.100"), S),
        "private compression": (b.file_of(fields, syntax=b"1.3.46.670589.33.1.4.1"), S),
        "transfer syntax with a newline": (b.file_of(fields, syntax=b.EXPLICIT + b"\n"), U),
        "transfer syntax wrong way round": (
            b.part10(b.encode(fields), b.meta(b.CT, b"1.2.826.0.1.100.1", b.IMPLICIT)),
            T | H | {READ},
        ),
        "transfer syntax explicit, data implicit": (
            b.part10(b.encode(fields, explicit=False), b.meta(b.CT, b"1.2.826.0.1.100.1")),
            T | H,
        ),
    }


def _uids() -> dict[str, tuple[bytes, set[str]]]:
    def sop(uid: bytes) -> bytes:
        return b.changed({0x00080018: ("UI", uid)})

    def series(uid: bytes) -> bytes:
        return b.changed({0x0020000E: ("UI", uid)})

    good = b.encode(b.slice_fields())
    return {
        "UID with a newline": (sop(b"1.2.826.0.1.5\n"), U),
        "UID with leading zeros": (sop(b"1.2.826.00.1.5"), U),
        "UID of 65 characters": (sop(b"1." + b"2" * 63), U),
        "UID of 4000 characters": (series(b"1." + b"2" * 3998), U),
        "UID that climbs": (sop(b"../../../../etc/cron.d/x"), U),
        "UID that is absolute": (series(b"/etc/passwd"), U),
        "UID with a backslash": (sop(b"1.2\\1.3"), U),
        "UID with a drive": (sop(b"C:\\Windows\\x"), U),
        "UID with shell text": (sop(b"1.2.3;rm -rf /"), U),
        "UID with a NUL inside": (sop(b"1.2\x003.4.5"), U),
        "UID with letters": (series(b"1.2.abc"), U),
        "UID with Arabic digits": (series("1.2.٣".encode()), U),
        "UID ending in a dot": (sop(b"1.2.3."), U),
        "UID of blanks": (sop(b"    "), U | M),
        "UID with a template": (series(b"{{7*7}}"), U),
        "series UID empty": (series(b""), M),
        "study UID missing": (b.file_of(b.without(b.slice_fields(), 0x0020000D)), M),
        "SOP UID missing": (b.file_of(b.without(b.slice_fields(), 0x00080018)), M | U),
        "SOP UIDs differ": (b.part10(good, b.meta(b.CT, b"1.2.826.0.1.100.2")), U),
        "SOP classes differ": (b.part10(good, b.meta(b.MR, b"1.2.826.0.1.100.1")), U),
        "frame of reference climbs": (b.changed({0x00200052: ("UI", b"../x")}), U),
        "referenced UID climbs": (
            b.changed({0x00081140: ("SQ", [{0x00081155: ("UI", b"../../x")}])}),
            U,
        ),
    }


def _numbers() -> dict[str, tuple[bytes, set[str]]]:
    square = b"0\\0\\0\\10\\0\\0\\10\\10\\0\\0\\10\\0"
    return {
        "spacing NaN": (_ds(0x00280030, b"nan\\1"), V),
        "spacing infinite": (_ds(0x00280030, b"inf\\1"), V),
        "spacing 1e400": (_ds(0x00280030, b"1e400\\1"), V),
        "spacing zero": (_ds(0x00280030, b"0\\0"), G),
        "spacing negative": (_ds(0x00280030, b"-1\\1"), G),
        "spacing tiny": (_ds(0x00280030, b"1e-9\\1e-9"), G),
        "spacing huge": (_ds(0x00280030, b"1e6\\1e6"), G),
        "spacing 60 mm over 3 m": (
            b.changed(
                {
                    0x00280010: ("US", b.us(50)),
                    0x00280011: ("US", b.us(50)),
                    0x00280030: ("DS", b"60\\60"),
                    0x7FE00010: ("OW", bytes(5000)),
                }
            ),
            G,
        ),
        "spacing of one number": (_ds(0x00280030, b"1"), V),
        "spacing of three numbers": (_ds(0x00280030, b"1\\1\\1"), V),
        "spacing with a comma": (_ds(0x00280030, b"1,5\\1,5"), V),
        "spacing with an underscore": (_ds(0x00280030, b"1_0\\1"), V),
        "spacing in hexadecimal": (_ds(0x00280030, b"0x1p3\\1"), V),
        "spacing empty": (_ds(0x00280030, b""), M),
        "spacing with an empty part": (_ds(0x00280030, b"1\\"), V),
        "spacing with 100000 digits": (
            b.file_of(
                b.slice_fields(fields={0x00280030: ("DS", b"1" * 100_000)}), syntax=b.IMPLICIT
            ),
            V,
        ),
        "position with 60000 digits": (_ds(0x00200032, b"1" * 60000 + b"\\0\\0"), V),
        "position NaN": (_ds(0x00200032, b"0\\0\\NaN"), V),
        "position 11 m away": (_ds(0x00200032, b"0\\0\\11000"), G),
        "position 1e308": (_ds(0x00200032, b"0\\0\\1e308"), G),
        "position of two numbers": (_ds(0x00200032, b"0\\0"), V),
        "position of text": (_ds(0x00200032, b"a\\b\\c"), V),
        "position missing": (b.file_of(b.without(b.slice_fields(), 0x00200032)), M),
        "orientation missing": (b.file_of(b.without(b.slice_fields(), 0x00200037)), M),
        "orientation not orthogonal": (_ds(0x00200037, b"1\\0\\0\\1\\0\\0"), G),
        "orientation skewed": (_ds(0x00200037, b"1\\0\\0\\0.1\\0.995\\0"), G),
        "orientation not unit": (_ds(0x00200037, b"2\\0\\0\\0\\2\\0"), G),
        "orientation zero": (_ds(0x00200037, b"0\\0\\0\\0\\0\\0"), G),
        "orientation of five": (_ds(0x00200037, b"1\\0\\0\\0\\1"), V),
        "orientation NaN": (_ds(0x00200037, b"1\\0\\0\\0\\nan\\0"), V),
        "slope zero": (_ds(0x00281053, b"0"), V),
        "slope NaN": (_ds(0x00281053, b"NaN"), V),
        "slope of two numbers": (_ds(0x00281053, b"1\\2"), V),
        "intercept infinite": (_ds(0x00281052, b"-Infinity"), V),
        "thickness 1e999": (_ds(0x00180050, b"1e999"), V),
        "weight NaN": (_ds(0x00101030, b"nan"), V),
        "weight of words": (_ds(0x00101030, b"about 70 kg"), {READ}),
        "instance number beyond 32 bits": (
            b.changed({0x00200013: ("IS", b"99999999999")}),
            V,
        ),
        "instance number with a fraction": (b.changed({0x00200013: ("IS", b"1.5")}), V),
        "contour NaN": (b.contour_file(b"0\\0\\nan" + b"\\0" * 9, b"4"), V),
        "contour infinite": (b.contour_file(b"0\\0\\1e400" + b"\\0" * 9, b"4"), V),
        "contour 20 m away": (b.contour_file(b"20000\\0\\0" + b"\\0" * 9, b"4"), G),
        "contour without triplets": (b.contour_file(square + b"\\1", b"4"), V),
        "contour announces 1e9 points": (b.contour_file(square, b"1000000000"), V),
        "contour announces 3 points of 4": (b.contour_file(square, b"3"), V),
        "contour of words": (b.contour_file(b"a\\b\\c", b"1"), V),
        "contour with an empty part": (b.contour_file(b"0\\\\0", b"1"), V),
        "contour good": (b.contour_file(square, b"4"), {READ}),
        "contour of a million points": (
            b.contour_file(b"\\".join([b"1\\2\\3"] * 1_000_000), b"1000000"),
            {READ} | L,
        ),
        "contour of seven million numbers": (
            b.contour_file(b"\\".join([b"1"] * 7_000_002), b"2333334"),
            L,
        ),
        "dose scaling NaN": (
            b.file_of({**b.dose_fields(), 0x3004000E: ("DS", b"nan")}),
            V,
        ),
        "dose offset infinite": (
            b.file_of({**b.dose_fields(), 0x3004000C: ("DS", b"0\\inf")}),
            V,
        ),
    }


def _pixels() -> dict[str, tuple[bytes, set[str]]]:
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
            _with_meta(_body({}, b.encapsulated([good]), drop=(0x7FE00010,))),
            H,
        ),
    }


def _texts() -> dict[str, tuple[bytes, set[str]]]:
    return {
        "character set unknown": (b.changed({0x00080005: ("CS", b"KLINGON_7")}), {READ}),
        "character set missing, name not ASCII": (
            b.file_of(
                {
                    **b.without(b.slice_fields(), 0x00080005),
                    0x00100010: ("PN", b"M\xfcller^J\xf6rg"),
                }
            ),
            {READ},
        ),
        "name of broken UTF-8": (
            b.changed({0x00080005: ("CS", b"ISO_IR 192"), 0x00100010: ("PN", b"\xff\xfe\xfd^x")}),
            {READ},
        ),
        "name with escape sequences": (
            b.changed({0x00100010: ("PN", b"\x1b[2J\x1b]0;owned\x07^x")}),
            {READ},
        ),
        "name with unknown ISO 2022 escapes": (
            b.changed(
                {
                    0x00080005: ("CS", b"\\ISO 2022 IR 87"),
                    0x00100010: ("PN", b"A\x1b$Z\x41\x42^B"),
                }
            ),
            {READ},
        ),
        "name that is a page": (
            b.changed({0x00100010: ("PN", b"<script>alert(1)</script>^x")}),
            {READ},
        ),
        "date that is none": (b.changed({0x00080020: ("DA", b"not-a-date-at-all")}), {READ}),
        "modality of another class": (b.changed({0x00080060: ("CS", b"RTDOSE")}), {READ}),
        "patient ID that climbs": (
            b.changed({0x00100020: ("LO", b"../../../etc/passwd")}),
            {READ},
        ),
        "overlay of any size": (
            b.changed({0x60000010: ("US", b.us(65535)), 0x60003000: ("OW", bytes(4))}),
            {READ},
        ),
    }


def cases() -> dict[str, Case]:
    """All files, by name."""
    found: dict[str, Case] = {}
    for group in (_lengths, _structure, _door, _uids, _numbers, _pixels, _texts):
        for name, (data, reasons) in group().items():
            found[name] = Case(data, frozenset(reasons))
    return found
