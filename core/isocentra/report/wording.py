"""How numbers, checks and verdicts are worded: the same on paper and on the screen.

A number that is missing is "–", never 0 and never blank. A value is given with as many digits as
it takes to tell it from its limit: 0.3004 against 0.3 is not "0.300 (limit 0.300)".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from isocentra.verdict import Check, Status

__all__ = [
    "MISSING",
    "SIGNS",
    "check_figures",
    "check_title",
    "check_value",
    "number",
    "quantity",
    "status_sentence",
    "worst_label",
    "yes_no",
]

MISSING: Final = "–"
"""What stands for a number that is not there."""

SIGNS: Final[dict[Status, str]] = {
    Status.PASS: "✔",
    Status.FAIL: "✘",
    Status.INCOMPLETE: "?",
    Status.DONE: "•",
}
"""A shape for every status, so that colour is never the only sign."""

GROUP = "\N{NARROW NO-BREAK SPACE}"
MOST_DECIMALS = 6


def number(value: float | None, decimals: int | None = None) -> str:
    """Word a number.

    Parameters
    ----------
    value
        None and what is not finite become "–".
    decimals
        Digits behind the point; None gives three significant ones, less zeros at the end.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if decimals is None:
        if isinstance(value, int) or (value == round(value) and abs(value) < 1e15):
            decimals = 0
        elif abs(value) < 1e-3:
            return f"{value:.1e}".replace("-", "−")
        else:
            most = max(0, 2 - math.floor(math.log10(abs(value))))
            _, _, behind = f"{value:.{most}f}".partition(".")
            decimals = len(behind.rstrip("0"))
    text = f"{value:,.{decimals}f}" if abs(value) >= 1e4 else f"{value:.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−").replace(",", GROUP)


def quantity(value: float | None, unit: str, decimals: int | None = None) -> str:
    """Word a number with its unit behind a no-break space."""
    text = number(value, decimals)
    return text if text == MISSING or not unit else f"{text}\N{NO-BREAK SPACE}{unit}"


def yes_no(value: object) -> str:
    """Word a truth value; None is "–"."""
    return MISSING if value is None else ("yes" if value else "no")


def check_title(name: str) -> str:
    """Turn a check's snake_case name into words."""
    return name.replace("_", " ").strip().capitalize()


def check_figures(check: Check) -> tuple[str, str]:
    """Word a check's value and limit, without unit, told apart where they differ.

    The limit carries ≤ or ≥ where value and status say which way it is meant.
    """
    value, limit = check.value, check.limit
    if value is None or limit is None or not math.isfinite(value):
        return number(value), number(limit)
    texts = number(value), number(limit)
    decimals = 0
    while value != limit and texts[0] == texts[1] and decimals <= MOST_DECIMALS:
        texts = number(value, decimals), number(limit, decimals)
        decimals += 1
    return texts[0], _direction(check.status, value, limit) + texts[1]


def check_value(check: Check) -> str:
    """Word value, unit and limit of a check in one phrase."""
    value, limit = check_figures(check)
    unit = f"\N{NO-BREAK SPACE}{check.unit}" if check.unit else ""
    found = value if value == MISSING else value + unit
    return found if limit == MISSING else f"{found} (limit {limit}{unit})"


def status_sentence(status: Status, checks: Sequence[Check]) -> str:
    """Say in one sentence what the checks came to."""
    of = {each: sum(check.status is each for check in checks) for each in Status}
    if status is Status.PASS:
        return f"All {len(checks)} checks were made and held."
    if status is Status.FAIL:
        return f"{of[Status.FAIL]} of {len(checks)} checks failed: resolve them before use."
    if status is Status.INCOMPLETE:
        return f"{of[Status.INCOMPLETE]} of {len(checks)} checks could not be made."
    return "This result judges nothing."


def worst_label(status: Status) -> str:
    """Name what the deciding check is, by the verdict."""
    return "Nearest to its limit" if status is Status.PASS else "Worst check"


def _direction(status: Status, value: float, limit: float) -> str:
    if value == limit or status not in {Status.PASS, Status.FAIL}:
        return ""
    below = value < limit
    return "≤\N{NO-BREAK SPACE}" if below == (status is Status.PASS) else "≥\N{NO-BREAK SPACE}"
