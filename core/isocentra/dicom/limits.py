"""How much one file, one archive, one folder may ask for.

The figures keep the promise of one file ≤ 2 s and ≤ 256 MiB above idle (benchmarks/gate.py); each
stands well above the largest real file that was found.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "MAX_ARCHIVE_ENTRIES",
    "MAX_ARCHIVE_RATIO",
    "MAX_DECODED_BYTES",
    "MAX_DEPTH",
    "MAX_ELEMENTS",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_FOLDER_DEPTH",
    "MAX_FRAGMENTS",
    "MAX_HEADER_BYTES",
    "MAX_ITEMS",
    "MAX_MATRIX",
    "MAX_NUMBERS",
    "MAX_NUMBER_CHARACTERS",
    "MAX_RLE_RUNS",
]

MIB: Final = 1 << 20

MAX_FILE_BYTES: Final = 224 * MIB
"""One file: a classic slice has 0.5 MiB, an Enhanced CT of 440 frames 220 MiB."""
MAX_HEADER_BYTES: Final = 64 * MIB
"""All that is not pixel data: the largest structure sets seen have some 40 MiB."""
MAX_DEPTH: Final = 32
"""Sequences inside sequences: plans need 5, structured reports about 10."""
MAX_ELEMENTS: Final = 250_000
MAX_ITEMS: Final = 48_000
"""Items of all sequences together: 23,000 contours that each name their slice."""
MAX_FRAGMENTS: Final = 20_000
MAX_MATRIX: Final = 8192
"""Rows or columns of an image: CT and MR stay at or below 2048."""
MAX_DECODED_BYTES: Final = 96 * MIB
"""Pixel data after decompression."""
MAX_RLE_RUNS: Final = 3_000_000
"""PackBits runs of one file: about 1 s; 64 frames of 512 × 512 need 1 to 2 million."""
MAX_NUMBERS: Final = 5_000_000
"""Decimal and integer strings of one file: 1.6 million contour points, about 1 s to judge."""
MAX_NUMBER_CHARACTERS: Final = 64
"""One decimal or integer string: 16 are legal, 18 to 24 are met."""

MAX_FILES: Final = 20_000
MAX_FOLDER_DEPTH: Final = 16

MAX_ARCHIVE_ENTRIES: Final = 20_000
MAX_ARCHIVE_RATIO: Final = 100
"""Unpacked to packed bytes of one entry that is larger than 1 MiB: CT slices reach 2 to 20."""
MAX_ARCHIVE_BYTES: Final = 8 << 30
"""All entries together, counted while they are unpacked."""
