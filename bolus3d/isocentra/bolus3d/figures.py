"""What is measured on the finished part: thickness, gap, and how much of the region it covers.

finished mesh ──► points over its faces ──► distance and foot on the skin ──► outer face, inner face
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from isocentra.bolus3d.body import BodyShape
from isocentra.bolus3d.region import RegionField
from isocentra.bolus3d.result import InnerFaceFigures, ThicknessFigures
from isocentra.bolus3d.skin import Skin
from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.mesh.sampling import surface_points

__all__ = [
    "RIM_MULTIPLE",
    "FaceSamples",
    "covered_share",
    "inner_face",
    "sample_faces",
    "thickness",
]

SAMPLE_STEP_MM = 0.6
RIM_MULTIPLE = 1.5
"""The thickness is promised further than this many thicknesses inside a rounded border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSamples:
    """Points spread evenly over the part, with what the skin says about them."""

    points_mm: Array64
    distance_mm: Array64
    """Signed distance to the skin."""
    border_mm: Array64
    """Signed distance of the foot to the region's border, negative inside."""
    outer: npt.NDArray[np.bool_]
    """On the outer face, away from the rim."""
    inner: npt.NDArray[np.bool_]
    """On the inner face."""


def sample_faces(
    mesh: Mesh,
    skin: Skin,
    region: RegionField,
    shape: BodyShape,
    *,
    rim_mm: float,
) -> FaceSamples:
    """Spread points over a part and sort them into outer and inner face.

    Parameters
    ----------
    shape
        What was asked of the part: the two faces lie on either side of its local middle.
    rim_mm
        How far inside the border the full thickness begins. [mm]
    """
    points, face = surface_points(mesh, SAMPLE_STEP_MM)
    distance, foot = skin.distance.signed_and_foot(points)
    border = region(foot)
    a, b, c = np.moveaxis(mesh.corners_mm[face], 1, 0)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    away = points - foot
    length = np.linalg.norm(away, axis=1)
    along = np.einsum("ij,ij->i", normal, away) / np.maximum(length, 1e-9)
    middle = (shape.thickness(foot, border) + shape.clearance_mm) / 2
    far_from_rim = border < -rim_mm
    # Between two sheets of skin (behind an ear) the border of one stands over the other.
    rim = points[border > -0.5]
    if len(rim):
        far_from_rim &= KDTree(rim).query(points, workers=-1)[0] > shape.most_mm
    return FaceSamples(
        points_mm=points,
        distance_mm=distance,
        border_mm=border,
        outer=(distance > middle) & far_from_rim & (along > 0),
        inner=(distance < middle) & (border < -1.0),
    )


def thickness(samples: FaceSamples, nominal_mm: float) -> ThicknessFigures:
    """Compare the outer face's distance to the skin with what was asked; NaN without points."""
    found = samples.distance_mm[samples.outer]
    if found.size == 0:
        nan = float("nan")
        return ThicknessFigures(
            nominal=nominal_mm, mean=nan, p95_abs_error=nan, max_abs_error=nan, min=nan
        )
    error = np.abs(found - nominal_mm)
    return ThicknessFigures(
        nominal=nominal_mm,
        mean=float(found.mean()),
        p95_abs_error=float(np.percentile(error, 95)),
        max_abs_error=float(error.max()),
        min=float(found.min()),
    )


def inner_face(samples: FaceSamples) -> InnerFaceFigures:
    """Measure the air between inner face and skin; NaN where the part has no inner face."""
    gap = samples.distance_mm[samples.inner]
    if gap.size == 0:
        nan = float("nan")
        return InnerFaceFigures(mean_gap=nan, p95_gap=nan, max_gap=nan)
    return InnerFaceFigures(
        mean_gap=float(gap.mean()),
        p95_gap=float(np.percentile(np.abs(gap), 95)),
        max_gap=float(np.abs(gap).max()),
    )


def covered_share(skin: Skin, region: RegionField, samples: FaceSamples, reach_mm: float) -> float:
    """Return the share of the region's skin (0 to 1) that has the part over it."""
    mesh = skin.mesh
    centres = mesh.corners_mm.mean(axis=1)
    wanted = region(centres) < -1.0
    if not wanted.any():
        return 0.0
    corners = mesh.corners_mm[wanted]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    near = KDTree(samples.points_mm).query(
        centres[wanted], distance_upper_bound=reach_mm, workers=-1
    )[0]
    return float(area[np.isfinite(near)].sum() / area.sum())
