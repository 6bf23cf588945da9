"""What a person sees: messages and progress on stderr, results on stdout.

One `Console` per command. Messages begin with a letter (``E:``, ``W:``, ``I:``), as dcmtk's do.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import rich.console
import rich.progress
import rich.table

from isocentra.errors import IsocentraError
from isocentra.progress import Progress, silent
from isocentra.result import Result, as_json, json_of
from isocentra.verdict import Status, worst_check

__all__ = ["EXIT_CODES", "Console", "refusal_json"]

EXIT_CODES = {Status.PASS: 0, Status.DONE: 0, Status.FAIL: 4, Status.INCOMPLETE: 5}


def refusal_json(error: IsocentraError) -> str:
    """Return the error as the one JSON object that ``--json`` prints."""
    where = {key: value for key, value in asdict(error.where).items() if value is not None}
    body = {"reason": error.reason, "message": error.what, "where": where, "do": error.do}
    return json.dumps({"error": body}, ensure_ascii=False, indent=2)


class Console:
    """Writes for one command; `as_json` keeps stdout for JSON, `quiet` keeps stderr empty."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self._as_json = as_json
        self._quiet = quiet
        self._err = rich.console.Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._out = rich.console.Console(highlight=False, markup=False, soft_wrap=True)

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
            sys.stdout.write(refusal_json(error) + "\n")
        self._err.print(f"E: {error.reason}: {error}")

    def show(self, text: str) -> None:
        """Print a result line on stdout."""
        self._out.print(text)

    def show_table(self, table: rich.table.Table) -> None:
        """Print a table on stdout."""
        self._out.print(table)

    def entries(self, entries: Sequence[object], table: rich.table.Table) -> None:
        """Print a catalogue: a table, or a JSON array of its entries."""
        if self._as_json:
            sys.stdout.write(json_of(entries))
        else:
            self.show_table(table)

    def result(self, result: Result) -> int:
        """Print a job's result and return the exit code that it stands for."""
        for finding in result.warnings:
            self.warn(f"{finding.code}: {finding.message}")
        if self._as_json:
            sys.stdout.write(as_json(result))
        elif not self._quiet:
            for check in result.checks:
                self._err.print(f"   {check.status.value:<10} {check.name}: {check.message}")
            worst = worst_check(result.checks)
            decided = f" (decided by {worst.name})" if worst and result.status != "PASS" else ""
            self.show(f"{result.status.value}{decided}")
        return EXIT_CODES[result.status]

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
