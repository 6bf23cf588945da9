"""A sheet of panels: equal boxes with titles, letters, scale bars, on whole pixels.

Sheet ──► panel(): one box in mm ──► letters, bar, marks ──► png_of: the same bytes every time
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from isocentra.report.frames import ViewFrame, letters_of, scale_bar_mm

__all__ = ["DPI", "INK", "Ground", "Sheet", "annotate", "png_of"]

DPI: Final = 180
"""Dots per inch on paper: 174 mm are 1,233 pixels."""

INK: Final = "#1c2733"
SMALL_PT: Final = 7.0
TITLE_PT: Final = 8.5
FONT: Final = "DejaVu Sans"
MM_PER_INCH: Final = 25.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Colours of what is written on a panel, by what lies under it."""

    text: str
    halo: str


DARK = Ground(text="#ffffff", halo="#000000")
LIGHT = Ground(text=INK, halo="#ffffff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Equal boxes in rows and columns; a title above each, a margin below and on the right."""

    columns: int
    rows: int
    aspect: float
    """Height of a box by its width."""
    width_mm: float = 174.0
    gap_mm: float = 3.0
    title_mm: float = 5.0
    bottom_mm: float = 0.0
    """Left free below for a legend."""
    right_mm: float = 0.0
    """Left free on the right for colour bars."""

    @property
    def box_px(self) -> tuple[int, int]:
        """Width and height of a box [pixel]."""
        free = self.width_mm - self.right_mm - self.gap_mm * (self.columns - 1)
        width = int(free / self.columns * DPI / MM_PER_INCH)
        return width, round(width * self.aspect)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the sheet [pixel]."""
        across, high = self.box_px
        width = across * self.columns + _px(self.gap_mm) * (self.columns - 1) + _px(self.right_mm)
        return width, (high + _px(self.title_mm) + _px(self.gap_mm)) * self.rows + _px(
            self.bottom_mm
        )

    def figure(self) -> Figure:
        """Return the empty sheet."""
        width, height = self.size_px
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        return figure

    def panel(self, figure: Figure, number: int, title: str) -> Axes:
        """Add box `number`, row by row, with its title in the upper left."""
        width, height = self.size_px
        across, high = self.box_px
        row, column = divmod(number, self.columns)
        left = column * (across + _px(self.gap_mm))
        top = row * (high + _px(self.title_mm) + _px(self.gap_mm)) + _px(self.title_mm)
        axes = figure.add_axes(
            (left / width, 1 - (top + high) / height, across / width, high / height)
        )
        axes.set_axis_off()
        figure.text(
            left / width,
            1 - (top - _px(1.2)) / height,
            title,
            fontsize=TITLE_PT,
            fontfamily=FONT,
            color=INK,
            fontweight="bold",
            va="bottom",
            parse_math=False,
        )
        return axes


def annotate(axes: Axes, frame: ViewFrame, ground: Ground) -> None:
    """Set the panel's axes to millimetres; write the four letters and the scale bar."""
    half_w, half_h = frame.width_mm / 2, frame.height_mm / 2
    axes.set_xlim(-half_w, half_w)
    axes.set_ylim(-half_h, half_h)
    axes.set_aspect("equal")
    halo = [withStroke(linewidth=2.2, foreground=ground.halo)]
    right, up = frame.to_points([[1, 0], [0, 1]]) - frame.to_points([0, 0])
    places = (
        (0.985, 0.5, letters_of(right), "right", "center"),
        (0.015, 0.5, letters_of(-right), "left", "center"),
        (0.5, 0.98, letters_of(up), "center", "top"),
        (0.5, 0.02, letters_of(-up), "center", "bottom"),
    )
    for x, y, text, ha, va in places:
        axes.text(
            x,
            y,
            text,
            transform=axes.transAxes,
            ha=ha,
            va=va,
            fontsize=TITLE_PT,
            fontfamily=FONT,
            fontweight="bold",
            color=ground.text,
            path_effects=halo,
            gid="letter",
        )
    length = scale_bar_mm(frame.width_mm)
    end, base = half_w * 0.95, -half_h + frame.height_mm * 0.06
    for width, colour in ((3.6, ground.halo), (1.8, ground.text)):
        axes.plot(
            [end - length, end],
            [base, base],
            color=colour,
            linewidth=width,
            solid_capstyle="butt",
            gid="scale-bar",
        )
    axes.text(
        end - length / 2,
        base + frame.height_mm * 0.012,
        f"{length:g} mm",
        ha="center",
        va="bottom",
        fontsize=SMALL_PT,
        fontfamily=FONT,
        color=ground.text,
        path_effects=halo,
    )


def png_of(figure: Figure) -> bytes:
    """Encode a figure; without date and program, so that equal figures are equal bytes."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def _px(length_mm: float) -> int:
    return round(length_mm * DPI / MM_PER_INCH)
