"""The parts of a page as reportlab flowables: banner, tables, pictures, lines to sign."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.platypus import Image, KeepTogether, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from isocentra.report.document import Align, Beside, Picture, Report, Row, SignLines, Table
from isocentra.report.pdf_style import (
    BODY,
    INK,
    LINE,
    SOFT,
    STATUS_COLOURS,
    STRONG,
    TINTS,
    markup,
    style,
)
from isocentra.report.wording import (
    MISSING,
    SIGNS,
    check_figures,
    check_title,
    check_value,
    status_sentence,
    worst_label,
)
from isocentra.verdict import Check, worst_check

__all__ = [
    "MOST_PICTURE",
    "Flowables",
    "banner",
    "beside",
    "bullets",
    "check_table",
    "heading",
    "identity",
    "masthead",
    "picture",
    "picture_within",
    "sign_lines",
    "subheading",
    "table",
    "text",
]

Flowables = list[Any]

WIDTH: Final = 174 * mm
GUTTER: Final = 8 * mm
PADDINGS: Final = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
MOST_PICTURE: Final = 215 * mm
"""Height that leaves room for a heading and a caption on one page."""


def text(words: str) -> Flowables:
    """Return a paragraph."""
    return [Paragraph(markup(words), style(8.8, after=6))]


def heading(words: str) -> Flowables:
    """Return a section's heading; it stays with what follows."""
    head = style(13, font=STRONG, after=6)
    head.keepWithNext = 1
    head.spaceBefore = 8
    return [Paragraph(markup(words), head)]


def subheading(words: str) -> Flowables:
    """Return a smaller heading; it stays with what follows."""
    head = style(9.5, font=STRONG, after=4)
    head.keepWithNext = 1
    head.spaceBefore = 6
    return [Paragraph(markup(words), head)]


def bullets(items: Sequence[str]) -> Flowables:
    """Return a list; an empty one is "–"."""
    look = style(8.5, after=3)
    look.leftIndent, look.bulletIndent = 10, 0
    return [Paragraph(markup(item), look, bulletText="•") for item in items] or text(MISSING)


def masthead(report: Report) -> Flowables:
    """Return title and subtitle."""
    return [
        Paragraph(markup(report.title), style(19, font=STRONG, after=2)),
        Paragraph(markup(report.subtitle), style(10.5, colour=SOFT, after=7)),
    ]


def banner(report: Report) -> Flowables:
    """Return the verdict with the check that decides, its value and its limit."""
    colour, tint = STATUS_COLOURS[report.status], TINTS[report.status]
    lines = [
        Paragraph(str(report.status), style(16, font=STRONG, colour=colour, after=2)),
        Paragraph(markup(status_sentence(report.status, report.checks)), style(9)),
    ]
    worst = worst_check(report.checks)
    if worst is not None:
        found = f"{worst_label(report.status)}: {check_title(worst.name)}"
        lines.append(
            Paragraph(
                f"<b>{markup(found)}</b>, {markup(check_value(worst))}. {markup(worst.message)}",
                style(9),
            )
        )
    sign = Paragraph(SIGNS[report.status], style(24, colour=colour))
    grid = Grid([[sign, lines]], colWidths=[14 * mm, WIDTH - 14 * mm])
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), tint),
            ("LINEBEFORE", (0, 0), (0, -1), 5, colour),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ]
    )
    return [grid, Spacer(1, 8)]


def identity(rows: Sequence[Row]) -> Flowables:
    """Return the identity of the inputs as label and text."""
    if not rows:
        return []
    label, words = style(8, colour=SOFT), style(8)
    cells = [[Paragraph(markup(r.label), label), Paragraph(markup(r.text), words)] for r in rows]
    grid = Grid(cells, colWidths=[38 * mm, WIDTH - 38 * mm])
    grid.setStyle([*_rules(first=0), ("LINEABOVE", (0, 0), (-1, 0), 0.5, LINE)])
    return [grid]


