"""The command line: one program, verbs by noun.

arguments ──► a verb (parses, calls one library function, prints one result) ──► exit code

0 done or PASS · 1 a defect of ours · 2 usage · 3 input refused · 4 FAIL · 5 INCOMPLETE ·
130 interrupted
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
import typer.main

from isocentra.errors import IsocentraError
from isocentra.result import program_version
from isocentra.services.cli import bolus, demo, doctor, selftest
from isocentra.services.cli.console import Console, stop_writing

__all__ = ["app", "main", "run"]

INTERRUPTED = 130

app = typer.Typer(
    name="isocentra",
    help="Radiotherapy planning support: checks with numbers, nothing approved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bolus.app, name="bolus")
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("selftest")(selftest.selftest)


class _Interrupted(BaseException):
    """A signal asked the program to end; no `except Exception` on the way may stop it."""


def _version(value: bool) -> None:  # noqa: FBT001  # Typer calls it so
    if value:
        typer.echo(f"isocentra {program_version()}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done or PASS, 1 a defect of ours, 2 usage, 3 input refused, 4 FAIL,"
    " 5 INCOMPLETE, 130 interrupted."
)
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Radiotherapy planning support: checks with numbers, nothing approved."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing escapes."""
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="isocentra", standalone_mode=False)
    except IsocentraError as error:
        console = Console(as_json="--json" in arguments, quiet="--quiet" in arguments)
        console.refuse(error)
        return error.exit_code
    except typer.TyperException as error:
        _refuse_usage(error)
        return 2
    except (KeyboardInterrupt, _Interrupted, typer.Abort):
        code = INTERRUPTED
    except MemoryError:
        sys.stderr.write(
            "E: the memory of this machine is not enough; nothing was written. Close other"
            " programs, or use a machine with more (isocentra doctor).\n"
        )
        return 1
    except Exception as error:  # noqa: BLE001  # the last place: a defect is reported, not shown raw
        _report_defect(error)
        return 1
    if code == INTERRUPTED:
        sys.stderr.write("E: interrupted; nothing half-written is left.\n")
    return code if isinstance(code, int) else 0


def _refuse_usage(error: typer.TyperException) -> None:
    """Say what was wrong with the arguments, and how they go."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is None or message.startswith("Usage:"):  # the help of a command without arguments
        sys.stderr.write(f"{message}\n" if context else f"E: {message}\n")
        return
    sys.stderr.write(f"E: {message}\n{context.get_usage()}\nTry: {context.command_path} --help\n")


def _report_defect(error: Exception) -> None:
    """Write where it happened to a file, without any value: values may hold patient data."""
    kind = type(error).__qualname__
    lines = [f"isocentra {program_version()}", f"python {sys.version}", kind]
    lines += [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="isocentra-defect-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write("\n".join(lines) + "\n")
        what = f"send {file.name} (it holds no patient data)"
    except OSError:
        what = f"send this line (it holds no patient data: {lines[-1]})"
    sys.stderr.write(
        f"E: a defect of Isocentra ({kind}), not of your input; nothing was written. Run"
        f" `isocentra doctor`, and {what} to the developers.\n"
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # one is enough: tidying up is not cut short
    raise _Interrupted


def main() -> NoReturn:
    """Entry point of the console script."""
    nowhere = Path(os.devnull)
    sys.stdout = sys.stdout or nowhere.open("w")  # closed by the caller: `>&-`
    sys.stderr = sys.stderr or nowhere.open("w")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # they are text files
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        stop_writing()
    sys.exit(code)
