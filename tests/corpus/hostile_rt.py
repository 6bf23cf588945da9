"""RT objects that pass the door and attack the readers behind it: counts, overflows, bombs of work.

cases() ──► name ──► (bytes, reasons that are right; READ where the object may be read rightly)
"""

from __future__ import annotations

import struct

import dicom_builder as b
from hostile_parts import READ, Files, G, L, V

PLAN = b"1.2.840.10008.5.1.4.1.1.481.5"
SPATIAL = b"1.2.840.10008.5.1.4.1.1.66.1"
DEFORMABLE = b"1.2.840.10008.5.1.4.1.1.66.3"
IDENTITY = b"1\\0\\0\\0\\0\\1\\0\\0\\0\\0\\1\\0\\0\\0\\0\\1"
SECRET = b"PHANTOMNAME"
"""Stands where a value should; no message may hold it."""
D, R = {"BAD_DOSE"}, {"BAD_REGISTRATION"}


def _object(sop_class: bytes, fields: b.Fields) -> b.Fields:
    return {
        0x00080016: ("UI", sop_class),
        0x00080018: ("UI", b"1.2.826.0.1.9"),
        0x00100020: ("LO", b"P1"),
        0x0020000D: ("UI", b"1.2.826.0.1.1"),
        0x0020000E: ("UI", b"1.2.826.0.1.8"),
        0x00200052: ("UI", b"1.2.826.0.1.3"),
        **fields,
    }


def _implicit(fields: b.Fields) -> bytes:
    return b.file_of(fields, syntax=b.IMPLICIT)


def _points(count: int, places: list[tuple[float, float]]) -> bytes:
    data = b"\\".join(b"%.3f\\%.3f\\0" % places[n % len(places)] for n in range(count))
    return b.contour_file(data, b"%d" % count)


def structures() -> Files:
    """Structure sets."""
    level = [((n % 2) * 100 - 50, n * 0.01) for n in range(4000)]
    slanting = [((n % 2) * 100 - 50 + n * 0.01, (n % 2) * 100 - 50) for n in range(4000)]
    rois: b.Items = [{0x30060022: ("IS", b"%d" % n)} for n in range(3000)]
    twice: b.Items = [{0x30060022: ("IS", b"1")}, {0x30060022: ("IS", b"1")}]
    return {
        "level zigzag of 4000 edges": (_points(4000, level), {READ}),
        "slanting zigzag of 4000 edges": (_points(4000, slanting), {READ}),
        "one point 100000 times": (_points(100_000, [(1, 2)]), {READ}),
        "3000 ROIs": (
            _implicit(_object(b.RTSTRUCT, {0x30060020: ("SQ", rois)})),
            L,
        ),
        "ROI number twice": (_implicit(_object(b.RTSTRUCT, {0x30060020: ("SQ", twice)})), V),
        "ROI number is a name": (
            _implicit(_object(b.RTSTRUCT, {0x30060020: ("SQ", [{0x30060022: ("IS", SECRET)}])})),
            V,
        ),
    }


def _plan(beams: b.Items) -> bytes:
    return _implicit(_object(PLAN, {0x300A00B0: ("SQ", beams)}))


def plans() -> Files:
    """Plans whose counts promise more than there is."""
    number, delivery = 0x300A00C0, 0x300A00CE
    set_up: b.Fields = {number: ("IS", b"1"), delivery: ("CS", b"SETUP")}
    return {
        "5 million wedges": (_plan([{**set_up, 0x300A00D0: ("IS", b"5000000")}]), V),
        "5 million boli": (_plan([{**set_up, 0x300A00ED: ("IS", b"5000000")}]), V),
        "blocks fewer than none": (_plan([{**set_up, 0x300A00F0: ("IS", b"-1")}]), V),
        "4000 beams": (_plan([{**set_up, number: ("IS", b"%d" % n)} for n in range(4000)]), L),
        "beam number twice": (_plan([set_up, set_up]), V),
    }


def _dose(changes: b.Fields, frames: int = 2) -> bytes:
    return _implicit({**b.dose_fields(frames), **changes})


