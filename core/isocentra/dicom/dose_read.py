"""RTDOSE in.

file ──gate──► data set ─┬─ geometry: IPP, IOP, spacing, frame offsets ──► Grid (frames along +n)
                         ├─ pixel · DoseGridScaling ──► Gy
                         └─ DVHSequence ──► stored curves, compared with their own figures

Outside its grid a dose is unknown, not zero. DICOM PS3.3 C.8.8.3, C.8.8.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from isocentra.dicom import elements, gate
from isocentra.dicom.dose_dvh import StoredDvh, stored_dvhs
from isocentra.dicom.dose_geometry import DosePlanes, dose_planes
from isocentra.dicom.identity import patient_of
from isocentra.errors import AssemblyError, DoseError, ReadingError, Where
from isocentra.geometry.grid import Grid
from isocentra.image import Float32Volume, Patient

__all__ = ["Dose", "dose_from_bytes", "read_dose"]

RTDOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
MOST_GY: Final = 1e6
"""No treatment gives a thousandth of this; float32 reaches 3e38."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """A dose distribution and what it says it is of.

    `values_gy` is float32 of ``grid.shape``, read-only, its planes ascending along the normal.
    Unequally spaced frames are interpolated onto equal planes, with a remark.
    """

    grid: Grid
    values_gy: Float32Volume
    summation: str
    """PLAN, MULTI_PLAN, FRACTION, BEAM, BRACHY, …: BEAM and FRACTION are one fraction."""
    scaling: float
    """Dose Grid Scaling: the step of the stored numbers. [Gy]"""
    bits: int = 32
    plan_uids: tuple[str, ...] = ()
    fraction_group: int | None = None
    beam_numbers: tuple[int, ...] = ()
    structure_set_uid: str = ""
    dvhs: tuple[StoredDvh, ...] = ()
    patient: Patient = field(default_factory=Patient)
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""
    sha256: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message): ``DVH_INCONSISTENT`` where a stored curve contradicts its own figures;
    ``UNEQUAL_SPACING`` where frames were interpolated."""

    def __post_init__(self) -> None:
        if self.values_gy.shape != self.grid.shape or self.values_gy.dtype != np.float32:
            raise TypeError(f"{self.values_gy.dtype} {self.values_gy.shape} on {self.grid.shape}")
        self.values_gy.setflags(write=False)


def read_dose(path: Path, *, normalisation_gy: float | None = None) -> Dose:
    """Read an RTDOSE file.

    Parameters
    ----------
    path
        The file.
    normalisation_gy
        What 1 of a RELATIVE dose is worth; without it such a dose is refused. [Gy]

    Raises
    ------
    ReadingError
        As the gate; ``MISSING_ATTRIBUTE``, ``BAD_VALUE``, ``BAD_GEOMETRY``,
        ``PIXEL_DATA_MISMATCH``, ``LIMIT_EXCEEDED``.
    AssemblyError
        ``WRONG_MODALITY``: another kind of object.
    DoseError
        ``RELATIVE_DOSE``; ``BAD_DOSE``: not a physical dose, a scaling that is not positive,
        negative dose, offsets that do not fit the frames.
    """
    return _dose(gate.read_file(path), normalisation_gy)


def dose_from_bytes(data: bytes, name: str, *, normalisation_gy: float | None = None) -> Dose:
    """Read an RTDOSE from the bytes of its file; as `read_dose`."""
    return _dose(gate.read_bytes(data, name), normalisation_gy)


