"""Which of the images in a folder are the one series that is asked for.

all images ──► choose_series ──► members of one series, and remarks on what was set aside

Scout views and reformats are set aside and named; two of anything else are an error that lists
them, never a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np

from isocentra.dicom.scan import Found, Scan
from isocentra.dicom.slices import SliceHeader, shown_types
from isocentra.dicom.sop_classes import Kind
from isocentra.errors import AssemblyError, Where, printable

__all__ = ["ORIENTATION_SPREAD", "Remarks", "choose_series"]

Remarks = list[tuple[str, str]]
ORIENTATION_SPREAD: Final = 1e-4
"""Largest difference of direction cosines within one stack."""


def choose_series(scan: Scan, series_uid: str | None, remarks: Remarks) -> list[Found]:
    """Return the files of the one series, in no order; what is set aside goes to `remarks`.

    Raises
    ------
    AssemblyError
        ``NO_SERIES``, ``SEVERAL_SERIES``, ``MIXED_PATIENTS``, ``MIXED_ORIENTATION``,
        ``FOREIGN_FRAME_OF_REFERENCE``.
    """
    images = list(scan.images)
    if not images:
        raise AssemblyError(
            "NO_SERIES",
            f"There is no image here: {scan.others} other objects,"
            f" {len(scan.remarks)} files that are not read.",
            do="Give the folder with the CT, MR or PT slices.",
        )
    if series_uid is not None:
        known = sorted({found.header.series_uid for found in images})
        images = [found for found in images if found.header.series_uid == series_uid]
        if not images:
            raise AssemblyError(
                "NO_SERIES",
                f"There is no series {printable(series_uid)}; there are {', '.join(known[:10])}.",
                do="Name one of these series.",
            )
    if len({found.header.patient_key for found in images}) > 1:
        raise AssemblyError(
            "MIXED_PATIENTS",
            "The images belong to different patients.",
            where=Where(file=images[0].header.name),
            do="Give the images of one patient, in a folder of their own.",
        )
    images = _set_aside(images, remarks, "LOCALIZER", lambda header: header.is_localizer)
    if not images:
        raise AssemblyError(
            "NO_SERIES",
            "All images here are scout views.",
            do="Give the folder with the slices themselves.",
        )
    if any(not found.header.is_derived for found in images):
        images = _set_aside(images, remarks, "DERIVED", lambda header: header.is_derived)
    _check_one_series(images)
    _check_one_stack(images)
    return images


def _set_aside(
    images: list[Found], remarks: Remarks, code: str, odd: Callable[[SliceHeader], bool]
) -> list[Found]:
    kept = [found for found in images if not odd(found.header)]
    aside = Counter(found.header.series_uid for found in images if odd(found.header))
    remarks.extend(
        (code, f"{count} image(s) of series {uid} are set aside.")
        for uid, count in sorted(aside.items())
    )
    return kept


def _check_one_series(images: list[Found]) -> None:
    counts = Counter(found.header.series_uid for found in images)
    if len(counts) == 1:
        return
    first = {found.header.series_uid: found.header for found in reversed(images)}
    lines = "; ".join(
        f"{uid} ({first[uid].modality}, {count} files, {first[uid].rows} × {first[uid].columns},"
        f" {shown_types(first[uid].image_type)})"
        for uid, count in sorted(counts.items())[:10]
    )
    raise AssemblyError(
        "SEVERAL_SERIES",
        f"There are {len(counts)} series: {lines}.",
        do="Name one of them, or give a folder with one series.",
    )


def _check_one_stack(images: list[Found]) -> None:
    """Refuse a series whose slices do not belong to one stack."""
    headers = [found.header for found in images]
    uid = headers[0].series_uid
    if len({header.frame_uid for header in headers}) > 1:
        raise AssemblyError(
            "FOREIGN_FRAME_OF_REFERENCE",
            "The slices of one series lie in different frames of reference.",
            where=Where(uid=uid),
            do="Export the series again.",
        )
    kinds = Counter(_stack_key(header) for header in headers)
    if len(kinds) > 1 or (headers[0].kind is Kind.ENHANCED and len(headers) > 1):
        in_order = sorted(kinds.items())
        lines = "; ".join(f"{count} of {shown}" for (shown, _), count in in_order[:10])
        numbers = sorted({header.acquisition for header in headers} - {""})
        raise AssemblyError(
            "SEVERAL_SERIES",
            f"One series UID stands for several sets of images: {lines};"
            f" acquisitions {printable(', '.join(numbers) or 'not told')}.",
            where=Where(uid=uid),
            do="Put each set into a folder of its own.",
        )
    orientations = np.array([header.orientation for header in headers])
    if orientations.size and np.abs(orientations - orientations[0]).max() > ORIENTATION_SPREAD:
        raise AssemblyError(
            "MIXED_ORIENTATION",
            "The slices of one series have different orientations.",
            where=Where(uid=uid),
            do="Put each orientation into a folder of its own.",
        )


def _stack_key(header: SliceHeader) -> tuple[str, str]:
    """Return what sets a stack apart: as it may be shown, and the flavour as it stands."""
    types = shown_types((header.flavour,) if header.flavour else ())
    spacing = " × ".join(f"{mm:g}" for mm in header.spacing_mm) or "framewise"
    shown = (
        f"{header.modality} {header.rows} × {header.columns} pixels of {spacing} mm,"
        f" {types}, class {header.sop_class_uid}"
    )
    return shown, header.flavour
