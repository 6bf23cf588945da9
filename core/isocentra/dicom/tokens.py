"""Our own walk over the bytes of a data set: it trusts no length, and builds a light tree.

bytes ──► walk ──► Tree(root, pixel data, what was left out)

No recursion (an explicit stack), no value is decoded, nothing is allocated by a claimed length.
Each element must lie inside its item, each item inside its sequence, tags must ascend at each
level (PS3.5 7.1). Private elements, elements that the dictionary does not know and retired group
lengths are stepped over and left out: what comes later never sees them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from isocentra.dicom.dictionary import (
    JUDGED_TAGS,
    LONG_VRS,
    PUBLIC_VR,
    SHORT_VRS,
    TEXT_VRS,
    keyword,
)
from isocentra.dicom.limits import MAX_DEPTH, MAX_ELEMENTS, MAX_FRAGMENTS, MAX_ITEMS
from isocentra.dicom.refusal import refusal, tag_text
from isocentra.errors import ReadingError

__all__ = ["Node", "Span", "Tree", "walk", "walk_meta"]

Span = tuple[str, int, int]
"""VR, offset and length of a value in the file. [byte]"""
Node = dict[int, "Span | list[Node]"]
"""A data set or item: tag ──► value or items."""

UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_PIXEL_DATA: Final = 0x7FE00010
_CODES: Final = SHORT_VRS | LONG_VRS
_EXPLICIT = struct.Struct("<HH2sH")
_IMPLICIT = struct.Struct("<HHI")
_LONG = struct.Struct("<I")


@dataclass(slots=True, kw_only=True)
class Tree:
    """What a walk found."""

    root: Node = field(default_factory=dict)
    fragments: list[tuple[int, int]] = field(default_factory=list)
    """Offset and length of each item of encapsulated pixel data; the first is the offset table."""
    encapsulated: bool = False
    """Whether the pixel data came as fragments."""
    dropped: set[int] = field(default_factory=set)
    """Public tags that were left out because their VR is not the dictionary's."""
    elements: int = 0
    items: int = 0


@dataclass(slots=True)
class _Level:
    """A data set or an item that is being read."""

    node: Node | None
    """Where its elements go; None inside something that is left out."""
    end: int
    explicit: bool
    open: bool
    """Whether a delimiter, not a length, ends it."""
    last: int = -1


@dataclass(slots=True)
class _Items:
    """A sequence that is being read."""

    items: list[Node] | None
    end: int
    explicit: bool
    open: bool