def sign_lines(lines: SignLines) -> Flowables:
    """Return two lines to sign, side by side."""
    look, date = style(7.5, colour=SOFT), style(7.5, colour=SOFT, right=1)
    gap, half = 8 * mm, (WIDTH - 8 * mm) / 2
    row: list[Any] = []
    for role in lines.roles:
        row += [Paragraph(markup(f"{role}: name, signature"), look), Paragraph("Date", date), ""]
    grid = Grid([row[:-1]], colWidths=[half * 0.78, half * 0.22, gap, half * 0.78, half * 0.22])
    grid.setStyle(
        [
            ("LINEABOVE", (0, 0), (1, 0), 0.7, INK),
            ("LINEABOVE", (3, 0), (4, 0), 0.7, INK),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return [Spacer(1, 13 * mm), grid]


def check_table(checks: Sequence[Check]) -> Flowables:
    """Return the checks as a table."""
    if not checks:
        return text("No checks: this result judges nothing.")
    head = ("Verdict", "Check", "Found", "Limit", "Unit", "What it means")
    cells = [_head(head, right={2, 3})]
    words, numbers = style(7.8), style(7.8, right=1)
    for check in checks:
        value, limit = check_figures(check)
        verdict = style(7.8, font=STRONG, colour=STATUS_COLOURS[check.status])
        cells.append(
            [
                Paragraph(f"{SIGNS[check.status]} {check.status}", verdict),
                Paragraph(markup(check_title(check.name)), words),
                Paragraph(markup(value), numbers),
                Paragraph(markup(limit), numbers),
                Paragraph(markup(check.unit), words),
                Paragraph(markup(check.message), words),
            ]
        )
    grid = Grid(cells, colWidths=[w * mm for w in (26, 37, 18, 19, 14, 60)], repeatRows=1)
    grid.setStyle(_rules(first=1))
    return [grid, Spacer(1, 6)]


def beside(content: Beside) -> Flowables:
    """Return tables in two columns."""
    half = (WIDTH - GUTTER) / 2
    columns = [
        [flowable for each in side for flowable in table(each, half)]
        for side in (content.left, content.right)
    ]
    grid = Grid([[columns[0], "", columns[1]]], colWidths=[half, GUTTER, half])
    grid.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            *((pad, (0, 0), (-1, -1), 0) for pad in PADDINGS),
        ]
    )
    return [grid]


def table(content: Table, width: float = WIDTH) -> Flowables:
    """Return a table with its caption; the head repeats on every page it runs over."""
    right = {n for n, c in enumerate(content.columns) if c.align is Align.RIGHT}
    cells = [_head([c.title for c in content.columns], right)]
    looks = [style(7.8, right=1.0 if n in right else 0.0) for n in range(len(content.columns))]
    cells += [
        [Paragraph(markup(cell), look) for cell, look in zip(row, looks, strict=True)]
        for row in content.rows
    ]
    whole = sum(c.share for c in content.columns)
    grid = Grid(
        cells,
        colWidths=[width * c.share / whole for c in content.columns],
        repeatRows=1,
        hAlign="LEFT",
    )
    grid.setStyle([*_rules(first=1), *_blanks(content)])
    caption = style(8.8, font=STRONG, after=3)
    caption.keepWithNext = 1
    caption.spaceBefore = 5
    return [Paragraph(markup(content.caption), caption), grid, Spacer(1, 7)]


def picture(content: Picture) -> Flowables:
    """Return a picture that stays with its caption."""
    return [KeepTogether(picture_within(content, MOST_PICTURE))]


def picture_within(content: Picture, most_height: float) -> Flowables:
    """Return a picture with its caption, shrunk where they are higher than `most_height` [pt]."""
    caption = Paragraph(markup(content.caption), style(7.8, colour=SOFT, after=7))
    _, caption_height = caption.wrap(WIDTH, 10_000)
    across, high = content.size_px
    width = min(content.width_mm * mm, WIDTH)
    room = most_height - caption_height - 11
    width = min(width, room * across / high)
    image = Image(io.BytesIO(content.png), width=width, height=width * high / across)
    return [image, Spacer(1, 3), caption]


def _head(titles: Sequence[str], right: set[int]) -> list[Any]:
    return [
        Paragraph(
            markup(title), style(7.4, font=STRONG, colour=SOFT, right=1.0 if n in right else 0.0)
        )
        for n, title in enumerate(titles)
    ]


def _rules(first: int) -> list[tuple[Any, ...]]:
    """Thin lines under rows, a heavier one under the head."""
    rules: list[tuple[Any, ...]] = [
        ("LINEBELOW", (0, first), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
        ("FONT", (0, 0), (-1, -1), BODY),
    ]
    if first:
        rules.append(("LINEBELOW", (0, 0), (-1, 0), 0.8, SOFT))
    return rules


def _blanks(content: Table) -> list[tuple[Any, ...]]:
    """Boxes round the cells that are left to fill in by hand, and rows high enough for a pen."""
    rows = [n for n, cells in enumerate(content.rows, start=1) if "" in cells]
    high = [
        (pad, (0, row), (-1, row), 4.5) for row in rows for pad in ("TOPPADDING", "BOTTOMPADDING")
    ]
    return high + [
        ("BOX", (column, row + 1), (column, row + 1), 0.5, SOFT)
        for row, cells in enumerate(content.rows)
        for column, cell in enumerate(cells)
        if not cell
    ]
