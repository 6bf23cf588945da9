"""Write an image as a CT or MR series: one file a slice, the same bytes for the same image.

Image ──► data set per slice (k order) ──► (name, bytes) ──► folder, whole or not at all

DICOM PS3.3 A.3 (CT), A.4 (MR); geometry C.7.6.2. UIDs come from the image's header; where that
leaves them empty they follow from the content.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from isocentra.dicom.uids import derived_uid
from isocentra.errors import AssemblyError, ReadingError, ServiceError, Where
from isocentra.image import Image

__all__ = ["Derivation", "SeriesOptions", "series_bytes", "write_series"]

IMPLEMENTATION_UID = derived_uid("isocentra", "implementation class")
SOP_CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
CT_INTERCEPT_HU = -1024
INT16 = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Why a series is derived and from what."""

    description: str
    """Derivation Description (0008,2111): what was done."""
    source_sop_class_uid: str = ""
    source_sop_uids: tuple[str, ...] = ()
    """The images it was made from; without them no Source Image Sequence is written."""
    image_type: tuple[str, ...] = ()
    """Further values of Image Type, after the third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOptions:
    """What the header of an `Image` does not hold."""

    series_number: int = 1
    slice_thickness_mm: float | None = None
    """Slice Thickness; None: the slice spacing. [mm]"""
    body_part: str = ""
    """Body Part Examined, an unpaired one: HEAD, NECK, CHEST, ABDOMEN, PELVIS …"""
    derivation: Derivation | None = None
    """None: ORIGINAL\\PRIMARY; otherwise DERIVED\\SECONDARY."""


class _Stored(NamedTuple):
    """Whole numbers as stored, and the line that leads back: value = slope · stored + intercept."""

    values: npt.NDArray[np.int16]
    slope: float
    intercept: float


def series_bytes(
    image: Image, *, options: SeriesOptions | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, file) per slice in k order; names are CT.0001.dcm, MR.0001.dcm, …

    CT values are rounded to whole HU. MR values are kept when they are whole numbers of 16 bits;
    otherwise they are scaled to 16 bits with a rescale slope.

    Raises
    ------
    AssemblyError
        ``WRONG_MODALITY``: neither CT nor MR.
    ReadingError
        ``BAD_VALUE``: a value that is not finite, or a CT number beyond 16 bits.
    """
    how = options or SeriesOptions()
    if image.modality not in SOP_CLASSES:
        raise AssemblyError(
            "WRONG_MODALITY",
            f"A series of modality {image.modality or 'none'} cannot be written.",
            do="Give a CT or an MR image.",
        )
    stored = _stored(image)
    named = _with_uids(image, stored)
    for k in range(image.grid.shape[0]):
        data = _slice(named, stored, how, k)
        buffer = BytesIO()
        dcmwrite(buffer, data, enforce_file_format=True)
        yield f"{image.modality}.{k + 1:04d}.dcm", buffer.getvalue()


