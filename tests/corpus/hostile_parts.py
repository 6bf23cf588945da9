"""What hostile files are made of: the answers, and a good slice with one part changed."""

from __future__ import annotations

import dicom_builder as b

READ = "READ"
H, T, L = {"HOSTILE_INPUT"}, {"TRUNCATED"}, {"LIMIT_EXCEEDED"}
P, V, U = {"PIXEL_DATA_MISMATCH"}, {"BAD_VALUE"}, {"BAD_UID"}
G, M, N = {"BAD_GEOMETRY"}, {"MISSING_ATTRIBUTE"}, {"NOT_DICOM"}
S, C = {"UNSUPPORTED_TRANSFER_SYNTAX"}, {"UNSUPPORTED_SOP_CLASS"}

Files = dict[str, tuple[bytes, set[str]]]
"""Name ──► bytes, reasons that are right."""


def body(fields: b.Fields, extra: bytes = b"", *, drop: tuple[int, ...] = ()) -> bytes:
    return b.encode(b.without(b.slice_fields(fields=fields), *drop)) + extra


def with_meta(body: bytes, syntax: bytes = b.EXPLICIT) -> bytes:
    return b.part10(body, b.meta(b.CT, b"1.2.826.0.1.100.1", syntax))


def split(tag: int) -> tuple[bytes, bytes]:
    """Return the good slice cut before and after one element."""
    fields = b.slice_fields()
    low = {t: v for t, v in fields.items() if t < tag}
    high = {t: v for t, v in fields.items() if t > tag}
    return b.encode(low), b.encode(high)


def replaced(tag: int, raw: bytes) -> bytes:
    """Return the good slice with the bytes `raw` in the place of one element."""
    low, high = split(tag)
    return with_meta(low + raw + high)


def decimal(tag: int, text: bytes) -> bytes:
    return b.changed({tag: ("DS", text)})


def nested(depth: int, tag: int = 0x00081140, *, defined: bool = False) -> bytes:
    inner = b""
    if defined:
        for _ in range(depth):
            item = b.header(0xFFFEE000, "", len(inner), explicit=False) + inner
            inner = b.header(tag, "SQ", len(item)) + item
        return inner
    start = b.header(tag, "SQ", b.UNDEFINED) + b.header(0xFFFEE000, "", b.UNDEFINED, explicit=False)
    end = b.header(0xFFFEE00D, "", 0, explicit=False) + b.header(0xFFFEE0DD, "", 0, explicit=False)
    return start * depth + end * depth
