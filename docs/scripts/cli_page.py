"""Write docs/reference/cli.md from the command line itself.

python docs/scripts/cli_page.py
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

os.environ["COLUMNS"] = "80"  # the help is wrapped as on a terminal

import typer.main

from isocentra.services.cli.main import app

PAGE: Final = Path(__file__).parents[1] / "reference" / "cli.md"

INTRODUCTION: Final = """# Command line

Made by `python docs/scripts/cli_page.py` from the program's own help; do not edit.

Results go to stdout, messages and progress to stderr. Options and arguments come in any order; a
folder of a series may be a zip. With `--json` stdout holds one JSON object in UTF-8 and nothing
else: `result.json`, or `{"error": {"reason", "message", "where", "do"}}` when the input is refused
(see [the errors](errors.md)); it is empty when the arguments are wrong or the program was stopped.
The folder of `--out` appears when the command has finished, whole or not at all; a run that was
killed leaves at most a hidden `.NAME.partial-…` beside it, which the next run removes.

| exit | when |
|---|---|
| 0 | done, or every check PASSed |
| 1 | a defect of the program, or of its installation; a file without patient data says where |
| 2 | wrong usage |
| 3 | the input is refused: nothing was written |
| 4 | a check FAILed: the result is there |
| 5 | a check could not be made: the result is there, INCOMPLETE |
| 130 | interrupted: nothing was written |
"""


def page() -> str:
    """Return the page as it must be."""
    parts = [INTRODUCTION]
    for name, text in _helps(typer.main.get_command(app), "isocentra"):
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def _helps(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield the name and the help of a command and of all commands below it."""
    context = command.context_class(
        command, info_name=name, parent=parent, **command.context_settings
    )
    yield context.command_path, command.get_help(context).rstrip()
    for below in getattr(command, "commands", {}).values():
        yield from _helps(below, below.name, context)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
