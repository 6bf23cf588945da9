"""The files of a folder or a zip, one after another, whichever it is.

folder, zip or file ──► open_sources ──► Source (name, first bytes, content)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from isocentra.dicom.archive import entries, entry_name, is_archive, open_archive, read_entry
from isocentra.dicom.gate import read_plain_file
from isocentra.dicom.limits import MAX_FILES, MAX_FOLDER_DEPTH
from isocentra.dicom.refusal import refusal

__all__ = ["HEAD_BYTES", "Source", "open_sources"]

HEAD_BYTES: Final = 256
"""What is enough to tell DICOM from anything else. [byte]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a folder or an archive."""

    name: str
    """Base name."""
    head: Callable[[], bytes]
    """Return the first bytes."""
    content: Callable[[], bytes]
    """Return all bytes, at most as many as one file may have."""


@contextmanager
def open_sources(path: Path) -> Iterator[list[Source]]:
    """Give the files of a folder (with its folders), of a zip, or the one file itself.

    Raises
    ------
    ReadingError
        ``NOT_DICOM``: nothing there. ``HOSTILE_INPUT``: a link, device or pipe.
        ``BAD_ARCHIVE``, ``LIMIT_EXCEEDED``.
    """
    if _is_folder(path):
        found = _files_of(path)
        yield [_source(item) for item in sorted(found)]
        return
    head = _head(path)
    if not is_archive(head):
        if path.suffix.lower() == ".zip":
            raise refusal("BAD_ARCHIVE", "This is no zip archive.", path.name)
        yield [_source(path)]
        return
    with path.open("rb") as file, open_archive(file, path.name) as archive:
        yield [
            Source(
                name=entry_name(info),
                head=partial(read_entry, archive, info, limit_bytes=HEAD_BYTES),
                content=partial(read_entry, archive, info),
            )
            for info in entries(archive, path.name)
        ]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a loop of links
        return False


def _source(path: Path) -> Source:
    return Source(name=path.name, head=partial(_head, path), content=partial(read_plain_file, path))


def _head(path: Path) -> bytes:
    """Return the first bytes of a regular file."""
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            with path.open("rb", buffering=0) as file:
                return file.read(HEAD_BYTES)
    except (OSError, ValueError):
        pass  # `read_plain_file` says why
    return read_plain_file(path)


def _files_of(folder: Path) -> list[Path]:
    found: list[Path] = []
    pending = [(folder, 0)]
    while pending:
        here, depth = pending.pop()
        for item in _listing(here):
            if item.is_dir(follow_symlinks=False):
                if depth >= MAX_FOLDER_DEPTH:
                    raise refusal("LIMIT_EXCEEDED", "Folders are nested too deep.", item.name)
                pending.append((Path(item.path), depth + 1))
            else:
                found.append(Path(item.path))
            if len(found) + len(pending) > MAX_FILES:
                raise refusal("LIMIT_EXCEEDED", f"More than {MAX_FILES} files.", folder.name)
    return found


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listing:
            return list(listing)
    except OSError as error:
        what = f"The folder cannot be read ({error.strerror})."
        raise refusal("NOT_DICOM", what, folder.name) from error
