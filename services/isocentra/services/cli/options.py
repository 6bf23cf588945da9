"""Options that several verbs share, and how they are read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isocentra.output import folder_is_free

if TYPE_CHECKING:
    from isocentra.gpu_kernels import Compute

__all__ = [
    "DeviceOption",
    "JsonOption",
    "OutOption",
    "OverwriteOption",
    "QuietOption",
    "ThreadsOption",
    "check_file",
    "check_out",
    "compute_of",
    "triple",
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print result.json to stdout, and nothing else.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress, no messages.")]
OutOption = Annotated[
    Path, typer.Option("--out", help="Folder of the result; it appears when all is done.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the folder of --out when it holds something.")
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:N: where kernels run.")
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=0, help="Threads of the kernels; 0: as many as cores.")
]


def check_out(out: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse, before any work, a place where the result may not or cannot go.

    Parameters
    ----------
    out
        Folder of the result.
    overwrite
        Whether it may hold something, which is then replaced.
    inputs
        What the command reads: it may not lie in a folder that is replaced.

    Raises
    ------
    typer.BadParameter
        `out` is a file, lies below one or where nothing can be written, holds files and `overwrite`
        is not given, or holds an input, the working folder or the home folder.
    """
    if out.exists() and not out.is_dir():
        raise _bad_out(f"{out} is a file")
    _check_parent(out, "--out")
    if folder_is_free(out):
        return
    if not overwrite:
        raise _bad_out(f"{out} is not empty: choose another folder or give --overwrite")
    whole = Path(os.path.realpath(out))
    for path in (*inputs, Path.cwd(), Path.home()):
        if Path(os.path.realpath(path)).is_relative_to(whole):
            raise _bad_out(f"{out} holds {path}, which would be lost: choose another folder")


def check_file(path: Path, option: str) -> None:
    """Refuse, before any work, a file that cannot be written.

    Raises
    ------
    typer.BadParameter
        It is a folder, or lies below a file or where nothing can be written.
    """
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder", param_hint=option)
    _check_parent(path, option)


def _check_parent(path: Path, option: str) -> None:
    there = path.absolute().parent
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        raise typer.BadParameter(f"{there} is a file", param_hint=option)
    if not os.access(there, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"{there} cannot be written", param_hint=option)


def _bad_out(what: str) -> typer.BadParameter:
    return typer.BadParameter(what, param_hint="--out")


def triple(text: str | None, option: str) -> tuple[float, float, float] | None:
    """Read ``X,Y,Z``.

    Raises
    ------
    typer.BadParameter
        The text is not three finite numbers.
    """
    if text is None:
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not X,Y,Z", param_hint=option) from None
    if not all(math.isfinite(v) for v in (x, y, z)):
        raise typer.BadParameter(f"{text!r} is not finite", param_hint=option)
    return x, y, z


def compute_of(device: str, threads: int) -> Compute:
    """Read ``--device`` and ``--threads``.

    Raises
    ------
    typer.BadParameter
        The text is no device, or that device cannot be used here.
    """
    from isocentra.gpu_kernels import NoGpuError, compute_from, resolve

    try:
        return resolve(compute_from(device, threads=threads or None))
    except (ValueError, NoGpuError) as error:
        raise typer.BadParameter(str(error), param_hint="--device") from None
