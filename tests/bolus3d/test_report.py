"""The report of a bolus says the result's numbers, on the right side of the patient, escaped.

The patient is a small digital one of this file: an ellipsoid head with a nose and, on the left
only, an ear; the bolus lies on the left cheek.
"""

import io
import re
import time
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from pypdf import PdfReader
from skimage.measure import find_contours, marching_cubes

from isocentra.bolus3d.callipers import calliper_points, outward_mean
from isocentra.bolus3d.report import bolus_report
from isocentra.bolus3d.report_inputs import BolusPictures
from isocentra.bolus3d.report_pictures import calliper_frame
from isocentra.bolus3d.result import (
    BolusDesignResult,
    InnerFaceFigures,
    MeshFigures,
    PrintFigures,
    RoiFigures,
    ThicknessFigures,
)
from isocentra.geometry.grid import Grid
from isocentra.image import Image, Patient, SeriesHeader
from isocentra.mesh.model import Mesh
from isocentra.progress import Stage
from isocentra.report.document import Report
from isocentra.report.html import report_html
from isocentra.report.pdf import report_pdf
from isocentra.report.wording import MISSING
from isocentra.result import Finding, InputRef, OutputRef, Software
from isocentra.structures.model import Contour, ContourKind, Roi
from isocentra.verdict import Check, Status, at_most, verdict

HOSTILE = '<script>alert("x")</script>&amp; $\\frac{1}{2}$ 山田'
CHEEK = np.array([48.0, -62.0, -5.0])
THICKNESS_MM = 5.0


@dataclass(frozen=True, kw_only=True)
class Design:
    """A result and its pictures."""

    result: BolusDesignResult
    pictures: BolusPictures


def ellipsoid(points: np.ndarray, centre: list[float], radii: list[float]) -> np.ndarray:
    """Return the distance to an ellipsoid, good to first order near its surface."""
    scaled = (points - np.array(centre)) / np.array(radii)
    length = np.linalg.norm(scaled, axis=-1)
    slope = np.linalg.norm(scaled / np.array(radii), axis=-1)
    return (length - 1) * np.maximum(length, 1e-6) / np.maximum(slope, 1e-6)


def head(points: np.ndarray) -> np.ndarray:
    """Return the distance to the head: negative inside, an ear on the patient's left only."""
    skull = ellipsoid(points, [0, 0, 20], [72, 92, 105])
    nose = ellipsoid(points, [0, -94, -2], [12, 16, 20])
    ear = ellipsoid(points, [74, 8, 5], [9, 18, 30])
    neck = ellipsoid(points, [0, 25, -110], [55, 60, 90])
    blend = 8.0
    field = np.stack([skull, nose, ear, neck])
    return -blend * np.log(np.exp(-field / blend).sum(axis=0))


def surface(values: np.ndarray, grid: Grid) -> Mesh:
    """Mesh the zero surface of a field that is negative inside, wound outwards."""
    index, faces, _, _ = marching_cubes(values, 0.0)
    mesh = Mesh(vertices_mm=grid.to_points(index), faces=faces.astype(np.int64))
    if mesh.signed_volume_mm3 < 0:
        mesh = Mesh(vertices_mm=mesh.vertices_mm, faces=mesh.faces[:, ::-1].copy())
    return mesh


def rings(mask_field: np.ndarray, grid: Grid, name: str, kind: str) -> Roi:
    """Draw contours of a field on the axial planes of a grid."""
    contours = []
    for k in range(grid.shape[0]):
        for line in find_contours(mask_field[k], 0.0):
            index = np.column_stack([np.full(len(line), k), line])[:-1]
            if len(index) >= 3:
                contours.append(
                    Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=grid.to_points(index))
                )
    return Roi(number=1, name=name, contours=tuple(contours), interpreted_type=kind)


