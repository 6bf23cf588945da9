"""Hostile and broken files: what an attacker writes, and what a broken exporter writes.

cases() ──► name ──► (bytes, reasons that are right; READ where the file may be read rightly)

Classes after the public advisories of DICOM programs: lengths that lie, nesting, doubled and
unordered tags, wrong VRs, bombs, polyglots, numbers that are none, UIDs, pixel descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import dicom_builder as b
from hostile_door import door, uids
from hostile_parts import READ
from hostile_pixels import pixels
from hostile_structure import lengths, structure
from hostile_values import numbers, texts

__all__ = ["READ", "Case", "b", "cases"]


@dataclass(frozen=True, slots=True)
class Case:
    """One file and the answers that are right."""

    data: bytes
    reasons: frozenset[str]


def cases() -> dict[str, Case]:
    """All files, by name."""
    found: dict[str, Case] = {}
    for group in (lengths, structure, door, uids, numbers, pixels, texts):
        for name, (data, reasons) in group().items():
            found[name] = Case(data, frozenset(reasons))
    return found
