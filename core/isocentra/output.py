"""A job's folder or file appears whole or not at all: written beside its place, then renamed.

files ──► .NAME.partial-XXXX beside NAME (locked, flushed) ──► rename ──► NAME

A process that is killed leaves at most a hidden ``.NAME.partial-XXXX``. Its lock dies with it, so
the next write to the same place knows it for a leftover and removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from isocentra.errors import ServiceError, Where

__all__ = ["folder_is_free", "write_file", "write_folder"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def folder_is_free(out: Path) -> bool:
    """Whether `out` does not exist or is an empty folder."""
    return not out.exists() or (out.is_dir() and not any(out.iterdir()))


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` so that `out` appears with all of them in one step.

    Parameters
    ----------
    out
        The folder. One that is there is replaced; decide with `folder_is_free` beforehand.
    files
        Name, with ``/`` between folder and file, to content. Names are the program's own: nothing
        read from a data set may become one.

    Raises
    ------
    ServiceError
        ``STORE_FULL``: no room on the disk. ``PERMISSION_DENIED``: the place cannot be written.

    Notes
    -----
    Every file is flushed to the disk before the rename.
    """
    out = Path(os.path.realpath(out))
    with _refusing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out, "partial")
        with _staging(out) as partial:
            for name, content in files.items():
                path = partial / name
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_flushed(path, content)
            partial.chmod(0o777 & ~_umask())
            _replace(partial, out)
        _sync_folder(out.parent)
        _remove_leftovers(out, "old")


def write_file(path: Path, content: bytes) -> None:
    """Write one file so that it appears whole, or the one that was there stays.

    Raises
    ------
    ServiceError
        As `write_folder`.
    """
    path = Path(os.path.realpath(path))
    with _refusing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path, "partial")
        with _staging(path) as partial:
            whole = partial / path.name
            _write_flushed(whole, content)
            whole.replace(path)
        _sync_folder(path.parent)


def _write_flushed(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _refusing(out: Path) -> Iterator[None]:
    """Turn what the disk refuses into a typed error."""
    try:
        yield
    except OSError as error:
        where = Where(file=out.name)
        if error.errno in FULL:
            raise ServiceError(
                "STORE_FULL",
                f"The result could not be written ({error.strerror}).",
                where=where,
                do="Free some space, or choose a place on another disk.",
            ) from error
        if error.errno in FORBIDDEN:
            raise ServiceError(
                "PERMISSION_DENIED",
                f"The result could not be written ({error.strerror}).",
                where=where,
                do="Choose a place that you may write to.",
            ) from error
        raise


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out`, locked while it is in use; what is left in it goes."""
    while True:
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
        lock = os.open(partial, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if partial.exists():  # else another write took it for a leftover before it was locked
            break
        os.close(lock)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(lock)


def _remove_leftovers(out: Path, kind: str) -> None:
    """Remove what killed processes left: folders whose lock nobody holds."""
    for path in out.parent.glob(f".{_literal(out.name)}.{kind}-*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone, another user's, or no folder
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue  # in use
        finally:
            os.close(lock)


def _literal(name: str) -> str:
    """Return a pattern of `Path.glob` that matches a name and nothing else."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _replace(partial: Path, out: Path) -> None:
    """Rename `partial` to `out`; what was there is moved away first and deleted last."""
    if folder_is_free(out):
        partial.rename(out)  # an empty folder is replaced in the same step
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old-", dir=out.parent))
    out.rename(old / out.name)
    try:
        partial.rename(out)
    except BaseException:
        (old / out.name).rename(out)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
