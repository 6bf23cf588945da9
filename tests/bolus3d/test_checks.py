"""Every check of a design fails on its own fault, and on nothing else."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from isocentra.bolus3d import catalogue
from isocentra.bolus3d.checks import DesignFigures, design_checks
from isocentra.bolus3d.printing import PrintPlan
from isocentra.bolus3d.result import InnerFaceFigures, RoiFigures, ThicknessFigures
from isocentra.geometry.grid import Grid
from isocentra.mesh.check import check_mesh
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.simplify import simplify
from isocentra.verdict import Status, verdict


@cache
def good() -> DesignFigures:
    """Figures of a faultless ball of 12 mm."""
    grid = Grid(shape=(31, 31, 31), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(-15.0, -15.0, -15.0))
    distance = np.linalg.norm(grid.centres() - (0.1, 0.2, 0.3), axis=-1) - 12
    mesh = simplify(isosurface(distance.astype(np.float32), grid)).mesh
    return DesignFigures(
        report=check_mesh(mesh),
        plan=PrintPlan(
            fits=True,
            rotation=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
            extents_mm=(24.0, 24.0, 24.0),
            bed_share=0.1,
            overhang_cm2=1.0,
            support_cm3=1.0,
            stands=True,
        ),
        printer=catalogue.printer("ultimaker-2-plus"),
        thickness=ThicknessFigures(
            nominal=5.0, mean=5.0, p95_abs_error=0.05, max_abs_error=0.1, min=4.9
        ),
        inner_face=InnerFaceFigures(mean_gap=0.5, p95_gap=0.55, max_gap=0.7),
        clearance_mm=0.5,
        roi=RoiFigures(name="BOLUS", volume_cm3=7.2, contour_p95_mm=0.01),
        added_p95_mm=0.01,
        covered_share=1.0,
    )


def failed(figures: DesignFigures) -> set[str]:
    return {check.name for check in design_checks(figures) if check.status is not Status.PASS}


def test_good_figures_pass_every_check() -> None:
    checks = design_checks(good())
    assert failed(good()) == set()
    assert verdict(checks) is Status.PASS
    assert len({check.name for check in checks}) == len(checks) >= 18


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("thickness", {"thickness": replace(good().thickness, p95_abs_error=0.25)}),
        ("thickness_max", {"thickness": replace(good().thickness, max_abs_error=0.6)}),
        ("inner_face", {"inner_face": replace(good().inner_face, p95_gap=0.9)}),
        ("covers_region", {"covered_share": 0.9}),
        ("contours", {"roi": replace(good().roi, contour_p95_mm=0.2)}),
        ("simplified", {"added_p95_mm": 0.06}),
        ("fits_printer", {"plan": replace(good().plan, fits=False, bed_share=1.2)}),
        ("no_self_intersection", {"report": replace(good().report, self_intersections=2)}),
        ("vertex_manifold", {"report": replace(good().report, pinched_vertices=1)}),
    ],
)
def test_each_fault_fails_its_own_check(name: str, fault: dict[str, object]) -> None:
    figures = replace(good(), **fault)  # type: ignore[arg-type]
    # of a mesh that cuts itself no wall can be measured
    assert failed(figures) - {"wall"} == {name}
    check = next(check for check in design_checks(figures) if check.name == name)
    assert check.status is Status.FAIL
    assert check.message


def test_the_gap_is_judged_beyond_the_clearance_that_was_asked() -> None:
    wide = replace(
        good(), clearance_mm=3.0, inner_face=replace(good().inner_face, p95_gap=3.1, mean_gap=3.0)
    )
    assert "inner_face" not in failed(wide)


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("thickness", {"thickness": replace(good().thickness, p95_abs_error=math.nan)}),
        ("thickness_max", {"thickness": replace(good().thickness, max_abs_error=math.nan)}),
        ("inner_face", {"inner_face": replace(good().inner_face, p95_gap=math.nan)}),
    ],
)
def test_what_cannot_be_judged_is_incomplete_and_never_a_pass(
    name: str, unknown: dict[str, object]
) -> None:
    figures = replace(good(), **unknown)  # type: ignore[arg-type]
    checks = design_checks(figures)
    check = next(check for check in checks if check.name == name)
    assert check.status is Status.INCOMPLETE
    assert check.value is None
    assert "Not judged" in check.message
    assert verdict(checks) is not Status.PASS