def _dose(file: gate.GatedFile, normalisation_gy: float | None) -> Dose:
    data, name = file.dataset, file.name
    if elements.text(data, "SOPClassUID") != RTDOSE:
        raise AssemblyError(
            "WRONG_MODALITY",
            f"This is an object of another kind ({file.kind.value}), not an RT Dose.",
            where=Where(file=name),
            do="Give the RTDOSE file.",
        )
    unit_gy = _unit_gy(data, normalisation_gy, name)
    scaling = elements.required_number(data, "DoseGridScaling", file=name)
    if scaling <= 0:
        raise _bad(f"Dose Grid Scaling is {scaling:g}", name)
    planes = dose_planes(data, file=name)
    stored = _pixels(data, planes, name)
    if not float(stored.max()) * scaling * unit_gy <= MOST_GY:
        raise _bad(f"its maximum is above {MOST_GY:g} Gy", name)
    in_gy = np.empty(stored.shape, dtype=np.float32)
    np.multiply(stored, scaling * unit_gy, out=in_gy, casting="same_kind")
    dvhs, warnings = stored_dvhs(data, file=name)
    if not planes.are_even:
        what = f"Unequal frames; interpolated to a step of {planes.grid.spacing_mm[0]:.3f} mm."
        warnings = (*warnings, ("UNEQUAL_SPACING", what))
    group, beams = _beams(data, name)
    structure_sets = elements.items(data, "ReferencedStructureSetSequence", file=name)
    return Dose(
        grid=planes.grid,
        values_gy=planes.on_grid(in_gy),
        summation=elements.text(data, "DoseSummationType"),
        scaling=scaling * unit_gy,
        bits=stored.dtype.itemsize * 8,
        plan_uids=tuple(
            elements.text(item, "ReferencedSOPInstanceUID")
            for item in elements.items(data, "ReferencedRTPlanSequence", file=name)
        ),
        fraction_group=group,
        beam_numbers=beams,
        structure_set_uid=(
            elements.text(structure_sets[0], "ReferencedSOPInstanceUID") if structure_sets else ""
        ),
        dvhs=dvhs,
        patient=patient_of(data),
        study_uid=elements.text(data, "StudyInstanceUID"),
        series_uid=elements.text(data, "SeriesInstanceUID"),
        sop_uid=elements.text(data, "SOPInstanceUID"),
        sha256=file.sha256,
        warnings=(*file.warnings, *warnings),
    )


def _unit_gy(data: Dataset, normalisation_gy: float | None, file: str) -> float:
    """Return what one unit of the dose is worth in Gy, or refuse the dose."""
    kind = elements.text(data, "DoseType").upper()
    if kind not in {"PHYSICAL", ""}:
        shown = kind if kind in {"EFFECTIVE", "ERROR"} else "another"
        raise _bad(f"Dose Type is {shown}, not PHYSICAL", file)
    unit = elements.required_text(data, "DoseUnits", file=file).upper()
    if unit == "GY":
        return 1.0
    if unit != "RELATIVE":
        shown = unit if unit in {"CGY", "MGY", "PERCENT", "%"} else "of another kind"
        raise _bad(f"Dose Units is {shown}, neither GY nor RELATIVE", file)
    if normalisation_gy is None:
        raise DoseError(
            "RELATIVE_DOSE",
            "The dose is relative, and no normalisation is known.",
            where=Where(file=file),
            do="Export the dose in Gy, or say what 1 is worth in Gy.",
        )
    return normalisation_gy


def _pixels(data: Dataset, planes: DosePlanes, file: str) -> npt.NDArray[np.integer]:
    """Return the stored numbers (frames, rows, columns) in the order of the file."""
    bits = elements.required_integer(data, "BitsAllocated", file=file)
    if bits not in {16, 32}:
        raise _bad(f"Bits Allocated is {bits}, neither 16 nor 32", file)
    is_signed = elements.integer(data, "PixelRepresentation", file=file) == 1
    raw = data["PixelData"].value if "PixelData" in data else None
    if raw is None:
        raise ReadingError(
            "MISSING_ATTRIBUTE",
            "The dose has no Pixel Data; it is only a header.",
            where=Where(file=file),
            do="Export the dose with its values.",
        )
    shape = (len(planes.order), *planes.grid.shape[1:])
    count = math.prod(shape)
    if len(raw) < count * bits // 8:
        raise ReadingError(
            "PIXEL_DATA_MISMATCH",
            f"Pixel Data holds {len(raw)} bytes; {shape} of {bits} bits need {count * bits // 8}.",
            where=Where(file=file),
            do="Export the dose again.",
        )
    numbers = np.frombuffer(raw, dtype=f"<{'i' if is_signed else 'u'}{bits // 8}", count=count)
    if is_signed and numbers.min() < 0:
        raise _bad("it holds negative values", file)
    return numbers.reshape(shape)


def _beams(data: Dataset, file: str) -> tuple[int | None, tuple[int, ...]]:
    """Return the fraction group and beams that the dose is of, where it says."""
    for plan in elements.items(data, "ReferencedRTPlanSequence", file=file):
        for group in elements.items(plan, "ReferencedFractionGroupSequence", file=file):
            numbers = [
                elements.integer(item, "ReferencedBeamNumber", file=file)
                for item in elements.items(group, "ReferencedBeamSequence", file=file)
            ]
            return (
                elements.integer(group, "ReferencedFractionGroupNumber", file=file),
                tuple(number for number in numbers if number is not None),
            )
    return None, ()


def _bad(what: str, file: str) -> DoseError:
    return DoseError(
        "BAD_DOSE",
        f"The dose cannot be used: {what}.",
        where=Where(file=file),
        do="Export a physical dose in Gy again.",
    )
