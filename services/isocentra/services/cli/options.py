"""Options that several verbs share, and how they are read."""

from __future__ import annotations

import math
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


def check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds something, before any work.

    Raises
    ------
    typer.BadParameter
        `out` is a file, or holds files and `overwrite` is not given.
    """
    if out.exists() and not out.is_dir():
        raise typer.BadParameter(f"{out} is a file", param_hint="--out")
    if not overwrite and not folder_is_free(out):
        raise typer.BadParameter(
            f"{out} is not empty: choose another folder or give --overwrite", param_hint="--out"
        )


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
