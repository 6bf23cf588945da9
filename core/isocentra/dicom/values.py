"""Are the values legal: numbers finite, UIDs whole, geometry possible.

Tree ──► check_values ──► nothing, or a typed refusal; broken numbers that nobody uses are left out

Values are judged on the bytes of the file, before any library converts them.
"""

from __future__ import annotations

import math
import re
from array import array
from typing import Final

from isocentra.dicom.dictionary import (
    GEOMETRY_TAGS,
    IDENTIFYING_UIDS,
    UNIT_BYTES,
    keyword,
    tag,
)
from isocentra.dicom.limits import MAX_NUMBER_CHARACTERS, MAX_NUMBERS
from isocentra.dicom.refusal import masked, refusal, tag_text
from isocentra.dicom.tokens import Node
from isocentra.errors import ReadingError

__all__ = ["MAX_POSITION_MM", "Values", "check_orientation", "is_legal_uid"]

MAX_POSITION_MM: Final = 10_000.0
MIN_SPACING_MM: Final = 0.01
MAX_SPACING_MM: Final = 50.0
MAX_COARSE_PIXELS: Final = 5
MAX_COARSE_EXTENT_MM: Final = 500.0
"""A coarser pixel than MAX_SPACING_MM is met in 5 × 5 test images of 100 mm; it passes in images
of so few pixels, while the whole is no larger than a scanner's field of view."""
ORIENTATION_TOLERANCE: Final = 1e-3
INTEGER_LIMIT: Final = 2**31

