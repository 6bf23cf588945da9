"""The kernel sources as package data: their text for the GPU, their hash for the CPU libraries."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

__all__ = ["LANES", "NVRTC_OPTIONS", "SOURCE_FOLDER", "source_hash", "source_text"]

SOURCE_FOLDER: Final = Path(__file__).parent / "src"

LANES: Final = 128
"""Lanes of a team (GK_W): threads of a block, and the piece of a row that a team works on."""

NVRTC_OPTIONS: Final = ("--std=c++17", "--fmad=false", f"-DGK_W={LANES}")
"""No contraction and no fast math: both devices do the same operations."""


def source_text(name: str) -> str:
    """Return a kernel file with its one header pasted in: all that NVRTC needs."""
    header = (SOURCE_FOLDER / "gk.h").read_text(encoding="utf-8").replace("#pragma once", "")
    body = (SOURCE_FOLDER / name).read_text(encoding="utf-8")
    return body.replace('#include "gk.h"', header)


def source_hash() -> str:
    """Hash over all sources, by the same rule as CMakeLists.txt: the libraries carry it."""
    lines = (
        f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        for file in sorted(SOURCE_FOLDER.iterdir())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
