"""What a plan delivers: the beams of a fraction group with their MU, and how the gantry turns.

Plan + fraction group ──► Treatment (beams with MU, what was left out and why)
control point pair ──► signed turn of the gantry

What cannot be computed is refused by name; nothing is decided by a beam's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from isocentra.dicom.plan_model import AccessoryKind, Beam, FractionGroup, Plan, PlanKind
from isocentra.errors import DoseError, Where, printable

__all__ = [
    "OnMissingMeterset",
    "Treatment",
    "TreatmentBeam",
    "fraction_group",
    "gantry_turns_deg",
    "treatment_beams",
]

PITCH_TOLERANCE_DEG: Final = 0.05
"""Angles come as 7.1e-10; below this a pitch or roll is none."""
SAME_ANGLE_DEG: Final = 1e-4


class OnMissingMeterset(StrEnum):
    """What to do with a treatment beam whose MU the plan does not say."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentBeam:
    """A beam and its MU per fraction."""

    beam: Beam
    meterset_mu: float

    @property
    def segments_mu(self) -> tuple[float, ...]:
        """MU per fraction between each control point and the next; 0 is a move without beam."""
        return tuple(self.meterset_mu * share for share in self.beam.segment_weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What one fraction group delivers."""

    group: FractionGroup
    beams: tuple[TreatmentBeam, ...]
    skipped: tuple[tuple[str, str], ...]
    """(code, message) of each beam that was left out."""


def fraction_group(plan: Plan, number: int | None) -> FractionGroup:
    """Return the group of that number, or the only one.

    Raises
    ------
    DoseError
        ``NO_FRACTION_GROUP``: there is none, none of that number, or several and none was named.
    """
    groups = plan.fraction_groups
    if number is None and len(groups) == 1:
        return groups[0]
    for group in groups:
        if group.number == number:
            return group
    there = ", ".join(str(group.number) for group in groups) or "none"
    asked = "none was named" if number is None else f"number {number} is not among them"
    raise DoseError(
        "NO_FRACTION_GROUP",
        f"The plan's fraction groups are: {there}; {asked}.",
        where=Where(uid=plan.sop_uid or None),
        do="Name one of the plan's fraction groups." if groups else "Export the plan again.",
    )


def treatment_beams(
    plan: Plan,
    group_number: int | None = None,
    *,
    on_missing_meterset: OnMissingMeterset = OnMissingMeterset.REFUSE,
    modelled: frozenset[AccessoryKind] = frozenset(),
) -> Treatment:
    """Return the photon beams that a fraction group delivers, with their MU.

    Parameters
    ----------
    plan
        As read.
    group_number
        The fraction group; None where the plan has one.
    on_missing_meterset
        What to do with a treatment beam without MU.
    modelled
        Accessories that the caller computes; any other is refused.

    Raises
    ------
    DoseError
        ``NO_FRACTION_GROUP``; ``UNSUPPORTED_BEAM``: ION, BRACHY, ELECTRON, WEDGE, BLOCK,
        COMPENSATOR, BOLUS, PITCH; ``MISSING_METERSET`` (lists the beams); ``BAD_METERSET``: not in
        MU, or negative; ``INCOMPLETE_CONTROL_POINT``: a beam number that the plan does not have.
    """
    _refuse_kind(plan)
    group = fraction_group(plan, group_number)
    if group.brachy_setups:
        raise _unsupported(plan, "BRACHY", f"Fraction group {group.number}")
    beams: list[TreatmentBeam] = []
    skipped: list[tuple[str, str]] = []
    missing: list[str] = []
    known = {beam.number: beam for beam in plan.beams}
    for entry in group.metersets:
        beam = known.get(entry.beam_number)
        if beam is None:
            raise DoseError(
                "INCOMPLETE_CONTROL_POINT",
                f"Fraction group {group.number} names beam {entry.beam_number}, which the plan does"
                " not have.",
                where=Where(uid=plan.sop_uid or None),
                do="Export the plan again.",
            )
        label = f"Beam {beam.number} ({printable(beam.name, 32)})"
        if not beam.is_treatment:
            what = f"{label} is of type {printable(beam.delivery, 16)} and delivers nothing."
            skipped.append(("SETUP_BEAM", what))
        elif entry.meterset is None:
            missing.append(f"{beam.number} ({printable(beam.name, 32)})")
            skipped.append(("MISSING_METERSET", f"{label} has no meterset and was left out."))
        elif entry.meterset == 0:
            skipped.append(("ZERO_METERSET", f"{label} has 0 MU and was left out."))
        else:
            _refuse_beam(plan, beam, label, entry.meterset, modelled)
            beams.append(TreatmentBeam(beam=beam, meterset_mu=entry.meterset))
    if missing and on_missing_meterset is OnMissingMeterset.REFUSE:
        raise DoseError(
            "MISSING_METERSET",
            f"The plan gives no meterset for its treatment beams {', '.join(missing)}.",
            where=Where(uid=plan.sop_uid or None),
            do="Mark them as set-up beams in the planning system, or tell to skip such beams.",
        )
    return Treatment(group=group, beams=tuple(beams), skipped=tuple(skipped))


def _refuse_kind(plan: Plan) -> None:
    if plan.kind is not PlanKind.PLAN:
        raise _unsupported(plan, plan.kind.value, "The plan")
    if plan.brachy_setups and not plan.beams:
        raise _unsupported(plan, "BRACHY", "The plan")


def _refuse_beam(
    plan: Plan, beam: Beam, label: str, meterset: float, modelled: frozenset[AccessoryKind]
) -> None:
    if beam.radiation != "PHOTON":
        what = "ELECTRON" if beam.radiation == "ELECTRON" else "ION"
        raise _unsupported(plan, what, label)
    for accessory in beam.accessories:
        if accessory.kind not in modelled:
            named = f" {printable(accessory.id, 32)}" if accessory.id else ""
            raise _unsupported(plan, accessory.kind.value, f"{label}{named}")
    tilts = [
        max(abs(p.gantry_pitch_deg), abs(p.couch_pitch_deg), abs(p.couch_roll_deg))
        for p in beam.control_points
    ]
    if max(tilts) > PITCH_TOLERANCE_DEG:
        raise _unsupported(plan, "PITCH", f"{label}, {max(tilts):.2f}°")
    if beam.dosimeter_unit not in {"MU", ""} or meterset < 0:
        raise DoseError(
            "BAD_METERSET",
            f"{label} has a meterset of {meterset:g} {printable(beam.dosimeter_unit, 16)}.",
            where=Where(uid=plan.sop_uid or None),
            do="Give a plan whose metersets are in MU.",
        )


def _unsupported(plan: Plan, what: str, which: str) -> DoseError:
    return DoseError(
        "UNSUPPORTED_BEAM",
        f"{which}: {what} is not computed.",
        where=Where(uid=plan.sop_uid or None),
        do="Give a photon plan without it, or a machine file that models it.",
    )


def gantry_turns_deg(beam: Beam) -> tuple[float, ...]:
    """Return the signed turn of the gantry between each control point and the next, in degrees.

    Notes
    -----
    IEC 61217: CW is the direction in which the angle grows. A turn CW from a to b is (b − a) mod
    360; where a = b it is a full turn only if the beam has no other point, and the meterset runs;
    between many points it is none. The direction is that of the segment's first point.
    """
    points = beam.control_points
    return tuple(
        _turn_deg(a.gantry_deg, b.gantry_deg, a.gantry_direction, points)
        for a, b in pairwise(points)
    )


def _turn_deg(start: float, stop: float, direction: str, points: Sequence[object]) -> float:
    if direction not in {"CW", "CC"}:
        return 0.0
    sign = 1.0 if direction == "CW" else -1.0
    turn = (sign * (stop - start)) % 360.0
    if min(turn, 360.0 - turn) < SAME_ANGLE_DEG:
        turn = 360.0 if len(points) == 2 else 0.0
    return sign * turn
