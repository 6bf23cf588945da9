"""isocentra selftest: the known answers on this machine, and the pages to sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isocentra.services.cli.console import Console
from isocentra.services.cli.options import (
    DeviceOption,
    JsonOption,
    QuietOption,
    ThreadsOption,
    check_file,
    compute_of,
)

__all__ = ["selftest"]


def selftest(
    *,
    report: Annotated[
        Path | None, typer.Option(metavar="PDF", help="Write pages to sign to this file.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> int:
    """Work out known answers on this machine.

    The local acceptance that a physicist owes after an installation or an update; takes about half
    a minute. Exit 0 when all were found, 4 when one was not.
    """
    if report is not None:
        check_file(report, "--report")
    compute = compute_of(device, threads)
    from isocentra.services.acceptance import run_selftest

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress() as progress:
        result = run_selftest(progress=progress, compute=compute)
    if report is not None:
        from isocentra.output import write_file
        from isocentra.report.pdf import report_pdf
        from isocentra.services.acceptance_page import acceptance_report

        write_file(report, report_pdf(acceptance_report(result)))
        console.say(f"to sign: {report}")
    return console.checks(result)
