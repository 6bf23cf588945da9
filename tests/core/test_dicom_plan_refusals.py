"""What a plan does not say fully, or what cannot be computed, is refused by name."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from isocentra.dicom.plan import plan_from_bytes, read_plan
from isocentra.dicom.plan_model import Plan
from isocentra.dicom.treatment import gantry_turns_deg, treatment_beams
from isocentra.errors import AssemblyError, DoseError, ReadingError

CHAMBER = "dicom_rt/chamber_static_2field.zip"


def changed(path: Path, change: Callable[[Dataset], None]) -> Plan:
    dataset = dcmread(path, force=True)
    change(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer)
    return plan_from_bytes(buffer.getvalue(), path.name)


def _set(beam_keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset.BeamSequence[0], beam_keyword, value)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_set("RadiationType", "ELECTRON"), "ELECTRON"),
        (_set("RadiationType", "PROTON"), "ION"),
        (_set("NumberOfBlocks", 1), "BLOCK"),
        (_set("NumberOfCompensators", 1), "COMPENSATOR"),
        (_set("NumberOfBoli", 1), "BOLUS"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(
    unpacked: Callable[[str], Path], change: Callable[[Dataset], None], match: str
) -> None:
    plan = changed(unpacked(CHAMBER) / "RP.dcm", change)
    with pytest.raises(DoseError, match=match) as caught:
        treatment_beams(plan)
    assert caught.value.reason == "UNSUPPORTED_BEAM"


def test_a_pitched_couch_is_refused_and_a_rounding_error_of_pitch_is_not(
    unpacked: Callable[[str], Path],
) -> None:
    def pitch(angle: float) -> Callable[[Dataset], None]:
        def change(dataset: Dataset) -> None:
            dataset.BeamSequence[0].ControlPointSequence[0].TableTopPitchAngle = angle

        return change

    with pytest.raises(DoseError, match=r"PITCH"):
        treatment_beams(changed(unpacked(CHAMBER) / "RP.dcm", pitch(1.5)))
    assert treatment_beams(changed(unpacked(CHAMBER) / "RP.dcm", pitch(7e-10))).beams


def test_brachytherapy_is_refused_by_name(unpacked: Callable[[str], Path]) -> None:
    def change(dataset: Dataset) -> None:
        dataset.FractionGroupSequence[0].NumberOfBrachyApplicationSetups = 1

    with pytest.raises(DoseError, match="BRACHY"):
        treatment_beams(changed(unpacked(CHAMBER) / "RP.dcm", change))


def _weights(*values: float) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        points = dataset.BeamSequence[0].ControlPointSequence
        for point, value in zip(points, values, strict=False):
            point.CumulativeMetersetWeight = value

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_weights(0.1), "begins with"),
        (_weights(0.0, 0.5), "ends with"),
        (_weights(0.0, -0.5), "falls from"),
        (_set("FinalCumulativeMetersetWeight", 0), "final cumulative weight"),
        (_set("FinalCumulativeMetersetWeight", 2), "not the final 2"),
    ],
)
def test_weights_that_do_not_rise_from_0_to_the_final_one_are_refused(
    unpacked: Callable[[str], Path], change: Callable[[Dataset], None], match: str
) -> None:
    with pytest.raises(DoseError, match=match) as caught:
        changed(unpacked(CHAMBER) / "RP.dcm", change)
    assert caught.value.reason == "BAD_METERSET"


def test_a_final_weight_other_than_one_is_divided_by(unpacked: Callable[[str], Path]) -> None:
    def change(dataset: Dataset) -> None:
        _weights(0.0, 100.0)(dataset)
        dataset.BeamSequence[0].FinalCumulativeMetersetWeight = 100

    plan = changed(unpacked(CHAMBER) / "RP.dcm", change)
    assert [point.weight for point in plan.beams[0].control_points] == [0.0, 1.0]


def test_minutes_are_no_monitor_units(unpacked: Callable[[str], Path]) -> None:
    plan = changed(unpacked(CHAMBER) / "RP.dcm", _set("PrimaryDosimeterUnit", "MINUTE"))
    with pytest.raises(DoseError, match="MINUTE") as caught:
        treatment_beams(plan)
    assert caught.value.reason == "BAD_METERSET"


def _forget(keyword: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        delattr(dataset.BeamSequence[0].ControlPointSequence[0], keyword)

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_forget("NominalBeamEnergy"), "lacks the energy"),
        (_forget("GantryAngle"), "lacks the gantry angle"),
        (_forget("BeamLimitingDeviceAngle"), "lacks the collimator angle"),
        (_forget("PatientSupportAngle"), "lacks the couch angle"),
        (_forget("IsocenterPosition"), "lacks the isocentre"),
        (_forget("BeamLimitingDevicePositionSequence"), "lacks ASYMX, ASYMY, MLCX"),
        (_set("NumberOfControlPoints", 3), "2 control points where 3 are announced"),
    ],
)
def test_a_first_control_point_that_is_not_complete_is_refused(
    unpacked: Callable[[str], Path], change: Callable[[Dataset], None], match: str
) -> None:
    with pytest.raises(DoseError, match=match) as caught:
        changed(unpacked(CHAMBER) / "RP.dcm", change)
    assert caught.value.reason == "INCOMPLETE_CONTROL_POINT"


def test_a_setup_beam_that_is_not_complete_spoils_nothing(unpacked: Callable[[str], Path]) -> None:
    def change(dataset: Dataset) -> None:
        _forget("GantryAngle")(dataset)
        dataset.BeamSequence[0].TreatmentDeliveryType = "SETUP"

    plan = changed(unpacked(CHAMBER) / "RP.dcm", change)
    assert plan.beams[0].control_points == ()
    assert plan.warnings[0][0] == "INCOMPLETE_CONTROL_POINT"
    treatment = treatment_beams(plan)
    assert [beam.beam.number for beam in treatment.beams] == [2]
    assert treatment.skipped[0][0] == "SETUP_BEAM"


def test_leaf_positions_of_the_wrong_number_are_refused(unpacked: Callable[[str], Path]) -> None:
    def change(dataset: Dataset) -> None:
        point = dataset.BeamSequence[0].ControlPointSequence[0]
        point.BeamLimitingDevicePositionSequence[2].LeafJawPositions = [0.0] * 118

    with pytest.raises(DoseError, match="118 positions for MLCX"):
        changed(unpacked(CHAMBER) / "RP.dcm", change)


def test_boundaries_that_do_not_rise_are_refused(unpacked: Callable[[str], Path]) -> None:
    def change(dataset: Dataset) -> None:
        device = dataset.BeamSequence[0].BeamLimitingDeviceSequence[2]
        device.LeafPositionBoundaries = [0.0] * 61

    with pytest.raises(ReadingError, match="must be 61 and rise"):
        changed(unpacked(CHAMBER) / "RP.dcm", change)


def test_an_empty_fraction_group_sequence_is_refused_when_it_is_asked(
    unpacked: Callable[[str], Path],
) -> None:
    def change(dataset: Dataset) -> None:
        del dataset.FractionGroupSequence

    with pytest.raises(DoseError, match="none") as caught:
        treatment_beams(changed(unpacked(CHAMBER) / "RP.dcm", change))
    assert caught.value.reason == "NO_FRACTION_GROUP"


def test_two_control_points_at_one_angle_turn_fully_only_with_a_direction(
    unpacked: Callable[[str], Path],
) -> None:
    def change(dataset: Dataset) -> None:
        dataset.BeamSequence[0].ControlPointSequence[0].GantryRotationDirection = "CC"

    plan = changed(unpacked(CHAMBER) / "RP.dcm", change)
    assert gantry_turns_deg(plan.beams[0]) == (-360.0,)
    assert gantry_turns_deg(plan.beams[1]) == (0.0,)


def test_a_structure_set_is_no_plan(unpacked: Callable[[str], Path]) -> None:
    with pytest.raises(AssemblyError, match="not an RT Plan") as caught:
        read_plan(unpacked(CHAMBER) / "RS.dcm")
    assert caught.value.reason == "WRONG_MODALITY"
