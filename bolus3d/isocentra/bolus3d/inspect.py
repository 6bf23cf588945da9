"""Is this mesh printable? Named checks, each with its number.

file ──► Mesh ──► MeshReport ──► thirteen checks ──► InspectResult
                  printer ──► PrintPlan ──┘

A check that cannot be made is INCOMPLETE: a coordinate that is no number takes the geometry from
all others; a surface that is not closed has no inside and so no wall, cavity or outward side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from isocentra.bolus3d.catalogue import DEFAULT_PRINTER, Printer
from isocentra.bolus3d.catalogue import printer as printer_named
from isocentra.bolus3d.printing import PrintPlan, plan_print
from isocentra.bolus3d.result import MeshFigures
from isocentra.mesh.check import Fault, MeshReport, check_mesh
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh
from isocentra.progress import Progress, Stages, silent
from isocentra.result import InputRef, Result, Software, program_version
from isocentra.verdict import Check, Status, verdict

__all__ = [
    "InspectResult",
    "inspect_file",
    "inspect_mesh",
    "mesh_checks",
    "mesh_figures",
]

SCHEMA = "isocentra.bolus.inspect.v1"
SMALLEST_PART_CM3 = 0.5
SMALLEST_PART_SHARE = 0.02
"""A part below both is an island left over, even where several parts were declared."""
WALL_TOLERANCE = 0.025
"""Share of the wall: chords of a faceted wall measure up to this much less than it is."""
METRES_BELOW_MM = 1.0
CENTIMETRES_BELOW_MM = 25.0
TOO_LARGE_ABOVE_MM = 2000.0
THICK_MM = 1.5
"""A wall above it would be 15 mm in centimetres, 38 mm in inches: then the unit is mm."""


@dataclass(frozen=True, kw_only=True)
class InspectResult(Result):
    """What `isocentra bolus inspect` says."""

    mesh: MeshFigures


def inspect_file(
    path: Path,
    *,
    printer: str = DEFAULT_PRINTER,
    parts: int = 1,
    progress: Progress = silent,
) -> InspectResult:
    """Read a mesh file and judge it.

    Parameters
    ----------
    path
        STL, 3MF, PLY or OBJ.
    printer
        Name in the catalogue, or path of a TOML file.
    parts
        How many parts the file is meant to hold.

    Raises
    ------
    ReadingError
        ``TRUNCATED``, ``LIMIT_EXCEEDED``; ``BAD_VALUE`` for the printer.
    BolusError
        ``BAD_MESH``: the file is no mesh.
    """
    machine = printer_named(printer)
    mesh = read_mesh(path)
    return inspect_mesh(
        mesh,
        printer=machine,
        parts=parts,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        progress=progress,
    )


def inspect_mesh(
    mesh: Mesh,
    *,
    printer: Printer,
    parts: int = 1,
    sha256: str = "",
    progress: Progress = silent,
) -> InspectResult:
    """Judge a mesh that may be broken in any way; `sha256` names where it came from."""
    stages = Stages(progress, {"checking the mesh": 0.6, "fitting the printer": 0.4})
    with stages.stage("checking the mesh"):
        report = check_mesh(mesh)
    with stages.stage("fitting the printer"):
        plan = plan_print(mesh, printer) if report.is_finite and report.triangles else None
    checks = mesh_checks(report, printer=printer, plan=plan, parts=parts)
    return InspectResult(
        schema=SCHEMA,
        status=verdict(checks),
        checks=checks,
        inputs=(InputRef(kind="mesh", uid="", sha256=sha256),) if sha256 else (),
        software=Software(version=program_version(), device="cpu", kernels="none"),
        stages=tuple(stages.done),
        mesh=mesh_figures(report),
    )


def mesh_figures(report: MeshReport) -> MeshFigures:
    """Return the numbers of a report as results hold them."""
    return MeshFigures(
        volume_cm3=None if report.volume_mm3 is None else report.volume_mm3 / 1000,
        area_cm2=None if report.area_mm2 is None else report.area_mm2 / 100,
        triangles=report.triangles,
        parts=report.parts,
        open_edges=report.open_edges,
        non_manifold_edges=report.non_manifold_edges,
        pinched_vertices=report.pinched_vertices,
        degenerate_triangles=report.degenerate_triangles,
        self_intersections=report.self_intersections,
        inverted=report.inverted_shells > 0,
        cavities=report.cavities,
        min_wall_mm=report.min_wall_mm,
        bounds_mm=report.bounds_mm,
    )


def mesh_checks(
    report: MeshReport, *, printer: Printer, plan: PrintPlan | None, parts: int = 1
) -> tuple[Check, ...]:
    """Make the thirteen checks, in the order of the contract."""
    if not report.is_finite:
        counted = _count(report, Fault.NOT_FINITE, report.bad_vertices, "vertices", _NOT_FINITE)
        others = "no_degenerate_triangles closed edge_manifold winding outward vertex_manifold"
        others += " parts no_cavity no_self_intersection wall fits_printer unit_plausible"
        why = "Not judged: a coordinate is not a number."
        return (counted, *(_incomplete(name, why) for name in others.split()))
    inside = report.open_edges + report.miswound_edges == 0
    unit = _unit(report)
    return (
        _count(report, Fault.NOT_FINITE, 0, "vertices", _NOT_FINITE),
        _count(report, Fault.DEGENERATE, report.degenerate_triangles, "triangles", _DEGENERATE),
        _count(report, Fault.OPEN, report.open_edges, "edges", _OPEN),
        _count(report, Fault.NON_MANIFOLD, report.non_manifold_edges, "edges", _NON_MANIFOLD),
        _count(report, Fault.MISWOUND, report.miswound_edges, "edges", _MISWOUND),
        _count(report, Fault.INVERTED, report.inverted_shells, "shells", _INVERTED)
        if inside
        else _incomplete(Fault.INVERTED, _NO_INSIDE),
        _count(report, Fault.PINCHED, report.pinched_vertices, "vertices", _PINCHED),
        _parts(report, parts),
        _count(report, Fault.CAVITY, report.cavities, "cavities", _CAVITY)
        if inside
        else _incomplete(Fault.CAVITY, _NO_INSIDE),
        _count(
            report, Fault.SELF_INTERSECTION, report.self_intersections or 0, "pairs", _INTERSECTS
        ),
        _wall(report, printer, unit),
        _fits(plan, printer, unit),
        unit,
    )


_NOT_FINITE = ("vertices have a coordinate that is not a number", "Every coordinate is a number.")
_DEGENERATE = ("triangles have no area", "Every triangle has an area.")
_OPEN = ("edges have a triangle on one side only: the surface has a hole", "No edge is open.")
_NON_MANIFOLD = ("edges are shared by more than two triangles", "No edge has over two triangles.")
_MISWOUND = (
    "edges lie between triangles that look to opposite sides",
    "Neighbouring triangles look to the same side.",
)
_INVERTED = ("shells are inside out", "The surface looks outward.")
_PINCHED = (
    "vertices hold two pieces of surface together by a point",
    "No two pieces meet in a point alone.",
)
_CAVITY = ("hollows are closed in", "There is no closed hollow.")
_INTERSECTS = (
    "pairs of triangles cut, touch or overlap each other",
    "No two triangles cut each other (exact test).",
)
_NO_INSIDE = "Not judged: the surface is open or wound both ways, so it has no inside."


def _count(
    report: MeshReport, fault: Fault, found: int, unit: str, words: tuple[str, str]
) -> Check:
    """Make a check that holds when nothing was found."""
    bad, good = words
    spot = report.place(fault)
    place = "" if spot is None else " (one at {:.2f}, {:.2f}, {:.2f} mm)".format(*spot)
    return Check(
        name=fault.value,
        status=Status.FAIL if found else Status.PASS,
        value=float(found),
        limit=0.0,
        unit=unit,
        message=f"{found:,} {bad}{place}." if found else good,
    )


def _incomplete(name: str, why: str) -> Check:
    return Check(
        name=str(name), status=Status.INCOMPLETE, value=None, limit=None, unit="", message=why
    )


def _parts(report: MeshReport, wanted: int) -> Check:
    smallest = report.smallest_part_cm3 or 0.0
    whole = abs(report.volume_mm3 or 0.0) / 1000
    island = (
        report.parts > 1 and smallest < SMALLEST_PART_CM3 and smallest < SMALLEST_PART_SHARE * whole
    )
    message = f"{report.parts} separate parts, {wanted} meant."
    if island:
        message += f" The smallest has {smallest:.3g} cm³: a piece left over."
    good = report.parts == wanted and not island
    return Check(
        name="parts",
        status=Status.PASS if good else Status.FAIL,
        value=float(report.parts),
        limit=float(wanted),
        unit="parts",
        message=message,
    )


def _wall(report: MeshReport, printer: Printer, unit: Check) -> Check:
    name, limit = Fault.THIN.value, printer.min_wall_mm
    inside = report.open_edges + report.miswound_edges == 0 and not report.self_intersections
    if not inside:
        return _incomplete(name, "Not judged: a surface that is open or cuts itself has no walls.")
    if unit.status is Status.FAIL:
        return _incomplete(name, "Not judged: the unit of the file is in doubt.")
    found = report.min_wall_mm
    if found is None:
        message = "No two sides face each other, so there is no wall."
        good = True
    else:
        spot = report.place(Fault.THIN)
        place = "" if spot is None else " at {:.2f}, {:.2f}, {:.2f} mm".format(*spot)
        good = found * (1 + WALL_TOLERANCE) >= limit
        message = f"The thinnest wall is {found:.2f} mm{place}; {printer.title} needs {limit:g} mm."
    return Check(
        name=name,
        status=Status.PASS if good else Status.FAIL,
        value=found,
        limit=limit,
        unit="mm",
        message=message,
    )


def _fits(plan: PrintPlan | None, printer: Printer, unit: Check) -> Check:
    if plan is None:
        return _incomplete("fits_printer", "Not judged: the part has no size.")
    if unit.status is Status.FAIL:
        return _incomplete("fits_printer", "Not judged: the unit of the file is in doubt.")
    size = " × ".join(f"{x:.1f}" for x in plan.extents_mm)
    room = " × ".join(f"{x:g}" for x in printer.bed_mm)
    word = "fits" if plan.fits else "does not fit, however it is turned,"
    return Check(
        name="fits_printer",
        status=Status.PASS if plan.fits else Status.FAIL,
        value=plan.bed_share,
        limit=1.0,
        unit="share of the room",
        message=f"The part, {size} mm as it would lie, {word} {printer.title} ({room} mm).",
    )


def _unit(report: MeshReport) -> Check:
    """Judge whether the numbers can be millimetres; STL, PLY and OBJ do not say."""
    name = "unit_plausible"
    if report.bounds_mm is None:
        return _incomplete(name, "Not judged: the part has no size.")
    low, high = report.bounds_mm
    size = max(b - a for a, b in zip(low, high, strict=True))
    wall = report.min_wall_mm
    status, message = Status.PASS, f"The largest extent is {size:.4g} mm."
    limit = METRES_BELOW_MM
    if size < METRES_BELOW_MM:
        status = Status.FAIL
        message = f"The largest extent is {size:.4g} mm: the file is probably in metres."
    elif size > TOO_LARGE_ABOVE_MM:
        status, limit = Status.FAIL, TOO_LARGE_ABOVE_MM
        message = f"The largest extent is {size:.4g} mm: the file is probably in micrometres."
    elif size < CENTIMETRES_BELOW_MM and (wall is None or wall < THICK_MM):
        status, limit = Status.INCOMPLETE, CENTIMETRES_BELOW_MM
        message = (
            f"The largest extent is {size:.4g} mm: a small part, or one in centimetres or inches."
            " Compare it with what was exported."
        )
    return Check(name=name, status=status, value=size, limit=limit, unit="mm", message=message)