class _Walker:
    """One walk; `pos` is the only cursor."""

    def __init__(self, data: bytes, start: int, name: str, *, encapsulated: bool) -> None:
        self.data = data
        self.pos = start
        self.name = name
        self.encapsulated = encapsulated
        self.tree = Tree()
        self.stack: list[_Level | _Items] = []

    def run(self, *, explicit: bool) -> Tree:
        self.stack.append(_Level(self.tree.root, len(self.data), explicit, open=False))
        while self.stack:
            top = self.stack[-1]
            if isinstance(top, _Level):
                self.read_elements(top)
            else:
                self.read_item(top)
        return self.tree

    def hostile(self, what: str) -> ReadingError:
        return refusal("HOSTILE_INPUT", f"{what} at byte {self.pos}.", self.name)

    def beyond(self, tag: int, end: int) -> ReadingError:
        """Return the refusal of a value that leaves its surroundings."""
        what = f"{tag_text(tag)} at byte {self.pos} is longer than"
        if end == len(self.data):
            return refusal("TRUNCATED", f"{what} the rest of the file.", self.name)
        return refusal("HOSTILE_INPUT", f"{what} the item it lies in.", self.name)

    def read_elements(self, level: _Level) -> None:
        """Read elements until this level ends or a sequence begins."""
        header = self.explicit_header if level.explicit else self.implicit_header
        end = level.end
        while True:
            if end - self.pos < 8:
                self.close_level(level)
                return
            tag, code, length, value = header(end)
            if tag >> 16 == 0xFFFE:
                self.close_by_delimiter(level, tag, length)
                return
            if tag & 0xFFFF == 0:
                if tag == 0 and len(self.stack) == 1 and self.only_zeros_follow():
                    self.stack.pop()
                    return
                self.step_over_group_length(tag, length, value, end)
                continue
            self.check_order(level, tag)
            level.last = tag
            if self.enter(level, tag, code, length, value):
                return
            stop = value + length
            if stop > end:
                raise self.beyond(tag, end)
            self.pos = stop

    def explicit_header(self, end: int) -> tuple[int, str, int, int]:
        """Return tag, VR ('' when no legal one), length and offset of the value."""
        pos = self.pos
        group, element, code, short = _EXPLICIT.unpack_from(self.data, pos)
        tag = group << 16 | element
        if code in SHORT_VRS:
            return tag, SHORT_VRS[code], short, pos + 8
        if group == 0xFFFE:
            return tag, "", _LONG.unpack_from(self.data, pos + 4)[0], pos + 8
        long_form = code in LONG_VRS
        if not long_form and not group & 1 and tag:
            raise self.hostile(f"{tag_text(tag)} has no legal VR")
        if end - pos < 12:
            if long_form:
                raise self.beyond(tag, end)
            return tag, "", short, pos + 8
        length = _LONG.unpack_from(self.data, pos + 8)[0]
        if long_form:
            return tag, LONG_VRS[code], length, pos + 12
        # A VR that we do not know, of a private element: future VRs have the long form (PS3.5
        # 7.1.2), whose reserved bytes are 0; old scanners wrote '??' with the short one.
        if short == 0 and pos + 12 + length <= end:
            return tag, "", length, pos + 12
        return tag, "", short, pos + 8

    def implicit_header(self, _end: int) -> tuple[int, str, int, int]:
        group, element, length = _IMPLICIT.unpack_from(self.data, self.pos)
        tag = group << 16 | element
        return tag, PUBLIC_VR.get(tag, ""), length, self.pos + 8

    def check_order(self, level: _Level, tag: int) -> None:
        group = tag >> 16
        if tag <= level.last:
            word = "stands twice" if tag == level.last else f"follows {tag_text(level.last)}"
            raise self.hostile(f"{tag_text(tag)} {word}: tags must ascend;")
        if group in {0x0000, 0x0002}:
            raise self.hostile(f"{tag_text(tag)} must not stand in a data set")
        self.tree.elements += 1
        if self.tree.elements > MAX_ELEMENTS:
            raise self.too_many(f"more than {MAX_ELEMENTS} elements")

    def too_many(self, what: str) -> ReadingError:
        return refusal("LIMIT_EXCEEDED", f"The file holds {what}.", self.name)

    def step_over_group_length(self, tag: int, length: int, value: int, end: int) -> None:
        if length == UNDEFINED or value + length > end:
            raise self.beyond(tag, end)
        if tag >> 16 == 0:
            raise self.hostile(f"{tag_text(tag)} after the last element")
        self.tree.elements += 1
        if self.tree.elements > MAX_ELEMENTS:
            raise self.too_many(f"more than {MAX_ELEMENTS} elements")
        self.pos = value + length

    def only_zeros_follow(self) -> bool:
        return self.data.count(0, self.pos) == len(self.data) - self.pos

    def close_level(self, level: _Level) -> None:
        """End a level whose bytes are used up."""
        rest = level.end - self.pos
        at_root = len(self.stack) == 1
        if level.open:
            if level.end == len(self.data):
                raise refusal("TRUNCATED", "The file ends inside a sequence.", self.name)
            raise self.hostile("An item without a length has no delimiter")
        if rest and not (at_root and self.only_zeros_follow()):
            if at_root and not self.tree.root:
                raise refusal("TRUNCATED", "The file ends inside its first element.", self.name)
            raise self.hostile(f"{rest} bytes that are no element")
        self.pos = level.end
        self.stack.pop()

    def close_by_delimiter(self, level: _Level, tag: int, length: int) -> None:
        if tag != _ITEM_END or not level.open or length != 0:
            raise self.hostile(f"{tag_text(tag)} out of place")
        self.pos += 8
        self.stack.pop()

    def enter(self, level: _Level, tag: int, code: str, length: int, value: int) -> bool:
        """Store one element; return True when a sequence was opened instead."""
        undefined = length == UNDEFINED
        if tag == _PIXEL_DATA and undefined:
            self.read_fragments(level, code, value)
            return True
        if tag >> 16 & 1:
            return self.enter_private(level, tag, code, length, value)
        known = PUBLIC_VR.get(tag, "")
        vr = code if code == known else self.agreed_vr(tag, known, code)
        sequence = code == "SQ" or vr == "SQ"
        if undefined and not (sequence or code in {"UN", ""}):
            raise self.hostile(f"{tag_text(tag)} has no length and is no sequence")
        if undefined or sequence:
            if not undefined and value + length > level.end:
                raise self.beyond(tag, level.end)
            items: list[Node] | None = None
            if level.node is not None and vr == "SQ":
                items = []
                level.node[tag] = items
            self.open_sequence(level, items, code, length, value)
            return True
        if vr and level.node is not None and value + length <= level.end:
            level.node[tag] = (vr, value, length)
        return False

    def enter_private(self, level: _Level, tag: int, code: str, length: int, value: int) -> bool:
        """Step over a private element; one without a length has to be walked to find its end."""
        if length != UNDEFINED:
            return False
        if level.explicit and code not in {"SQ", "UN"}:
            raise self.hostile(f"{tag_text(tag)} has no length and is no sequence")
        self.open_sequence(level, None, code, length, value)
        return True

    def agreed_vr(self, tag: int, known: str, code: str) -> str:
        """Return the VR to read `tag` by, or '' when it is to be left out."""
        if not known:
            return ""
        if " or " in known:
            if code in known.split(" or "):
                return code
            if code in {"UN", known}:
                return known
        elif code == "UN" or (known in TEXT_VRS and code in TEXT_VRS):
            return known
        if tag in JUDGED_TAGS:
            raise refusal(
                "BAD_VALUE", f"{keyword(tag)} has the VR {code} in place of {known}.", self.name
            )
        self.tree.dropped.add(tag)
        return ""

    def open_sequence(
        self, level: _Level, items: list[Node] | None, code: str, length: int, value: int
    ) -> None:
        if len(self.stack) >= 2 * MAX_DEPTH:
            raise self.too_many(f"sequences nested deeper than {MAX_DEPTH}")
        undefined = length == UNDEFINED
        end = level.end if undefined else value + length
        # What stands in an element of unknown VR is implicit little endian (PS3.5 6.2.2).
        explicit = level.explicit and code != "UN"
        self.pos = value
        self.stack.append(_Items(items, end, explicit, undefined))

    def read_item(self, sequence: _Items) -> None:
        """Read the header of one item, or the end of the sequence."""
        pos, end = self.pos, sequence.end
        if pos == end and not sequence.open:
            self.stack.pop()
            return
        if end - pos < 8:
            if end == len(self.data):
                raise refusal("TRUNCATED", "The file ends inside a sequence.", self.name)
            raise self.hostile("A sequence has no delimiter")
        group, element, length = _IMPLICIT.unpack_from(self.data, pos)
        tag = group << 16 | element
        if tag == _SEQUENCE_END and sequence.open and length == 0:
            self.pos = pos + 8
            self.stack.pop()
            return
        if tag != _ITEM:
            raise self.hostile(f"{tag_text(tag)} in place of an item")
        undefined = length == UNDEFINED
        if not undefined and pos + 8 + length > end:
            raise self.beyond(tag, end)
        self.tree.items += 1
        if self.tree.items > MAX_ITEMS:
            raise self.too_many(f"more than {MAX_ITEMS} items")
        node: Node | None = None
        if sequence.items is not None:
            node = {}
            sequence.items.append(node)
        self.pos = pos + 8
        stop = end if undefined else self.pos + length
        self.stack.append(_Level(node, stop, sequence.explicit, undefined))

    def read_fragments(self, level: _Level, code: str, value: int) -> None:
        """Step over encapsulated pixel data (PS3.5 A.4), to behind its delimiter."""
        if not self.encapsulated or code not in {"OB", "OW"}:
            raise self.hostile("Pixel data without a length, in an uncompressed file")
        at_root = len(self.stack) == 1
        fragments: list[tuple[int, int]] = []
        self.pos = value
        while True:
            if level.end - self.pos < 8:
                raise self.beyond(_PIXEL_DATA, level.end)
            group, element, length = _IMPLICIT.unpack_from(self.data, self.pos)
            tag = group << 16 | element
            self.pos += 8
            if tag == _SEQUENCE_END and length == 0:
                break
            if tag != _ITEM or length == UNDEFINED:
                raise self.hostile(f"{tag_text(tag)} among the fragments of the pixel data")
            if self.pos + length > level.end:
                raise self.beyond(tag, level.end)
            fragments.append((self.pos, length))
            self.pos += length
            if len(fragments) > MAX_FRAGMENTS:
                raise self.too_many(f"more than {MAX_FRAGMENTS} fragments")
        if at_root:
            self.tree.fragments, self.tree.encapsulated = fragments, True


