"""The one gate through which a DICOM file comes in.

path or bytes ──► size and kind of file ──► preamble ──► file meta ──► walk ──► values ──► pixels
              ──► GatedFile (a pydicom data set that was built, not parsed)

Each step runs only when the one before accepted; all refusals are `ReadingError`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from isocentra.dicom.build import build_dataset, build_meta, with_pixels
from isocentra.dicom.dictionary import IDENTIFYING_UIDS, LONG_VRS, SHORT_VRS, keyword, tag
from isocentra.dicom.jpeg import JPEG_LOSSLESS, has_decoder
from isocentra.dicom.limits import MAX_FILE_BYTES, MAX_HEADER_BYTES
from isocentra.dicom.pixels import (
    PIXEL_DATA,
    RLE_LOSSLESS,
    PixelLayout,
    check_length,
    describe,
    plain_pixels,
)
from isocentra.dicom.preamble import check_no_other_program, find_start
from isocentra.dicom.refusal import refusal, tag_text
from isocentra.dicom.sop_classes import SOP_KINDS, Kind
from isocentra.dicom.tokens import Node, Tree, walk, walk_meta
from isocentra.dicom.values import Values, is_legal_uid
from isocentra.errors import printable

__all__ = ["GatedFile", "read_bytes", "read_file", "read_plain_file"]

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
_DICOMDIR: Final = "1.2.840.10008.1.3.10"

_TRANSFER_SYNTAX = tag("TransferSyntaxUID")
_SOP_CLASS, _SOP_INSTANCE = tag("SOPClassUID"), tag("SOPInstanceUID")
_META_PAIRS: Final = (
    (tag("MediaStorageSOPClassUID"), _SOP_CLASS),
    (tag("MediaStorageSOPInstanceUID"), _SOP_INSTANCE),
)
_ALWAYS: Final = (_SOP_INSTANCE, tag("StudyInstanceUID"), tag("SeriesInstanceUID"))
_PLANE: Final = tuple(
    tag(name) for name in ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedFile:
    """A file that passed the gate."""

    name: str
    """Base name of the file, for messages."""
    sha256: str
    size: int
    """Size of the file. [byte]"""
    kind: Kind
    dataset: Dataset
    """Explicit VR little endian in memory, public elements only; PixelData, when asked for, is
    uncompressed and without padding."""
    layout: PixelLayout | None = None
    """How the pixels are stored; None where the SOP class has none."""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    """Code and message of what was left out."""


def read_file(path: Path | str, *, pixels: bool = True) -> GatedFile:
    """Read one DICOM file.

    Parameters
    ----------
    path
        A plain file; no link, folder, device or pipe.
    pixels
        Whether the data set is to hold the pixel data; they are judged in any case.

    Raises
    ------
    ReadingError
        With one of its reasons, the base name of the file and the next step.
    """
    path = Path(path)
    return read_bytes(read_plain_file(path), path.name, pixels=pixels)


def read_plain_file(path: Path, *, limit_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return the content of a regular file of at most `limit_bytes`.

    Raises
    ------
    ReadingError
        ``NOT_DICOM``: no such file, a folder, not readable. ``HOSTILE_INPUT``: a symbolic link, a
        device, a pipe. ``LIMIT_EXCEEDED``: larger than a file may be.
    """
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not hang.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise refusal("HOSTILE_INPUT", "This is a symbolic link.", path.name) from error
        what = f"The file cannot be opened ({error.strerror})."
        raise refusal("NOT_DICOM", what, path.name) from error
    except ValueError as error:  # a NUL in the path
        raise refusal("NOT_DICOM", "This is no path of a file.", path.name) from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise refusal("NOT_DICOM", "This is a folder, not a file.", path.name)
        if not stat.S_ISREG(status.st_mode):
            raise refusal("HOSTILE_INPUT", "This is a device or a pipe, not a file.", path.name)
        if status.st_size > limit_bytes:
            what = f"The file has {status.st_size} bytes; {limit_bytes} are read."
            raise refusal("LIMIT_EXCEEDED", what, path.name)
        return _read_exactly(descriptor, status.st_size, path.name)
    except OSError as error:
        what = f"The file cannot be read ({error.strerror})."
        raise refusal("NOT_DICOM", what, path.name) from error
    finally:
        os.close(descriptor)


def _read_exactly(descriptor: int, size: int, name: str) -> bytes:
    """Read `size` bytes to the end of a file that does not change meanwhile."""
    data = os.read(descriptor, size + 1)
    while 0 < len(data) < size:
        more = os.read(descriptor, size + 1 - len(data))
        if not more:
            break
        data += more
    if len(data) != size:
        raise refusal("TRUNCATED", "The file changes while it is being read.", name)
    return data


