"""The whole road of a bolus: request in, mesh, structure, checks and report out.

BolusRequest ──► body ──► region ──► skin ──► body of the bolus ──► mesh ──► checks ──► BolusDesign

`design_bolus` calls the steps in that order; each step is a file of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isocentra import gpu_kernels
from isocentra.anatomy.body import Body, find_body
from isocentra.bolus3d import catalogue
from isocentra.bolus3d.body import BodyShape, body_field, tapered, uniform
from isocentra.bolus3d.checks import CheckedPart, design_checks
from isocentra.bolus3d.exclusion import absent_voxels
from isocentra.bolus3d.external import body_from_external, external_roi, skin_from_external
from isocentra.bolus3d.figures import FaceSamples, inner_face, sample_faces, thickness
from isocentra.bolus3d.inspect import mesh_figures
from isocentra.bolus3d.printing import PrintPlan, plan_print, printed_mass_g, printing_time_min
from isocentra.bolus3d.products import bolus_roi, product_refs, products, roi_figures
from isocentra.bolus3d.region import RegionField, RoughRegion, region_on, rough_region
from isocentra.bolus3d.report import bolus_report
from isocentra.bolus3d.report_inputs import BolusPictures
from isocentra.bolus3d.request import BolusRequest, Rim
from isocentra.bolus3d.result import BolusDesignResult, PrintFigures
from isocentra.bolus3d.skin import Skin, find_skin
from isocentra.bolus3d.truncation import refuse_cut_skin, refuse_doubtful_skin
from isocentra.errors import BolusError, ReadingError
from isocentra.mesh.check import MeshReport, check_mesh
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.mesh.simplify import Simplified, simplify
from isocentra.output import write_folder
from isocentra.progress import Progress, Stages, silent
from isocentra.report.html import report_html
from isocentra.report.pdf import report_pdf
from isocentra.result import Finding, InputRef, Software, as_json, program_version
from isocentra.structures.model import Roi
from isocentra.verdict import verdict

__all__ = ["BolusDesign", "design_bolus"]

SCHEMA = "isocentra.bolus.design.v1"
STEP_MM = 0.5
"""Working step of skin and bolus; thin boluses get a quarter of their thickness."""
MOST_THICKNESS_MM = 50.0
LEAST_WALLS = 2
"""Widths of the nozzle that a wall needs at least."""
ROUND_RADIUS_MM = 3.0
TAPER_MULTIPLE = 2.0

STAGES = {
    "finding the body": 0.12,
    "finding the skin": 0.18,
    "shaping the bolus": 0.15,
    "making the mesh": 0.2,
    "checking the mesh": 0.15,
    "writing the structure": 0.05,
    "planning the print": 0.05,
    "drawing the report": 0.1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusDesign:
    """A designed bolus."""

    result: BolusDesignResult
    mesh: Mesh
    """The part, in patient LPS mm."""
    skin: Mesh
    """The patient's skin round it."""
    roi: Roi
    """The BOLUS structure."""
    files: Mapping[str, bytes]
    """Everything that `write` writes, by file name."""

    def write(self, out: Path) -> None:
        """Write all files; `out` appears whole or not at all, and replaces what was there."""
        write_folder(out, self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shaped:
    """The finished part with what it was made from."""

    skin: Skin
    region: RegionField
    simplified: Simplified
    report: MeshReport
    dropped_cm3: float


def design_bolus(
    request: BolusRequest,
    *,
    progress: Progress = silent,
    compute: gpu_kernels.Compute = gpu_kernels.ON_CPU,
) -> BolusDesign:
    """Design a bolus.

    Parameters
    ----------
    request
        What is asked.
    progress
        Called as each stage begins.
    compute
        Where the kernels run.

    Returns
    -------
    BolusDesign
        Also when a check FAILed: the files are there, the status says it.

    Raises
    ------
    BolusError
        ``THICKNESS_BELOW_NOZZLE``, ``THICKNESS_OUT_OF_RANGE``, ``EMPTY_REGION``,
        ``TARGET_TRUNCATED``, ``SKIN_TRUNCATED``, ``SKIN_AMBIGUOUS``.
    StructureError
        ``NO_SUCH_ROI``, ``AMBIGUOUS_ROI``, ``EMPTY_ROI``, ``BAD_CONTOUR``, ``ROI_OUTSIDE_IMAGE``.
    AssemblyError
        ``WRONG_MODALITY``: no CT, and no EXTERNAL to stand in.
    ServiceError
        ``CONFLICT``: the set already holds an ROI of the new name.
    ReadingError
        ``BAD_VALUE``: an unknown printer or material.
    """
    printer = catalogue.printer(request.printer)
    material = catalogue.material(request.material)
    _refuse_thickness(request, printer)
    stages = Stages(progress, STAGES)
    shaped, rough = _shape(request, printer, stages, compute)
    mesh = shaped.simplified.mesh
    samples = sample_faces(
        mesh,
        shaped.skin,
        shaped.region,
        thickness_mm=request.thickness_mm,
        clearance_mm=request.clearance_mm,
    )
    with stages.stage("writing the structure"):
        roi = bolus_roi(request, mesh, material)
        roi_numbers = roi_figures(roi, mesh, request.ct.grid)
        external = None if request.structures is not None else external_roi(request.ct, rough.body)
    with stages.stage("planning the print"):
        plan = plan_print(mesh, printer)
        prints = _print_figures(request, shaped.report, plan, mesh)
    checked = CheckedPart(
        report=shaped.report,
        plan=plan,
        printer=printer,
        samples=samples,
        thickness=thickness(samples, request.thickness_mm),
        inner_face=inner_face(samples),
        roi=roi_numbers,
        added_p95_mm=shaped.simplified.added_p95_mm,
        covered_share=covered(shaped, samples, request),
        clearance_mm=request.clearance_mm,
    )
    checks = design_checks(checked)
    made = products(request, mesh, shaped.skin.mesh, roi, external)
    result = BolusDesignResult(
        schema=SCHEMA,
        status=verdict(checks),
        checks=checks,
        inputs=_inputs(request),
        outputs=product_refs(made),
        software=_software(compute),
        stages=tuple(stages.done),
        warnings=_warnings(request, shaped),
        mesh=mesh_figures(shaped.report),
        thickness_mm=checked.thickness,
        inner_face_mm=checked.inner_face,
        roi=roi_numbers,
        print=prints,
    )
    with stages.stage("drawing the report"):
        report = bolus_report(result, _pictures(request, shaped, roi, rough.region, printer))
        pages = {"report.html": report_html(report), "report.pdf": report_pdf(report)}
    result = replace(result, stages=tuple(stages.done))
    files = {**made, **pages, "result.json": as_json(result).encode()}
    return BolusDesign(result=result, mesh=mesh, skin=shaped.skin.mesh, roi=roi, files=files)
