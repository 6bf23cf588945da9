"""isocentra demo: a digital patient, the whole road, one folder to look at."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from isocentra.services.cli.console import Console
from isocentra.services.cli.options import (
    DeviceOption,
    JsonOption,
    OverwriteOption,
    QuietOption,
    ThreadsOption,
    check_out,
    compute_of,
)

__all__ = ["demo"]


class Subject(StrEnum):
    """What can be demonstrated."""

    BOLUS = "bolus"


def demo(  # noqa: PLR0913  # one parameter per option of the contract
    subject: Annotated[Subject, typer.Argument(help="What to show.")] = Subject.BOLUS,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the result; default ./isocentra-demo-NAME.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> int:
    """Go the whole road with a digital patient.

    DIR/input holds the DICOM that was made for it, DIR/result what a design of yours would leave.
    """
    folder = out or Path(f"isocentra-demo-{subject.value}")
    check_out(folder, overwrite=overwrite)
    compute = compute_of(device, threads)
    from isocentra.services.demonstration import demonstrate_bolus

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress() as progress:
        shown = demonstrate_bolus(progress=progress, compute=compute)
        progress("writing", 0.98)
        shown.write(folder)
    console.say(f"the DICOM that went in: {folder / 'input'}")
    console.say(
        f"look at {folder / 'result' / 'report.html'}, print {folder / 'result' / 'bolus.stl'}"
    )
    return console.result(shown.design.result)
