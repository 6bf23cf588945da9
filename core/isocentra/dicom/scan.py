"""What is in a folder: every file through the gate once, images listed, the rest remarked.

folder or zip ──► scan ──► Scan (image headers, remarks) ──► list_series
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from isocentra.dicom.files import Source, open_sources
from isocentra.dicom.gate import read_bytes
from isocentra.dicom.preamble import looks_like_dicom
from isocentra.dicom.refusal import refusal
from isocentra.dicom.slices import SliceHeader, slice_header
from isocentra.dicom.sop_classes import Kind
from isocentra.errors import ReadingError, printable

__all__ = ["Found", "Scan", "SeriesListing", "list_series", "scan_sources"]

_CLAIMS: Final = frozenset({".dcm", ".dicom", ".dic", ".ima"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One image and where to read it again."""

    header: SliceHeader
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a folder holds."""

    images: tuple[Found, ...]
    others: int
    """Objects that are no image: structure sets, plans, doses, registrations."""
    remarks: tuple[tuple[str, str], ...]
    """Code and message of each file that was stepped over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesListing:
    """One series of a folder."""

    series_uid: str
    modality: str
    description: str
    files: int
    rows: int
    columns: int
    image_type: tuple[str, ...]


def scan_sources(sources: list[Source]) -> Scan:
    """Read the headers of all files.

    A file that does not claim to be DICOM and an object of a class that is not read are remarks; a
    DICOM file that the gate refuses is an error.

    Raises
    ------
    ReadingError
        From the gate. When a single file was given, any refusal of it.
    """
    images: list[Found] = []
    remarks: list[tuple[str, str]] = []
    others = 0
    for source in sources:
        if len(sources) > 1 and not _is_meant(source):
            remarks.append(("NOT_DICOM", f"{printable(source.name)} is no DICOM file."))
            continue
        try:
            file = read_bytes(source.content(), source.name, pixels=False)
        except ReadingError as error:
            if error.reason != "UNSUPPORTED_SOP_CLASS" or len(sources) == 1:
                raise
            remarks.append((error.reason, f"{printable(source.name)}: {error.what}"))
            continue
        remarks.extend(file.warnings)
        if file.kind in {Kind.IMAGE, Kind.ENHANCED}:
            images.append(Found(header=slice_header(file), source=source))
        else:
            others += 1
    return Scan(images=tuple(images), others=others, remarks=tuple(remarks))


def _is_meant(source: Source) -> bool:
    """Whether a file of a folder is meant to be DICOM, by its first bytes or its name."""
    if looks_like_dicom(source.head()):
        return True
    name = source.name.lower()
    return any(name.endswith(end) for end in _CLAIMS) and not name.startswith("._")


def list_series(path: Path | str) -> tuple[SeriesListing, ...]:
    """Return the image series of a folder or zip, by UID.

    Raises
    ------
    ReadingError
        From the gate and the archive.
    """
    groups: dict[str, list[SliceHeader]] = defaultdict(list)
    with open_sources(Path(path)) as sources:
        if not sources:
            raise refusal("NOT_DICOM", "The folder is empty.", Path(path).name)
        for found in scan_sources(sources).images:
            groups[found.header.series_uid].append(found.header)
    return tuple(
        SeriesListing(
            series_uid=uid,
            modality=members[0].modality,
            description=members[0].description,
            files=len(members),
            rows=members[0].rows,
            columns=members[0].columns,
            image_type=members[0].image_type,
        )
        for uid, members in sorted(groups.items())
    )
