"""A report as one HTML file that opens offline.

Report ──► report_html ──► bytes: pictures as data URIs, style and scripts inside

Every text is escaped by the template. The Content Security Policy names the hashes of our own
style and scripts: a script that came in with a name from a data set would not run even if it were
not escaped; nothing can be fetched or sent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from isocentra.report.account import account_tables
from isocentra.report.document import Block, Picture, Report, Viewer3d, blocks_of
from isocentra.report.viewer import scene_json
from isocentra.report.wording import (
    SIGNS,
    check_figures,
    check_title,
    check_value,
    status_sentence,
    worst_label,
)
from isocentra.verdict import worst_check

__all__ = ["report_html"]

CSS_PX_PER_MM = 96 / 25.4
SCREEN_FACTOR = 1.28
"""Pictures are set for 174 mm of paper; a screen column is 56 rem, 896 px."""


def report_html(report: Report) -> bytes:
    """Return the report as UTF-8 HTML."""
    style = _shipped("report.css")
    has_view = any(isinstance(block, Viewer3d) for block in blocks_of(report.sections))
    scripts = [_shipped(n) for n in ("three.iife.min.js", "viewer.js")] if has_view else []
    page = (
        _environment()
        .from_string(_shipped("report.html.j2"))
        .render(
            report=report,
            account=account_tables(report.provenance),
            policy=_policy(style, scripts),
            scripts=scripts,
            sentence=status_sentence(report.status, report.checks),
            signs=SIGNS,
            style=style,
            worst=worst_check(report.checks),
            worst_label=worst_label(report.status),
        )
    )
    return page.encode("utf-8", errors="backslashreplace")


def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters.update(
        check_figures=check_figures,
        check_title=check_title,
        check_value=check_value,
        css_width=_css_width,
        data_uri=_data_uri,
        kind=_kind,
        scene_json=scene_json,
    )
    return environment


def _policy(style: str, scripts: Sequence[str]) -> str:
    script = " ".join(_hash(s) for s in scripts) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {script}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _shipped(name: str) -> str:
    return (files("isocentra.report") / "data" / name).read_text(encoding="utf-8")


def _data_uri(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.png).decode("ascii")


def _css_width(picture: Picture) -> int:
    return round(picture.width_mm * CSS_PX_PER_MM * SCREEN_FACTOR)


def _kind(block: Block) -> str:
    return type(block).__name__