_UID = re.compile(rb"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_UID_CHARACTERS = re.compile(rb"[0-9]+(?:\.[0-9]+)*")
_NOT_FINITE = re.compile(rb"nan|inf", re.IGNORECASE)
_NUMBER_BYTES: Final = b"0123456789+-.eE \\"
_CHUNK: Final = 1 << 16

_POSITION = tag("ImagePositionPatient")
_ISOCENTRE = tag("IsocenterPosition")
_ORIENTATION = tag("ImageOrientationPatient")
_SPACING = tag("PixelSpacing")
_SLOPE = tag("RescaleSlope")
_CONTOUR = tag("ContourData")
_CONTOUR_POINTS = tag("NumberOfContourPoints")
_ROWS, _COLUMNS = tag("Rows"), tag("Columns")
_LENIENT_GROUPS: Final = frozenset({0x0008, 0x0010, 0x0012, 0x0032, 0x0038, 0x0040})
"""Groups whose numbers (weight, height, times) nobody computes with: a broken one is left out."""


def is_legal_uid(text: bytes) -> bool:
    """Whether `text` is a UID (PS3.5 9.1): digits and dots, no leading zeros, ≤ 64 characters."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def unpadded_uid(raw: bytes) -> bytes:
    """Return a UID without its padding: NULs as the standard says, or one blank."""
    text = raw.rstrip(b"\0")
    return text[:-1] if text.endswith(b" ") and len(raw) % 2 == 0 else text


def numbers(raw: bytes) -> array[float]:
    """Return the decimal or integer strings in `raw`.

    Raises
    ------
    ValueError
        For anything that is not a number of PS3.5 6.2: letters, NaN, empty components, digits
        without end. An overflow gives infinity.
    """
    if raw.translate(None, _NUMBER_BYTES):
        raise ValueError("a character that no number has")
    out: array[float] = array("d")
    start, total = 0, len(raw)
    while start <= total:
        # In pieces, so that ten million contour points do not become as many objects at once.
        stop = total if total - start <= _CHUNK else raw.find(b"\\", start + _CHUNK)
        stop = total if stop < 0 else stop
        parts = raw[start:stop].split(b"\\")
        if max(map(len, parts)) > MAX_NUMBER_CHARACTERS:
            raise ValueError("a number that is too long")
        out.extend(map(float, parts))
        start = stop + 1
    return out


class Values:
    """The values of one walked file, by tag; the checks read through it."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.uid: str | None = None
        self.count = 0

    def raw(self, node: Node, number: int) -> bytes | None:
        """Return the bytes of an element, None when it is absent or a sequence."""
        span = node.get(number)
        if span is None or isinstance(span, list):
            return None
        return self.data[span[1] : span[1] + span[2]]

    def text(self, node: Node, number: int) -> str:
        """Return an element as text without padding, '' when absent."""
        return (self.raw(node, number) or b"").strip(b" \0").decode("latin-1")

    def uid_text(self, node: Node, number: int) -> str:
        """Return a UID, '' when absent."""
        return unpadded_uid(self.raw(node, number) or b"").decode("latin-1")

    def unsigned(self, node: Node, number: int) -> int:
        """Return a US element that must hold exactly one value.

        Raises
        ------
        ReadingError
            ``MISSING_ATTRIBUTE``, ``BAD_VALUE``.
        """
        raw = self.raw(node, number)
        if not raw:
            raise refusal(
                "MISSING_ATTRIBUTE", f"{keyword(number)} is missing.", self.name, uid=self.uid
            )
        if len(raw) != 2:
            raise self.bad(number, "must hold one number of 16 bits")
        return int.from_bytes(raw, "little")

    def decimals(self, node: Node, number: int) -> list[float]:
        """Return the numbers of an element that `check_values` has passed, [] when empty."""
        raw = (self.raw(node, number) or b"").strip(b" \0")
        return list(numbers(raw)) if raw else []

    def bad(self, number: int, why: str, reason: str = "BAD_VALUE") -> ReadingError:
        """Return the refusal of one element."""
        label = keyword(number) or tag_text(number)
        return refusal(reason, f"{label} {why}.", self.name, uid=self.uid)

    def check(self, root: Node) -> set[int]:
        """Judge every element of the tree; return the tags of broken numbers that were left out.

        Raises
        ------
        ReadingError
            ``BAD_VALUE``, ``BAD_UID``, ``BAD_GEOMETRY``.
        """
        left_out: set[int] = set()
        pending: list[Node] = [root]
        while pending:
            node = pending.pop()
            broken = []
            for number, span in node.items():
                if isinstance(span, list):
                    pending.extend(span)
                elif span[2] and not self.check_element(node, number, span[0], span[2]):
                    broken.append(number)
            for number in broken:
                del node[number]
                left_out.add(number)
        return left_out

    def check_element(self, node: Node, number: int, vr: str, length: int) -> bool:
        """Judge one element; False when it is to be left out."""
        if vr in {"DS", "IS"}:
            return self.check_numbers(node, number, vr)
        unit = UNIT_BYTES.get(vr[:2])
        if unit is not None:
            if length % unit:
                raise self.bad(number, f"has {length} bytes, no multiple of {unit}")
        elif vr == "UI" and number in IDENTIFYING_UIDS:
            self.check_uid(node, number, _UID_CHARACTERS)
        return True

    def check_uid(self, node: Node, number: int, form: re.Pattern[bytes] = _UID) -> None:
        """Refuse a UID that is not of the form; references may have leading zeros, as met."""
        text = unpadded_uid(self.raw(node, number) or b"")
        if text and not (len(text) <= 64 and form.fullmatch(text)):
            shown = masked(text, b"0123456789.")
            raise self.bad(number, f"is no legal UID ({len(text)} characters: {shown})", "BAD_UID")

    def check_numbers(self, node: Node, number: int, vr: str) -> bool:
        """Judge decimal or integer strings; False when they are to be left out."""
        raw = (self.raw(node, number) or b"").strip(b" \0")
        expected = GEOMETRY_TAGS.get(number)
        if not raw:
            return True
        self.count += 1 + raw.count(b"\\")
        if self.count > MAX_NUMBERS:
            what = f"The file holds more than {MAX_NUMBERS} numbers."
            raise refusal("LIMIT_EXCEEDED", what, self.name, uid=self.uid)
        try:
            values = numbers(raw)
        except ValueError:
            lenient = number >> 16 in _LENIENT_GROUPS and expected is None
            if lenient and not _NOT_FINITE.search(raw):
                return False
            shown = masked(raw[:40])
            raise self.bad(number, f"is no number: {shown}") from None
        self.check_range(number, vr, values)
        if number == _CONTOUR:
            self.check_contour(node, values)
        elif expected is not None:
            if len(values) != expected:
                raise self.bad(number, f"holds {len(values)} numbers in place of {expected}")
            self.check_geometry(node, number, values)
        return True

    def check_range(self, number: int, vr: str, values: array[float]) -> None:
        """Refuse what is not finite, and integers beyond 32 bits or with a fraction."""
        low, high = min(values), max(values)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise self.bad(number, "is not finite")
        if vr == "IS":
            if low < -INTEGER_LIMIT or high >= INTEGER_LIMIT:
                raise self.bad(number, "lies beyond 32 bits")
            if any(value % 1 for value in values):
                raise self.bad(number, "is no whole number")

    def check_contour(self, node: Node, values: array[float]) -> None:
        """Refuse contour data that are no triplets, too far away or not as many as announced."""
        if len(values) % 3:
            raise self.bad(_CONTOUR, f"holds {len(values)} numbers, which are no triplets")
        if max(values) > MAX_POSITION_MM or min(values) < -MAX_POSITION_MM:
            raise self.bad(_CONTOUR, "has a point more than 10 m away", "BAD_GEOMETRY")
        told = (self.raw(node, _CONTOUR_POINTS) or b"").strip(b" \0")
        if told and told.isdigit() and len(told) <= 12 and int(told) * 3 != len(values):
            count = len(values) // 3
            raise self.bad(_CONTOUR, f"holds {count} points where {int(told)} are announced")

    def check_geometry(self, node: Node, number: int, values: array[float]) -> None:
        """Refuse places, directions and scales that no patient image has."""
        if number in {_POSITION, _ISOCENTRE}:
            if max(map(abs, values)) > MAX_POSITION_MM:
                raise self.bad(number, "lies more than 10 m away", "BAD_GEOMETRY")
        elif number == _ORIENTATION:
            why = check_orientation(values)
            if why:
                raise self.bad(number, why, "BAD_GEOMETRY")
        elif number == _SPACING:
            self.check_spacing(node, values)
        elif number == _SLOPE and values[0] == 0:
            raise self.bad(number, "is 0")

    def check_spacing(self, node: Node, values: array[float]) -> None:
        """Refuse a pixel spacing outside the limits."""
        counts = [int.from_bytes(self.raw(node, n) or b"", "little") for n in (_ROWS, _COLUMNS)]
        for spacing_mm, count in zip(values, counts, strict=True):
            coarse = spacing_mm > MAX_SPACING_MM and not (
                0 < count <= MAX_COARSE_PIXELS and count * spacing_mm <= MAX_COARSE_EXTENT_MM
            )
            if spacing_mm < MIN_SPACING_MM or coarse:
                shown = f"is {spacing_mm:g} mm, outside {MIN_SPACING_MM} to {MAX_SPACING_MM:g} mm"
                raise self.bad(_SPACING, shown, "BAD_GEOMETRY")


def check_orientation(values: array[float] | list[float]) -> str:
    """Return what is wrong with six direction cosines, '' when nothing is.

    Notes
    -----
    |r| = |c| = 1 and r · c = 0 within 1e-3 (PS3.3 C.7.6.2.1.1).
    """
    row, column = values[:3], values[3:]
    for vector in (row, column):
        if abs(math.sqrt(sum(v * v for v in vector)) - 1) > ORIENTATION_TOLERANCE:
            return "has a direction that is no unit vector"
    if abs(sum(a * b for a, b in zip(row, column, strict=True))) > ORIENTATION_TOLERANCE:
        return "has directions that are not orthogonal"
    return ""
