"""Renderings and slices side by side: letters, scale bars, colour bar, legend, numbered marks.

Panel or SlicePanel × n ──► PanelSheet ──► panels_picture ──► Picture
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke

from isocentra.report.colours import ColourScale
from isocentra.report.document import Picture
from isocentra.report.fonts import drawable
from isocentra.report.frames import Triple, ViewFrame
from isocentra.report.render import Rendering
from isocentra.report.sheet import FONT, INK, LIGHT, SMALL_PT, TITLE_PT, Sheet, annotate, png_of
from isocentra.report.views import Outline, SlicePanel, draw_slice

__all__ = ["Arrow", "Mark", "Panel", "PanelSheet", "panels_picture", "rendering_columns"]

ACCENT: Final = "#b3261e"
BAR_MM: Final = 22.0
LEGEND_MM: Final = 6.0
LEGEND_LETTERS: Final = 75
"""So many letters, all entries together, fit under a sheet of 174 mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A numbered point on a rendering."""

    text: str
    at_mm: Triple


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A labelled direction, drawn as it looks in the panel's frame."""

    text: str
    start_mm: Triple
    end_mm: Triple
    colour: str = ACCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One rendering with its title; letters only where its frame is the patient's."""

    title: str
    rendering: Rendering
    marks: tuple[Mark, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    in_patient: bool = True

    @property
    def frame(self) -> ViewFrame:
        """Where it lies."""
        return self.rendering.frame


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSheet:
    """Panels of one sheet; all frames have the same shape; one colour bar or none."""

    panels: tuple[Panel | SlicePanel, ...]
    columns: int
    scale: ColourScale | None = None
    width_mm: float = 174.0

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What the legend explains: every outline of any slice, once."""
        slices = [p for p in self.panels if isinstance(p, SlicePanel)]
        return tuple({o.label: o for p in slices for o in p.outlines}.values())

    @property
    def layout(self) -> Sheet:
        """How the boxes lie."""
        frame = self.panels[0].frame
        return Sheet(
            columns=self.columns,
            rows=-(-len(self.panels) // self.columns),
            aspect=frame.height_mm / frame.width_mm,
            width_mm=self.width_mm,
            bottom_mm=LEGEND_MM if self.outlines else 0.0,
            right_mm=0.0 if self.scale is None else BAR_MM,
        )


def rendering_columns(columns: int, scale: ColourScale | None, width_mm: float = 174.0) -> int:
    """Return how many pixels wide a rendering must be to fill its box one to one."""
    right_mm = 0.0 if scale is None else BAR_MM
    sheet = Sheet(columns=columns, rows=1, aspect=1.0, width_mm=width_mm, right_mm=right_mm)
    return sheet.box_px[0]


def panels_picture(sheet: PanelSheet, *, caption: str, alt: str) -> Picture:
    """Draw the panels."""
    layout = sheet.layout
    figure = layout.figure()
    for number, panel in enumerate(sheet.panels):
        axes = layout.panel(figure, number, drawable(panel.title))
        if isinstance(panel, SlicePanel):
            draw_slice(axes, panel)
        else:
            _draw_rendering(axes, panel)
    if sheet.scale is not None:
        _colour_bar(figure, layout, sheet.scale)
    if sheet.outlines:
        _legend(figure, sheet.outlines)
    return Picture(png=png_of(figure), caption=caption, alt=alt, width_mm=sheet.width_mm)


def _draw_rendering(axes: Axes, panel: Panel) -> None:
    frame = panel.frame
    half_w, half_h = frame.width_mm / 2, frame.height_mm / 2
    axes.imshow(
        panel.rendering.rgb,
        extent=(-half_w, half_w, -half_h, half_h),
        interpolation="nearest",
        origin="upper",
    )
    if panel.in_patient:
        annotate(axes, frame, LIGHT)
    else:
        axes.set_xlim(-half_w, half_w)
        axes.set_ylim(-half_h, half_h)
    for arrow in panel.arrows:
        _draw_arrow(axes, arrow, frame)
    _draw_marks(axes, panel.marks, frame)


def _draw_marks(axes: Axes, marks: Sequence[Mark], frame: ViewFrame) -> None:
    for mark in marks:
        right, up, _ = frame.to_plane(mark.at_mm)
        axes.plot([right], [up], marker="o", markersize=11, color="white", markeredgecolor=INK)
        axes.text(
            right,
            up,
            mark.text,
            ha="center",
            va="center_baseline",
            fontsize=SMALL_PT,
            fontweight="bold",
            fontfamily=FONT,
            color=INK,
            parse_math=False,
        )


def _draw_arrow(axes: Axes, arrow: Arrow, frame: ViewFrame) -> None:
    tail, tip = frame.to_plane([arrow.start_mm, arrow.end_mm])[:, :2]
    along = tip - tail
    length = float(np.hypot(*along))
    if length > 0.02 * frame.width_mm:
        axes.add_patch(
            FancyArrowPatch(
                (tail[0], tail[1]),
                (tip[0], tip[1]),
                arrowstyle="-|>,head_length=7,head_width=3.5",
                mutation_scale=1.0,
                linewidth=2.2,
                color=arrow.colour,
                shrinkA=0,
                shrinkB=0,
            )
        )
        place = tip + along / length * 0.06 * frame.width_mm
    else:  # it points at the viewer or away: a circle stands for it
        axes.plot(
            [tail[0]], [tail[1]], marker="o", markersize=9, color=arrow.colour, fillstyle="none"
        )
        axes.plot([tail[0]], [tail[1]], marker="o", markersize=2.5, color=arrow.colour)
        place = tail + np.array([0.0, 0.05 * frame.width_mm])
    axes.text(
        place[0],
        place[1],
        drawable(arrow.text),
        ha="center",
        va="center",
        fontsize=TITLE_PT,
        fontweight="bold",
        fontfamily=FONT,
        color=arrow.colour,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        parse_math=False,
    )


def _colour_bar(figure: Figure, layout: Sheet, scale: ColourScale) -> None:
    height = layout.size_px[1]
    left = 1 - (BAR_MM - 4.0) / layout.width_mm
    axes = figure.add_axes((left, 0.12, 4.0 / layout.width_mm, 0.72))
    bar = figure.colorbar(
        ScalarMappable(norm=Normalize(scale.low, scale.high), cmap=scale.colormap), cax=axes
    )
    bar.ax.tick_params(labelsize=SMALL_PT, labelcolor=INK, labelfontfamily=FONT, length=2)
    bar.outline.set_linewidth(0.5)
    figure.text(
        1 - 1.0 / layout.width_mm,
        0.86 + 4.0 / height,
        drawable(scale.title).replace(" [", "\n["),
        ha="right",
        va="bottom",
        fontsize=SMALL_PT + 0.5,
        fontfamily=FONT,
        color=INK,
        parse_math=False,
    )
    figure.text(left, 0.05, "grey: none", fontsize=SMALL_PT, fontfamily=FONT, color=INK, ha="left")


def _legend(figure: Figure, outlines: Sequence[Outline]) -> None:
    handles = [
        Line2D([], [], color=o.colour, linestyle=o.style.value, linewidth=1.8) for o in outlines
    ]
    legend = figure.legend(
        handles,
        ["·"] * len(handles),  # the text follows below, so that no name is read as mathematics
        loc="lower center",
        ncols=len(handles),
        frameon=False,
        handlelength=3.2,
        prop={"family": FONT, "size": SMALL_PT + 1},
        labelcolor=INK,
        borderaxespad=0.1,
    )
    for entry, outline in zip(legend.get_texts(), outlines, strict=True):
        entry.set_parse_math(False)
        label = drawable(outline.label)
        most = LEGEND_LETTERS // len(outlines)
        entry.set_text(label if len(label) <= most else label[: most - 1] + "…")