def read_bytes(data: bytes, name: str, *, pixels: bool = True) -> GatedFile:
    """Read one DICOM file that is in memory; `name` is its base name for messages.

    Raises
    ------
    ReadingError
        As `read_file`.
    """
    if len(data) > MAX_FILE_BYTES:
        what = f"The file has {len(data)} bytes; {MAX_FILE_BYTES} are read."
        raise refusal("LIMIT_EXCEEDED", what, name)
    start = find_start(data, name)
    check_no_other_program(data, name)
    meta, position = walk_meta(data, start.position, name)
    values = Values(data, name)
    values.check(meta)
    transfer_syntax = _transfer_syntax(data, position, meta, values)
    tree = walk(
        data,
        position,
        name,
        explicit=transfer_syntax != IMPLICIT,
        encapsulated=transfer_syntax not in {IMPLICIT, EXPLICIT},
    )
    _check_header_size(data, tree, name)
    kind = _identify(tree, meta, values, part10=start.part10)
    left_out = values.check(tree.root) | tree.dropped
    layout = _judge_image(tree, values, kind, transfer_syntax)
    dataset = build_dataset(data, tree.root, values.text(tree.root, tag("SpecificCharacterSet")))
    dataset.file_meta = build_meta(
        values.uid_text(tree.root, _SOP_CLASS), values.uid_text(tree.root, _SOP_INSTANCE)
    )
    if layout is not None and pixels:
        with_pixels(dataset, plain_pixels(data, tree, layout, values, transfer_syntax))
    return GatedFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        kind=kind,
        dataset=dataset,
        layout=layout,
        warnings=tuple(
            ("LEFT_OUT", f"{printable(name)}: {keyword(number) or tag_text(number)} is malformed.")
            for number in sorted(left_out)
        ),
    )


def _transfer_syntax(data: bytes, position: int, meta: Node, values: Values) -> str:
    """Return the transfer syntax, guessed from the first element where the file names none."""
    uid = values.uid_text(meta, _TRANSFER_SYNTAX)
    if not uid:
        code = data[position + 4 : position + 6]
        return EXPLICIT if code in SHORT_VRS or code in LONG_VRS else IMPLICIT
    readable = uid in {IMPLICIT, EXPLICIT, RLE_LOSSLESS}
    if not readable and not (uid in JPEG_LOSSLESS and has_decoder(uid)):
        what = f"The transfer syntax {printable(uid)} is not read."
        raise refusal("UNSUPPORTED_TRANSFER_SYNTAX", what, values.name)
    return uid


def _check_header_size(data: bytes, tree: Tree, name: str) -> None:
    span = tree.root.get(PIXEL_DATA)
    pixel_bytes = span[2] if isinstance(span, tuple) else sum(n for _, n in tree.fragments)
    if len(data) - pixel_bytes > MAX_HEADER_BYTES:
        what = f"{len(data) - pixel_bytes} bytes are no pixels; {MAX_HEADER_BYTES} are read."
        raise refusal("LIMIT_EXCEEDED", what, name)


def _identify(tree: Tree, meta: Node, values: Values, *, part10: bool) -> Kind:
    """Judge what the object says it is."""
    root = tree.root
    for number in IDENTIFYING_UIDS.intersection(root):
        values.check_uid(root, number)
    kind = _kind_of(
        values.uid_text(root, _SOP_CLASS) or values.uid_text(meta, _META_PAIRS[0][0]),
        values.name,
        part10=part10,
    )
    if not values.uid_text(root, _SOP_CLASS):
        raise values.bad(_SOP_CLASS, "is missing", "MISSING_ATTRIBUTE")
    values.uid = values.uid_text(root, _SOP_INSTANCE) or None
    for in_meta, in_root in _META_PAIRS:
        told, found = values.uid_text(meta, in_meta), values.uid_text(root, in_root)
        if told and told != found:
            raise values.bad(in_root, "differs between file meta and data set", "BAD_UID")
    for number in _ALWAYS:
        if not is_legal_uid(values.uid_text(root, number).encode("latin-1")):
            raise values.bad(number, "is missing", "MISSING_ATTRIBUTE")
    return kind


def _kind_of(announced: str, name: str, *, part10: bool) -> Kind:
    if announced == _DICOMDIR:
        raise refusal(
            "UNSUPPORTED_SOP_CLASS",
            "A DICOMDIR is never followed.",
            name,
            do="Give the files or the folder that it lists.",
        )
    if announced in SOP_KINDS:
        return SOP_KINDS[announced]
    if announced:
        what = f"Objects of SOP class {printable(announced)} are not read."
        raise refusal("UNSUPPORTED_SOP_CLASS", what, name)
    if part10:
        raise refusal("MISSING_ATTRIBUTE", "SOPClassUID is missing.", name)
    raise refusal("NOT_DICOM", "There is no SOP class: this is no DICOM file.", name)


def _judge_image(
    tree: Tree, values: Values, kind: Kind, transfer_syntax: str
) -> PixelLayout | None:
    if kind not in {Kind.IMAGE, Kind.ENHANCED, Kind.DOSE}:
        return None
    layout = describe(tree, values, kind)
    if kind is not Kind.ENHANCED:
        for number in _PLANE:
            if not values.text(tree.root, number):
                raise values.bad(number, "is missing", "MISSING_ATTRIBUTE")
    check_length(tree, layout, values, transfer_syntax)
    return layout
