"""The head of every object that is written here, and its bytes.

image header ──► patient, study, series, equipment, frame ──► + the object's own elements ──► bytes

Derived objects stay in the study and the frame of reference of the image they belong to and get new
Series and SOP Instance UIDs, which follow from their content: the same input gives the same bytes.
No clock is read: dates come from the caller or from the image.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ImplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from isocentra.dicom.elements import is_date
from isocentra.dicom.uids import derived_uid
from isocentra.image import Image, SeriesHeader
from isocentra.result import program_version

__all__ = [
    "Made",
    "as_ds",
    "encoded",
    "head",
    "item",
    "moment",
    "reference",
    "referenced_series",
    "sealed",
    "slices",
]

IMPLEMENTATION_CLASS_UID: Final = derived_uid("isocentra", "implementation class")
IMPLEMENTATION_VERSION_NAME: Final = "ISOCENTRA"

_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_SEXES: Final = ("M", "F", "O")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """When an object was made, where the caller wants it told; else the study's date stands."""

    date: str = ""
    """YYYYMMDD."""
    time: str = ""
    """HHMMSS."""


def head(image: Image, *, sop_class_uid: str, modality: str, made: Made) -> Dataset:
    """Return a data set with the modules that all derived objects share.

    PS3.3: Patient C.7.1.1, General Study C.7.2.1, Series C.7.3.1, Frame of Reference C.7.4.1,
    General Equipment C.7.5.1, SOP Common C.12.1.
    """
    header = image.header
    date, time = moment(header, made)
    out = Dataset()
    out.SpecificCharacterSet = "ISO_IR 192"
    out.SOPClassUID = sop_class_uid
    out.StudyDate = header.study_date if is_date(header.study_date) else ""
    out.StudyTime = header.study_time if _TIME.fullmatch(header.study_time) else ""
    out.AccessionNumber = header.accession_number[:16]
    out.Modality = modality
    out.Manufacturer = "Isocentra"
    out.ReferringPhysicianName = header.referring_physician
    out.OperatorsName = ""
    out.ManufacturerModelName = "Isocentra"
    if is_date(date):
        out.SeriesDate, out.SeriesTime = date, time
    out.PatientName = header.patient.name
    out.PatientID = header.patient.id
    born, sex = header.patient.birth_date, header.patient.sex
    out.PatientBirthDate = born if is_date(born) else ""
    out.PatientSex = sex if sex in _SEXES else ""
    out.SoftwareVersions = program_version()
    out.StudyInstanceUID = header.study_uid or derived_uid("study", header.series_uid)
    out.StudyID = header.study_id[:16]
    out.SeriesNumber = 1
    out.FrameOfReferenceUID = image.grid.frame_of_reference_uid
    out.PositionReferenceIndicator = ""
    return out


def moment(header: SeriesHeader, made: Made) -> tuple[str, str]:
    """Return the date and time to tell: the caller's, else the study's, else none."""
    if made.date:
        return made.date, made.time
    date = header.study_date if is_date(header.study_date) else ""
    return date, header.study_time if _TIME.fullmatch(header.study_time) else ""


def sealed(out: Dataset, role: str) -> bytes:
    """Give the object its UIDs, made from its content and `role`, and return the file's bytes."""
    out.SOPInstanceUID = out.SeriesInstanceUID = "2.25.0"
    content = hashlib.sha256(encoded(out)).hexdigest()
    out.SeriesInstanceUID = derived_uid(role, "series", content)
    out.SOPInstanceUID = derived_uid(role, "instance", content)
    return encoded(out)


def encoded(out: Dataset) -> bytes:
    """Return a Part 10 file, implicit VR little endian.

    With explicit VRs a decimal string may not exceed 64 KiB, which a contour of 2,700 points does.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = out.SOPClassUID
    meta.MediaStorageSOPInstanceUID = out.SOPInstanceUID
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    out.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(buffer, out, enforce_file_format=True, little_endian=True, implicit_vr=True)
    return buffer.getvalue()


def item(**elements: object) -> Dataset:
    """Return a sequence item with the named elements."""
    out = Dataset()
    for keyword, value in elements.items():
        setattr(out, keyword, value)
    return out


def reference(sop_class_uid: str, sop_uid: str) -> Dataset:
    """Return an item that references an instance."""
    return item(ReferencedSOPClassUID=sop_class_uid, ReferencedSOPInstanceUID=sop_uid)


def slices(image: Image) -> list[Dataset]:
    """Return items that reference every slice of the image; an Enhanced object once."""
    header = image.header
    return [reference(header.sop_class_uid, uid) for uid in dict.fromkeys(header.sop_uids)]


def referenced_series(image: Image) -> Dataset:
    """Return the item of the Common Instance Reference module (C.12.2) for the image's series."""
    return item(SeriesInstanceUID=image.header.series_uid, ReferencedInstanceSequence=slices(image))


def as_ds(value: float) -> str:
    """Write a number as a decimal string of at most 16 characters, without a negative zero."""
    if not np.isfinite(value):
        raise ValueError(f"{value} cannot be written as a decimal string")
    return format_number_as_ds(float(value) + 0.0).strip()
