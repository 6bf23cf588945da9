"""RTPLAN in.

file ──gate──► data set ──► beams (control points written out), fraction groups, set-ups ──► Plan

Ion and brachytherapy plans are read as far as they are alike; what computes from a plan refuses
them by name (`treatment.treatment_beams`). DICOM PS3.3 A.20, C.8.8.9–C.8.8.15, C.8.8.25.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom import elements, gate
from isocentra.dicom.control_points import BeamParts, control_points
from isocentra.dicom.identity import patient_of
from isocentra.dicom.plan_model import (
    Accessory,
    AccessoryKind,
    Beam,
    BeamLimitingDevice,
    BeamMeterset,
    FractionGroup,
    Plan,
    PlanKind,
    Setup,
)
from isocentra.errors import AssemblyError, DoseError, ReadingError, Where, printable

__all__ = ["plan_from_bytes", "read_plan"]

_KINDS: Final = {
    "1.2.840.10008.5.1.4.1.1.481.5": PlanKind.PLAN,
    "1.2.840.10008.5.1.4.1.1.481.6": PlanKind.BRACHY,
    "1.2.840.10008.5.1.4.1.1.481.8": PlanKind.ION,
}
MOST_BEAMS: Final = 2000
MOST_ACCESSORIES: Final = 1000
"""Wedges, blocks, compensators or boli of one beam: a beam carries a handful."""
_DATES: Final = ("StudyDate", "RTPlanDate", "InstanceCreationDate")


def read_plan(path: Path) -> Plan:
    """Read an RTPLAN file.

    Raises
    ------
    ReadingError
        As the gate; ``BAD_VALUE``, ``MISSING_ATTRIBUTE``.
    AssemblyError
        ``WRONG_MODALITY``: another kind of object.
    DoseError
        ``INCOMPLETE_CONTROL_POINT``, ``BAD_METERSET``: of a beam that treats.
    """
    return _plan(gate.read_file(path, pixels=False))


def plan_from_bytes(data: bytes, name: str) -> Plan:
    """Read an RTPLAN from the bytes of its file; as `read_plan`."""
    return _plan(gate.read_bytes(data, name))


def _plan(file: gate.GatedFile) -> Plan:
    data, name = file.dataset, file.name
    kind = _KINDS.get(elements.text(data, "SOPClassUID"))
    if kind is None:
        raise AssemblyError(
            "WRONG_MODALITY",
            f"This is an object of another kind ({file.kind.value}), not an RT Plan.",
            where=Where(file=name),
            do="Give the RTPLAN file.",
        )
    setups = tuple(
        _setup(item, name) for item in elements.items(data, "PatientSetupSequence", file=name)
    )
    warnings = [
        ("BAD_VALUE", f"{keyword} is not a date; it is kept as it stands.")
        for keyword in _DATES
        if (value := elements.text(data, keyword)) and not elements.is_date(value)
    ]
    keyword = "IonBeamSequence" if kind is PlanKind.ION else "BeamSequence"
    beams = []
    entries = elements.items(data, keyword, file=name)
    if len(entries) > MOST_BEAMS:
        raise ReadingError(
            "LIMIT_EXCEEDED",
            f"The plan has {len(entries)} beams; {MOST_BEAMS} are read.",
            where=Where(file=name),
            do="Split the plan.",
        )
    for item in entries:
        beam, remark = _beam(item, setups, name)
        beams.append(beam)
        warnings += remark
    _refuse_double([beam.number for beam in beams], "Beam", name)
    structure_sets = elements.items(data, "ReferencedStructureSetSequence", file=name)
    return Plan(
        kind=kind,
        label=elements.text(data, "RTPlanLabel"),
        beams=tuple(beams),
        fraction_groups=_fraction_groups(data, name),
        setups=setups,
        brachy_setups=len(elements.items(data, "ApplicationSetupSequence", file=name)),
        geometry=elements.text(data, "RTPlanGeometry"),
        approval=elements.text(data, "ApprovalStatus"),
        frame_of_reference_uid=elements.text(data, "FrameOfReferenceUID"),
        structure_set_uid=(
            elements.text(structure_sets[0], "ReferencedSOPInstanceUID") if structure_sets else ""
        ),
        patient=patient_of(data),
        study_uid=elements.text(data, "StudyInstanceUID"),
        series_uid=elements.text(data, "SeriesInstanceUID"),
        sop_uid=elements.text(data, "SOPInstanceUID"),
        sha256=file.sha256,
        warnings=(*file.warnings, *warnings),
    )


def _refuse_double(numbers: list[int], what: str, file: str) -> None:
    double = {number for number, count in Counter(numbers).items() if count > 1}
    if double:
        raise ReadingError(
            "BAD_VALUE",
            f"{what} number {min(double)} is given more than once.",
            where=Where(file=file),
            do="Export the plan again; numbers must be unique.",
        )


def _setup(item: Dataset, file: str) -> Setup:
    return Setup(
        number=elements.required_integer(item, "PatientSetupNumber", file=file),
        patient_position=elements.text(item, "PatientPosition"),
        technique=elements.text(item, "SetupTechnique"),
    )


def _fraction_groups(data: Dataset, file: str) -> tuple[FractionGroup, ...]:
    groups = []
    for item in elements.items(data, "FractionGroupSequence", file=file):
        metersets = tuple(
            BeamMeterset(
                beam_number=elements.required_integer(entry, "ReferencedBeamNumber", file=file),
                meterset=elements.number(entry, "BeamMeterset", file=file),
                dose_gy=elements.number(entry, "BeamDose", file=file),
            )
            for entry in elements.items(item, "ReferencedBeamSequence", file=file)
        )
        groups.append(
            FractionGroup(
                number=elements.required_integer(item, "FractionGroupNumber", file=file),
                fractions=elements.integer(item, "NumberOfFractionsPlanned", file=file),
                metersets=metersets,
                brachy_setups=elements.integer(item, "NumberOfBrachyApplicationSetups", file=file)
                or 0,
            )
        )
    _refuse_double([group.number for group in groups], "Fraction group", file)
    return tuple(groups)


def _beam(
    item: Dataset, setups: tuple[Setup, ...], file: str
) -> tuple[Beam, list[tuple[str, str]]]:
    """Return a beam, and a remark where it does not treat and its control points are no use."""
    number = elements.required_integer(item, "BeamNumber", file=file)
    name = elements.text(item, "BeamName")
    delivery = elements.text(item, "TreatmentDeliveryType")
    label = f"{number} ({printable(name, 32)})" if name else str(number)
    parts = BeamParts(
        label=label,
        file=file,
        devices=_devices(item, file),
        announced=elements.integer(item, "NumberOfControlPoints", file=file),
        final_weight=elements.number(item, "FinalCumulativeMetersetWeight", file=file),
    )
    remarks: list[tuple[str, str]] = []
    points = elements.items(item, "ControlPointSequence", file=file) or elements.items(
        item, "IonControlPointSequence", file=file
    )
    try:
        states = control_points(points, parts)
    except DoseError as error:
        if delivery in {"", "TREATMENT", "CONTINUATION"}:
            raise
        states = ()
        remarks.append((error.reason, error.what))
    fluence = elements.items(item, "PrimaryFluenceModeSequence", file=file)
    setup_number = elements.integer(item, "ReferencedPatientSetupNumber", file=file)
    lying = [s for s in setups if s.number == setup_number] or list(setups[:1])
    beam = Beam(
        number=number,
        name=name,
        radiation=elements.text(item, "RadiationType"),
        delivery=delivery,
        type=elements.text(item, "BeamType"),
        machine=elements.text(item, "TreatmentMachineName"),
        control_points=states,
        devices=parts.devices,
        accessories=_accessories(item, file),
        source_axis_mm=elements.number(item, "SourceAxisDistance", file=file),
        dosimeter_unit=elements.text(item, "PrimaryDosimeterUnit"),
        fluence_mode=elements.text(fluence[0], "FluenceMode") if fluence else "",
        fluence_mode_id=elements.text(fluence[0], "FluenceModeID") if fluence else "",
        final_weight=parts.final_weight,
        patient_position=lying[0].patient_position if lying else "",
        setup_number=setup_number,
        description=elements.text(item, "BeamDescription"),
    )
    return beam, remarks


def _devices(item: Dataset, file: str) -> tuple[BeamLimitingDevice, ...]:
    entries = elements.items(item, "BeamLimitingDeviceSequence", file=file) or elements.items(
        item, "IonBeamLimitingDeviceSequence", file=file
    )
    devices = []
    for entry in entries:
        kind = elements.text(entry, "RTBeamLimitingDeviceType")
        pairs = elements.required_integer(entry, "NumberOfLeafJawPairs", file=file)
        boundaries = elements.numbers(entry, "LeafPositionBoundaries", file=file)
        is_multileaf = kind.startswith("MLC")
        if is_multileaf and (len(boundaries) != pairs + 1 or (np.diff(boundaries) <= 0).any()):
            raise ReadingError(
                "BAD_VALUE",
                f"{printable(kind, 16)} has {pairs} leaf pairs and {len(boundaries)} boundaries;"
                f" they must be {pairs + 1} and rise.",
                where=Where(file=file),
                do="Export the plan again.",
            )
        devices.append(
            BeamLimitingDevice(
                kind=kind,
                pairs=pairs,
                boundaries_mm=boundaries if is_multileaf else np.empty(0),
                distance_mm=elements.number(entry, "SourceToBeamLimitingDeviceDistance", file=file),
            )
        )
    return tuple(devices)


_SEQUENCES: Final = {
    AccessoryKind.WEDGE: (
        ("WedgeSequence", "IonWedgeSequence"),
        ("WedgeNumber", "WedgeID", "WedgeType"),
    ),
    AccessoryKind.BLOCK: (
        ("BlockSequence", "IonBlockSequence"),
        ("BlockNumber", "BlockName", "BlockType"),
    ),
    AccessoryKind.COMPENSATOR: (
        ("CompensatorSequence", "IonRangeCompensatorSequence"),
        ("CompensatorNumber", "CompensatorID", "CompensatorType"),
    ),
}
_COUNTS: Final = {
    AccessoryKind.WEDGE: "NumberOfWedges",
    AccessoryKind.BLOCK: "NumberOfBlocks",
    AccessoryKind.COMPENSATOR: "NumberOfCompensators",
    AccessoryKind.BOLUS: "NumberOfBoli",
}


def _accessories(item: Dataset, file: str) -> tuple[Accessory, ...]:
    """Return what the sequences list; what is only counted is there too, without a number."""
    found = [
        _accessory(entry, kind, keywords, file)
        for kind, (sequences, keywords) in _SEQUENCES.items()
        for sequence in sequences
        for entry in elements.items(item, sequence, file=file)
    ]
    found += [
        Accessory(
            kind=AccessoryKind.BOLUS,
            number=elements.integer(entry, "ReferencedROINumber", file=file),
            id=elements.text(entry, "BolusID"),
        )
        for entry in elements.items(item, "ReferencedBolusSequence", file=file)
    ]
    for kind, count_keyword in _COUNTS.items():
        announced = elements.integer(item, count_keyword, file=file) or 0
        if not 0 <= announced <= MOST_ACCESSORIES:
            raise ReadingError(
                "BAD_VALUE",
                f"{count_keyword} is {announced}; at most {MOST_ACCESSORIES} are believed.",
                where=Where(file=file),
                do="Export the plan again.",
            )
        missing = announced - sum(accessory.kind is kind for accessory in found)
        found += [Accessory(kind=kind, number=None) for _ in range(missing)]
    return tuple(found)


def _accessory(
    entry: Dataset, kind: AccessoryKind, keywords: tuple[str, str, str], file: str
) -> Accessory:
    number, name, variety = keywords
    is_wedge = kind is AccessoryKind.WEDGE
    return Accessory(
        kind=kind,
        number=elements.integer(entry, number, file=file),
        id=elements.text(entry, name),
        type=elements.text(entry, variety),
        angle_deg=elements.number(entry, "WedgeAngle", file=file) if is_wedge else None,
        orientation_deg=elements.number(entry, "WedgeOrientation", file=file) if is_wedge else None,
    )
