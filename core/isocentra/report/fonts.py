"""The typeface of reports and pictures: DejaVu Sans, as matplotlib ships it.

text from a data set ──► drawable (pictures), runs (PDF: which font draws which part)

DejaVu covers Latin, Greek, Cyrillic, Hebrew, Arabic and more, but not Chinese, Japanese or Korean.
For those the PDF names one of the fonts that every viewer of PDF brings (PDF 32000-1, 9.7.5.2);
what no font here can draw is written as its code point, so nothing vanishes silently.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final
from unicodedata import category

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

__all__ = ["BOLD", "HAN", "HANGUL", "REGULAR", "drawable", "font_path", "runs"]

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
HAN: Final = "STSong-Light"
"""Chinese and Japanese: its UCS-2 map holds both Han repertoires and kana."""
HANGUL: Final = "HYSMyeongJo-Medium"

HAN_RANGES: Final = ((0x3000, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xFF00, 0xFFEF))
HANGUL_RANGES: Final = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))


def font_path(name: str) -> Path:
    """Return the file of a DejaVu font."""
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"


def drawable(text: str) -> str:
    """Write what DejaVu Sans cannot draw as its code point; for text inside pictures."""
    known = _covered()
    return "".join(c if ord(c) in known and _is_visible(c) else _escaped(c) for c in text)


def runs(text: str) -> tuple[tuple[str, str], ...]:
    """Split text into (font, part); parts that no font draws are escaped in the regular one."""
    pieces = []
    for font, characters in groupby(text, key=_font_of):
        part = "".join(characters)
        pieces.append((font or REGULAR, part if font else "".join(map(_escaped, part))))
    return tuple(pieces)


def _font_of(character: str) -> str:
    """Return the font of a character, empty where there is none."""
    code = ord(character)
    if code in _covered() and _is_visible(character):
        return REGULAR
    for font, ranges in ((HAN, HAN_RANGES), (HANGUL, HANGUL_RANGES)):
        if any(low <= code <= high for low, high in ranges):
            return font
    return ""


def _is_visible(character: str) -> bool:
    """Return whether a character prints or is a space: controls and direction marks do neither."""
    return character.isprintable() or category(character) == "Zs"


def _escaped(character: str) -> str:
    """Return the code point of a character, as Python writes it."""
    return character.encode("unicode_escape", errors="surrogatepass").decode()


@cache
def _covered() -> frozenset[int]:
    return frozenset(FT2Font(str(font_path(REGULAR))).get_charmap())