def write_series(image: Image, folder: Path, *, options: SeriesOptions | None = None) -> None:
    """Write the series into a new or empty folder, which appears whole or not at all.

    Raises
    ------
    ServiceError
        ``CONFLICT``: the folder already holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ServiceError(
            "CONFLICT",
            "The folder for the series already holds something.",
            where=Where(file=folder.name),
            do="Name a new or an empty folder.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as staging:
        whole = Path(staging) / "series"
        whole.mkdir()
        for name, data in series_bytes(image, options=options):
            with (whole / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        whole.replace(folder)


def _stored(image: Image) -> _Stored:
    values = image.values
    if not np.isfinite(values).all():
        raise ReadingError(
            "BAD_VALUE",
            f"{int((~np.isfinite(values)).sum())} voxels of the image are not finite.",
            do="Fill them before the series is written.",
        )
    low, high = float(values.min()), float(values.max())
    if image.modality == "CT":
        if low < INT16.min + CT_INTERCEPT_HU or high > INT16.max + CT_INTERCEPT_HU:
            raise ReadingError(
                "BAD_VALUE",
                f"CT numbers from {low:.0f} to {high:.0f} HU do not fit 16 bits.",
                do="Check the unit of the values; clip them to the scanner's range.",
            )
        whole = np.rint(values - np.float32(CT_INTERCEPT_HU)).astype(np.int16)
        return _Stored(whole, 1.0, float(CT_INTERCEPT_HU))
    if low >= INT16.min and high <= INT16.max and bool((values == np.rint(values)).all()):
        return _Stored(values.astype(np.int16), 1.0, 0.0)
    # DS holds 16 characters: the slope is used as it will be written.
    slope = float(_ds(max((high - low) / (INT16.max - INT16.min - 1), 1e-30)))
    intercept = float(_ds((low + high) / 2))
    scaled = np.rint((values.astype(np.float64) - intercept) / slope)
    return _Stored(np.clip(scaled, INT16.min, INT16.max).astype(np.int16), slope, intercept)


def _with_uids(image: Image, stored: _Stored) -> Image:
    """Return the image with every UID filled; what is missing follows from the content."""
    header = image.header
    content = hashlib.sha256(stored.values.tobytes())
    content.update(repr((image.grid, stored.slope, stored.intercept, header.patient.id)).encode())
    digest = content.hexdigest()
    series = header.series_uid or derived_uid(digest, "series")
    sops = header.sop_uids
    if len(set(sops)) != image.grid.shape[0]:
        sops = tuple(derived_uid(series, digest, str(k)) for k in range(image.grid.shape[0]))
    frame = image.grid.frame_of_reference_uid or derived_uid(digest, "frame of reference")
    return replace(
        image,
        grid=replace(image.grid, frame_of_reference_uid=frame),
        header=replace(
            header,
            study_uid=header.study_uid or derived_uid(digest, "study"),
            series_uid=series,
            sop_uids=sops,
        ),
    )


def _slice(image: Image, stored: _Stored, how: SeriesOptions, k: int) -> FileDataset:
    sop_class = SOP_CLASSES[image.modality]
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(image.header.sop_uids[k])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "ISOCENTRA"
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = image.header.sop_uids[k]
    _patient_and_study(data, image)
    _series(data, image, how)
    _body_part(data, how.body_part)
    _plane(data, image, how, k)
    if image.modality == "CT":
        _ct(data)
    else:
        _mr(data, image)
    _derivation(data, how, image.modality)
    _pixels(data, stored, image.modality, k)
    return data


def _patient_and_study(data: Dataset, image: Image) -> None:
    header = image.header
    data.PatientName = header.patient.name
    data.PatientID = header.patient.id
    data.PatientBirthDate = header.patient.birth_date
    data.PatientSex = header.patient.sex
    data.StudyInstanceUID = header.study_uid
    data.StudyDate = header.study_date
    data.StudyTime = header.study_time
    data.StudyID = header.study_id
    data.AccessionNumber = header.accession_number
    data.ReferringPhysicianName = header.referring_physician


def _series(data: Dataset, image: Image, how: SeriesOptions) -> None:
    header = image.header
    data.Modality = image.modality
    data.SeriesInstanceUID = header.series_uid
    data.SeriesNumber = how.series_number
    if header.description:
        data.SeriesDescription = header.description
    data.PatientPosition = header.patient_position
    data.FrameOfReferenceUID = image.grid.frame_of_reference_uid
    data.PositionReferenceIndicator = ""
    data.Manufacturer = header.manufacturer or "Isocentra"


def _body_part(data: Dataset, body_part: str) -> None:
    if body_part:
        data.BodyPartExamined = body_part
    else:
        # Type 2C unless the body part is unpaired: empty says that it is not known.
        data.Laterality = ""


def _plane(data: Dataset, image: Image, how: SeriesOptions, k: int) -> None:
    grid = image.grid
    slice_mm, row_mm, column_mm = grid.spacing_mm
    place = grid.to_points((k, 0, 0)).tolist()
    data.InstanceNumber = k + 1
    data.AcquisitionNumber = 1
    data.ImagePositionPatient = [_ds(v) for v in place]
    data.ImageOrientationPatient = [_ds(v) for v in (*grid.axes[2], *grid.axes[1])]
    data.PixelSpacing = [_ds(row_mm), _ds(column_mm)]
    data.SliceThickness = _ds(how.slice_thickness_mm or slice_mm)
    location = float(np.dot(place, grid.axes[0]))
    data.SliceLocation = _ds(round(location, 6))


def _ct(data: Dataset) -> None:
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.KVP = "120"
    data.WindowCenter = "40"
    data.WindowWidth = "400"


def _mr(data: Dataset, image: Image) -> None:
    data.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    # What sequence made the values is not known here: research mode, no variant.
    data.ScanningSequence = "RM"
    data.SequenceVariant = "NONE"
    data.ScanOptions = ""
    data.MRAcquisitionType = "3D"
    data.RepetitionTime = None
    data.EchoTime = None
    data.EchoTrainLength = None
    data.SpacingBetweenSlices = _ds(image.grid.spacing_mm[0])


def _derivation(data: Dataset, how: SeriesOptions, modality: str) -> None:
    derived = how.derivation
    if derived is None:
        return
    data.ImageType = ["DERIVED", "SECONDARY", data.ImageType[2], *derived.image_type]
    data.DerivationDescription = derived.description
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [_code("109102", "DCM", "Processing Equipment")]
    equipment.Manufacturer = "Isocentra"
    equipment.ContributionDescription = derived.description[:1024]
    data.ContributingEquipmentSequence = [equipment]
    if derived.source_sop_uids:
        data.SourceImageSequence = [
            _source(derived.source_sop_class_uid or SOP_CLASSES[modality], uid)
            for uid in derived.source_sop_uids
        ]


def _source(sop_class_uid: str, sop_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_uid
    item.PurposeOfReferenceCodeSequence = [
        _code("121322", "DCM", "Source image for image processing operation")
    ]
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def _pixels(data: Dataset, stored: _Stored, modality: str, k: int) -> None:
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = stored.values.shape[1:]
    data.BitsAllocated = 16
    data.BitsStored = 16
    data.HighBit = 15
    data.PixelRepresentation = 1
    # The MR IOD has no rescale: it is written only where the values need it.
    if modality == "CT" or stored.slope != 1 or stored.intercept != 0:
        data.RescaleIntercept = _ds(stored.intercept)
        data.RescaleSlope = _ds(stored.slope)
        data.RescaleType = "HU" if modality == "CT" else "US"
    data.PixelData = stored.values[k].astype("<i2").tobytes()


def _ds(value: float) -> str:
    """Return a number in the 16 characters of a decimal string, with all the digits they hold."""
    return format_number_as_ds(float(value))
