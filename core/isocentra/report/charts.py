"""Plain charts for reports: how numbers are spread, against what was asked.

values ──► Spread ──► spread_picture ──► Picture
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from isocentra.geometry.grid import Array64
from isocentra.report.document import Picture
from isocentra.report.fonts import drawable
from isocentra.report.sheet import DPI, FONT, INK, MM_PER_INCH, SMALL_PT, TITLE_PT, png_of

__all__ = ["Guide", "Spread", "spread_picture"]

BAR: Final = "#4f7ea8"
BINS: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A line at a value that matters, named."""

    value: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Values with their weights (areas), and lines to read them against."""

    title: str
    axis: str
    values: Array64
    weights: Array64
    guides: tuple[Guide, ...] = ()


def spread_picture(
    spreads: Sequence[Spread], *, caption: str, alt: str, height_mm: float = 48.0
) -> Picture:
    """Draw histograms side by side, each as share of its whole weight [%]."""
    width_mm = 174.0
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), dpi=DPI)
    FigureCanvasAgg(figure)
    share = 1 / len(spreads)
    for number, spread in enumerate(spreads):
        axes = figure.add_axes(
            (number * share + 0.075, 0.25, share - 0.105, 0.60), facecolor="white"
        )
        known = np.isfinite(spread.values)
        values, weights = spread.values[known], spread.weights[known]
        if values.size:
            axes.hist(values, bins=BINS, weights=100 * weights / weights.sum(), color=BAR)
        top = axes.get_ylim()[1]
        axes.set_ylim(0, top * 1.18)
        for guide in spread.guides:
            axes.axvline(guide.value, color=INK, linewidth=1.0, linestyle="--")
            beyond = guide.value > sum(axes.get_xlim()) / 2
            axes.text(
                guide.value,
                top * 1.16,
                f" {drawable(guide.label)} ",
                ha="right" if beyond else "left",
                fontsize=SMALL_PT,
                fontfamily=FONT,
                color=INK,
                va="top",
                parse_math=False,
            )
        axes.set_title(
            drawable(spread.title),
            fontsize=TITLE_PT,
            fontfamily=FONT,
            fontweight="bold",
            color=INK,
            loc="left",
            parse_math=False,
        )
        axes.set_xlabel(drawable(spread.axis), fontsize=SMALL_PT + 0.5, fontfamily=FONT, color=INK)
        axes.set_ylabel("share of area [%]", fontsize=SMALL_PT + 0.5, fontfamily=FONT, color=INK)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(labelsize=SMALL_PT, labelfontfamily=FONT, colors=INK, length=2.5)
        axes.spines[["top", "right"]].set_visible(False)
    return Picture(png=png_of(figure), caption=caption, alt=alt, width_mm=width_mm)
