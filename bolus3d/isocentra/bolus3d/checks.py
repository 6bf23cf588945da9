"""The named checks of a design: is it what was asked, and can it be printed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isocentra.bolus3d.catalogue import Printer
from isocentra.bolus3d.inspect import mesh_checks
from isocentra.bolus3d.printing import PrintPlan
from isocentra.bolus3d.result import InnerFaceFigures, RoiFigures, ThicknessFigures
from isocentra.mesh.check import MeshReport
from isocentra.verdict import Check, Status, at_least, at_most

__all__ = ["DesignFigures", "design_checks"]

THICKNESS_P95_MM = 0.2
THICKNESS_MAX_MM = 0.4
GAP_P95_MM = 0.2
CONTOUR_P95_MM = 0.05
ADDED_P95_MM = 0.03
COVERED_SHARE = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignFigures:
    """What the checks look at."""

    report: MeshReport
    plan: PrintPlan
    printer: Printer
    thickness: ThicknessFigures
    inner_face: InnerFaceFigures
    clearance_mm: float
    roi: RoiFigures
    added_p95_mm: float
    """What simplifying the mesh moved. [mm]"""
    covered_share: float
    """Share of the region's skin with the part over it, 0 to 1."""


def design_checks(figures: DesignFigures) -> tuple[Check, ...]:
    """Make every check of a design; the thirteen of a mesh come last."""
    thickness, gap = figures.thickness, figures.inner_face
    over = gap.p95_gap - figures.clearance_mm
    return (
        _judged(
            at_most(
                "thickness",
                thickness.p95_abs_error,
                THICKNESS_P95_MM,
                "mm",
                f"P95 of the outer face's distance to the skin against {thickness.nominal:g} mm,"
                f" away from the rim: {thickness.p95_abs_error:.3f} mm.",
            ),
            "Not judged: the region is so narrow that all of it is rim.",
        ),
        _judged(
            at_most(
                "thickness_max",
                thickness.max_abs_error,
                THICKNESS_MAX_MM,
                "mm",
                f"Largest thickness error away from the rim: {thickness.max_abs_error:.3f} mm.",
            ),
            "Not judged: the region is so narrow that all of it is rim.",
        ),
        _judged(
            at_most(
                "inner_face",
                over,
                GAP_P95_MM,
                "mm",
                f"P95 of the gap between inner face and skin, beyond the clearance of"
                f" {figures.clearance_mm:g} mm: {over:.3f} mm.",
            ),
            "Not judged: the part has no inner face away from its rim.",
        ),
        at_least(
            "covers_region",
            figures.covered_share,
            COVERED_SHARE,
            "share",
            f"{100 * figures.covered_share:.1f} % of the region's skin is covered by one part.",
        ),
        at_most(
            "contours",
            figures.roi.contour_p95_mm,
            CONTOUR_P95_MM,
            "mm",
            "P95 of the distance between the BOLUS contours and the mesh cut by their planes:"
            f" {figures.roi.contour_p95_mm:.3f} mm.",
        ),
        at_most(
            "simplified",
            figures.added_p95_mm,
            ADDED_P95_MM,
            "mm",
            f"P95 that simplifying the mesh moved its surface: {figures.added_p95_mm:.3f} mm.",
        ),
        *mesh_checks(figures.report, printer=figures.printer, plan=figures.plan),
    )


def _judged(check: Check, why_not: str) -> Check:
    """Make a check whose number could not be determined INCOMPLETE."""
    if check.value is not None and math.isfinite(check.value):
        return check
    return Check(
        name=check.name,
        status=Status.INCOMPLETE,
        value=None,
        limit=check.limit,
        unit=check.unit,
        message=why_not,
    )
