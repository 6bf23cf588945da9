"""The report of a bolus: what a physicist signs and a technician prints from.

BolusDesignResult + BolusPictures ──► bolus_report ──► Report ──► report_html, report_pdf
"""

from __future__ import annotations

from typing import Final

import numpy as np

from isocentra.bolus3d.callipers import CalliperPoint, calliper_points
from isocentra.bolus3d.report_inputs import BolusPictures
from isocentra.bolus3d.report_pictures import (
    calliper_frame,
    calliper_picture,
    four_sides,
    gap_picture,
    lead_picture,
    on_patient,
    scene,
    slices_picture,
    thickness_picture,
)
from isocentra.bolus3d.result import BolusDesignResult
from isocentra.errors import printable
from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.charts import Guide, Spread, spread_picture
from isocentra.report.document import (
    Align,
    Beside,
    Column,
    Paragraph,
    Picture,
    Provenance,
    Report,
    Row,
    Section,
    SignLines,
    Table,
    Viewer3d,
)
from isocentra.report.wording import MISSING, number, quantity, yes_no

__all__ = ["bolus_report"]

NAME_LIMIT: Final = 64
"""Longest text taken from a data set into a line of the report."""

NOT_CHECKED: Final = (
    "The printed part: only the measurements on the print sheet say whether it is this part.",
    "The dose under the bolus: recompute the plan with the BOLUS structure.",
    "Whether the patient's skin on the day of treatment is the skin of this image.",
    "The material's density and HU: they are the catalogue's, not measured on this print.",
)


def bolus_report(result: BolusDesignResult, given: BolusPictures) -> Report:
    """Build the report of one design.

    Parameters
    ----------
    result
        The numbers, checks, warnings and provenance.
    given
        What the pictures are made from.
    """
    patient = on_patient(given)
    points = calliper_points(given.bolus, given.thickness_mm, calliper_frame(given))
    roi = printable(result.roi.name, NAME_LIMIT)
    return Report(
        title="3D printed bolus",
        subtitle=f"{roi}: {quantity(result.thickness_mm.nominal, 'mm')} nominal, "
        f"{quantity(result.mesh.volume_cm3, 'cm³')}, {printable(result.print.material)}",
        subject=_subject(given, roi),
        status=result.status,
        checks=result.checks,
        identity=_identity(result, given),
        lead=lead_picture(given, patient),
        sections=(
            Section(title="Numbers", blocks=(_numbers(result),)),
            Section(
                title="On the patient",
                blocks=(Viewer3d(scene=scene(given), still=four_sides(given, patient)),),
            ),
            Section(title="Slices", blocks=(slices_picture(given),)),
            Section(
                title="Thickness and gap",
                blocks=(thickness_picture(given), gap_picture(given), _spreads(result, given)),
            ),
            _print_sheet(result, given, points),
        ),
        provenance=Provenance(
            inputs=result.inputs,
            outputs=result.outputs,
            software=result.software,
            stages=result.stages,
        ),
        not_checked=(*NOT_CHECKED, *given.not_checked),
        warnings=result.warnings,
        program=f"Isocentra {result.software.version}",
        sign=SignLines(roles=("Prepared by", "Approved for printing by")),
    )


def _subject(given: BolusPictures, roi: str) -> str:
    patient = given.image.header.patient
    name = printable(patient.name, NAME_LIMIT) or "unnamed patient"
    number_of = f" ({printable(patient.id, NAME_LIMIT)})" if patient.id else ""
    return f"{name}{number_of} · {roi}"


def _identity(result: BolusDesignResult, given: BolusPictures) -> tuple[Row, ...]:
    header = given.image.header
    patient = header.patient
    rows = (
        ("Patient", patient.name),
        ("Patient ID", patient.id),
        ("Born, sex", ", ".join(t for t in (_date(patient.birth_date), patient.sex) if t)),
        (
            "Image",
            ", ".join(t for t in (given.image.modality, header.description) if t)
            + (f", {_date(header.study_date)}" if header.study_date else ""),
        ),
        ("Image series", header.series_uid),
        ("Patient position", header.patient_position),
        ("Structure set", given.structure_set),
        ("Target", given.target.name if given.target is not None else ""),
        ("Bolus structure", result.roi.name),
    )
    return tuple(Row(label=a, text=printable(b, NAME_LIMIT + 16) or MISSING) for a, b in rows)


def _date(text: str) -> str:
    """Write a DICOM date (YYYYMMDD) as YYYY-MM-DD; anything else as it is."""
    whole = len(text) == 8 and text.isdigit()
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if whole else text