def walk(data: bytes, start: int, name: str, *, explicit: bool, encapsulated: bool = False) -> Tree:
    """Walk the data set that begins at byte `start` and ends with the file.

    Parameters
    ----------
    data
        The whole file.
    start
        Offset of the first element. [byte]
    name
        Base name for messages.
    explicit
        Whether each element names its VR.
    encapsulated
        Whether the transfer syntax allows pixel data in fragments.

    Raises
    ------
    ReadingError
        ``TRUNCATED``, ``HOSTILE_INPUT``, ``LIMIT_EXCEEDED``, ``BAD_VALUE`` (a VR that is not the
        dictionary's, of an element that decides something).
    """
    return _Walker(data, start, name, encapsulated=encapsulated).run(explicit=explicit)


def walk_meta(data: bytes, start: int, name: str) -> tuple[Node, int]:
    """Read group 0002 (always explicit little endian) and return it with the offset behind it.

    The group length is not believed: the group ends where another one begins.
    """
    meta: Node = {}
    pos, last = start, -1
    while len(data) - pos >= 8:
        group, element, code, short = _EXPLICIT.unpack_from(data, pos)
        if group != 0x0002:
            break
        tag = group << 16 | element
        long_form = code in LONG_VRS
        if code not in _CODES or (long_form and len(data) - pos < 12):
            raise refusal("HOSTILE_INPUT", f"{tag_text(tag)} has no legal VR.", name)
        length = _LONG.unpack_from(data, pos + 8)[0] if long_form else short
        value = pos + (12 if long_form else 8)
        if value + length > len(data):
            raise refusal("TRUNCATED", f"{tag_text(tag)} is longer than the file.", name)
        if tag <= last:
            raise refusal("HOSTILE_INPUT", f"{tag_text(tag)} stands out of order.", name)
        last = tag
        if element:
            meta[tag] = (PUBLIC_VR.get(tag, "UN"), value, length)
        pos = value + length
    return meta, pos
