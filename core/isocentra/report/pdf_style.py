"""Type and colours of the PDF, and text that any font of it can draw.

The one place that registers fonts with reportlab. Registering twice changes nothing.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

from isocentra.report.fonts import BOLD, HAN, HANGUL, REGULAR, font_path, runs
from isocentra.verdict import Status

__all__ = [
    "BODY",
    "INK",
    "LINE",
    "SOFT",
    "STATUS_COLOURS",
    "STRONG",
    "TINTS",
    "draw_text",
    "encodable",
    "markup",
    "register_fonts",
    "style",
    "text_width",
]

BODY: Final = REGULAR
STRONG: Final = BOLD

INK: Final[Color] = HexColor("#1c2733")
SOFT: Final[Color] = HexColor("#566575")
LINE: Final[Color] = HexColor("#cfd8e0")

STATUS_COLOURS: Final[dict[Status, Color]] = {
    Status.PASS: HexColor("#17663c"),
    Status.FAIL: HexColor("#a3222a"),
    Status.INCOMPLETE: HexColor("#7a4f00"),
    Status.DONE: HexColor("#37506a"),
}
TINTS: Final[dict[Status, Color]] = {
    Status.PASS: HexColor("#e6f4ec"),
    Status.FAIL: HexColor("#fbe9e9"),
    Status.INCOMPLETE: HexColor("#fdf3de"),
    Status.DONE: HexColor("#eaf0f6"),
}


def register_fonts() -> None:
    """Give reportlab the fonts of this report."""
    there = set(pdfmetrics.getRegisteredFontNames())
    for name in (REGULAR, BOLD):
        if name not in there:
            pdfmetrics.registerFont(TTFont(name, str(font_path(name))))
    for name in (HAN, HANGUL):
        if name not in there:
            pdfmetrics.registerFont(UnicodeCIDFont(name))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD)


def style(
    size: float, *, font: str = BODY, colour: Color = INK, right: float = 0.0, after: float = 0.0
) -> Any:  # noqa: ANN401  # reportlab has no types
    """Return a paragraph style; `right` is 1 to align right [pt]."""
    return ParagraphStyle(
        name=f"{font}-{size}",
        fontName=font,
        fontSize=size,
        leading=size * 1.32,
        textColor=colour,
        spaceAfter=after,
        splitLongWords=1,
        **({"alignment": TA_RIGHT} if right else {}),
    )


def markup(text: str) -> str:
    """Escape plain text for reportlab's paragraphs, each part in a font that draws it."""
    return "".join(
        escape(part) if font == REGULAR else f'<font name="{font}">{escape(part)}</font>'
        for font, part in runs(one_line(text))
    )


def encodable(text: str) -> str:
    """Escape lone surrogates (bytes that were no text in their file): no file can hold them."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """Make line breaks and runs of blanks one blank each; no-break spaces stay."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def text_width(text: str, size: float) -> float:
    """Return the width of a line of plain text [pt]."""
    return float(sum(pdfmetrics.stringWidth(part, font, size) for font, part in runs(text)))


def draw_text(
    canvas: Any,  # noqa: ANN401  # reportlab has no types
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    room: float | None = None,
) -> None:
    """Draw one line; with `room` it ends at `x` and is cut to that width [pt]."""
    line = one_line(text)
    if room is not None:
        while len(line) > 1 and text_width(line, size) > room:
            line = line[:-2] + "…"
        x -= text_width(line, size)
    for font, part in runs(line):
        canvas.setFont(font, size)
        canvas.drawString(x, y, part)
        x += pdfmetrics.stringWidth(part, font, size)
