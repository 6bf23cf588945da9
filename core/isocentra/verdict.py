"""Verdicts: a list of named checks, each with its number and its limit.

PASS only when every check was really made and held; one FAIL makes FAIL; a check that could not be
made makes INCOMPLETE. A result without checks is DONE: it judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Status", "at_least", "at_most", "verdict", "worst_check"]


class Status(StrEnum):
    """What a check, or all of them together, came to."""

    PASS = "PASS"  # noqa: S105  # a verdict, not a password
    FAIL = "FAIL"
    INCOMPLETE = "INCOMPLETE"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named judgement."""

    name: str
    """Stable snake_case name."""
    status: Status
    value: float | None
    """What was found; None where it could not be determined."""
    limit: float | None
    unit: str
    message: str
    """One sentence for a person."""


def at_most(name: str, value: float, limit: float, unit: str, message: str) -> Check:
    """Make a check that holds when ``value <= limit``."""
    status = Status.PASS if value <= limit else Status.FAIL  # NaN fails
    return Check(name=name, status=status, value=value, limit=limit, unit=unit, message=message)


def at_least(name: str, value: float, limit: float, unit: str, message: str) -> Check:
    """Make a check that holds when ``value >= limit``."""
    status = Status.PASS if value >= limit else Status.FAIL  # NaN fails
    return Check(name=name, status=status, value=value, limit=limit, unit=unit, message=message)


def verdict(checks: Sequence[Check]) -> Status:
    """Combine checks: FAIL before INCOMPLETE before PASS; no checks is DONE."""
    found = {check.status for check in checks}
    for status in (Status.FAIL, Status.INCOMPLETE, Status.PASS):
        if status in found:
            return status
    return Status.DONE


def worst_check(checks: Sequence[Check]) -> Check | None:
    """Return the check that decides: a failed one, else an open one, else the nearest to its limit.

    Nearness is ``value / limit`` or its inverse, whichever is the larger share of the limit used.
    """

    def rank(check: Check) -> tuple[int, float]:
        order = {Status.FAIL: 3, Status.INCOMPLETE: 2, Status.PASS: 1, Status.DONE: 0}
        share = 0.0
        counted = check.value == check.limit  # a count that is what it should be is not near it
        if check.value and check.limit and not counted:
            ratio = abs(check.value / check.limit)
            share = min(ratio, 1 / ratio) if check.status is Status.PASS else max(ratio, 1 / ratio)
        return order[check.status], share

    return max(checks, key=rank, default=None)
