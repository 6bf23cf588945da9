"""The whole road of a bolus: request in, mesh, structure, checks and report out.

BolusRequest ──► body ──► region ──► skin ──► body of the bolus ──► mesh ──► checks ──► BolusDesign

`design_bolus` calls the steps in that order; each step is a file of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from isocentra import gpu_kernels
from isocentra.anatomy.outline import body_contours
from isocentra.bolus3d import catalogue
from isocentra.bolus3d.body import BodyShape, ThicknessField, body_field, tapered, uniform
from isocentra.bolus3d.checks import DesignFigures, design_checks
from isocentra.bolus3d.doubt import refuse_dark_layer
from isocentra.bolus3d.figures import (
    RIM_MULTIPLE,
    covered_share,
    inner_face,
    sample_faces,
    thickness,
)
from isocentra.bolus3d.inspect import mesh_figures
from isocentra.bolus3d.locate import Place, locate
from isocentra.bolus3d.pictures import bolus_pictures
from isocentra.bolus3d.printing import PrintPlan, plan_print, printed_mass_g, printing_time_min
from isocentra.bolus3d.products import (
    bolus_roi,
    output_refs,
    part_files,
    refuse_known_name,
    roi_figures,
    structure_file,
)
from isocentra.bolus3d.region import RegionField, region_on
from isocentra.bolus3d.report import bolus_report
from isocentra.bolus3d.request import BolusRequest, Rim
from isocentra.bolus3d.result import BolusDesignResult, PrintFigures
from isocentra.bolus3d.skin import Skin, find_skin
from isocentra.errors import BolusError
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
"""Working step of skin and bolus; a thin bolus gets a quarter of its thickness."""
MOST_THICKNESS_MM = 50.0
ROUND_RADIUS_MM = 3.0
TAPER_MULTIPLE = 2.0
"""A tapered rim thins over the last two thicknesses."""
DROPPED_CM3 = 0.1

STAGES = {
    "finding the body": 0.1,
    "finding the skin": 0.15,
    "shaping the bolus": 0.15,
    "making the mesh": 0.2,
    "checking the mesh": 0.15,
    "writing the structure": 0.05,
    "planning the print": 0.05,
    "drawing the report": 0.15,
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
class _Part:
    """The finished part with what it was made from."""

    place: Place
    skin: Skin
    region: RegionField
    simplified: Simplified
    report: MeshReport
    dropped_cm3: float

    @property
    def mesh(self) -> Mesh:
        return self.simplified.mesh


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
    refuse_known_name(request)
    stages = Stages(progress, STAGES)
    part = _make(request, printer, stages, compute)
    with stages.stage("writing the structure"):
        roi = bolus_roi(request, part.mesh, material)
        external = _external(request, part.place)
        files = part_files(request, part.mesh, part.skin.mesh, material)
        files["bolus.dcm"] = structure_file(request, roi, external)
    with stages.stage("planning the print"):
        plan = plan_print(part.mesh, printer)
    figures = _figures(request, part, roi, plan, printer)
    checks = design_checks(figures)
    result = BolusDesignResult(
        schema=SCHEMA,
        status=verdict(checks),
        checks=checks,
        inputs=_inputs(request),
        outputs=output_refs(files),
        software=_software(compute),
        stages=tuple(stages.done),
        warnings=_warnings(request, part),
        mesh=mesh_figures(part.report),
        thickness_mm=figures.thickness,
        inner_face_mm=figures.inner_face,
        roi=figures.roi,
        print=_print_figures(part, plan, printer, material),
    )
    with stages.stage("drawing the report"):
        report = bolus_report(result, bolus_pictures(request, part.mesh, part.skin, roi, printer))
        files["report.html"] = report_html(report)
        files["report.pdf"] = report_pdf(report)
    result = replace(result, stages=tuple(stages.done))
    files["result.json"] = as_json(result).encode()
    return BolusDesign(result=result, mesh=part.mesh, skin=part.skin.mesh, roi=roi, files=files)


def _make(
    request: BolusRequest,
    printer: catalogue.Printer,
    stages: Stages,
    compute: gpu_kernels.Compute,
) -> _Part:
    step_mm = min(STEP_MM, request.thickness_mm / 4)
    with stages.stage("finding the body"):
        place = locate(request, compute)
    with stages.stage("finding the skin"):
        reach = request.thickness_mm + request.margin + ROUND_RADIUS_MM
        skin = find_skin(request.ct, place, reach_mm=reach, step_mm=step_mm, compute=compute)
        region = region_on(request, place.region, skin.mesh, skin.grid)
        if place.external is None:
            refuse_dark_layer(request.ct, skin, region)
    with stages.stage("shaping the bolus"):
        body = body_field(skin, region, _shape(request, printer), step_mm)
    with stages.stage("making the mesh"):
        simplified = simplify(isosurface(body.values, body.grid))
    with stages.stage("checking the mesh"):
        report = check_mesh(simplified.mesh)
    return _Part(
        place=place,
        skin=skin,
        region=region,
        simplified=simplified,
        report=report,
        dropped_cm3=body.dropped_cm3,
    )


def _refuse_thickness(request: BolusRequest, printer: catalogue.Printer) -> None:
    wall = request.thickness_mm - request.clearance_mm
    if wall < printer.min_wall_mm:
        raise BolusError(
            "THICKNESS_BELOW_NOZZLE",
            f"A wall of {wall:g} mm (thickness less clearance) is below the"
            f" {printer.min_wall_mm:g} mm that {printer.title} prints with its"
            f" {printer.nozzle_mm:g} mm nozzle.",
            do=f"Ask for at least {printer.min_wall_mm + request.clearance_mm:g} mm, or choose a"
            " printer with a finer nozzle.",
        )
    if not request.thickness_mm <= MOST_THICKNESS_MM:
        raise BolusError(
            "THICKNESS_OUT_OF_RANGE",
            f"A thickness of {request.thickness_mm:g} mm is not within {printer.min_wall_mm:g} to"
            f" {MOST_THICKNESS_MM:g} mm.",
            do="Give the thickness in millimetres.",
        )


def _shape(request: BolusRequest, printer: catalogue.Printer) -> BodyShape:
    field: ThicknessField = uniform(request.thickness_mm)
    radius = min(request.thickness_mm / 2, ROUND_RADIUS_MM)
    if request.rim is Rim.TAPER:
        edge = min(printer.min_wall_mm + request.clearance_mm, request.thickness_mm)
        field = tapered(field, edge, TAPER_MULTIPLE * request.thickness_mm)
        radius = edge / 4
    return BodyShape(
        thickness=field,
        most_mm=request.thickness_mm,
        clearance_mm=request.clearance_mm,
        rim_radius_mm=radius,
        near_mm=request.near_mm,
    )


def _external(request: BolusRequest, place: Place) -> Roi | None:
    """Outline the found body, for a planning system that has no structures yet."""
    if request.structures is not None:
        return None
    return Roi(
        number=0,
        name="EXTERNAL",
        contours=body_contours(request.ct, place.body),
        interpreted_type="EXTERNAL",
        color=(0, 200, 80),
        frame_of_reference_uid=request.ct.grid.frame_of_reference_uid,
    )


def _figures(
    request: BolusRequest, part: _Part, roi: Roi, plan: PrintPlan, printer: catalogue.Printer
) -> DesignFigures:
    rim = TAPER_MULTIPLE if request.rim is Rim.TAPER else RIM_MULTIPLE
    samples = sample_faces(
        part.mesh,
        part.skin,
        part.region,
        _shape(request, printer),
        rim_mm=rim * request.thickness_mm,
    )
    return DesignFigures(
        report=part.report,
        plan=plan,
        printer=printer,
        thickness=thickness(samples, request.thickness_mm),
        inner_face=inner_face(samples),
        clearance_mm=request.clearance_mm,
        roi=roi_figures(roi, part.mesh, request.ct.grid),
        added_p95_mm=part.simplified.added_p95_mm,
        covered_share=covered_share(
            part.skin, part.region, samples, reach_mm=request.clearance_mm + 2 * STEP_MM
        ),
    )


def _print_figures(
    part: _Part, plan: PrintPlan, printer: catalogue.Printer, material: catalogue.Material
) -> PrintFigures:
    mass = printed_mass_g(part.mesh, printer, material)
    wall = part.report.min_wall_mm
    return PrintFigures(
        printer=printer.name,
        material=material.name,
        fits=plan.fits,
        mass_g=mass,
        time_min=printing_time_min(mass, plan, printer, material),
        min_wall_mm=float("nan") if wall is None else wall,
        orientation=plan.rotation,
    )


def _inputs(request: BolusRequest) -> tuple[InputRef, ...]:
    header = request.ct.header
    image = InputRef(kind=request.ct.modality, uid=header.series_uid, sha256=header.sha256)
    if request.structures is None:
        return (image,)
    given = request.structures
    return (image, InputRef(kind="RTSTRUCT", uid=given.sop_uid, sha256=given.sha256))


def _software(compute: gpu_kernels.Compute) -> Software:
    found = gpu_kernels.describe(compute)
    return Software(version=program_version(), device=found.name, kernels=found.kernels)


def _warnings(request: BolusRequest, part: _Part) -> tuple[Finding, ...]:
    found = [Finding(code=code, message=text) for code, text in request.ct.header.warnings]
    if request.structures is not None:
        found += [Finding(code=c, message=text) for c, text in request.structures.warnings]
    if part.dropped_cm3 > DROPPED_CM3:
        found.append(
            Finding(
                code="PIECES_DROPPED",
                message=f"{part.dropped_cm3:.1f} cm³ of separate pieces of the region were left"
                " out: one bolus is one part.",
            )
        )
    if part.skin.bridged_cm3 > 0:
        found.append(
            Finding(
                code="SKIN_BRIDGED",
                message=f"Under {part.skin.bridged_cm3:.2f} cm³ of wires or excluded things the"
                " skin was continued from its neighbourhood.",
            )
        )
    return tuple(found)
