"""Colour scales: zero is white, more is lighter or darker throughout, nothing is invented."""

import numpy as np
import pytest

from isocentra.report.colours import (
    MISSING_COLOUR,
    ColourScale,
    ScaleKind,
    scale_for,
    signed_scale_for,
)

LUMA = np.array([0.2126, 0.7152, 0.0722])


def test_zero_of_a_signed_scale_is_exactly_white_and_its_ends_are_not() -> None:
    scale = signed_scale_for([-0.3, 0.8], "Gap", "mm")
    colours = scale.colours([0.0, scale.low, scale.high])
    assert np.array_equal(colours[0], [1, 1, 1])
    assert colours[1, 2] > colours[1, 0]
    assert colours[2, 0] > colours[2, 2]
    assert scale.high == -scale.low >= 0.8


def test_a_sequential_scale_grows_in_brightness_throughout() -> None:
    scale = scale_for([4.0, 6.0], "Thickness", "mm")
    brightness = scale.colours(np.linspace(scale.low, scale.high, 200)) @ LUMA
    assert (np.diff(brightness) >= -1e-6).all()
    assert brightness[-1] - brightness[0] > 0.5


def test_both_halves_of_a_signed_scale_darken_away_from_zero() -> None:
    scale = ColourScale(label="d", unit="mm", low=-1, high=1, kind=ScaleKind.SIGNED)
    for end in (-1.0, 1.0):
        brightness = scale.colours(np.linspace(0, end, 100)) @ LUMA
        assert (np.diff(brightness) <= 1e-6).all()


def test_what_is_missing_is_grey_and_what_is_beyond_takes_the_end() -> None:
    scale = scale_for([0.0, 10.0], "d", "mm")
    missing, beyond, end = scale.colours([np.nan, 99.0, 10.0])
    assert np.allclose(missing, MISSING_COLOUR)
    assert np.array_equal(beyond, end)


def test_scale_ends_are_round_and_hold_all_values() -> None:
    scale = scale_for([4.83, 5.12], "Thickness", "mm")
    assert scale.low <= 4.83
    assert scale.high >= 5.12
    assert round(scale.low, 3) == scale.low


def test_a_scale_without_span_is_refused() -> None:
    with pytest.raises(ValueError, match="colour scale"):
        ColourScale(label="d", unit="mm", low=1, high=1)