def _numbers(result: BolusDesignResult) -> Beside:
    mesh, thickness, gap = result.mesh, result.thickness_mm, result.inner_face_mm
    bounds = mesh.bounds_mm
    box = MISSING
    if bounds is not None:
        box = " × ".join(number(b - a, 1) for a, b in zip(*bounds, strict=True)) + " mm"
    fit = _figures(
        "Fit",
        (
            ("Thickness asked", quantity(thickness.nominal, "mm", 2)),
            ("Thickness found, mean", quantity(thickness.mean, "mm", 2)),
            ("Thickness found, least", quantity(thickness.min, "mm", 2)),
            ("Thickness error, P95", quantity(thickness.p95_abs_error, "mm", 2)),
            ("Thickness error, largest", quantity(thickness.max_abs_error, "mm", 2)),
            ("Gap to the skin, mean", quantity(gap.mean_gap, "mm", 2)),
            ("Gap to the skin, P95", quantity(gap.p95_gap, "mm", 2)),
            ("Gap to the skin, largest", quantity(gap.max_gap, "mm", 2)),
        ),
    )
    solid = _figures(
        "Mesh",
        (
            ("Volume", quantity(mesh.volume_cm3, "cm³", 2)),
            ("Surface", quantity(mesh.area_cm2, "cm²", 1)),
            ("Size along x, y, z (LPS)", box),
            ("Triangles", number(mesh.triangles)),
            ("Parts", number(mesh.parts)),
            ("Open edges", number(mesh.open_edges)),
            ("Non-manifold edges", number(mesh.non_manifold_edges)),
            ("Pinched vertices", number(mesh.pinched_vertices)),
            ("Degenerate triangles", number(mesh.degenerate_triangles)),
            ("Self-intersecting pairs", number(mesh.self_intersections)),
            ("Inside out", yes_no(mesh.inverted)),
            ("Cavities", number(mesh.cavities)),
            ("Thinnest wall", quantity(mesh.min_wall_mm, "mm", 2)),
        ),
    )
    structure = _figures(
        "Structure for the planning system",
        (
            ("Name", printable(result.roi.name, NAME_LIMIT)),
            ("Volume of the contours", quantity(result.roi.volume_cm3, "cm³", 2)),
            ("Contours against the mesh, P95", quantity(result.roi.contour_p95_mm, "mm", 3)),
        ),
    )
    return Beside(left=(fit, structure), right=(solid,))


def _figures(caption: str, rows: tuple[tuple[str, str], ...]) -> Table:
    columns = (
        Column(title="What", share=1.3),
        Column(title="Found", align=Align.RIGHT, share=1.0),
    )
    return Table(caption=caption, columns=columns, rows=rows)


def _spreads(result: BolusDesignResult, given: BolusPictures) -> Picture:
    area = _vertex_area(given.bolus)
    thickness, gap = result.thickness_mm, result.inner_face_mm
    return spread_picture(
        (
            Spread(
                title="Thickness of the outer face",
                axis="thickness [mm]",
                values=given.thickness_mm,
                weights=area,
                guides=(Guide(value=thickness.nominal, label="asked"),),
            ),
            Spread(
                title="Gap under the inner face",
                axis="gap [mm]",
                values=given.gap_mm,
                weights=area,
                guides=(Guide(value=gap.p95_gap, label="P95"),),
            ),
        ),
        caption="How thickness and gap are spread over their faces, by area.",
        alt=f"Two histograms: thickness with mean {number(thickness.mean, 2)} mm, gap with mean "
        f"{number(gap.mean_gap, 2)} mm.",
    )


def _vertex_area(mesh: Mesh) -> Array64:
    """Return a third of the area of its triangles for each vertex [mm²]."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    n = len(mesh.vertices_mm)
    return np.asarray(np.bincount(mesh.faces.ravel(), np.repeat(area, 3), minlength=n))


def _print_sheet(
    result: BolusDesignResult, given: BolusPictures, points: tuple[CalliperPoint, ...]
) -> Section:
    made = result.print
    size = np.ptp(given.bolus.vertices_mm @ np.array(made.orientation, dtype=np.float64).T, axis=0)
    facts = _figures(
        "Print",
        (
            ("Part", printable(result.roi.name, NAME_LIMIT)),
            ("Printer", printable(made.printer)),
            ("Material", printable(made.material)),
            ("Mass of the finished part", quantity(made.mass_g, "g", 1)),
            ("Printing time, about", quantity(made.time_min, "min", 0)),
            ("Size as it lies on the bed", _size(size)),
            ("Fits the printer", yes_no(made.fits)),
            ("Thinnest wall", quantity(made.min_wall_mm, "mm", 2)),
        ),
    )
    callipers = Table(
        caption="Calliper points (square to the face)",
        columns=(
            Column(title="Point", share=0.6),
            Column(title="Expected [mm]", align=Align.RIGHT, share=1.2),
            Column(title="Measured [mm]", share=1.2),
            Column(title="Difference", share=0.9),
        ),
        rows=tuple((str(p.number), number(p.expected_mm, 2), "", "") for p in points),
    )
    mass = Table(
        caption="Mass",
        columns=(
            Column(title="Expected [g]", align=Align.RIGHT),
            Column(title="Measured [g]"),
            Column(title="Batch of material"),
        ),
        rows=((number(made.mass_g, 1), "", ""),),
    )
    none = Paragraph(text="No place on this part can be measured with a calliper.")
    return Section(
        title="Print sheet",
        new_page=True,
        blocks=(
            Beside(left=(facts,), right=(*((callipers,) if points else ()), mass)),
            *(() if points else (none,)),
            calliper_picture(given, points, made.orientation),
            SignLines(roles=("Printed by", "Measured by")),
        ),
    )


def _size(size: Array64) -> str:
    return " × ".join(number(float(v), 1) for v in size) + "\N{NO-BREAK SPACE}mm"
