"""The acceptance: quick answers are found, a missed one is told, and the page says so."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from isocentra.gpu_kernels import ON_CPU
from isocentra.report.pdf import report_pdf
from isocentra.result import Software
from isocentra.services.acceptance import AcceptanceResult
from isocentra.services.acceptance_page import acceptance_report, share_of_limit
from isocentra.services.known_answers.geometry import geometry_checks
from isocentra.services.known_answers.grids import oblique
from isocentra.services.known_answers.kernels import kernel_checks
from isocentra.services.known_answers.meshes import mesh_checks
from isocentra.services.machine import this_machine
from isocentra.verdict import Check, Status, at_least, at_most, verdict


def result_of(*checks: Check) -> AcceptanceResult:
    return AcceptanceResult(
        schema="isocentra.selftest.v1",
        status=verdict(checks),
        checks=checks,
        inputs=(),
        software=Software(version="9.8.7", device="cpu", kernels="v3"),
        machine=replace(this_machine(), name="planning-7"),
    )


def test_the_quick_answers_are_found_and_named_once() -> None:
    checks = (*kernel_checks(ON_CPU), *geometry_checks(), *mesh_checks())
    assert [check.name for check in checks if check.status is not Status.PASS] == []
    names = [check.name for check in checks]
    assert len(names) == len(set(names))


def test_the_oblique_grid_is_right_handed_centred_and_turned_about_for_feet_first() -> None:
    asked = {"shape": (5, 7, 9), "spacing_mm": (2.0, 1.0, 0.5), "centre_mm": (3.0, 4.0, 5.0)}
    for grid in (oblique(**asked), oblique(**asked, feet_first=True)):  # type: ignore[arg-type]
        assert grid.is_right_handed
        assert grid.to_points((2, 3, 4)) == pytest.approx((3.0, 4.0, 5.0))
    assert oblique(**asked, feet_first=True).axes[0][2] < -0.9  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "share"),
    [
        (at_most("a", 0.5, 2.0, "mm", "."), 0.25),
        (at_most("a", 0, 0, "", "."), 0.0),
        (at_most("a", 3, 0, "", "."), 1.25),
        (at_most("a", 9.0, 2.0, "mm", "."), 1.25),
        (at_least("a", 4, 1, "", "."), 0.25),
        (at_least("a", 0, 1, "", "."), 1.25),
    ],
)
def test_a_bar_is_the_share_of_the_limit_and_a_missed_limit_is_beyond_it(
    check: Check, share: float
) -> None:
    assert share_of_limit(check) == share


def test_the_page_names_machine_verdict_and_who_signs() -> None:
    missed = at_most("bolus_thickness", 0.3, 0.1, "mm", "The outer face is off.")
    made = acceptance_report(result_of(at_most("same_bits", 0, 0, "voxels", "Same."), missed))
    first = PdfReader(io.BytesIO(report_pdf(made))).pages[0].extract_text()
    for word in ("FAIL", "planning-7", "9.8.7", "Bolus thickness", "1 of 2", "Accepted by"):
        assert word in first
