"""Numbers in reports: what is missing is a dash, and a failed value never looks like its limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocentra.report.wording import (
    MISSING,
    check_figures,
    check_value,
    number,
    quantity,
    status_sentence,
)
from isocentra.verdict import Check, Status, at_least, at_most


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_missing_number_is_a_dash_and_has_no_unit(value: float | None) -> None:
    assert number(value) == MISSING
    assert quantity(value, "mm") == MISSING


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, None, "0"),
        (5.0, None, "5"),
        (0.08, None, "0.08"),
        (-0.30042, None, "−0.3"),
        (1234.56, None, "1235"),
        (122080, None, "122\N{NARROW NO-BREAK SPACE}080"),
        (0.00001234, None, "1.2e−05"),
        (4.999, 2, "5.00"),
        (-0.001, 2, "0.00"),
    ],
)
def test_numbers_are_worded_with_three_digits_or_as_asked(
    value: float, decimals: int | None, text: str
) -> None:
    assert number(value, decimals) == text


def test_a_value_just_beyond_its_limit_is_told_apart_from_it() -> None:
    value, limit = check_figures(at_most("gap", 0.30042, 0.3, "mm", ""))
    assert (value, limit) == ("0.3004", "≤\N{NO-BREAK SPACE}0.3000")


@given(
    st.floats(0.001, 1000, allow_nan=False),
    st.floats(0.001, 1000, allow_nan=False),
)
def test_figures_that_differ_by_a_thousandth_are_never_worded_alike(a: float, b: float) -> None:
    value, limit = check_figures(at_most("x", a, b, "", ""))
    if abs(a - b) > 1e-3:
        assert value != limit.removeprefix("≤\N{NO-BREAK SPACE}")


def test_the_direction_of_a_limit_follows_from_value_and_verdict() -> None:
    assert check_figures(at_least("wall", 2.0, 0.8, "mm", ""))[1].startswith("≥")
    assert check_figures(at_least("wall", 0.5, 0.8, "mm", ""))[1].startswith("≥")
    assert check_figures(at_most("gap", 0.5, 0.8, "mm", ""))[1].startswith("≤")


def test_a_check_without_figures_is_worded_with_a_dash() -> None:
    check = Check(
        name="x", status=Status.INCOMPLETE, value=None, limit=None, unit="mm", message="m"
    )
    assert check_value(check) == MISSING
    assert status_sentence(Status.INCOMPLETE, [check]).startswith("1 of 1")
