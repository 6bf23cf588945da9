"""A zip in place of a folder: read without trusting it, nothing written, no name used as a path.

zip ──► entries (judged by their directory alone) ──► content of one entry, counted while unpacked
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from isocentra.dicom.limits import (
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_ENTRIES,
    MAX_ARCHIVE_RATIO,
    MAX_FILE_BYTES,
)
from isocentra.dicom.refusal import refusal
from isocentra.errors import ReadingError, printable

__all__ = ["entries", "entry_name", "is_archive", "open_archive", "read_entry"]

_DIRECTORY_LIMIT: Final = 4 << 20
"""Central directory: 20,000 entries with names of 100 characters take 3 MiB. [byte]"""
_FREE_BYTES: Final = 64 << 20
"""Unpacked size up to which no ratio is asked: empty dose grids shrink 500 times. [byte]"""
_LOCATOR_BYTES: Final = 20
_END = struct.Struct("<4s4H2IH")
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OSError, KeyError, OverflowError, struct.error,
)  # fmt: skip


def is_archive(head: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}


@contextmanager
def open_archive(file: IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive after its directory was found to be small.

    Raises
    ------
    ReadingError
        ``BAD_ARCHIVE``, ``LIMIT_EXCEEDED``.
    """
    _check_directory_size(file, name)
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise refusal("BAD_ARCHIVE", "The zip archive is broken.", name) from error
    with archive:
        yield archive


def _check_directory_size(file: IO[bytes], name: str) -> None:
    """Look at the end record before a library builds an object per entry."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise refusal("BAD_ARCHIVE", "The zip archive has no end: it is truncated.", name)
    _, _, _, _, count, directory_bytes, offset, _ = _END.unpack_from(tail, at)
    # zipfile believes a 64-bit locator in front of the record whatever the record itself says.
    locator = tail[max(0, at - _LOCATOR_BYTES) : at].startswith(b"PK\x06\x07")
    if locator or count == 0xFFFF or 0xFFFFFFFF in {directory_bytes, offset}:
        raise refusal("BAD_ARCHIVE", "Zip archives of the 64-bit form are not read.", name)
    if count > MAX_ARCHIVE_ENTRIES or directory_bytes > _DIRECTORY_LIMIT:
        raise refusal("LIMIT_EXCEEDED", f"The zip archive holds {count} entries.", name)


def entries(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Return the files of an archive in the order of their names.

    Raises
    ------
    ReadingError
        ``BAD_ARCHIVE``: a path that leaves the archive, a link, encryption, an odd compression,
        a name that stands twice. ``LIMIT_EXCEEDED``: too many entries, too large, a bomb.
    """
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) > MAX_ARCHIVE_ENTRIES:
        raise refusal("LIMIT_EXCEEDED", f"The zip archive holds {len(files)} files.", name)
    for info in files:
        why = _defect(info)
        if why:
            what = f"The entry {printable(info.filename)} {why}."
            raise refusal("BAD_ARCHIVE", what, name)
    if len({info.filename for info in files}) != len(files):
        raise refusal("BAD_ARCHIVE", "An entry of the zip archive stands twice.", name)
    unpacked = sum(info.file_size for info in files)
    packed = sum(info.compress_size for info in files)
    # zipfile never unpacks more than an entry announces, so that the announced sum is a bound.
    if unpacked > MAX_ARCHIVE_BYTES or (
        unpacked > _FREE_BYTES and unpacked > MAX_ARCHIVE_RATIO * min(packed, _bytes_of(archive))
    ):
        what = f"The zip archive would grow from {_bytes_of(archive)} to {unpacked} bytes."
        raise refusal("LIMIT_EXCEEDED", what, name)
    return sorted(files, key=lambda info: info.filename)


def _bytes_of(archive: zipfile.ZipFile) -> int:
    file = archive.fp
    return file.seek(0, 2) if file is not None else 0


def _defect(info: zipfile.ZipInfo) -> str:
    name = info.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        return "has a path that leaves the archive"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return "is a link or a device"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "is compressed in a way that is not read"
    return ""


def entry_name(info: zipfile.ZipInfo) -> str:
    """Return the base name of an entry, for messages only."""
    return info.filename.replace("\\", "/").rsplit("/", 1)[-1]


def read_entry(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, limit_bytes: int | None = None
) -> bytes:
    """Return the content of one entry, or its first `limit_bytes`.

    Raises
    ------
    ReadingError
        ``BAD_ARCHIVE``: it cannot be unpacked or its checksum is wrong. ``LIMIT_EXCEEDED``.
    """
    name = entry_name(info)
    if limit_bytes is None and info.file_size > MAX_FILE_BYTES:
        what = f"The file has {info.file_size} bytes; {MAX_FILE_BYTES} are read."
        raise refusal("LIMIT_EXCEEDED", what, name)
    try:
        with archive.open(info) as stream:
            data = stream.read(info.file_size + 1 if limit_bytes is None else limit_bytes)
    except _BROKEN as error:
        raise _broken_entry(name) from error
    if limit_bytes is None and len(data) != info.file_size:
        raise _broken_entry(name)
    return data


def _broken_entry(name: str) -> ReadingError:
    return refusal("BAD_ARCHIVE", "The zip archive is broken at this entry.", name)