@cache
def design() -> Design:
    """Design a 5 mm bolus on the left cheek, by distance fields."""
    coarse = Grid.axial_box((-84, -118, -110), (92, 100, 130), 2.0)
    skin = surface(head(coarse.centres()), coarse)
    fine = Grid.axial_box((4, -112, -60), (92, -12, 45), 1.0)
    points = fine.centres()
    distance = head(points)
    reach = np.linalg.norm(points - CHEEK, axis=-1) - 40.0
    bolus = surface(np.max([distance - THICKNESS_MM, -distance, reach], axis=0), fine)
    at = head(bolus.vertices_mm)
    rim = np.linalg.norm(bolus.vertices_mm - CHEEK, axis=-1) > 39.0
    noise = 0.08 * np.sin(bolus.vertices_mm[:, 2] / 4.0)
    grid = Grid.axial_box((-100, -130, -60), (110, 110, 50), 2.0)
    grid = replace(grid, shape=(38, *grid.shape[1:]), spacing_mm=(3.0, 2.0, 2.0))
    field = head(grid.centres())
    greys = np.clip(40.0 - 1040.0 * np.clip(field / 2 + 0.5, 0, 1), -1000, 40)
    greys += 20 * np.random.default_rng(1).standard_normal(field.shape)
    shell = np.max(
        [field - THICKNESS_MM, -field, np.linalg.norm(grid.centres() - CHEEK, axis=-1) - 40], axis=0
    )
    target = np.linalg.norm(grid.centres() - CHEEK * 0.86, axis=-1) - 18
    patient = Patient(name="Müller^Jörg", id="PID-0042", birth_date="19610203", sex="M")
    pictures = BolusPictures(
        image=Image(
            grid=grid,
            values=greys.astype(np.float32),
            modality="CT",
            header=SeriesHeader(
                patient=patient,
                series_uid="1.2.826.0.1.3680043.8.498.1234567890123456789012345678901",
                study_date="20250314",
                description="Head 3 mm",
                patient_position="HFS",
            ),
        ),
        skin=skin,
        bolus=bolus,
        gap_mm=np.where((np.abs(at) < 0.6) & ~rim, at + noise, np.nan),
        thickness_mm=np.where((np.abs(at - THICKNESS_MM) < 0.6) & ~rim, at + noise, np.nan),
        contours=rings(shell, grid, "BOLUS_5mm", "BOLUS"),
        target=rings(target, grid, "PTV_Cheek", "PTV"),
        bed_mm=(223.0, 223.0, 205.0),
        structure_set="Plan 1",
    )
    return Design(result=result_of(pictures), pictures=pictures)


def result_of(pictures: BolusPictures) -> BolusDesignResult:
    """Make numbers that fit the pictures well enough for a report."""
    mesh = pictures.bolus
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    checks = (
        at_most("open_edges", 0, 0, "", "Every edge belongs to two triangles."),
        at_most("self_intersections", 0, 0, "", "No two triangles cut each other."),
        at_most("thickness_p95", 0.08, 0.10, "mm", "The outer face keeps the thickness asked."),
        at_most("gap_p95", 0.07, 0.20, "mm", "The inner face follows the skin."),
        Check(
            name="fits_printer",
            status=Status.PASS,
            value=None,
            limit=None,
            unit="",
            message="The part fits the printer's room in the chosen orientation.",
        ),
    )
    return BolusDesignResult(
        schema="isocentra.bolus.design.v1",
        status=verdict(checks),
        checks=checks,
        inputs=(
            InputRef(kind="CT", uid=pictures.image.header.series_uid, sha256="ab12" * 16),
            InputRef(kind="RTSTRUCT", uid="1.2.826.0.1.3680043.8.498.77", sha256="cd34" * 16),
        ),
        outputs=(
            OutputRef(name="bolus.stl", media_type="model/stl", sha256="e" * 64, bytes=734284),
        ),
        software=Software(version="0.1.0", device="cpu", kernels="x86-64-v3 4f0c2d", seed=0),
        stages=(Stage(name="skin", seconds=1.25), Stage(name="body", seconds=2.5)),
        warnings=(Finding(code="OVERLAP", message="PTV_Cheek lies 0.4 cm³ outside the body."),),
        mesh=MeshFigures(
            volume_cm3=mesh.signed_volume_mm3 / 1000,
            area_cm2=mesh.area_mm2 / 100,
            triangles=len(mesh.faces),
            parts=1,
            open_edges=0,
            non_manifold_edges=0,
            pinched_vertices=0,
            degenerate_triangles=0,
            self_intersections=0,
            inverted=False,
            cavities=0,
            min_wall_mm=None,
            bounds_mm=(tuple(low.tolist()), tuple(high.tolist())),
        ),
        thickness_mm=ThicknessFigures(
            nominal=5.0, mean=5.01, p95_abs_error=0.08, max_abs_error=0.21, min=4.83
        ),
        inner_face_mm=InnerFaceFigures(mean_gap=0.01, p95_gap=0.07, max_gap=0.15),
        roi=RoiFigures(name="BOLUS_5mm", volume_cm3=24.1, contour_p95_mm=0.021),
        print=PrintFigures(
            printer="ultimaker-2-plus",
            material="pla",
            fits=True,
            mass_g=30.4,
            time_min=185.0,
            min_wall_mm=4.6,
            orientation=((0.0, 0.0, 1.0), (0.6, 0.8, 0.0), (-0.8, 0.6, 0.0)),
        ),
    )


