"""UIDs that follow from content: the same input gives the same UID."""

from __future__ import annotations

import hashlib

__all__ = ["derived_uid"]


def derived_uid(*parts: str) -> str:
    """Return a UID made from a hash of `parts`, which must name content and role.

    Notes
    -----
    ``2.25.`` followed by the first 128 bits of SHA-256 as a decimal number (≤ 44 characters), the
    UUID-derived form of DICOM PS3.5 B.2 with a hash in place of a random UUID.
    """
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
