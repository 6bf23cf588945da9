"""What assembling needs to know of one slice, read from its gated header.

GatedFile ──► slice_header ──► SliceHeader (identity, plane, grouping)
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from isocentra.dicom.gate import GatedFile
from isocentra.dicom.sop_classes import MODALITY, Kind
from isocentra.errors import AssemblyError, Where
from isocentra.image import Patient, SeriesHeader

__all__ = ["SliceHeader", "numbers_of", "series_header", "shown_types", "slice_header", "text_of"]

_TYPES = frozenset(
    "ORIGINAL DERIVED MIXED PRIMARY SECONDARY AXIAL LOCALIZER VOLUME OTHER NONE M P R I W F IP OP"
    " FF WATER FAT PHASE MAGNITUDE REAL IMAGINARY DIXON T1 T2 ADC MPR REFORMATTED AVERAGE REFERENCE"
    " FIELD_MAP M_FFE M_SE M_IR P_FFE B0 DIS2D DIS3D ND NORM FFE SE CSA RESAMPLED".split()
)
"""Values of Image Type (PS3.3 C.8.2, C.8.3, C.8.13, C.8.15) and those of the large vendors."""
POSITIONS = frozenset({"HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceHeader:
    """One slice, or one multi-frame object, without pixels."""

    name: str
    sha256: str
    kind: Kind
    sop_class_uid: str
    sop_uid: str
    series_uid: str
    frame_uid: str
    patient_key: str
    """What tells patients apart: the ID, or the name where there is none. Never shown."""
    modality: str
    image_type: tuple[str, ...]
    description: str
    acquisition: str
    rows: int
    columns: int
    spacing_mm: tuple[float, ...]
    """Between rows, between columns; empty for a multi-frame object. [mm]"""
    orientation: tuple[float, ...]
    """Direction cosines r, c; empty for a multi-frame object."""
    position_mm: tuple[float, ...]
    """Centre of the first pixel, LPS; empty for a multi-frame object. [mm]"""

    @property
    def flavour(self) -> str:
        """Value 3 of ImageType: AXIAL, LOCALIZER, M, P and others."""
        return self.image_type[2] if len(self.image_type) > 2 else ""

    @property
    def is_localizer(self) -> bool:
        """Whether this is a scout view, never part of a volume."""
        return "LOCALIZER" in self.image_type[2:]

    @property
    def is_derived(self) -> bool:
        """Whether the pixels were computed from other images."""
        return self.image_type[:1] == ("DERIVED",)


def shown_types(image_type: tuple[str, ...]) -> str:
    """Return an Image or Frame Type for a message; words that are not the standard's are not shown.

    A patient's name may stand in any element of a file.
    """
    return "\\".join(word if word in _TYPES else "…" for word in image_type) or "no type"


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as text, '' when absent or empty."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def numbers_of(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return an attribute as numbers, () when absent or empty."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return ()
    if isinstance(value, str | float | int):
        return (float(value),)
    return tuple(float(v) for v in value)


def slice_header(file: GatedFile) -> SliceHeader:
    """Take from a gated CT, MR or PT what assembling asks for.

    Raises
    ------
    AssemblyError
        ``WRONG_MODALITY``: the modality contradicts the SOP class.
    """
    data = file.dataset
    sop_class = text_of(data, "SOPClassUID")
    modality = text_of(data, "Modality")
    if modality and modality != MODALITY[sop_class]:
        raise AssemblyError(
            "WRONG_MODALITY",
            f"An object of a {MODALITY[sop_class]} class says that it is of another modality.",
            where=Where(file=file.name, uid=text_of(data, "SOPInstanceUID")),
            do="Export the series again.",
        )
    image_type = data.get("ImageType") or ()
    kinds = [image_type] if isinstance(image_type, str) else list(image_type)
    planar = file.kind is Kind.IMAGE
    identifier = text_of(data, "PatientID")
    return SliceHeader(
        name=file.name,
        sha256=file.sha256,
        kind=file.kind,
        sop_class_uid=sop_class,
        sop_uid=text_of(data, "SOPInstanceUID"),
        series_uid=text_of(data, "SeriesInstanceUID"),
        frame_uid=text_of(data, "FrameOfReferenceUID"),
        patient_key=identifier or text_of(data, "PatientName"),
        modality=MODALITY[sop_class],
        image_type=tuple(str(k).strip().upper() for k in kinds),
        description=text_of(data, "SeriesDescription"),
        acquisition=text_of(data, "AcquisitionNumber"),
        rows=int(data.Rows),
        columns=int(data.Columns),
        spacing_mm=numbers_of(data, "PixelSpacing") if planar else (),
        orientation=numbers_of(data, "ImageOrientationPatient") if planar else (),
        position_mm=numbers_of(data, "ImagePositionPatient") if planar else (),
    )


def series_header(
    data: Dataset, *, sop_uids: tuple[str, ...], sha256: str, warnings: tuple[tuple[str, str], ...]
) -> SeriesHeader:
    """Return the identity of a series from its first slice."""
    position = text_of(data, "PatientPosition")
    return SeriesHeader(
        patient=Patient(
            name=text_of(data, "PatientName"),
            id=text_of(data, "PatientID"),
            birth_date=text_of(data, "PatientBirthDate"),
            sex=text_of(data, "PatientSex"),
        ),
        study_uid=text_of(data, "StudyInstanceUID"),
        series_uid=text_of(data, "SeriesInstanceUID"),
        sop_class_uid=text_of(data, "SOPClassUID"),
        sop_uids=sop_uids,
        patient_position=position if position in POSITIONS else "",
        study_date=text_of(data, "StudyDate"),
        study_time=text_of(data, "StudyTime"),
        study_id=text_of(data, "StudyID"),
        accession_number=text_of(data, "AccessionNumber"),
        referring_physician=text_of(data, "ReferringPhysicianName"),
        description=text_of(data, "SeriesDescription"),
        manufacturer=text_of(data, "Manufacturer"),
        sha256=sha256,
        warnings=warnings,
    )
