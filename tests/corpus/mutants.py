"""Single-field mutants of good files: one element or one byte is changed, all else stays.

good files, seed ──► mutants ──► (name of the change, bytes)
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import dicom_builder as b

TEXTS = (
    b"", b" ", b"nan", b"inf", b"-1", b"0", b"1e400", b"1e-400", b"9" * 70, b"\\",
    b"1\\2\\3\\4\\5\\6\\7", b"\xff\xfe", b"\n", b"1.2.3\n", b"../../x", b"A" * 300, b"0x10",
    b"1_0", b"\0\0", b"%s%n", b"1 2",
)  # fmt: skip
WORDS = (0, 1, 2, 7, 12, 255, 4096, 32768, 65535)


def _value(vr: str, random_: random.Random) -> bytes:
    if vr == "US":
        return random_.choice((struct.pack("<H", random_.choice(WORDS)), b"", b"\1\0\1\0", b"\1"))
    if vr in {"OW", "OB"}:
        return bytes(random_.choice((0, 1, 2, 126, 130, 256)))
    return random_.choice(TEXTS)


def _element(fields: b.Fields, random_: random.Random) -> tuple[str, bytes]:
    tag = random_.choice(sorted(fields))
    vr, value = fields[tag]
    changed = dict(fields)
    how = random_.choice(("value", "vr", "gone", "twice", "sequence"))
    if how == "value" and isinstance(value, bytes):
        changed[tag] = (vr, _value(vr, random_))
    elif how == "vr":
        changed[tag] = (random_.choice(("UL", "FD", "UN", "LO", "OB", "DS", "IS", "US")), value)
        if isinstance(value, list):
            changed[tag] = ("SQ", [])
    elif how == "gone":
        del changed[tag]
    elif how == "sequence":
        changed[tag] = ("SQ", [{}, {}])
    body = b.encode(changed)
    if how == "twice":
        at = b.encode({t: v for t, v in fields.items() if t <= tag})
        body = (
            at + b.element(tag, vr, value) + b.encode({t: v for t, v in fields.items() if t > tag})
        )
    uids = [fields[t][1] for t in (0x00080016, 0x00080018)]
    assert isinstance(uids[0], bytes)
    assert isinstance(uids[1], bytes)
    return f"{how} of {tag:08X}", b.part10(body, b.meta(uids[0], uids[1]))


def _bytes(good: bytes, random_: random.Random) -> tuple[str, bytes]:
    how = random_.choice(("flip", "four", "cut", "insert", "remove"))
    at = random_.randrange(128, min(len(good), 6000))
    if how == "flip":
        return f"flip at {at}", good[:at] + bytes([good[at] ^ 1 << random_.randrange(8)]) + good[
            at + 1 :
        ]
    if how == "four":
        words = (b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\x80", b"\0\0\0\0")
        return f"four at {at}", good[:at] + random_.choice(words) + good[at + 4 :]
    if how == "cut":
        return f"cut at {at}", good[:at]
    if how == "insert":
        return f"insert at {at}", good[:at] + random_.randbytes(2) + good[at:]
    return f"remove at {at}", good[:at] + good[at + 2 :]


def mutants(real: list[bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give `count` mutants: every second one of an element, the others of bytes."""
    random_ = random.Random(seed)  # noqa: S311 - repeatable, no secret
    built = [b.slice_fields(), b.dose_fields(), b.enhanced_fields()]
    sources = [*real, *(b.file_of(fields) for fields in built), b.ct_slice(syntax=b.IMPLICIT)]
    for n in range(count):
        if n % 2:
            yield _element(random_.choice(built), random_)
        else:
            yield _bytes(random_.choice(sources), random_)
