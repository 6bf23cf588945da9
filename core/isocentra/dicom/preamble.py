"""The door of the gate: is this DICOM at all, is it something else besides, where does it start.

bytes ──► check_no_other_program ──► find_start ──► Start(position, part10)

A Part 10 file has 128 free bytes, in which a program can hide while the rest is a valid image
(CVE-2019-11687). TIFF there is a use that the standard names (PS3.10 7.1) and is let in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from isocentra.dicom.dictionary import LONG_VRS, PUBLIC_VR, SHORT_VRS
from isocentra.dicom.refusal import refusal

__all__ = ["Start", "check_no_other_program", "find_start", "looks_like_dicom", "looks_well_formed"]

PREAMBLE_BYTES: Final = 128

_AT_START: Final = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"\xfe\xed\xfa\xce": "a macOS program",
    b"\xfe\xed\xfa\xcf": "a macOS program",
    b"\xce\xfa\xed\xfe": "a macOS program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a Java class or macOS program",
    b"\xbe\xba\xfe\xca": "a macOS program",
    b"dex\n": "an Android program",
    b"\0asm": "a WebAssembly program",
    b"#!": "a script",
    b"@echo": "a batch script",
    b"L\0\0\0\x01\x14\x02\0": "a Windows shortcut",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an archive",
    b"MSCF": "a cabinet archive",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"BM": "a bitmap",
    b"RIFF": "a RIFF container",
    b"%!PS": "a PostScript program",
}
_ANYWHERE: Final = (
    b"%pdf-", b"<script", b"<html", b"<!doctype", b"<?php", b"<?xml", b"<svg", b"<%", b"<hta:",
    b"javascript:", b"powershell",
)  # fmt: skip
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where the first element of a file stands."""

    position: int
    part10: bool
    """Whether the file has a preamble and DICM."""


def check_no_other_program(data: bytes, name: str) -> None:
    """Refuse a file that is also a program, a page or an archive.

    Raises
    ------
    ReadingError
        ``HOSTILE_INPUT``.
    """
    if data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        preamble = data[:PREAMBLE_BYTES]
        if preamble.strip(b"\0") and not preamble.startswith(_TIFF):
            _check_preamble(preamble, name)
    if _ends_as_zip(data):
        raise refusal("HOSTILE_INPUT", "The file ends as a zip archive does.", name)


def _check_preamble(preamble: bytes, name: str) -> None:
    kind = next((what for sign, what in _AT_START.items() if preamble.startswith(sign)), None)
    lower = preamble.lower()
    if kind is None and any(sign in lower for sign in _ANYWHERE):
        kind = "a page or document that can run code"
    if kind is not None:
        raise refusal("HOSTILE_INPUT", f"The file is also {kind}, by its preamble.", name)


def _ends_as_zip(data: bytes) -> bool:
    """Whether an end-of-central-directory record closes the file exactly (a polyglot)."""
    tail = data[-66_000:]
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        return False
    comment_bytes = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + 22 + comment_bytes == len(tail)


def find_start(data: bytes, name: str) -> Start:
    """Find the first element.

    Raises
    ------
    ReadingError
        ``NOT_DICOM``: neither DICM at 128 nor a well-formed element of group 0002 or 0008 at 0.
        ``TRUNCATED``: nothing after DICM.
    """
    if data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        if len(data) < PREAMBLE_BYTES + 4 + 8:
            raise refusal("TRUNCATED", "The file ends after DICM.", name)
        return Start(position=PREAMBLE_BYTES + 4, part10=True)
    if looks_well_formed(data):
        return Start(position=0, part10=False)
    if len(data) == 0:
        raise refusal("NOT_DICOM", "The file is empty.", name)
    raise refusal("NOT_DICOM", "The file is no DICOM file: neither DICM nor a first element.", name)


def looks_like_dicom(data: bytes) -> bool:
    """Whether a file claims to be DICOM, so that a defect of it is an error, not a stray file."""
    return data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM" or looks_well_formed(data)


def looks_well_formed(data: bytes) -> bool:
    """Whether the data begin with one well-formed element of group 0002 or 0008."""
    if len(data) < 8:
        return False
    group, element, code, short = struct.unpack_from("<HH2sH", data)
    if group not in {0x0002, 0x0008}:
        return False
    known = element == 0 or (group << 16 | element) in PUBLIC_VR
    if code in SHORT_VRS:
        length = short
    elif code in LONG_VRS:
        length = int.from_bytes(data[8:12], "little")
    else:
        length = int.from_bytes(data[4:8], "little")
    return known and (length == 0xFFFFFFFF or 8 + length <= len(data))
