"""ROIs spliced into the bytes of an RTSTRUCT, all other bytes left where they are.

file bytes ──► top-level elements (spans) ──► some replaced, three sequences grown ──► file bytes

A data set that is parsed and written again can come out otherwise encoded (lengths, value types,
private elements); here an element that is not touched is copied as the bytes it was. The file has
passed the gate, so its lengths lie inside it. DICOM PS3.5 section 7.
"""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from isocentra.dicom.derived import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, item
from isocentra.dicom.roi_items import RoiItems
from isocentra.dicom.uids import derived_uid
from isocentra.errors import ReadingError, Where

__all__ = ["Addition", "spliced", "top_level"]

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
LONG_VRS: Final = frozenset(
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"]
)

SOP_CLASS: Final = 0x00080016
ROI_NAMES: Final = 0x30060020
ROI_CONTOURS: Final = 0x30060039
OBSERVATIONS: Final = 0x30060080
DROPPED: Final = frozenset([0x300E0004, 0x300E0005, 0x300E0008, 0x4FFE0001, 0xFFFAFFFA])
"""Review date, time and name; MAC parameters and digital signatures."""


class Span(NamedTuple):
    """One top-level element: where its header, its value and its end lie in the bytes."""

    tag: int
    start: int
    value: int
    value_end: int
    """Before the sequence delimiter, where there is one."""
    end: int
    is_undefined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is added, and what its UIDs are made from beside it."""

    roles: tuple[str, ...]
    parts: tuple[RoiItems, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding:
    is_implicit: bool
    start: int
    """Where the data set begins in the bytes."""


def spliced(data: bytes, addition: Addition) -> bytes:
    """Return the file with the ROIs added, new UIDs, unapproved."""
    coding = _coding(data)
    spans = {
        span.tag: span for span in top_level(data, coding.start, is_implicit=coding.is_implicit)
    }
    if SOP_CLASS not in spans:
        raise _broken("its SOP Class UID is missing")
    grown = {
        ROI_NAMES: _items(coding, [part.name for part in addition.parts]),
        ROI_CONTOURS: _items(coding, [part.contours for part in addition.parts]),
        OBSERVATIONS: _items(coding, [part.observation for part in addition.parts]),
    }
    content = hashlib.sha256(b"".join(grown.values())).hexdigest()
    sop_uid = derived_uid("structure set", "instance", content, *addition.roles)
    series_uid = derived_uid("structure set", "series", content, *addition.roles)
    fixed = _encode(
        coding,
        item(SOPInstanceUID=sop_uid, SeriesInstanceUID=series_uid, ApprovalStatus="UNAPPROVED"),
    )
    new = {tag: fixed[span.start : span.end] for tag, span in _by_tag(fixed, coding).items()}
    new |= {tag: _grow(data, spans.get(tag), items, coding, tag) for tag, items in grown.items()}
    body = b"".join(
        new[tag] if tag in new else data[spans[tag].start : spans[tag].end]
        for tag in sorted({*spans, *new} - DROPPED)
    )
    return _file_head(data, coding, spans, sop_uid) + body


def top_level(data: bytes, start: int, *, is_implicit: bool) -> list[Span]:
    """Return the spans of the elements of the data set that begins at `start`."""
    spans = []
    while len(data) - start >= 8:
        span = _span(data, start, is_implicit=is_implicit)
        if span.tag == 0:  # padding after the last element
            break
        spans.append(span)
        start = span.end
    return spans


def _span(data: bytes, start: int, *, is_implicit: bool) -> Span:
    group, element = _unpack("<HH", data, start)
    tag = group << 16 | element
    value, length = start + 8, 0
    if is_implicit or group == 0xFFFE:
        (length,) = _unpack("<L", data, start + 4)
    elif data[start + 4 : start + 6] in LONG_VRS:
        (length,) = _unpack("<L", data, start + 8)
        value = start + 12
    else:
        (length,) = _unpack("<H", data, start + 6)
    if length != UNDEFINED:
        end = value + length
        if end > len(data):
            raise _broken("an element ends beyond the file")
        return Span(tag, start, value, end, end, is_undefined=False)
    value_end = _undefined_end(data, value, is_implicit=is_implicit, closing=SEQUENCE_END)
    return Span(tag, start, value, value_end, value_end + 8, is_undefined=True)


def _undefined_end(data: bytes, at: int, *, is_implicit: bool, closing: int) -> int:
    """Position of the delimiter that closes a sequence or an item of undefined length."""
    while True:
        group, element = _unpack("<HH", data, at)
        tag = group << 16 | element
        if tag == closing:
            return at
        if tag != ITEM:
            at = _span(data, at, is_implicit=is_implicit).end
            continue
        (length,) = _unpack("<L", data, at + 4)
        if length == UNDEFINED:
            inner = _undefined_end(data, at + 8, is_implicit=is_implicit, closing=ITEM_END)
            at = inner + 8
        else:
            at += 8 + length


def _unpack(form: str, data: bytes, at: int) -> tuple[int, ...]:
    if at + struct.calcsize(form) > len(data):
        raise _broken("it ends inside an element")
    return struct.unpack_from(form, data, at)


def _broken(what: str) -> ReadingError:
    return ReadingError(
        "TRUNCATED",
        f"The structure set cannot be added to: {what}.",
        where=Where(),
        do="Export the structure set again.",
    )


def _coding(data: bytes) -> _Coding:
    """Find where the data set begins and how its elements are coded."""
    if data[128:132] != b"DICM":
        implicit = not data[4:6].isalpha()
        return _Coding(is_implicit=implicit, start=0)
    at, syntax = 132, str(ImplicitVRLittleEndian)
    while at + 8 <= len(data) and data[at : at + 2] == b"\x02\x00":
        span = _span(data, at, is_implicit=False)
        if span.tag == 0x00020010:
            syntax = data[span.value : span.end].decode("ascii", "replace").strip("\0 ")
        at = span.end
    return _Coding(is_implicit=syntax == ImplicitVRLittleEndian, start=at)


def _by_tag(data: bytes, coding: _Coding) -> dict[int, Span]:
    return {span.tag: span for span in top_level(data, 0, is_implicit=coding.is_implicit)}


def _encode(coding: _Coding, dataset: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = coding.is_implicit
    with warnings.catch_warnings():
        # A contour above 64 KiB becomes UN in an explicit file, as PS3.5 6.2.2 allows.
        warnings.simplefilter("ignore", UserWarning)
        write_dataset(buffer, dataset)
    return buffer.getvalue()


def _items(coding: _Coding, datasets: Sequence[Dataset]) -> bytes:
    """Encode sequence items of defined length; text beyond ASCII carries its character set."""
    out = b""
    for dataset in datasets:
        if not all(ord(c) < 128 for e in dataset for c in str(e.value) if e.VR != "SQ"):
            dataset.SpecificCharacterSet = "ISO_IR 192"
        body = _encode(coding, dataset)
        out += struct.pack("<HHL", 0xFFFE, 0xE000, len(body)) + body
    return out


def _grow(data: bytes, span: Span | None, items: bytes, coding: _Coding, tag: int) -> bytes:
    """Return the sequence element with items added at its end."""
    if span is not None and span.is_undefined:
        return data[span.start : span.value_end] + items + data[span.value_end : span.end]
    value = (b"" if span is None else data[span.value : span.value_end]) + items
    header = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if not coding.is_implicit:
        header += b"SQ\0\0"
    return header + struct.pack("<L", len(value)) + value


def _file_head(data: bytes, coding: _Coding, spans: dict[int, Span], sop_uid: str) -> bytes:
    """Return preamble and file meta information for the new instance."""
    meta = FileMetaDataset()
    sop_class = spans[SOP_CLASS]
    meta.MediaStorageSOPClassUID = UID(
        data[sop_class.value : sop_class.end].decode("ascii", "replace").strip("\0 ")
    )
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if coding.is_implicit else ExplicitVRLittleEndian
    )
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    buffer = DicomBytesIO()
    buffer.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(buffer, meta, enforce_standard=True)
    return buffer.getvalue()
