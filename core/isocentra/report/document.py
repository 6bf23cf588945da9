"""What a report says, before it is a page: one frozen document for HTML and PDF alike.

a job's Result + Pictures ──► Report ──► html.report_html, pdf.report_pdf (same content, same order)

Page 1 decides: verdict, worst check with its limit, lead picture, identity of the inputs, two
lines to sign. The last page accounts: provenance, what was not checked, warnings. Every text here
is plain; the renderers escape it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from isocentra.progress import Stage
from isocentra.report.viewer import ViewerScene
from isocentra.result import Finding, InputRef, OutputRef, Software
from isocentra.verdict import Check, Status

__all__ = [
    "Align",
    "Beside",
    "Block",
    "CheckTable",
    "Column",
    "Paragraph",
    "Picture",
    "Provenance",
    "Report",
    "Row",
    "Section",
    "SignLines",
    "Table",
    "Viewer3d",
]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class Align(StrEnum):
    """How the cells of a column stand."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """One paragraph of running text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    title: str
    align: Align = Align.LEFT
    share: float = 1.0
    """Width relative to the other columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of finished texts; an empty cell is one to fill in by hand."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of {self.caption!r} has not {len(self.columns)} cells")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Narrow tables in two columns, side by side where there is room."""

    left: tuple[Table, ...]
    right: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A PNG with its caption, and the words that stand for it where it cannot be seen."""

    png: bytes
    caption: str
    alt: str
    width_mm: float = 174.0
    """Width on paper; the text of the picture was set for it [mm]."""

    def __post_init__(self) -> None:
        if not self.png.startswith(PNG_MAGIC):
            raise ValueError("a picture is a PNG")
        if not self.alt.strip():
            raise ValueError("a picture needs words for who cannot see it")

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height in pixels, from the PNG's IHDR."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer3d:
    """A scene to turn in the HTML; `still` stands below it, and alone on paper."""

    scene: ViewerScene
    still: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTable:
    """All checks with value, limit and sentence, in the result's order."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignLines:
    """Two lines to sign, each with the role of who signs."""

    roles: tuple[str, str] = ("Prepared by", "Reviewed by")


Block = Paragraph | Table | Beside | Picture | Viewer3d | CheckTable | SignLines


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    new_page: bool = False
    """Whether it begins a page on paper: a sheet that is handed on alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A label with its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What went in, what came out, what made it."""

    inputs: tuple[InputRef, ...]
    outputs: tuple[OutputRef, ...]
    software: Software
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str
    subject: str
    """Whose and which: repeated on every page."""
    status: Status
    checks: tuple[Check, ...]
    identity: tuple[Row, ...]
    lead: Picture
    sections: tuple[Section, ...]
    provenance: Provenance
    not_checked: tuple[str, ...]
    warnings: tuple[Finding, ...]
    program: str
    """Name and version of the program, as it stands in the foot of every page."""
    sign: SignLines = SignLines()


def blocks_of(sections: Sequence[Section]) -> tuple[Block, ...]:
    """Return the blocks of all sections in reading order."""
    return tuple(block for section in sections for block in section.blocks)
