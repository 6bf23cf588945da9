"""Frames of reference: two objects without the same one never meet without a registration."""

from __future__ import annotations

from isocentra.errors import AssemblyError

__all__ = ["require_same_frame"]


def require_same_frame(one: str, other: str, what: str) -> None:
    """Refuse two different frames of reference; an empty UID is not known and meets any.

    Raises
    ------
    AssemblyError
        ``FOREIGN_FRAME_OF_REFERENCE``.
    """
    if one and other and one != other:
        raise AssemblyError(
            "FOREIGN_FRAME_OF_REFERENCE",
            f"{what} lie in different frames of reference ({one} and {other}).",
            do="Give the registration between them, or objects of one frame of reference.",
        )
