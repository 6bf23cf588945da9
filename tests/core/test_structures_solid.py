"""The solid of an ROI is closed, outward, sub-voxel and never mirrored."""

import math

import numpy as np
import pytest

from isocentra.errors import StructureError
from isocentra.geometry.grid import Array64, Grid
from isocentra.mesh.model import Mesh
from isocentra.structures import (
    Cap,
    Contour,
    ContourKind,
    Roi,
    mesh_from_roi,
    signed_distance_of_roi,
    volume_cm3,
)

Triple = tuple[float, float, float]
SAGITTAL = np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)], dtype=np.float64)
OBLIQUE = np.array([(0.8, -0.6, 0), (0.48, 0.64, -0.6), (0.36, 0.48, 0.8)])


def roi(*points: Array64) -> Roi:
    kind = ContourKind.CLOSED_PLANAR
    return Roi(
        number=1,
        name="Test",
        contours=tuple(Contour(kind=kind, points_mm=np.array(p)) for p in points),
    )


def disc(radius: float, z: float, n: int = 180) -> Array64:
    t = np.arange(n) * 2 * np.pi / n
    return np.column_stack([radius * np.cos(t), radius * np.sin(t), np.full(n, z)])


def ball(radius: float, dz: float, axes: Array64 | None = None) -> Roi:
    turn = np.eye(3) if axes is None else axes
    heights = (np.arange(-50, 50) + 0.5) * dz
    return roi(
        *(disc(math.sqrt(radius**2 - z * z), z) @ turn for z in heights.tolist() if abs(z) < radius)
    )


def letter(z: float) -> Array64:
    """Draw an F, which no rotation in its plane makes its mirror image."""
    outline = [(0, 0), (2, 0), (2, 4), (5, 4), (5, 6), (2, 6), (2, 8), (7, 8), (7, 10), (0, 10)]
    return np.column_stack([np.array(outline, dtype=np.float64), np.full(len(outline), z)])