def pages(made: Report) -> list[str]:
    """Return the text of each page of the PDF, blanks made single."""
    reader = PdfReader(io.BytesIO(report_pdf(made)))
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]


@cache
def made() -> Report:
    """Build the report of the one design."""
    return bolus_report(design().result, design().pictures)


@pytest.mark.slow
def test_page_one_names_patient_series_target_and_the_check_that_decides() -> None:
    first = pages(made())[0]
    assert "PASS" in first
    assert "Nearest to its limit: Thickness p95" in first
    assert "0.08 mm (limit ≤ 0.1 mm)" in first
    for text in ("Müller^Jörg", "PID-0042", "1961-02-03", "PTV_Cheek", "BOLUS_5mm", "HFS"):
        assert text in first
    assert design().pictures.image.header.series_uid in first
    assert "Prepared by" in first
    assert "Approved for printing by" in first


@pytest.mark.slow
def test_the_report_has_seven_pages_and_the_print_sheet_is_one_of_them() -> None:
    found = pages(made())
    assert len(found) == 7
    (sheet,) = [page for page in found if "Calliper points" in page]
    for text in ("ultimaker-2-plus", "pla", "30.4 g", "185 min", "Printed by", "Measured by"):
        assert text in sheet.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.slow
def test_a_figure_that_is_missing_is_a_dash() -> None:
    page = report_html(made()).decode()
    assert re.search(rf"Thinnest wall</td><td[^>]*>{MISSING}<", page)


@pytest.mark.slow
def test_the_same_design_gives_the_same_bytes_within_time_and_size() -> None:
    design()
    start = time.process_time()
    report = bolus_report(design().result, design().pictures)
    html, pdf = report_html(report), report_pdf(report)
    assert time.process_time() - start <= 8
    assert len(html) <= 6_000_000
    assert html == report_html(made())
    assert pdf == report_pdf(made())


@pytest.mark.slow
def test_a_hostile_structure_name_stays_text() -> None:
    given = design()
    pictures = replace(
        given.pictures,
        contours=replace(given.pictures.contours, name=HOSTILE),
        target=replace(given.pictures.target, name=HOSTILE),
    )
    result = replace(given.result, roi=replace(given.result.roi, name=HOSTILE))
    report = bolus_report(result, pictures)
    page = report_html(report).decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert '<script>alert("x")</script>' in pages(report)[0]


def test_the_outer_face_looks_to_the_left_front() -> None:
    x, y, _ = outward_mean(design().pictures.bolus, design().pictures.thickness_mm)
    assert x > 0.4
    assert y < -0.4


def test_calliper_points_are_seen_spread_away_from_the_rim_and_read_the_material() -> None:
    given = design().pictures
    frame = calliper_frame(given)
    points = calliper_points(given.bolus, given.thickness_mm, frame)
    at = np.array([point.at_mm for point in points])
    assert [point.number for point in points] == [1, 2, 3, 4, 5, 6]
    apart = np.linalg.norm(at[:, None] - at[None], axis=-1)[~np.eye(6, dtype=bool)]
    assert apart.min() > 12
    assert (np.linalg.norm(at - CHEEK, axis=1) < 34).all()  # the rim is at 40 mm
    assert all(np.dot(point.normal, frame.toward) >= 0.4 for point in points)
    across = head(at) - head(
        at
        - np.array([point.normal for point in points])
        * np.array([[point.expected_mm] for point in points])
    )
    assert np.allclose(across, THICKNESS_MM, atol=0.15)


def test_calliper_points_go_clockwise_in_their_picture() -> None:
    given = design().pictures
    frame = calliper_frame(given)
    plane = frame.to_plane(
        [p.at_mm for p in calliper_points(given.bolus, given.thickness_mm, frame)]
    )
    offset = plane[:, :2] - plane[:, :2].mean(axis=0)
    angle = np.arctan2(offset[:, 0], offset[:, 1]) % (2 * np.pi)
    assert (np.diff(angle) > 0).all()


@pytest.mark.slow
def test_a_part_without_outer_face_has_no_calliper_points_and_says_so() -> None:
    given = design()
    none = np.full(len(given.pictures.bolus.vertices_mm), np.nan)
    pictures = replace(given.pictures, thickness_mm=none, gap_mm=none)
    assert calliper_points(pictures.bolus, none, calliper_frame(pictures)) == ()
    page = report_html(bolus_report(given.result, pictures)).decode()
    assert "No place on this part can be measured" in page


def test_pictures_of_another_mesh_are_refused() -> None:
    with pytest.raises(TypeError, match="one per vertex"):
        replace(design().pictures, gap_mm=np.zeros(3))
