"""Whose object it is: patient and study of a data set, and whether two belong together.

data set ──► Patient; two patients ──► nothing, or MIXED_PATIENTS without naming either
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from isocentra.dicom import elements
from isocentra.errors import AssemblyError, Where
from isocentra.image import Patient

__all__ = ["patient_of", "refuse_other_patient"]


def patient_of(data: Dataset) -> Patient:
    """Return the patient as the data set names him."""
    return Patient(
        name=elements.text(data, "PatientName"),
        id=elements.text(data, "PatientID"),
        birth_date=elements.text(data, "PatientBirthDate"),
        sex=elements.text(data, "PatientSex"),
    )


def refuse_other_patient(one: Patient, other: Patient, file: str) -> None:
    """Refuse two objects whose patient IDs differ; without IDs, whose names differ.

    Raises
    ------
    AssemblyError
        ``MIXED_PATIENTS``; neither name nor ID stands in the message.
    """
    if one.id.strip() and other.id.strip():
        differ, what = one.id.strip() != other.id.strip(), "Patient IDs"
    else:
        names = {_plain(one.name), _plain(other.name)} - {""}
        differ, what = len(names) > 1, "patient's names"
    if differ:
        raise AssemblyError(
            "MIXED_PATIENTS",
            f"The {what} of the two objects differ.",
            where=Where(file=file),
            do="Give objects of one patient; correct the IDs at their source if they are one.",
        )


def _plain(name: str) -> str:
    """Return the name without what systems write differently: case, blanks, empty components."""
    return " ".join(name.replace("^", " ").replace("=", " ").casefold().split())