def is_closed(mesh: Mesh) -> bool:
    edges = np.concatenate([mesh.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    there = {tuple(edge) for edge in edges.tolist()}
    return len(there) == len(edges) and all((b, a) in there for a, b in there)


@pytest.mark.parametrize("axes", [None, SAGITTAL, OBLIQUE])
def test_a_ball_is_a_closed_outward_ball_in_any_direction(axes: Array64 | None) -> None:
    mesh = mesh_from_roi(ball(20, 2.0, axes), step_mm=0.8, cap=Cap.ROUNDED)
    assert is_closed(mesh)
    assert mesh.signed_volume_mm3 == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.004)
    centres = mesh.corners_mm.mean(axis=1)
    radii = np.linalg.norm(centres, axis=1)
    along = np.abs(centres @ (np.eye(3) if axes is None else axes)[2])
    assert np.abs(radii - 20)[along < 16].max() < 0.06


def test_the_surface_passes_through_the_contours_and_is_smooth_between() -> None:
    mesh = mesh_from_roi(ball(30, 3.0), step_mm=0.75)
    points = mesh.vertices_mm[np.abs(mesh.vertices_mm[:, 2]) < 24]
    error = np.linalg.norm(points, axis=1) - 30
    assert np.percentile(np.abs(error), 95) < 0.04
    assert abs(error.mean()) < 0.02


def test_flat_caps_end_half_a_step_beyond_or_on_the_last_plane() -> None:
    drawn = roi(*(disc(10, z) for z in (0.0, 3.0, 6.0)))
    for cap, low, high in ((Cap.HALF_SLICE, -1.5, 7.5), (Cap.NONE, 0.0, 6.0)):
        mesh = mesh_from_roi(drawn, step_mm=0.5, cap=cap)
        ends = mesh.vertices_mm[:, 2]
        assert (ends.min(), ends.max()) == pytest.approx((low, high), abs=0.01)
        assert mesh.signed_volume_mm3 / 1000 == pytest.approx(volume_cm3(drawn, cap=cap), rel=0.006)


def test_holes_and_parts_are_kept() -> None:
    hole = roi(*(ring for z in (0.0, 2.0, 4.0) for ring in (disc(12, z), disc(6, z))))
    mesh = mesh_from_roi(hole, step_mm=0.5)
    assert is_closed(mesh)
    assert mesh.signed_volume_mm3 == pytest.approx(np.pi * (144 - 36) * 6, rel=0.01)
    apart = roi(*(disc(8, z) for z in (0.0, 2.0, 4.0, 30.0, 32.0)))
    mesh = mesh_from_roi(apart, step_mm=0.5)
    assert is_closed(mesh)
    assert not np.any((mesh.vertices_mm[:, 2] > 6) & (mesh.vertices_mm[:, 2] < 28))
    assert mesh.signed_volume_mm3 == pytest.approx(np.pi * 64 * 10, rel=0.01)


@pytest.mark.parametrize("reverse", [1, -1])
def test_a_letter_is_not_mirrored_by_reversed_planes(reverse: int) -> None:
    drawn = roi(*(letter(z) for z in (0.0, 1.0, 2.0)[::reverse]))
    mesh = mesh_from_roi(drawn, step_mm=0.25)
    assert mesh.signed_volume_mm3 > 0
    x, y, _ = mesh.vertices_mm.T
    assert x[y > 9].max() > 6.5  # the long bar of the F is at the top, towards +x
    assert x[(y > 4) & (y < 6)].max() < 5.5


def test_a_single_plane_needs_a_thickness() -> None:
    with pytest.raises(StructureError) as refused:
        mesh_from_roi(roi(disc(10, 0.0)), step_mm=1.0)
    assert refused.value.reason == "BAD_CONTOUR"
    slab = mesh_from_roi(roi(disc(10, 0.0)), step_mm=0.5, lone_step_mm=4.0)
    assert slab.signed_volume_mm3 == pytest.approx(np.pi * 400, rel=0.01)


def ball_grid(axes: tuple[Triple, Triple, Triple], spacing: Triple = (1.5, 1.0, 1.2)) -> Grid:
    shape = (34, 52, 42)
    middle = sum(
        np.array(a) * s * (n - 1) / 2 for a, s, n in zip(axes, spacing, shape, strict=True)
    )
    x, y, z = (np.array([0.3, 0.2, 0.1]) - middle).tolist()
    return Grid(shape=shape, spacing_mm=spacing, origin_mm=(x, y, z), axes=axes)


@pytest.mark.parametrize(
    "axes",
    [
        ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
        ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
        ((0.36, 0.48, 0.8), (0.48, 0.64, -0.6), (0.8, -0.6, 0.0)),
    ],
)
def test_the_distance_is_that_to_the_surface_on_any_grid(
    axes: tuple[Triple, Triple, Triple],
) -> None:
    on = ball_grid(axes)
    distance = signed_distance_of_roi(ball(18, 2.0), on, 6.0, cap=Cap.ROUNDED)
    centres = on.centres()
    expected = np.clip(np.linalg.norm(centres, axis=-1) - 18, -6, 6)
    error = np.abs(distance - expected)[np.abs(centres[..., 2]) < 12]
    assert np.percentile(error, 95) < 0.05
    assert error.max() < 0.2
    assert distance.dtype == np.float32
    assert np.abs(distance).max() == pytest.approx(6)


def test_a_grid_that_holds_none_of_the_solid_is_all_beyond_the_band() -> None:
    far = Grid(shape=(4, 5, 6), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(200.0, 0.0, 0.0))
    assert (signed_distance_of_roi(ball(10, 2.0), far, 5.0) == 5).all()
    inside = Grid(shape=(4, 5, 6), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(-2.0, -2.0, -2.0))
    assert (signed_distance_of_roi(ball(20, 2.0), inside, 5.0) == -5).all()
