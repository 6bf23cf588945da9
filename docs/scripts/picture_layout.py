"""How the pictures of the pages are laid out: panels in millimetres on a sheet 174 mm wide.

sheet(height) ──► box(), line_legend(), write() ──► png(): the same bytes each time
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image as Pixels

from isocentra.report.frames import ViewFrame
from isocentra.report.render import Surface, render, stage
from isocentra.report.sheet import DPI, FONT, INK, LIGHT, SMALL_PT, TITLE_PT, annotate, png_of
from isocentra.report.views import Outline

__all__ = [
    "LARGEST_BYTES",
    "PAPER_WHITE",
    "WIDE_MM",
    "box",
    "draw_surfaces",
    "framed",
    "line_legend",
    "pdf_page",
    "png",
    "rgb_of",
    "sheet",
    "smaller",
    "write",
]

Rgb = npt.NDArray[np.uint8]

WIDE_MM: Final = 174.0
LARGEST_BYTES: Final = 200_000
MM_PER_INCH: Final = 25.4
PAPER_WHITE: Final = "#8a9099"
"""Stands in the legend, on white paper, for a line that is white on a dark slice."""


def sheet(height_mm: float) -> Figure:
    """Return an empty sheet, on whole pixels."""
    inches = [round(v * DPI / MM_PER_INCH) / DPI for v in (WIDE_MM, height_mm)]
    return Figure(figsize=(inches[0], inches[1]), dpi=DPI, facecolor="white")


def box(figure: Figure, place_mm: tuple[float, float, float, float], title: str = "") -> Axes:
    """Add axes at left, top, width, height [mm], with a title above them."""
    left, top, width, height = place_mm
    wide, high = _size_mm(figure)
    axes = figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
    axes.set_axis_off()
    write(figure, (left, top - 1.2), title, points=TITLE_PT, weight="bold")
    return axes


def write(
    figure: Figure,
    at_mm: tuple[float, float],
    text: str,
    *,
    points: float = SMALL_PT,
    weight: str = "normal",
    align: str = "left",
) -> None:
    """Write a text whose lower edge is at left, top [mm]."""
    wide, high = _size_mm(figure)
    figure.text(
        at_mm[0] / wide,
        1 - at_mm[1] / high,
        text,
        fontfamily=FONT,
        fontsize=points,
        fontweight=weight,
        color=INK,
        ha=align,
        va="bottom",
    )


def line_legend(
    figure: Figure, place_mm: tuple[float, float, float], outlines: tuple[Outline, ...]
) -> None:
    """Explain outlines in one line at left, top, width [mm]."""
    left, top, width = place_mm
    axes = box(figure, (left, top, width, 5.0))
    colours = [PAPER_WHITE if o.colour == "#ffffff" else o.colour for o in outlines]
    lines = [
        axes.plot([], [], color=colour, linestyle=o.style.value, linewidth=2)[0]
        for o, colour in zip(outlines, colours, strict=True)
    ]
    axes.legend(
        lines,
        [o.label for o in outlines],
        loc="center",
        ncols=len(lines),
        frameon=False,
        handlelength=1.7,
        handletextpad=0.5,
        columnspacing=1.2,
        prop={"family": FONT, "size": SMALL_PT},
        labelcolor=INK,
    )


def draw_surfaces(axes: Axes, surfaces: list[Surface], frame: ViewFrame) -> None:
    """Render surfaces into axes of the frame's shape, with letters and scale bar."""
    half = (frame.width_mm / 2, frame.height_mm / 2)
    columns = round(axes.get_window_extent().width)
    axes.imshow(
        render(stage(surfaces), frame, columns).rgb,
        extent=(-half[0], half[0], -half[1], half[1]),
        interpolation="nearest",
    )
    annotate(axes, frame, LIGHT)


def framed(axes: Axes) -> None:
    """Draw a thin edge round a page of paper."""
    axes.add_patch(
        Rectangle(
            (0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor="#b8bec5", linewidth=1.0
        )
    )


def pdf_page(pdf: bytes, heading: str) -> Rgb:
    """Return the first page of a PDF that holds a line `heading`, at 150 dots per inch."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.pdf"
        path.write_bytes(pdf)
        said = _run("pdftotext", "-layout", str(path), "-").decode()
        pages = said.split("\f")
        number = next(
            n for n, page in enumerate(pages, 1) if heading in map(str.strip, page.splitlines())
        )
        chosen = ["-f", str(number), "-l", str(number)]
        image = _run("pdftoppm", "-r", "150", *chosen, "-png", str(path))
    return rgb_of(image)


def png(picture: Figure | Rgb) -> bytes:
    """Encode a picture; with 256 colours where all of them are too many bytes."""
    whole = Pixels.fromarray(rgb_of(png_of(picture)) if isinstance(picture, Figure) else picture)
    content = _encoded(whole)
    if len(content) > LARGEST_BYTES:
        content = _encoded(whole.quantize(256, dither=Pixels.Dither.NONE))
    return content


def smaller(picture: Rgb, share: float) -> Rgb:
    """Reduce a picture whose colours carry numbers, so that it can keep them all."""
    height, width, _ = picture.shape
    size = (round(width * share), round(height * share))
    return np.array(Pixels.fromarray(picture).resize(size, Pixels.Resampling.LANCZOS))


def rgb_of(content: bytes) -> Rgb:
    """Decode a PNG."""
    return np.array(Pixels.open(io.BytesIO(content)).convert("RGB"))


def _encoded(picture: Pixels.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, format="png", optimize=True)
    return out.getvalue()


def _run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def _size_mm(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches()
    return float(width) * MM_PER_INCH, float(height) * MM_PER_INCH
