"""Write docs/reference/errors.md from the reasons of isocentra.errors and the texts in errors.toml.

python docs/scripts/errors_page.py
"""

import tomllib
from pathlib import Path
from typing import Final

from isocentra.errors import REASONS, IsocentraError

FOLDER: Final = Path(__file__).parents[1] / "reference"
PAGE: Final = FOLDER / "errors.md"

INTRODUCTION: Final = """# Errors

Made by `python docs/scripts/errors_page.py`; do not edit.

A typed error means that no result could be made from this input: nothing is written, the command
ends with exit code 3 and says what was found, where, and what to do. A result that exists but is
not good is no error: its check fails and the exit code is 4
(see [the design](../explanation/design.md)).
With `--json` the error is one object, `{"error": {"reason", "message", "where", "do"}}`.
A reason is never renamed.
"""


def page() -> str:
    """Return the page as it must be."""
    texts: dict[str, dict[str, str]] = tomllib.loads(
        (FOLDER / "errors.toml").read_text(encoding="utf-8")
    )
    unknown = texts.keys() - REASONS.keys()
    if unknown:
        raise SystemExit(f"errors.toml has texts for reasons that do not exist: {sorted(unknown)}")
    parts = [INTRODUCTION]
    reserved: list[str] = []
    for family in dict.fromkeys(REASONS.values()):
        rows = [
            f"| `{reason}` | {text['when']} | {text['do']} |"
            for reason, text in texts.items()
            if REASONS[reason] is family
        ]
        if rows:
            parts.append(f"## {family.__name__}\n\n{_first_line(family)}\n")
            parts.append("\n".join(["| reason | when | what to do |", "|---|---|---|", *rows, ""]))
        kept = sorted(family.reasons - texts.keys())
        if kept:
            reserved.append(f"- `{family.__name__}`: " + ", ".join(f"`{r}`" for r in kept))
    if reserved:
        parts.append(
            "## Reserved\n\nNo part of this version raises these; they belong to parts that come "
            "later.\n\n" + "\n".join(reserved) + "\n"
        )
    return "\n".join(parts)


def _first_line(family: type[IsocentraError]) -> str:
    return (family.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
