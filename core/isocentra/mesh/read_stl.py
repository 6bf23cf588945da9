"""STL, binary and ASCII, as they are really written.

A file is binary exactly when its size is 84 + 50·n: the header may begin with "solid" in both.
ASCII is read by its words, whatever the case, line ends and blanks; planning systems leave out
`endsolid`.
"""

from __future__ import annotations

import re

import numpy as np

from isocentra.errors import BolusError, IsocentraError, ReadingError, Where, printable
from isocentra.geometry.grid import Array64

__all__ = ["corners_of_ascii_stl", "corners_of_binary_stl", "is_binary_stl"]

HEADER_BYTES = 84
RECORD = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
NAME_LINE = re.compile(rb"(?m)^[ \t]*(?:end)?solid\b(?:(?!\bfacet\s+normal\b)[^\r\n])*")
"""A solid's name may hold any word; where no line ends, it stops at the first facet."""
NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf|infinity)")
VERTEX = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)")


def is_binary_stl(data: bytes) -> bool:
    """Tell whether the size is that of a binary STL with the count it announces."""
    return len(data) >= HEADER_BYTES and len(data) == HEADER_BYTES + RECORD.itemsize * _count(data)


def _count(data: bytes) -> int:
    return int.from_bytes(data[80:HEADER_BYTES], "little")


def corners_of_binary_stl(data: bytes) -> Array64:
    """Return (n, 3, 3) corners; the stored normals are not used. [mm]."""
    records = np.frombuffer(data, dtype=RECORD, offset=HEADER_BYTES)
    return np.asarray(records["corners"], dtype=np.float64)


def corners_of_ascii_stl(data: bytes, name: str) -> Array64:
    """Return (n, 3, 3) corners of all solids in the text, as float32 values. [mm].

    Raises
    ------
    ReadingError
        ``TRUNCATED``: a binary file or a text that ends before what it announces.
    BolusError
        ``BAD_MESH``: neither.
    """
    text = NAME_LINE.sub(b"", data.lower())
    if b"\x00" in data[:4096] or b"vertex" not in text:
        raise _no_text(data, name)
    words = len(re.findall(rb"\bvertex\b", text))
    rows = VERTEX.findall(text)
    facets, closed = len(re.findall(rb"\bfacet\b", text)), len(re.findall(rb"\bendfacet\b", text))
    if len(rows) < words or words % 3 or 0 < closed < facets:
        raise ReadingError(
            "TRUNCATED",
            f"The ASCII STL ends within a triangle: {facets:,} begun, {closed:,} whole.",
            where=Where(file=name),
            do="Copy or export the file again.",
        )
    tokens = [token.rstrip(b",").replace(b",", b".") for row in rows for token in row]
    try:
        numbers = np.array(tokens).astype(np.float64)
    except ValueError as error:
        wrong = next((t for t in tokens if not NUMBER.fullmatch(t)), b"")
        shown = printable(wrong.decode("latin-1"), 40)
        raise _bad(f"a coordinate is not a number: {shown}", name) from error
    return np.asarray(numbers.astype(np.float32).astype(np.float64)).reshape(-1, 3, 3)


def _no_text(data: bytes, name: str) -> IsocentraError:
    """Tell a binary STL that lost its end from a file that is no mesh."""
    if not len(data):
        return _bad("it is empty", name)
    if len(data) >= HEADER_BYTES:
        found = (len(data) - HEADER_BYTES) / RECORD.itemsize
        if found < _count(data) and _looks_like_triangles(data):
            return ReadingError(
                "TRUNCATED",
                f"The binary STL announces {_count(data):,} triangles and holds {found:,.1f}.",
                where=Where(file=name),
                do="Copy or export the file again.",
            )
        if found > _count(data) > 0 and _looks_like_triangles(data):
            return _bad(
                f"as a binary STL it announces {_count(data):,} triangles and holds {found:,.1f}",
                name,
            )
    return _bad("it is no STL, 3MF, PLY or OBJ", name)


def _looks_like_triangles(data: bytes) -> bool:
    """Tell whether what follows the header are finite triangles of a size that parts have."""
    whole = (len(data) - HEADER_BYTES) // RECORD.itemsize
    if not whole:
        return _count(data) < 10_000_000
    records = np.frombuffer(data, dtype=RECORD, offset=HEADER_BYTES, count=min(whole, 1000))
    corners = records["corners"].astype(np.float64)
    normal = records["normal"].astype(np.float64)
    sane = (np.abs(corners) < 1e6).all(axis=(1, 2)) & (np.abs(normal) < 1e6).all(axis=1)
    tiny = (np.abs(corners) < 1e-20) & (corners != 0)  # text and random bytes decode to such
    return bool((sane & ~tiny.any(axis=(1, 2))).mean() > 0.9)


def _bad(what: str, name: str) -> BolusError:
    return BolusError(
        "BAD_MESH",
        f"The file cannot be read as a mesh: {what}.",
        where=Where(file=name),
        do="Export the part as STL or 3MF and give that file.",
    )
