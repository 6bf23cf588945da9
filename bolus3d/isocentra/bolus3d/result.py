"""The result of a bolus design, as result.json holds it (schema isocentra.bolus.design.v1)."""

from __future__ import annotations

from dataclasses import dataclass

from isocentra.result import Result

__all__ = [
    "BolusDesignResult",
    "InnerFaceFigures",
    "MeshFigures",
    "PrintFigures",
    "RoiFigures",
    "ThicknessFigures",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshFigures:
    """What can be counted and measured on a mesh; null where a broken mesh forbids it."""

    volume_cm3: float | None
    area_cm2: float | None
    triangles: int
    parts: int
    open_edges: int
    non_manifold_edges: int
    pinched_vertices: int
    degenerate_triangles: int
    self_intersections: int | None
    """Pairs of triangles that cut each other, by an exact test."""
    inverted: bool
    cavities: int
    min_wall_mm: float | None
    bounds_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    """Lowest and highest x, y, z in LPS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThicknessFigures:
    """Distance of the outer face to the skin, away from the rim, against the thickness asked."""

    nominal: float
    mean: float
    p95_abs_error: float
    max_abs_error: float
    min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerFaceFigures:
    """Gap between the inner face and the skin. [mm]"""

    mean_gap: float
    p95_gap: float
    max_gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiFigures:
    """The BOLUS structure that goes back to the planning system."""

    name: str
    volume_cm3: float
    contour_p95_mm: float
    """P95 of the distance between the written contours and the mesh cut by their planes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFigures:
    """What the technician needs."""

    printer: str
    material: str
    fits: bool
    mass_g: float
    time_min: float
    min_wall_mm: float
    orientation: tuple[tuple[float, float, float], ...]
    """Proper rotation, patient LPS to printer axes (z up): rows."""


@dataclass(frozen=True, kw_only=True)
class BolusDesignResult(Result):
    """Everything that `isocentra bolus design` says in numbers."""

    mesh: MeshFigures
    thickness_mm: ThicknessFigures
    inner_face_mm: InnerFaceFigures
    roi: RoiFigures
    print: PrintFigures
