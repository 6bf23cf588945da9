"""A bolus on a digital ball, where skin, thickness and volume are formulas."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from isocentra import dicom
from isocentra.bolus3d import BolusDesign, BolusRequest, design_bolus
from isocentra.geometry.grid import Array64, Grid
from isocentra.gpu_kernels import Compute
from isocentra.image import Image
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.sampling import surface_points
from isocentra.patients import Body, DigitalPatient, Scanner, simulate_ct, sphere
from isocentra.patients.compose import Union
from isocentra.patients.letter import raised_letter
from isocentra.patients.solids import Solid
from isocentra.progress import Progress
from isocentra.services.known_answers.grids import oblique
from isocentra.structures.section import section_agreement
from isocentra.verdict import Check, Status, at_least, at_most

__all__ = ["bolus_checks", "left_from_right"]

RADIUS_MM: Final = 30.0
REACH_MM: Final = 16.0
THICKNESS_MM: Final = 5.0
ROUND_MM: Final = 2.5
"""Radius of the outer rim: half the thickness, 3 mm at most (the contract of ``--rim round``)."""
NOISE_HU: Final = 15.0
LETTER_MM: Final = 16.0
STROKE_MM: Final = 2.0


def bolus_checks(progress: Progress, compute: Compute) -> tuple[Check, ...]:
    """Design one bolus twice, the second time on one thread, and compare it with the formulas."""
    patient = sphere(radius_mm=RADIUS_MM)
    box = RADIUS_MM + 14.0
    grid = Grid.axial_box((-box, -box, -box), (box, box, box), 1.0)
    request = BolusRequest(
        ct=_through_dicom(simulate_ct(patient, grid, noise_hu=NOISE_HU, seed=3)),
        distance_mm=REACH_MM,
        near_mm=(0.0, -RADIUS_MM, 0.0),
        thickness_mm=THICKNESS_MM,
    )
    progress("designing a bolus on a digital ball", 0.25)
    first = design_bolus(request, compute=compute)
    progress("designing it again", 0.65)
    again = design_bolus(request, compute=replace(compute, threads=1))
    return (
        *_faces(first, patient.skin),
        _volume(first),
        _failed(first),
        _structure(first, request),
        _same(first, again),
    )


def _through_dicom(image: Image) -> Image:
    with TemporaryDirectory(prefix="isocentra-selftest-") as folder:
        dicom.write_series(image, Path(folder) / "ct")
        return dicom.read_series(Path(folder) / "ct")


def _faces(design: BolusDesign, skin: Solid) -> tuple[Check, ...]:
    """Measure inner and outer face against the ball, 1.5 thicknesses inside the border."""
    points, triangles = surface_points(design.mesh, 0.5)
    normals = design.mesh.face_normals[triangles]
    apart = skin.signed_distance(points)
    facing = np.einsum("ij,ij->i", normals, skin.gradient(points))
    foot = skin.foot_points(points)
    border = np.linalg.norm(foot - (0.0, -RADIUS_MM, 0.0), axis=1)
    away = border < REACH_MM - 1.5 * THICKNESS_MM
    inner, outer = apart[away & (facing < -0.8)], apart[away & (facing > 0.8)] - THICKNESS_MM
    return (
        at_most(
            "bolus_inner_face",
            _p95(inner),
            0.06,
            "mm",
            "The inner face follows the true skin (P95, CT of 1 mm).",
        ),
        at_most(
            "bolus_inner_bias",
            abs(float(inner.mean())),
            0.04,
            "mm",
            "On the mean the inner face is on the true skin.",
        ),
        at_most(
            "bolus_thickness",
            _p95(outer),
            0.10,
            "mm",
            "The outer face is the thickness asked for away from the true skin (P95).",
        ),
    )


def _p95(values: Array64) -> float:
    return float(np.percentile(np.abs(values), 95)) if len(values) else math.inf


def _volume(design: BolusDesign) -> Check:
    """Compare with the volume of the shell over the cap, its outer rim rounded.

    Notes
    -----
    V = ∫ 2π sin θ ((R + h)³ − R³)/3 dθ over the skin within the distance of the point; with b the
    distance inside the border, h = T for b > r, else T − r + √(r² − (r − b)²).
    """
    theta = np.linspace(0, 2 * math.asin(REACH_MM / (2 * RADIUS_MM)), 20_001)
    inside = REACH_MM - 2 * RADIUS_MM * np.sin(theta / 2)
    sunk = np.clip(ROUND_MM - inside, 0, ROUND_MM)
    height = THICKNESS_MM - ROUND_MM + np.sqrt(ROUND_MM**2 - sunk**2)
    shell = 2 * math.pi * np.sin(theta) * ((RADIUS_MM + height) ** 3 - RADIUS_MM**3) / 3
    known = float(np.trapezoid(shell, theta)) / 1000
    error = 100 * abs(design.mesh.signed_volume_mm3 / 1000 - known) / known
    return at_most(
        "bolus_volume",
        error,
        0.5,
        "%",
        f"The bolus has the volume of the analytic shell, {known:.2f} cm³.",
    )


def _failed(design: BolusDesign) -> Check:
    failed = [check.name for check in design.result.checks if check.status is not Status.PASS]
    message = f"Not passed: {', '.join(failed)}." if failed else "Its own checks all pass."
    return at_most("bolus_checks", len(failed), 0, "checks", message)


def _structure(design: BolusDesign, request: BolusRequest) -> Check:
    """Read bolus.dcm back and hold its contours to the mesh."""
    read = dicom.structures_from_bytes(design.files["bolus.dcm"], "bolus.dcm", image=request.ct)
    planes = section_agreement(read.roi("BOLUS").contours, design.mesh, request.ct.grid)
    worst = max((plane.distance_p95_mm for plane in planes), default=math.inf)
    return at_most(
        "bolus_structure",
        worst,
        0.05,
        "mm",
        "The BOLUS contours read back are the mesh cut by the slices (worst P95).",
    )


def _same(first: BolusDesign, again: BolusDesign) -> Check:
    products = ("bolus.stl", "bolus.3mf", "bolus.dcm", "skin.ply")
    differing = [name for name in products if first.files[name] != again.files[name]]
    message = (
        f"Differing: {', '.join(differing)}."
        if differing
        else "The same request on one thread gives the same bytes of every product."
    )
    return at_most("same_bytes", len(differing), 0, "files", message)


def left_from_right() -> tuple[Check, ...]:
    """Check that a raised F on the patient's left stays there, and is not its mirror image.

    The series is oblique and feet first; the skin found in it is held to the true letter, and
    so is its mirror image.
    """
    ball = sphere(radius_mm=RADIUS_MM)
    letter = raised_letter(
        ball.skin,
        (RADIUS_MM, 0.0, 0.0),
        up=(0.0, 0.0, 1.0),
        height_mm=LETTER_MM,
        radius_mm=STROKE_MM,
    )
    left = Union(parts=(ball.skin, letter))
    tissue = Body(name="letter", solid=left, hu=40.0, density_g_cm3=1.04, priority=1)
    patient: DigitalPatient = replace(ball, bodies=(*ball.bodies, tissue))
    grid = oblique(
        shape=(74, 74, 74), spacing_mm=(1.0, 1.0, 1.0), centre_mm=(0.0, 0.0, 0.0), feet_first=True
    )
    scanner = Scanner(patient_position="FFS")
    image = _through_dicom(simulate_ct(patient, grid, noise_hu=5.0, seed=5, scanner=scanner))
    skin = isosurface(np.float32(-480.0) - image.values, image.grid).vertices_mm
    raised = skin[np.linalg.norm(skin, axis=1) > RADIUS_MM + STROKE_MM / 2]
    mirrored = raised * (1.0, -1.0, 1.0)  # front for back: on the left cheek an F read backwards
    return (
        at_least(
            "letter_side",
            float(raised[:, 0].mean()) if len(raised) else -math.inf,
            RADIUS_MM / 2,
            "mm",
            "A letter raised on the patient's left lies on the left (mean x, LPS).",
        ),
        at_most(
            "letter_shape",
            _p95(left.signed_distance(raised)),
            0.3,
            "mm",
            "The letter found is the letter that was there (P95).",
        ),
        at_least(
            "letter_not_mirrored",
            _p95(left.signed_distance(mirrored)),
            1.0,
            "mm",
            "Its mirror image would not fit (P95).",
        ),
    )
