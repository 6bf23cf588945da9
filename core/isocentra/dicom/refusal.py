"""The words of a refusal by the gate: one place for file name, reason and next step."""

from __future__ import annotations

from isocentra.errors import ReadingError, Where

__all__ = ["masked", "refusal", "tag_text"]

_DO = {
    "NOT_DICOM": "Give the DICOM file that the scanner or the planning system exported.",
    "TRUNCATED": "Copy or export the file again; the end is missing.",
    "HOSTILE_INPUT": "Do not use this file; export it again from the system that made it.",
    "UNSUPPORTED_SOP_CLASS": "Give CT, MR, PT, Enhanced CT or MR, RTSTRUCT, RTPLAN, RTDOSE or REG.",
    "UNSUPPORTED_TRANSFER_SYNTAX": "Export it uncompressed (Explicit VR Little Endian).",
    "BAD_UID": "Export the object again with legal UIDs, at most 64 digits and dots.",
    "BAD_GEOMETRY": "Export the object again; look at spacing, orientation and positions.",
    "BAD_VALUE": "Correct the value in the system that made it and export again.",
    "MISSING_ATTRIBUTE": "Export the object again with this attribute filled in.",
    "PIXEL_DATA_MISMATCH": "Export the object again; pixels and their description disagree.",
    "LIMIT_EXCEEDED": "Split the object, or export it in single frames.",
    "BAD_ARCHIVE": "Unpack the archive yourself and give the folder.",
}


def refusal(
    reason: str, what: str, name: str, *, uid: str | None = None, do: str | None = None
) -> ReadingError:
    """Return the typed refusal of file `name` (base name), ready to be raised."""
    return ReadingError(reason, what, where=Where(file=name, uid=uid), do=do or _DO[reason])


def masked(raw: bytes, kept: bytes = b"0123456789.+-eE\\", limit: int = 80) -> str:
    """Return what stands where a number or a UID should, everything else as question marks.

    A file may hold a patient's name or ID in any element, and messages go to logs.
    """
    return "".join(chr(c) if c in kept else "?" for c in raw[:limit])


def tag_text(tag: int) -> str:
    """Return a tag as (gggg,eeee)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
