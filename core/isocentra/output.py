"""A job's folder appears whole or not at all: written beside its place, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["folder_is_free", "write_folder"]


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

    Notes
    -----
    Every file is flushed to the disk before the rename. A process that is killed leaves at most a
    hidden ``.NAME.partial-*`` folder beside `out`, never a part of `out`.
    """
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=out.parent))
    try:
        for name, content in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        partial.chmod(0o777 & ~_umask())
        _replace(partial, out)
        _sync_folder(out.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _replace(partial: Path, out: Path) -> None:
    """Rename `partial` to `out`; what was there is moved away first and deleted last."""
    if not out.exists():
        partial.rename(out)
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
