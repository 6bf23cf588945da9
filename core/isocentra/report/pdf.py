"""A report as PDF: A4, the same content in the same order as the HTML, the same bytes every time.

Report ──► report_pdf ──► bytes

Page 1 is filled by measure: verdict, identity and sign lines take what they need, the lead picture
takes the rest. Every page carries the subject, the program's version and its number of all.
"""

from __future__ import annotations

import io
from typing import Any, Final, assert_never

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, PageBreak, SimpleDocTemplate, Spacer
from reportlab.platypus.flowables import CallerMacro, KeepInFrame

from isocentra.report.account import account_tables
from isocentra.report.document import (
    Beside,
    Block,
    CheckTable,
    Paragraph,
    Picture,
    Report,
    SignLines,
    Table,
    Viewer3d,
)
from isocentra.report.pdf_parts import (
    MOST_PICTURE,
    Flowables,
    banner,
    beside,
    bullets,
    check_table,
    heading,
    identity,
    masthead,
    picture,
    picture_within,
    sign_lines,
    subheading,
    table,
    text,
)
from isocentra.report.pdf_style import (
    BODY,
    INK,
    LINE,
    SOFT,
    draw_text,
    encodable,
    register_fonts,
    text_width,
)

__all__ = ["TEXT_WIDTH_MM", "report_pdf"]

rl_config.useA85 = 0  # streams as bytes: as text they are a quarter longer and take seconds

MARGIN_MM: Final = 18.0
TOP_MM: Final = 20.0
BOTTOM_MM: Final = 18.0
TEXT_WIDTH_MM: Final = 174.0
LEAST_LEAD_MM: Final = 55.0
"""Height that the lead picture keeps, however long the identity is [mm]."""

PAGES_FORM: Final = "pages"
SMALL_PT: Final = 7.0


def report_pdf(report: Report) -> bytes:
    """Return the report as PDF."""
    register_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN_MM * mm,
        rightMargin=MARGIN_MM * mm,
        topMargin=TOP_MM * mm,
        bottomMargin=BOTTOM_MM * mm,
        title=encodable(f"{report.title} – {report.subject}"),
        author=encodable(report.program),
        subject=encodable(report.subtitle),
        creator=encodable(report.program),
        lang="en",
        invariant=1,
    )
    # A frame pads its text by 6 pt on each side.
    document.leftMargin -= 6
    document.rightMargin -= 6

    def decorate(canvas: Any, page: Any) -> None:  # noqa: ANN401  # reportlab has no types
        _decorate(canvas, page.page, report)

    story = [*_first_page(report, document), *_rest(report)]
    story.append(CallerMacro(drawCallable=_write_page_count))
    document.build(story, onFirstPage=decorate, onLaterPages=decorate)
    return out.getvalue()


def _first_page(report: Report, document: Any) -> Flowables:  # noqa: ANN401  # as above
    """Fit the deciding page: everything at its own height, the lead picture in what is left."""
    width, height = TEXT_WIDTH_MM * mm, document.height - 12 - 2
    top = [*masthead(report), *banner(report)]
    signs = sign_lines(report.sign)
    fixed = _height([*top, *signs], width)
    rows = identity(report.identity)
    rows_height = _height(rows, width)
    most = height - fixed - LEAST_LEAD_MM * mm
    if rows_height > most:
        rows = [KeepInFrame(width, most, rows, mode="shrink")]
        rows_height = most
    lead = picture_within(report.lead, height - fixed - rows_height)
    spare = max(0.0, height - fixed - rows_height - _height(lead, width))
    return [*top, *lead, *rows, Spacer(1, spare), *signs, PageBreak()]


def _rest(report: Report) -> Flowables:
    story = [*heading("Checks"), *check_table(report.checks)]
    for section in report.sections:
        if section.new_page:
            story.append(PageBreak())
        first, *others = section.blocks
        story += _headed(section.title, first)
        story += [flowable for block in others for flowable in _block(block)]
    story += [PageBreak(), *heading("Account")]
    for each in account_tables(report.provenance):
        story += table(each)
    story += [*subheading("What was not checked"), *bullets(report.not_checked)]
    story += [*subheading("Warnings")]
    found = [f"{finding.code}: {finding.message}" for finding in report.warnings]
    story += bullets(found) if found else text("None.")
    return story


def _headed(title: str, first: Block) -> Flowables:
    """Return a heading that never stands alone at the foot of a page."""
    still = first.still if isinstance(first, Viewer3d) else first
    if isinstance(still, Picture):
        return [KeepTogether([*heading(title), *picture_within(still, MOST_PICTURE)])]
    return [*heading(title), *_block(first)]


def _block(block: Block) -> Flowables:
    match block:
        case Paragraph():
            found = text(block.text)
        case Table():
            found = table(block)
        case Beside():
            found = beside(block)
        case Picture():
            found = picture(block)
        case Viewer3d():
            found = picture(block.still)
        case CheckTable():
            found = check_table(block.checks)
        case SignLines():
            found = sign_lines(block)
        case _:
            assert_never(block)
    return found


def _height(flowables: Flowables, width: float) -> float:
    """Return the height of flowables below one another, their own spaces included [pt]."""
    total, before = 0.0, 0.0
    for flowable in flowables:
        total += flowable.wrap(width, 10_000)[1] + max(before, flowable.getSpaceBefore())
        before = flowable.getSpaceAfter()
    return total + before


def _decorate(canvas: Any, number: int, report: Report) -> None:  # noqa: ANN401  # no types
    width, height = A4
    left, right = MARGIN_MM * mm, width - MARGIN_MM * mm
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.6)
    canvas.setFillColor(SOFT)
    base = height - 13 * mm
    if number > 1:
        draw_text(canvas, left, base, report.title, SMALL_PT)
    room = right - left - (text_width(report.title, SMALL_PT) + 12 if number > 1 else 0)
    draw_text(canvas, right, base, report.subject, SMALL_PT, room=room)
    canvas.line(left, base - 5, right, base - 5)
    base = 11 * mm
    canvas.line(left, base + 11, right, base + 11)
    draw_text(canvas, left, base, report.program, SMALL_PT)
    canvas.drawCentredString(
        width / 2, base, "Research software, not a medical device: a person decides."
    )
    canvas.drawRightString(right - 14, base, f"Page {number}")
    canvas.translate(right - 14, base)
    canvas.doForm(PAGES_FORM)
    canvas.restoreState()


def _write_page_count(flowable: Any) -> None:  # noqa: ANN401  # no types
    """Define the form that every page has already placed: the number of pages is known now."""
    canvas = flowable.canv
    total = canvas.getPageNumber()
    canvas.beginForm(PAGES_FORM, -2, -4, 40, 12)
    canvas.setFillColor(SOFT)
    canvas.setFont(BODY, SMALL_PT)
    canvas.drawString(0, 0, f" / {total}")
    canvas.setFillColor(INK)
    canvas.endForm()