def doses() -> Files:
    """Doses beyond what a float or a patient holds."""
    full: b.Fields = {0x7FE00010: ("OW", b"\xff" * 256)}
    offsets = b"\\".join([b"0", b"0.15", *(b"%d" % n for n in range(1, 999))])
    side = b.us(200)
    return {
        "scaling 1e308": (_dose({**full, 0x3004000E: ("DS", b"1e308")}), D),
        "scaling 1e36": (_dose({**full, 0x3004000E: ("DS", b"1e36")}), D),
        "offset 1e308": (_dose({0x3004000C: ("DS", b"0\\1e308")}), D),
        "offset of 20 m": (_dose({0x3004000C: ("DS", b"0\\20000")}), D),
        "stored curve of 1e308": (
            _dose({0x30040050: ("SQ", [{0x30040058: ("DS", b"1e308\\1\\1e308\\1")}])}),
            {READ},
        ),
        "units that are a name": (_dose({0x30040002: ("CS", SECRET)}), D),
        "frames so unequal that the grid explodes": (
            _dose(
                {
                    0x00280010: ("US", side),
                    0x00280011: ("US", side),
                    0x3004000C: ("DS", offsets),
                    0x7FE00010: ("OW", bytes(1000 * 200 * 200 * 2)),
                },
                1000,
            ),
            L,
        ),
    }


def _rigid(matrix: bytes, kind: bytes = b"RIGID") -> bytes:
    part: b.Fields = {0x0070030C: ("CS", kind), 0x300600C6: ("DS", matrix)}
    step: b.Fields = {0x0070030A: ("SQ", [part])}
    entry: b.Fields = {0x00200052: ("UI", b"1.2.826.0.1.77"), 0x00700309: ("SQ", [step])}
    return _implicit(_object(SPATIAL, {0x00700308: ("SQ", [entry])}))


def _deformable(size: tuple[int, int, int], step_mm: float, vectors: bytes) -> bytes:
    grid: b.Fields = {
        0x00200032: ("DS", b"0\\0\\0"),
        0x00200037: ("DS", b"1\\0\\0\\0\\1\\0"),
        0x00640007: ("UL", struct.pack("<3I", *size)),
        0x00640008: ("FD", struct.pack("<3d", step_mm, 1, 1)),
        0x00640009: ("OF", vectors),
    }
    entry: b.Fields = {0x00640003: ("UI", b"1.2.826.0.1.77"), 0x00640005: ("SQ", [grid])}
    return _implicit(_object(DEFORMABLE, {0x00640002: ("SQ", [entry])}))


def registrations() -> Files:
    """Registrations to the end of the world."""
    cube, eight = (2, 2, 2), bytes(96)
    return {
        "translation of 1e300": (_rigid(IDENTITY.replace(b"0", b"1e300", 3)), R),
        "matrix of 1e308": (_rigid(b"1e308" + IDENTITY[1:]), R),
        "type that is a name": (_rigid(IDENTITY, SECRET), R),
        "grid whose size overflows 64 bits": (
            _deformable((0x80000000, 0x80000000, 4), 1, bytes(2)),
            R | V,
        ),
        "grid of 2³² cubed": (_deformable((0xFFFFFFFF,) * 3, 1, eight), R),
        "grid with steps of 1e308": (_deformable(cube, 1e308, eight), R),
        "grid with steps that are no number": (_deformable(cube, float("nan"), eight), R | V),
        "infinite vectors": (_deformable(cube, 1, struct.pack("<f", float("inf")) * 24), R),
        "vectors of 1e30": (_deformable(cube, 1, struct.pack("<f", 1e30) * 24), R),
        "vectors that are unknown": (
            _deformable(cube, 1, struct.pack("<f", float("nan")) * 24),
            {READ},
        ),
        "grid 11 m away": (
            _deformable(cube, 1, eight).replace(b"0\\0\\0\x20", b"11000 "),
            {READ} | G | V,
        ),
    }


def pointers() -> bytes:
    """Return an Enhanced CT with two tags where one names a dimension."""
    dimension: b.Fields = {0x00209165: ("AT", b.us(0x20, 0x9056, 0x18, 0x9073))}
    return b.file_of({**b.enhanced_fields(), 0x00209222: ("SQ", [dimension])})
