"""The command line: one program, verbs by noun.

arguments ──► a verb (parses, calls one library function, prints one result) ──► exit code

0 done or PASS · 1 a defect of ours · 2 usage · 3 input refused · 4 FAIL · 5 INCOMPLETE ·
130 interrupted
"""

from __future__ import annotations

import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import typer.exceptions
import typer.main

from isocentra.errors import IsocentraError
from isocentra.result import program_version
from isocentra.services.cli import bolus, demo, doctor, selftest
from isocentra.services.cli.console import Console

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="isocentra",
    help="Radiotherapy planning support: checks with numbers, nothing approved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(bolus.app, name="bolus")
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("selftest")(selftest.selftest)


def _version(value: bool) -> None:  # noqa: FBT001  # Typer calls it so
    if value:
        typer.echo(f"isocentra {program_version()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Radiotherapy planning support: checks with numbers, nothing approved."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing escapes."""
    console = Console(as_json="--json" in arguments, quiet="--quiet" in arguments)
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="isocentra", standalone_mode=False)
    except IsocentraError as error:
        console.refuse(error)
        return error.exit_code
    except typer.exceptions.TyperException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("E: interrupted; nothing was written.\n")
        return 130
    except Exception as error:  # noqa: BLE001  # the last place: a defect is reported, not shown raw
        _report_defect(error)
        return 1
    return code if isinstance(code, int) else 0


def _report_defect(error: Exception) -> None:
    """Write where it happened to a file, without any value: values may hold patient data."""
    lines = [f"isocentra {program_version()}", f"python {sys.version}", type(error).__qualname__]
    lines += [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    with tempfile.NamedTemporaryFile(
        "w", prefix="isocentra-defect-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("\n".join(lines) + "\n")
    sys.stderr.write(
        f"E: a defect of Isocentra ({type(error).__qualname__}), not of your input; nothing was"
        f" written. Please send {file.name} (it holds no patient data) to the developers.\n"
    )


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(sys.argv[1:]))
