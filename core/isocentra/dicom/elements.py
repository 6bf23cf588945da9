"""Typed access to the elements of a data set: what is there, as a Python value, or a typed error.

gated data set ──► text, number, numbers, integer, items ──► readers of structures, plan, dose, REG

Values are taken from the bytes as they stand in the file, so an odd value (a date that is no date)
neither warns nor crashes: it is read as text, and only a number that is asked for must be one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from pydicom import charset
from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from isocentra.errors import ReadingError, Where
from isocentra.geometry.grid import Array64

__all__ = [
    "absent",
    "integer",
    "is_date",
    "items",
    "number",
    "numbers",
    "required_integer",
    "required_number",
    "required_numbers",
    "required_text",
    "text",
]

_DATE: Final = re.compile(r"\d{8}")
_BINARY: Final = {"FD": "<f8", "FL": "<f4", "US": "<u2", "UL": "<u4", "SS": "<i2", "SL": "<i4"}


def text(data: Dataset, keyword: str) -> str:
    """Return a text element without its padding, several values joined by a backslash; else ""."""
    element = _element(data, keyword)
    if element is None or element.value is None:
        return ""
    value = element.value
    if isinstance(value, bytes):
        value = _decoded(value, data)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        value = "\\".join(str(v) for v in value)
    return str(value).strip(" \0")


def required_text(data: Dataset, keyword: str, *, file: str) -> str:
    """Return a text that must be there and not be empty."""
    value = text(data, keyword)
    if not value:
        raise absent(keyword, file)
    return value


def numbers(data: Dataset, keyword: str, *, file: str) -> Array64:
    """Return the values of a DS, IS, FD, FL, US or UL element as float64; none is (0,).

    Raises
    ------
    ReadingError
        ``BAD_VALUE``: not a number, or not a finite one.
    """
    element = _element(data, keyword)
    if element is None or element.value is None:
        return np.empty(0)
    value = element.value
    try:
        if isinstance(value, bytes):
            value = _raw_numbers(value, element.VR or dictionary_VR(_tag(keyword)))
        elif isinstance(value, str):
            value = _raw_numbers(value.encode(), "DS")
        found = np.atleast_1d(np.array(value, dtype=np.float64))
    except (ValueError, TypeError) as error:
        raise _bad(keyword, "does not hold numbers", file) from error
    if not np.isfinite(found).all():
        raise _bad(keyword, "holds a number that is not finite", file)
    return found


def required_numbers(data: Dataset, keyword: str, count: int, *, file: str) -> Array64:
    """Return exactly `count` values of an element that must be there."""
    found = numbers(data, keyword, file=file)
    if not len(found):
        raise absent(keyword, file)
    if len(found) != count:
        raise _bad(keyword, f"holds {len(found)} numbers, not {count}", file)
    return found


def number(data: Dataset, keyword: str, *, file: str) -> float | None:
    """Return the first number of an element, None where it is absent or empty."""
    found = numbers(data, keyword, file=file)
    return float(found[0]) if len(found) else None


def required_number(data: Dataset, keyword: str, *, file: str) -> float:
    """Return the first number of an element that must be there."""
    found = number(data, keyword, file=file)
    if found is None:
        raise absent(keyword, file)
    return found


def integer(data: Dataset, keyword: str, *, file: str) -> int | None:
    """Return the first whole number of an element, None where it is absent or empty."""
    found = number(data, keyword, file=file)
    if found is None:
        return None
    if not math.isclose(found, round(found), abs_tol=1e-9):
        raise _bad(keyword, f"is {found}, not a whole number", file)
    return round(found)


def required_integer(data: Dataset, keyword: str, *, file: str) -> int:
    """Return the first whole number of an element that must be there."""
    found = integer(data, keyword, file=file)
    if found is None:
        raise absent(keyword, file)
    return found


def items(data: Dataset, keyword: str, *, file: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence; absent and empty alike are none."""
    if _tag(keyword) not in data:
        return ()
    try:
        sequence = data[keyword].value
    except (ValueError, TypeError, EOFError, OSError, NotImplementedError, KeyError) as error:
        raise _bad(keyword, "is not a well-formed sequence", file) from error
    if sequence is None:
        return ()
    if not all(isinstance(item, Dataset) for item in sequence):
        raise _bad(keyword, "is not a sequence", file)
    return tuple(sequence)


def is_date(value: str) -> bool:
    """Whether a text has the form of a DICOM date, YYYYMMDD."""
    return _DATE.fullmatch(value) is not None


def absent(keyword: str, file: str) -> ReadingError:
    """Return the error about an element that must be there."""
    return ReadingError(
        "MISSING_ATTRIBUTE",
        f"{_name(keyword)} is missing or empty.",
        where=Where(file=file),
        do="Export the object again with all of its required elements.",
    )


def _bad(keyword: str, what: str, file: str) -> ReadingError:
    return ReadingError(
        "BAD_VALUE",
        f"{_name(keyword)} {what}.",
        where=Where(file=file),
        do="Export the object again from the system that made it.",
    )


def _name(keyword: str) -> str:
    tag = _tag(keyword)
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return int(tag)


def _element(data: Dataset, keyword: str) -> DataElement | RawDataElement | None:
    return data.get_item(_tag(keyword)) if _tag(keyword) in data else None


def _decoded(value: bytes, data: Dataset) -> str:
    """Decode by the data set's Specific Character Set; bytes that do not fit become U+FFFD."""
    named = data.original_character_set
    encodings = [named] if isinstance(named, str) else list(named or ["iso8859"])
    if b"\x1b" in value:  # ISO 2022 escapes switch the encoding inside the value
        try:
            return charset.decode_bytes(value, encodings, {0x5C})
        except (UnicodeDecodeError, LookupError):
            pass
    try:
        return value.decode(encodings[0], errors="replace")
    except LookupError:
        return value.decode("ascii", errors="replace")


def _raw_numbers(value: bytes, data_type: str) -> Array64 | list[bytes]:
    if data_type in _BINARY:
        width = np.dtype(_BINARY[data_type]).itemsize
        return np.frombuffer(value[: len(value) // width * width], _BINARY[data_type]).astype(
            np.float64
        )
    text_value = value.strip(b" \0")
    if b"_" in text_value:  # float() reads 1_0 as ten
        raise ValueError(text_value)
    return text_value.split(b"\\") if text_value else []
