"""Every real plan gives the beams, control points, turns and MU that its README states."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from isocentra.dicom.plan import read_plan
from isocentra.dicom.plan_model import AccessoryKind, Plan, PlanKind
from isocentra.dicom.treatment import (
    OnMissingMeterset,
    fraction_group,
    gantry_turns_deg,
    treatment_beams,
)
from isocentra.errors import DoseError

PLANS = "dicom_rt/plans.zip"
BREAST = "dicom_rt/breast_imrt_sliding.zip"
CHAMBER = "dicom_rt/chamber_static_2field.zip"
PROSTATE = "dicom_rt/prostate_phantom_box.zip"
TINY = "dicom_rt/tiny_vmat_case.zip"
PINNACLE = "dicom_rt/pinnacle_dose16.zip"


@pytest.fixture(scope="session")
def plan_of(unpacked: Callable[[str], Path]) -> Callable[[str, str], Plan]:
    return lambda archive, file: read_plan(unpacked(archive) / file)


@pytest.mark.parametrize(
    ("archive", "file", "counts", "mu"),
    [
        (BREAST, "RP.dcm", (4, 4, 384), 367.0),
        (CHAMBER, "RP.dcm", (2, 2, 4), 390.04),
        (TINY, "RP.dcm", (1, 1, 110), 598.839783),
        (PINNACLE, "RP.dcm", (2, 2, 4), 236.0),
        (PLANS, "monaco_agility_dmlc_9field.dcm", (9, 9, 195), 994.582),
        (PLANS, "monaco_agility_vmat_2arc.dcm", (2, 2, 63), 316.021),
        (PLANS, "monaco_agility_arc_full_wrap.dcm", (2, 2, 50), 600.0),
        (PLANS, "monaco_agility_squares_water.dcm", (10, 10, 20), 10_000.0),
        (PLANS, "monaco_agility_fff.dcm", (1, 1, 2), 301.937836),
        (PLANS, "monaco_agility_24x20.dcm", (1, 1, 2), 301.937836),
        (PLANS, "stepshoot_mlc120_9field_hashed_dates.dcm", (11, 9, 254), 642.0),
        (PLANS, "truebeam_hd120_vmat.dcm", (1, 1, 90), 393.0),
        (PLANS, "truebeam_jaws_only.dcm", (1, 1, 2), 100.0),
        (PLANS, "pinnacle_jaws_2field.dcm", (2, 2, 4), 236.0),
    ],
)
def test_beams_control_points_and_mu_are_those_of_the_file(
    plan_of: Callable[[str, str], Plan],
    archive: str,
    file: str,
    counts: tuple[int, int, int],
    mu: float,
) -> None:
    plan = plan_of(archive, file)
    treatment = treatment_beams(plan)
    points = sum(len(beam.control_points) for beam in plan.beams)
    assert (len(plan.beams), len(treatment.beams), points) == counts
    assert sum(beam.meterset_mu for beam in treatment.beams) == pytest.approx(mu, abs=1e-3)
    for beam in treatment.beams:
        assert sum(beam.segments_mu) == pytest.approx(beam.meterset_mu)
    assert plan.kind is PlanKind.PLAN


def test_the_breast_plan_is_a_sliding_window_with_its_jaws_repeated_at_every_point(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(BREAST, "RP.dcm")
    assert [len(beam.control_points) for beam in plan.beams] == [92, 94, 103, 95]
    assert [beam.control_points[0].energy for beam in plan.beams] == [10, 6, 6, 10]
    assert [beam.control_points[-1].gantry_deg for beam in plan.beams] == [327, 0, 56, 150]
    assert {beam.type for beam in plan.beams} == {"DYNAMIC"}
    assert fraction_group(plan, None).fractions == 7
    for beam in plan.beams:
        assert [device.kind for device in beam.devices] == ["ASYMX", "ASYMY", "MLCX"]
        millennium = beam.devices[2].boundaries_mm
        expected = np.cumsum([-200.0, *[10.0] * 10, *[5.0] * 40, *[10.0] * 10])
        np.testing.assert_allclose(millennium, expected)
        assert beam.devices[2].distance_mm == pytest.approx(508.61, abs=0.01)
        jaws = {tuple(p.apertures[0].bank_1_mm.tolist()) for p in beam.control_points}
        assert len(jaws) == 1
        leaves = {tuple(p.apertures[2].bank_1_mm.tolist()) for p in beam.control_points}
        assert len(leaves) > 50
        assert beam.control_points[-1].isocentre_mm == pytest.approx(
            (72.5304715, -304.3445583, -9.3092401)
        )
    first = plan.beams[0].control_points[0]
    assert first.weight == 0.0
    assert plan.beams[0].control_points[-1].weight == 1.0
    assert plan.beams[0].patient_position == "HFS"
    assert abs(first.collimator_deg) < 1e-8


def test_the_chamber_plan_has_its_jaws_and_a_beam_dose_that_is_no_meterset(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(CHAMBER, "RP.dcm")
    group = fraction_group(plan, 1)
    assert (group.fractions, [m.dose_gy for m in group.metersets]) == (5, [1.0, 1.0])
    assert [m.meterset for m in group.metersets] == pytest.approx([195.3668756, 194.67307792])
    point = plan.beams[0].control_points[1]
    x, y = point.aperture("ASYMX"), point.aperture("ASYMY")
    assert x is not None
    assert y is not None
    assert (x.bank_1_mm[0], x.bank_2_mm[0]) == pytest.approx((-26, 26), abs=0.5)
    assert (y.bank_1_mm[0], y.bank_2_mm[0]) == pytest.approx((-87, 57), abs=0.5)
    assert point.aperture("MLCY") is None
    assert plan.beams[0].machine == "TrueBeamClarity"
    assert plan.beams[0].fluence_mode == "STANDARD"
    assert point.isocentre_mm == pytest.approx((-4.080, -251.402, 554.385), abs=1e-3)


def test_a_treatment_beam_without_meterset_is_refused_or_left_out_when_told(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PROSTATE, "RP.dcm")
    with pytest.raises(DoseError, match=r"5 \(CBCT\)") as caught:
        treatment_beams(plan)
    assert caught.value.reason == "MISSING_METERSET"
    treatment = treatment_beams(plan, on_missing_meterset=OnMissingMeterset.SKIP)
    assert [beam.meterset_mu for beam in treatment.beams] == pytest.approx(
        [52.7393, 64.0185, 54.2820, 64.0332], abs=1e-4
    )
    assert [beam.beam.control_points[0].gantry_deg for beam in treatment.beams] == [0, 270, 180, 90]
    assert treatment.group.fractions == 23
    assert [code for code, _ in treatment.skipped] == ["MISSING_METERSET"]


def test_beams_of_zero_mu_are_left_out_and_said_and_hashed_dates_are_remarks(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PLANS, "stepshoot_mlc120_9field_hashed_dates.dcm")
    assert [code for code, _ in treatment_beams(plan).skipped] == ["ZERO_METERSET"] * 2
    assert [message for _, message in plan.warnings] == [
        "StudyDate is not a date; it is kept as it stands.",
        "InstanceCreationDate is not a date; it is kept as it stands.",
    ]
    moves = [w for beam in plan.beams for w in beam.segment_weights if w == 0]
    assert len(moves) > 50


@pytest.mark.parametrize(
    ("archive", "file", "turns"),
    [
        (TINY, "RP.dcm", [360.0]),
        (PLANS, "monaco_agility_arc_full_wrap.dcm", [359.8, -359.8]),
        (PLANS, "monaco_agility_vmat_2arc.dcm", [60.0, -60.0]),
        (PLANS, "truebeam_hd120_vmat.dcm", [-356.0]),
        (CHAMBER, "RP.dcm", [0.0, 0.0]),
        (BREAST, "RP.dcm", [0.0] * 4),
    ],
)
def test_the_gantry_turns_as_far_and_in_the_direction_that_the_plan_says(
    plan_of: Callable[[str, str], Plan], archive: str, file: str, turns: list[float]
) -> None:
    plan = plan_of(archive, file)
    found = [sum(gantry_turns_deg(beam)) for beam in plan.beams]
    assert found == pytest.approx(turns, abs=0.05)


def test_the_mixed_plan_has_setup_beams_moves_an_arc_and_wedges_refused_by_name(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PLANS, "clinac_mixed_wedge_fif_arc_setup.dcm")
    assert len(plan.beams) == 18
    assert sum(not beam.is_treatment for beam in plan.beams) == 3
    assert sum(len(beam.control_points) for beam in plan.beams) == 148
    with pytest.raises(DoseError, match=r"boost.*EDW60IN.*WEDGE") as caught:
        treatment_beams(plan)
    assert caught.value.reason == "UNSUPPORTED_BEAM"
    treatment = treatment_beams(plan, modelled=frozenset({AccessoryKind.WEDGE}))
    assert len(treatment.beams) == 15
    assert sum(b.meterset_mu for b in treatment.beams) == pytest.approx(1249.905, abs=1e-3)
    wedge = plan.beam(13).accessories[0]
    assert (wedge.id, wedge.type, wedge.angle_deg, wedge.orientation_deg) == (
        "EDW60IN",
        "DYNAMIC",
        60,
        0,
    )
    assert [p.wedges[0].position for p in plan.beam(13).control_points] == ["IN", "IN"]
    arc = plan.beam(15)
    assert len(arc.control_points) == 86
    assert sum(gantry_turns_deg(arc)) == pytest.approx(103.2, abs=0.01)
    field_in_field = plan.beam(1)
    assert sum(weight == 0 for weight in field_in_field.segment_weights) == 4


def test_several_fraction_groups_must_be_chosen_from(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PLANS, "monaco_agility_dmlc_2fg.dcm")
    with pytest.raises(DoseError, match="1, 2; none was named") as caught:
        treatment_beams(plan)
    assert caught.value.reason == "NO_FRACTION_GROUP"
    with pytest.raises(DoseError, match="number 3 is not among them"):
        treatment_beams(plan, 3)
    both = [treatment_beams(plan, number) for number in (1, 2)]
    assert [t.group.fractions for t in both] == [16, 4]
    assert [len(t.beams) for t in both] == [3, 3]
    total = sum(beam.meterset_mu for t in both for beam in t.beams)
    assert total == pytest.approx(912.229, abs=1e-3)
    assert sum(len(beam.control_points) for beam in plan.beams) == 133


def test_the_step_and_shoot_plan_has_three_groups_and_forty_leaf_pairs(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PLANS, "pinnacle_stepshoot_mlc40_3fg.dcm")
    treatments = [treatment_beams(plan, number) for number in (1, 2, 3)]
    assert [t.group.fractions for t in treatments] == [26, 10, 13]
    assert sum(len(t.beams) for t in treatments) == len(plan.beams) == 26
    total = sum(beam.meterset_mu for t in treatments for beam in t.beams)
    assert total == pytest.approx(1947.6, abs=0.01)
    assert sum(len(beam.control_points) for beam in plan.beams) == 360
    leaves = plan.beams[0].devices[2]
    np.testing.assert_allclose(leaves.boundaries_mm, np.arange(-200.0, 201.0, 10.0))
    point = plan.beams[0].control_points[0].aperture("MLCX")
    assert point is not None
    assert point.bank_1_mm.shape == point.bank_2_mm.shape == (40,)
    assert (point.bank_1_mm <= point.bank_2_mm).all()


def test_agility_has_no_x_jaw_and_hd120_thin_central_leaves(
    plan_of: Callable[[str, str], Plan],
) -> None:
    agility = plan_of(PLANS, "monaco_agility_24x20.dcm").beams[0]
    assert [device.kind for device in agility.devices] == ["ASYMY", "MLCX"]
    np.testing.assert_allclose(agility.devices[1].boundaries_mm, np.arange(-200.0, 201.0, 5.0))
    hd120 = plan_of(PLANS, "truebeam_hd120_vmat.dcm").beams[0]
    expected = np.cumsum([-110.0, *[5.0] * 14, *[2.5] * 32, *[5.0] * 14])
    np.testing.assert_allclose(hd120.devices[2].boundaries_mm, expected)


def test_fff_is_told_by_the_fluence_mode(plan_of: Callable[[str, str], Plan]) -> None:
    beam = plan_of(PLANS, "monaco_agility_fff.dcm").beams[0]
    assert (beam.fluence_mode, beam.fluence_mode_id) == ("NON_STANDARD", "FFF")
    assert plan_of(PLANS, "monaco_agility_24x20.dcm").beams[0].fluence_mode_id == ""


def test_a_plan_without_structure_set_says_that_it_is_for_the_device(
    plan_of: Callable[[str, str], Plan],
) -> None:
    plan = plan_of(PLANS, "pinnacle_jaws_2field.dcm")
    assert (plan.geometry, plan.structure_set_uid) == ("TREATMENT_DEVICE", "")
    assert plan_of(BREAST, "RP.dcm").structure_set_uid


@pytest.mark.parametrize(
    ("file", "points", "final"),
    [("ion_eclipse_mono.dcm", 2, 6847.778384), ("ion_raystation_sobp.dcm", 26, 52188.75)],
)
def test_ion_plans_are_readable_and_refused_by_name_when_they_are_to_be_computed(
    plan_of: Callable[[str, str], Plan], file: str, points: int, final: float
) -> None:
    plan = plan_of(PLANS, file)
    assert plan.kind is PlanKind.ION
    assert len(plan.beams[0].control_points) == points
    assert plan.beams[0].final_weight == pytest.approx(final)
    assert plan.beams[0].control_points[-1].weight == 1.0
    with pytest.raises(DoseError, match="ION") as caught:
        treatment_beams(plan)
    assert caught.value.reason == "UNSUPPORTED_BEAM"
