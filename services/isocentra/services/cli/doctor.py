"""isocentra doctor: what works on this machine, and what to do about what does not."""

from __future__ import annotations

from rich.table import Table

from isocentra.services.cli.console import EXIT_CODES, Console
from isocentra.services.cli.options import JsonOption, QuietOption

__all__ = ["doctor"]


def doctor(*, as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """Tell what works on this machine and what to do. Exit 0 all is well, 4 something is not."""
    from isocentra.services.diagnosis import diagnose

    found = diagnose()
    if as_json:
        return Console(as_json=True, quiet=quiet).result(found)
    table = Table("", "what", "found and what to do")
    for check in found.checks:
        table.add_row(check.status.value, check.name, check.message)
    Console(quiet=quiet).show_table(table)
    return EXIT_CODES[found.status]
