"""Control points of a beam, each with its whole state.

ControlPointSequence items ──► a running state, changed by each ──► ControlPoint per item

A control point holds only what changed since the one before; devices change one by one. The first
must be complete. DICOM PS3.3 C.8.8.14.5; ion beams C.8.8.25.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom import elements
from isocentra.dicom.plan_model import Aperture, BeamLimitingDevice, ControlPoint, WedgePosition
from isocentra.errors import DoseError, Where, printable

__all__ = ["BeamParts", "control_points"]

WEIGHT_TOLERANCE: Final = 1e-4
"""Cumulative weights are decimal strings, often rounded to five digits."""

_OPTIONAL_ANGLES: Final = {
    "gantry_pitch_deg": "GantryPitchAngle",
    "couch_eccentric_deg": "TableTopEccentricAngle",
    "couch_pitch_deg": "TableTopPitchAngle",
    "couch_roll_deg": "TableTopRollAngle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamParts:
    """What the beam around the control points says."""

    label: str
    """For messages: number and name, printable."""
    file: str
    devices: tuple[BeamLimitingDevice, ...]
    announced: int | None
    """Number of Control Points."""
    final_weight: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    energy: float | None = None
    dose_rate: float | None = None
    gantry_deg: float | None = None
    gantry_direction: str = "NONE"
    collimator_deg: float | None = None
    couch_deg: float | None = None
    isocentre_mm: tuple[float, float, float] | None = None
    gantry_pitch_deg: float = 0.0
    couch_eccentric_deg: float = 0.0
    couch_pitch_deg: float = 0.0
    couch_roll_deg: float = 0.0
    apertures: tuple[Aperture, ...] = ()
    wedges: tuple[WedgePosition, ...] = ()


def control_points(items: Sequence[Dataset], parts: BeamParts) -> tuple[ControlPoint, ...]:
    """Return the control points of one beam.

    Raises
    ------
    DoseError
        ``INCOMPLETE_CONTROL_POINT``: the first lacks a part of the state, or their number is not
        the announced one; ``BAD_METERSET``: weights that do not begin at 0, fall, or do not end at
        the final weight.
    ReadingError
        ``BAD_VALUE``: a number that is none, or too few of them.
    """
    if parts.announced is not None and parts.announced != len(items):
        raise _incomplete(
            parts, f"has {len(items)} control points where {parts.announced} are announced"
        )
    if len(items) < 2:
        raise _incomplete(parts, f"has {len(items)} control points; two are the least")
    weights = _weights(items, parts)
    state = _State()
    out = []
    for index, (item, weight) in enumerate(zip(items, weights, strict=True)):
        state = _changed(state, item, parts)
        out.append(_point(index, weight, state, parts))
    return tuple(out)


def _weights(items: Sequence[Dataset], parts: BeamParts) -> list[float]:
    """Return the shares of the meterset, 0 to 1."""
    written = []
    for index, item in enumerate(items):
        weight = elements.number(item, "CumulativeMetersetWeight", file=parts.file)
        if weight is None:
            raise _bad_meterset(parts, f"has no cumulative weight at control point {index}")
        written.append(weight)
    final = parts.final_weight
    if final is None or final <= 0:
        raise _bad_meterset(parts, f"has a final cumulative weight of {final}")
    if abs(written[0]) > WEIGHT_TOLERANCE * final:
        raise _bad_meterset(parts, f"begins with a cumulative weight of {written[0]:g}, not 0")
    for index, (before, after) in enumerate(pairwise(written), start=1):
        if after < before:
            raise _bad_meterset(
                parts,
                f"has a cumulative weight that falls from {before:g} to {after:g} at control point"
                f" {index}",
            )
    if abs(written[-1] - final) > WEIGHT_TOLERANCE * final:
        raise _bad_meterset(
            parts, f"ends with a cumulative weight of {written[-1]:g}, not the final {final:g}"
        )
    return [weight / written[-1] for weight in written]


def _changed(state: _State, item: Dataset, parts: BeamParts) -> _State:
    file = parts.file

    def kept(keyword: str, before: float | None) -> float | None:
        found = elements.number(item, keyword, file=file)
        return before if found is None else found

    isocentre = state.isocentre_mm
    if len(elements.numbers(item, "IsocenterPosition", file=file)):
        x, y, z = elements.required_numbers(item, "IsocenterPosition", 3, file=file).tolist()
        isocentre = (x, y, z)
    angles = {
        name: angle
        for name, keyword in _OPTIONAL_ANGLES.items()
        if (angle := elements.number(item, keyword, file=file)) is not None
    }
    return replace(
        state,
        energy=kept("NominalBeamEnergy", state.energy),
        dose_rate=kept("DoseRateSet", state.dose_rate),
        gantry_deg=kept("GantryAngle", state.gantry_deg),
        gantry_direction=elements.text(item, "GantryRotationDirection") or state.gantry_direction,
        collimator_deg=kept("BeamLimitingDeviceAngle", state.collimator_deg),
        couch_deg=kept("PatientSupportAngle", state.couch_deg),
        isocentre_mm=isocentre,
        apertures=_apertures(state.apertures, item, parts),
        wedges=_wedges(state.wedges, item, file),
        **angles,
    )


def _apertures(
    before: tuple[Aperture, ...], item: Dataset, parts: BeamParts
) -> tuple[Aperture, ...]:
    """Replace each device that the item moves; the others stay where they were."""
    now = {aperture.kind: aperture for aperture in before}
    pairs = {device.kind: device.pairs for device in parts.devices}
    for entry in elements.items(item, "BeamLimitingDevicePositionSequence", file=parts.file):
        kind = elements.text(entry, "RTBeamLimitingDeviceType")
        positions = elements.numbers(entry, "LeafJawPositions", file=parts.file)
        count = pairs.get(kind)
        if count is None or len(positions) != 2 * count:
            raise _incomplete(
                parts,
                f"gives {len(positions)} positions for {printable(kind, 16)}, which has"
                f" {'no entry' if count is None else f'{count} pairs'} among its devices",
            )
        now[kind] = Aperture(
            kind=kind, bank_1_mm=positions[:count].copy(), bank_2_mm=positions[count:].copy()
        )
    return tuple(now.values())


def _wedges(
    before: tuple[WedgePosition, ...], item: Dataset, file: str
) -> tuple[WedgePosition, ...]:
    now = {wedge.number: wedge for wedge in before}
    for entry in elements.items(item, "WedgePositionSequence", file=file):
        number = elements.required_integer(entry, "ReferencedWedgeNumber", file=file)
        now[number] = WedgePosition(number=number, position=elements.text(entry, "WedgePosition"))
    return tuple(now.values())


def _point(index: int, weight: float, state: _State, parts: BeamParts) -> ControlPoint:
    energy, gantry, collimator = state.energy, state.gantry_deg, state.collimator_deg
    couch, isocentre = state.couch_deg, state.isocentre_mm
    if (
        energy is None
        or gantry is None
        or collimator is None
        or couch is None
        or isocentre is None
        or len(state.apertures) < len(parts.devices)
    ):
        standing = {aperture.kind for aperture in state.apertures}
        lacking = [
            *(
                name
                for name, value in (
                    ("the energy", energy),
                    ("the gantry angle", gantry),
                    ("the collimator angle", collimator),
                    ("the couch angle", couch),
                    ("the isocentre", isocentre),
                )
                if value is None
            ),
            *(printable(d.kind, 16) for d in parts.devices if d.kind not in standing),
        ]
        raise _incomplete(parts, f"lacks {', '.join(lacking)} at its first control point")
    return ControlPoint(
        index=index,
        weight=float(np.clip(weight, 0.0, 1.0)),
        energy=energy,
        dose_rate=state.dose_rate,
        gantry_deg=gantry,
        gantry_direction=state.gantry_direction,
        collimator_deg=collimator,
        couch_deg=couch,
        isocentre_mm=isocentre,
        gantry_pitch_deg=state.gantry_pitch_deg,
        couch_eccentric_deg=state.couch_eccentric_deg,
        couch_pitch_deg=state.couch_pitch_deg,
        couch_roll_deg=state.couch_roll_deg,
        apertures=state.apertures,
        wedges=state.wedges,
    )


def _incomplete(parts: BeamParts, what: str) -> DoseError:
    return DoseError(
        "INCOMPLETE_CONTROL_POINT",
        f"Beam {parts.label} {what}.",
        where=Where(file=parts.file),
        do="Export the plan again with complete control points.",
    )


def _bad_meterset(parts: BeamParts, what: str) -> DoseError:
    return DoseError(
        "BAD_METERSET",
        f"Beam {parts.label} {what}.",
        where=Where(file=parts.file),
        do="Export the plan again; the weights must rise from 0 to the final weight.",
    )
