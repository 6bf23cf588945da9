"""What is no DICOM, or something else besides: preambles, classes, transfer syntaxes, UIDs."""

from __future__ import annotations

import zlib

import dicom_builder as b
from hostile_parts import READ, C, Files, H, M, N, S, T, U


def door() -> Files:
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


def uids() -> Files:
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
