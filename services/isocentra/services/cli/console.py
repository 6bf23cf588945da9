"""What a person sees: messages and progress on stderr, results on stdout.

One `Console` per command. Messages begin with a letter (``E:``, ``W:``, ``I:``), as dcmtk's do.
JSON is written as UTF-8 whatever the locale; a character that a terminal cannot show becomes ``?``.
A reader of stdout that goes away (``| head``) changes nothing about the exit code.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Protocol

import rich.box
import rich.console
import rich.progress
import rich.table
from typing_extensions import override

from isocentra.errors import IsocentraError
from isocentra.progress import Progress, silent
from isocentra.report.wording import check_value
from isocentra.result import Result, as_json, json_of
from isocentra.verdict import Check, Status, worst_check

__all__ = ["EXIT_CODES", "Console", "refusal_json", "stop_writing"]

EXIT_CODES = {Status.PASS: 0, Status.DONE: 0, Status.FAIL: 4, Status.INCOMPLETE: 5}


def refusal_json(error: IsocentraError) -> str:
    """Return the error as the one JSON object that ``--json`` prints."""
    where = {key: value for key, value in asdict(error.where).items() if value is not None}
    body = {"reason": error.reason, "message": error.what, "where": where, "do": error.do}
    return json.dumps({"error": body}, ensure_ascii=False, indent=2) + "\n"


def stop_writing() -> None:
    """Send what stdout still gets to nobody: its reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class Entry(Protocol):
    """An entry of a catalogue."""

    @property
    def name(self) -> str:
        """Name by which it is asked for."""

    @property
    def source(self) -> str:
        """Where its numbers come from."""


class _Pipe(rich.console.Console):
    """A console whose reader may go away."""

    @override
    def on_broken_pipe(self) -> None:
        self.quiet = True
        stop_writing()


class Console:
    """Writes for one command; `as_json` keeps stdout for JSON, `quiet` keeps stderr empty."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._err = rich.console.Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._out = _Pipe(highlight=False, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Tell a person something, on stderr."""
        if not self._quiet:
            self._err.print(f"I: {text}")

    def warn(self, text: str) -> None:
        """Warn a person, on stderr."""
        if not self._quiet:
            self._err.print(f"W: {text}")

    def refuse(self, error: IsocentraError) -> None:
        """Print a typed error: one paragraph on stderr, and the JSON object where asked for."""
        if self._as_json:
            _write_json(refusal_json(error))
        self._err.print(f"E: {error.reason}: {error}")

    def entries(self, name: str, entries: Sequence[Entry], table: rich.table.Table) -> None:
        """Print a catalogue: a table and the sources, or one JSON object with the entries."""
        if self._as_json:
            _write_json(json_of({name: entries}))
            return
        self._show_table(table)
        for entry in entries:
            self._out.print(f"{entry.name}: {entry.source}\n", soft_wrap=False)

    def checks(self, result: Result) -> int:
        """Print a result that is its checks, as a table or JSON, and return its exit code."""
        if self._as_json:
            return self.result(result)
        table = rich.table.Table("", "what", "found, and what to do")
        for check in result.checks:
            table.add_row(check.status.value, check.name, _found(check))
        self._show_table(table)
        self._out.print(_verdict(result))
        return EXIT_CODES[result.status]

    def result(self, result: Result) -> int:
        """Print a job's result and return the exit code that it stands for."""
        for finding in result.warnings:
            self.warn(f"{finding.code}: {finding.message}")
        if self._as_json:
            _write_json(as_json(result))
        else:
            for check in result.checks if not self._quiet else ():
                self._err.print(f"   {check.status.value:<10} {check.name}: {check.message}")
            self._out.print(_verdict(result))
        return EXIT_CODES[result.status]

    def _show_table(self, table: rich.table.Table) -> None:
        """Print a table as wide as the terminal, its first columns never cut."""
        table.box = rich.box.SIMPLE_HEAD
        for column in table.columns[:2]:
            column.no_wrap = True
        self._out.print(table, soft_wrap=False)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show a progress bar on stderr while a job runs; silent when nobody watches."""
        if self._quiet or not self._err.is_terminal:
            yield silent
            return
        bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            console=self._err,
            transient=True,
        )
        with bar:
            task = bar.add_task("starting", total=1.0)

            def report(stage: str, fraction: float) -> None:
                bar.update(task, description=stage, completed=fraction)

            yield report


def _verdict(result: Result) -> str:
    worst = worst_check(result.checks)
    decided = f" (decided by {worst.name})" if worst and result.status != Status.PASS else ""
    return f"{result.status.value}{decided}"


def _found(check: Check) -> str:
    """Return the check's number with its limit; its message where there is none, or it failed."""
    if check.value is None:
        return check.message
    return (
        check_value(check)
        if check.status is Status.PASS
        else (f"{check_value(check)}: {check.message}")
    )


def _write_json(text: str) -> None:
    """Write JSON to stdout as UTF-8, whatever encoding the terminal has."""
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        stop_writing()
