"""From our own tree to a pydicom data set: the library never parses the file.

Tree ──► build_dataset ──► pydicom.Dataset of raw elements, explicit little endian, no private tag

pydicom converts a value when it is first asked for; every value here has passed `values` before.
"""

from __future__ import annotations

import warnings
from typing import Final

from pydicom.charset import decode_bytes, python_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian

from isocentra.dicom.dictionary import tag
from isocentra.dicom.tokens import Node

__all__ = ["build_dataset", "build_meta", "known_character_sets", "with_pixels"]

PIXEL_DATA: Final = tag("PixelData")
_CHARACTER_SET: Final = tag("SpecificCharacterSet")
_UNICODE: Final = "ISO_IR 192"
_DEFAULT: Final = "iso8859"
_CODED_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_DELIMITERS: Final = {ord(c) for c in "\r\n\t\f\\^="}
IN_PLACE_BYTES: Final = 32 << 20
"""Pixels above this size are not copied out of the file's buffer."""


def known_character_sets(text: str) -> list[str]:
    """Return the character sets of (0008,0005) that we can decode, UTF-8 in place of all others."""
    names = [part.strip() for part in text.split("\\")]
    return [name if name in python_encoding else _UNICODE for name in names]


def build_dataset(data: bytes, root: Node, character_set: str) -> Dataset:
    """Return the data set of a tree, without its pixel data.

    Parameters
    ----------
    data
        The file that the tree was made from; values are copied out of it.
    root
        The tree.
    character_set
        (0008,0005) as text.
    """
    encodings = [python_encoding[name] for name in known_character_sets(character_set)]
    return _build(data, root, encodings or [_DEFAULT], "SS" if _is_signed(data, root) else "US")


def _is_signed(data: bytes, node: Node) -> bool:
    span = node.get(tag("PixelRepresentation"))
    return isinstance(span, tuple) and data[span[1] : span[1] + 1] == b"\x01"


def _build(data: bytes, node: Node, encodings: list[str], open_vr: str) -> Dataset:
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    own = node.get(_CHARACTER_SET)
    if isinstance(own, tuple):  # an item may have a character set of its own (PS3.3 C.12.1.1.2)
        text = data[own[1] : own[1] + own[2]].decode("latin-1").strip(" \0")
        encodings = [python_encoding[name] for name in known_character_sets(text)]
    for number, span in node.items():
        if number == PIXEL_DATA:
            continue
        key = BaseTag(number)
        if isinstance(span, list):
            # The depth is at most MAX_DEPTH: the walk has seen to it.
            items = Sequence([_build(data, item, encodings, open_vr) for item in span])
            elements[key] = DataElement(key, "SQ", items)
            continue
        vr, start, length = span
        value = data[start : start + length]
        if number == _CHARACTER_SET:
            names = known_character_sets(value.decode("latin-1").strip(" \0"))
            value = "\\".join(names).encode()
        elif vr in _CODED_VRS and (b"\x1b" in value or not value.isascii()):
            value = _decodable(value, encodings)
        elements[key] = RawDataElement(
            key,
            _plain_vr(vr, open_vr),
            len(value),
            value,
            value_tell=0,
            is_implicit_VR=False,
            is_little_endian=True,
            is_raw=True,
            is_buffered=False,
        )
    dataset = Dataset(elements)
    dataset.set_original_encoding(
        is_implicit_vr=False, is_little_endian=True, character_encoding=encodings
    )
    return dataset


def _decodable(value: bytes, encodings: list[str]) -> bytes:
    """Return `value`, or its ASCII part where it is not text of its character set."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            decode_bytes(value, encodings, _DELIMITERS)
        except (UserWarning, UnicodeError, LookupError):
            return bytes(c if c < 128 and c != 0x1B else ord("?") for c in value)
    return value


def _plain_vr(vr: str, open_vr: str) -> str:
    """Resolve a VR that the dictionary leaves open; pixels decide the sign (PS3.3 C.7.6.3)."""
    if " or " not in vr:
        return vr
    return open_vr if "SS" in vr else "OW"


def build_meta(sop_class: str, sop_instance: str) -> FileMetaDataset:
    """Return the file meta of a data set as it stands in memory: explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def with_pixels(dataset: Dataset, pixels: memoryview) -> None:
    """Put uncompressed pixels into a data set; large ones stay a view on the file's buffer."""
    value = pixels if len(pixels) > IN_PLACE_BYTES else bytes(pixels)
    key = BaseTag(PIXEL_DATA)
    dataset[key] = DataElement(key, "OW", value, already_converted=True)
