"""An image: values on a grid, and the identity of the series they came from.

dicom.read_series ──► Image ──► skin, registration, dose …
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Grid

__all__ = ["Float32Volume", "Image", "Patient", "SeriesHeader"]

Float32Volume = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who an object belongs to, as its data set says. For records, never for logs or file names."""

    name: str = ""
    id: str = ""
    birth_date: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesHeader:
    """What identifies a series, and what its derived objects must repeat."""

    patient: Patient = field(default_factory=Patient)
    study_uid: str = ""
    series_uid: str = ""
    sop_class_uid: str = ""
    sop_uids: tuple[str, ...] = ()
    """SOP Instance UID of each slice in k order; of an Enhanced object the one UID, n times."""
    patient_position: str = ""
    """HFS, HFP, HFDR, HFDL, FFS, FFP, FFDR, FFDL or empty."""
    study_date: str = ""
    study_time: str = ""
    study_id: str = ""
    accession_number: str = ""
    referring_physician: str = ""
    description: str = ""
    manufacturer: str = ""
    sha256: str = ""
    """Hash over the files' hashes in k order: the identity of the input."""
    warnings: tuple[tuple[str, str], ...] = ()
    """Code and message of what was noticed while reading: dropped doubles, files stepped over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Values on a grid.

    `values` is float32 of ``grid.shape``, read-only: HU for CT, the rescaled number otherwise.
    """

    grid: Grid
    values: Float32Volume
    modality: str
    """DICOM Modality: CT, MR, PT."""
    header: SeriesHeader = field(default_factory=SeriesHeader)
    padding: npt.NDArray[np.bool_] | None = None
    """True where the scanner wrote PixelPaddingValue: not measured, and air in `values`."""

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape or self.values.dtype != np.float32:
            raise TypeError(f"values {self.values.dtype} {self.values.shape} on {self.grid.shape}")
        self.values.setflags(write=False)
