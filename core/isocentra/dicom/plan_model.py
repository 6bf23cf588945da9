"""A treatment plan as RTPLAN says it, with every control point's state written out.

RTPLAN ──► Plan ─┬─ beams: devices, control points (full state each), accessories
                 ├─ fraction groups: which beams, how many MU, how often
                 └─ set-ups: how the patient lies

Angles are IEC 61217, degrees; positions of leaves and jaws lie in the isocentre plane, mm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from isocentra.geometry.grid import Array64
from isocentra.image import Patient

__all__ = [
    "Accessory",
    "AccessoryKind",
    "Aperture",
    "Beam",
    "BeamLimitingDevice",
    "BeamMeterset",
    "ControlPoint",
    "FractionGroup",
    "Plan",
    "PlanKind",
    "Setup",
    "WedgePosition",
]


class PlanKind(StrEnum):
    """What the SOP class says; Modality is RTPLAN for all of them."""

    PLAN = "PLAN"
    """RT Plan: photons, electrons, and brachytherapy in old plans."""
    ION = "ION"
    BRACHY = "BRACHY"


class AccessoryKind(StrEnum):
    """What a beam passes before the patient, and what lies on him."""

    WEDGE = "WEDGE"
    BLOCK = "BLOCK"
    COMPENSATOR = "COMPENSATOR"
    BOLUS = "BOLUS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessory:
    """A wedge, block, compensator or bolus of a beam."""

    kind: AccessoryKind
    number: int | None
    """Its number in the beam; of a bolus the number of its ROI."""
    id: str = ""
    type: str = ""
    """Of a wedge STANDARD, DYNAMIC or MOTORIZED; of a block SHIELDING or APERTURE."""
    angle_deg: float | None = None
    orientation_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamLimitingDevice:
    """A pair of jaws or a multileaf collimator."""

    kind: str
    """X, Y, ASYMX, ASYMY, MLCX, MLCY, or a vendor's (MLCX1, MLCX2)."""
    pairs: int
    boundaries_mm: Array64
    """(pairs + 1,) ascending edges of the leaves; empty for jaws. [mm]"""
    distance_mm: float | None = None
    """From the source. [mm]"""

    def __post_init__(self) -> None:
        self.boundaries_mm.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aperture:
    """Where the leaves or jaws of one device stand."""

    kind: str
    bank_1_mm: Array64
    """(pairs,) positions of the bank on the negative side. [mm]"""
    bank_2_mm: Array64
    """(pairs,) positions of the bank on the positive side. [mm]"""

    def __post_init__(self) -> None:
        self.bank_1_mm.setflags(write=False)
        self.bank_2_mm.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WedgePosition:
    """Whether a wedge is in the beam."""

    number: int
    position: str
    """IN or OUT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPoint:
    """The whole state of a beam at one point of its delivery; what did not change is repeated."""

    index: int
    weight: float
    """Share of the beam's meterset delivered up to here, 0 to 1."""
    energy: float
    """Nominal energy: MV for photons, MeV for electrons and ions."""
    dose_rate: float | None
    """MU/min, where the plan says."""
    gantry_deg: float
    gantry_direction: str
    """CW, CC or NONE: how the gantry turns from here on."""
    collimator_deg: float
    couch_deg: float
    isocentre_mm: tuple[float, float, float]
    """x, y, z in LPS. [mm]"""
    gantry_pitch_deg: float = 0.0
    couch_eccentric_deg: float = 0.0
    couch_pitch_deg: float = 0.0
    couch_roll_deg: float = 0.0
    apertures: tuple[Aperture, ...] = ()
    wedges: tuple[WedgePosition, ...] = ()

    def aperture(self, kind: str) -> Aperture | None:
        """Return where the device of that kind stands; a device that is absent does not limit."""
        return next((a for a in self.apertures if a.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """One beam; a set-up beam may have no control points."""

    number: int
    name: str
    radiation: str
    """PHOTON, ELECTRON, PROTON, ION, NEUTRON."""
    delivery: str
    """TREATMENT, CONTINUATION, SETUP, OPEN_PORTFILM, TRMT_PORTFILM; empty where not said."""
    type: str
    """STATIC (step-and-shoot too) or DYNAMIC."""
    machine: str
    """Treatment Machine Name."""
    control_points: tuple[ControlPoint, ...]
    devices: tuple[BeamLimitingDevice, ...] = ()
    accessories: tuple[Accessory, ...] = ()
    source_axis_mm: float | None = None
    dosimeter_unit: str = ""
    """MU, MINUTE or NP."""
    fluence_mode: str = ""
    """STANDARD, NON_STANDARD, or empty."""
    fluence_mode_id: str = ""
    """FFF where the mode is not standard and the filter is out."""
    final_weight: float | None = None
    """Final Cumulative Meterset Weight as written; the points' weights are divided by it."""
    patient_position: str = ""
    setup_number: int | None = None
    description: str = ""

    @property
    def is_treatment(self) -> bool:
        """Whether the beam is there to treat, by what the plan says and never by its name."""
        return self.delivery in {"", "TREATMENT", "CONTINUATION"}

    @property
    def segment_weights(self) -> tuple[float, ...]:
        """Share of the meterset delivered between each point and the next; 0 is a move."""
        points = self.control_points
        return tuple(b.weight - a.weight for a, b in pairwise(points))


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamMeterset:
    """What a fraction group says about one beam."""

    beam_number: int
    meterset: float | None
    """MU per fraction; None where the plan does not say."""
    dose_gy: float | None = None
    """Beam Dose per fraction, for checks only: it may contradict the meterset. [Gy]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionGroup:
    """Beams that are given together, and how often."""

    number: int
    fractions: int | None
    """Number of Fractions Planned."""
    metersets: tuple[BeamMeterset, ...] = ()
    brachy_setups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the patient lies."""

    number: int
    patient_position: str
    """HFS, HFP, HFDR, HFDL, FFS, FFP, FFDR, FFDL or empty."""
    technique: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One RTPLAN."""

    kind: PlanKind
    label: str
    beams: tuple[Beam, ...]
    fraction_groups: tuple[FractionGroup, ...]
    setups: tuple[Setup, ...] = ()
    brachy_setups: int = 0
    geometry: str = ""
    """PATIENT, or TREATMENT_DEVICE where no structure set is referenced."""
    approval: str = ""
    frame_of_reference_uid: str = ""
    structure_set_uid: str = ""
    patient: Patient = field(default_factory=Patient)
    study_uid: str = ""
    series_uid: str = ""
    sop_uid: str = ""
    sha256: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    """(code, message) of what was read with a remark."""

    def beam(self, number: int) -> Beam:
        """Return the beam of that number; KeyError where there is none."""
        for beam in self.beams:
            if beam.number == number:
                return beam
        raise KeyError(number)
