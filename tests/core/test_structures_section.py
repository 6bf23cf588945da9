"""The cut of a closed mesh by image planes closes always and is written within 0.02 mm."""

import math

import numpy as np
import pytest

from isocentra.errors import BolusError
from isocentra.geometry.grid import Array64, Grid
from isocentra.mesh.model import Mesh
from isocentra.structures import (
    Contour,
    Roi,
    mesh_section,
    plane_stack,
    section_agreement,
    slab_volume_cm3,
)
from isocentra.structures.fitting import plane_frame
from isocentra.structures.marching import isosurface
from isocentra.structures.polygons import even_odd_area_mm2, signed_area_mm2
from isocentra.structures.section import section_rings
from isocentra.structures.touching import is_simple

Triple = tuple[float, float, float]
AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
OBLIQUE = ((0.36, 0.48, 0.8), (0.48, 0.64, -0.6), (0.8, -0.6, 0.0))


def solid(field: Array64, step: float, low: Triple) -> Mesh:
    """Surface of a field [z, y, x], negative inside."""
    vertices, faces = isosurface(field, 0.0)
    return Mesh(
        vertices_mm=vertices[:, ::-1] * step + np.array(low),
        faces=np.ascontiguousarray(faces[:, ::-1]),
    )


def nodes(half: Triple, step: float) -> tuple[Array64, Array64, Array64]:
    z, y, x = np.meshgrid(*(np.arange(-h, h + step, step) for h in half[::-1]), indexing="ij")
    return x, y, z


def ball(radius: float = 20.0, step: float = 1.0) -> Mesh:
    half = radius + 3 * step
    x, y, z = nodes((half, half, half), step)
    return solid(np.sqrt(x * x + y * y + z * z) - radius, step, (-half, -half, -half))


def shell(step: float = 0.8) -> Mesh:
    """Make a bolus: 5 mm over a sphere of 40 mm, 60° of it, the rim rounded."""
    half = (48.0, 48.0, 48.0)
    x, y, z = nodes(half, step)
    radius = np.sqrt(x * x + y * y + z * z)
    angle = np.arccos(np.clip(-y / np.maximum(radius, 1), -1, 1))
    beyond = np.maximum((angle - math.radians(60)) * 42.5, 0)
    return solid(np.hypot(radius - 42.5, beyond) - 2.5, step, (-48.0, -48.0, -48.0))


CUBE = Mesh(
    vertices_mm=np.array(
        [(x, y, z) for z in (0, 10) for y in (0, 10) for x in (0, 10)], dtype=np.float64
    ),
    faces=np.array(
        [
            *[(0, 2, 1), (1, 2, 3), (4, 5, 6), (5, 7, 6), (0, 1, 4), (1, 5, 4)],
            *[(2, 6, 3), (3, 6, 7), (0, 4, 2), (2, 4, 6), (1, 3, 5), (3, 7, 5)],
        ],
        dtype=np.int64,
    ),
)


def planes(
    spacing: float, first: float, count: int, axes: tuple[Triple, Triple, Triple] = AXIAL
) -> Grid:
    """Make an image with planes at first + n·spacing along k, through LPS 0."""
    x, y, z = (first * np.array(axes[0])).tolist()
    return Grid(
        shape=(count, 64, 64), spacing_mm=(spacing, 1.0, 1.0), origin_mm=(x, y, z), axes=axes
    )


def flat(contours: tuple[Contour, ...], on: Grid, k: float) -> list[Array64]:
    frame = plane_frame(on, k)
    return [
        frame.to_plane(c.points_mm)
        for c in contours
        if abs(on.to_index(c.points_mm)[:, 0].mean() - k) < 0.01
    ]


def test_the_cube_is_one_outward_cube() -> None:
    assert CUBE.signed_volume_mm3 == pytest.approx(1000)


@pytest.mark.parametrize("phase", [0.0, 0.25, 1.0])
def test_a_cube_cut_through_its_corners_gives_each_plane_once(phase: float) -> None:
    on = planes(2.0, phase - 4.0, 12)
    contours = mesh_section(CUBE, on)
    assert len(contours) == 5
    for contour in contours:
        assert len(contour.points_mm) == 4
        assert signed_area_mm2(contour.points_mm[:, :2]) == pytest.approx(100)
    assert slab_volume_cm3(contours, step_mm=2.0) == pytest.approx(1.0)


def test_flat_faces_on_a_plane_belong_to_one_side_only() -> None:
    contours = mesh_section(CUBE, planes(10.0, -10.0, 4))  # planes at -10, 0, 10, 20
    assert [float(c.points_mm[0, 2]) for c in contours] == [10.0]


def test_planes_through_every_vertex_of_a_stepped_surface_close() -> None:
    x, y, z = nodes((12.0, 12.0, 12.0), 1.0)
    # Whole distances put vertices, edges and faces of the surface on the planes.
    mesh = solid(np.maximum.reduce([abs(x), abs(y), abs(z)]) - 8.5, 1.0, (-12.0, -12.0, -12.0))
    snapped = Mesh(vertices_mm=np.round(mesh.vertices_mm * 2) / 2, faces=mesh.faces.copy())
    for first in (-12.0, -11.5):
        contours = mesh_section(snapped, planes(1.0, first, 30))
        assert len(contours) == 17
        assert all(abs(signed_area_mm2(c.points_mm[:, :2])) > 250 for c in contours)


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE, ((0.0, 0.0, -1.0), *AXIAL[1:])])
@pytest.mark.parametrize("spacing", [2.0, 5.0])
def test_a_bolus_is_cut_within_the_limits_on_every_plane(
    axes: tuple[Triple, Triple, Triple], spacing: float
) -> None:
    mesh = shell(1.0)
    on = planes(spacing, -50.3, int(100 / spacing), axes)
    contours = mesh_section(mesh, on)
    agreement = section_agreement(contours, mesh, on)
    cut = section_rings(mesh, on)
    assert len(agreement) == len(cut)
    assert min(a.dice for a in agreement) >= 0.998
    assert max(a.distance_p95_mm for a in agreement) <= 0.02
    assert slab_volume_cm3(contours, step_mm=spacing) == pytest.approx(
        mesh.signed_volume_mm3 / 1000, rel=0.01
    )
    for contour in contours:
        assert np.array_equal(contour.points_mm, np.round(contour.points_mm, 3))
    for level, _ in cut:
        rings = flat(contours, on, level)
        assert is_simple(rings)
        # Outlines one way, holes the other: areas add up with their signs.
        assert sum(map(signed_area_mm2, rings)) == pytest.approx(even_odd_area_mm2(rings))


def test_a_hollow_ball_has_a_hole_on_the_middle_planes() -> None:
    outer, inner = ball(20.0), ball(12.0)
    mesh = Mesh(
        vertices_mm=np.concatenate([outer.vertices_mm, inner.vertices_mm]),
        faces=np.concatenate([outer.faces, inner.faces[:, ::-1] + len(outer.vertices_mm)]),
    )
    on = planes(3.0, 0.2, 2)
    large, small = sorted(
        (signed_area_mm2(ring) for ring in flat(mesh_section(mesh, on), on, 0)), reverse=True
    )
    assert large == pytest.approx(math.pi * 400, rel=0.01)
    assert small == pytest.approx(-math.pi * 144, rel=0.01)


def test_the_extent_of_the_image_in_its_planes_is_no_limit_but_its_stack_is() -> None:
    on = planes(3.0, 0.0, 3)
    contours = mesh_section(ball(), on)
    levels = {round(float(on.to_index(c.points_mm)[:, 0].mean()), 3) for c in contours}
    assert levels == {0, 1, 2}
    assert min(c.points_mm[:, 0].min() for c in contours) < -18


def test_planes_between_slices_bring_the_slab_volume_nearer() -> None:
    mesh = ball(12.0)
    errors = []
    for count in (1, 3):
        worst = 0.0
        for phase in np.arange(6) / 6:
            on = planes(5.0, -25 + 5 * float(phase), 11)
            contours = mesh_section(mesh, on, planes_per_slice=count)
            slab = slab_volume_cm3(contours, step_mm=5.0 / count)
            worst = max(worst, abs(slab * 1000 / mesh.signed_volume_mm3 - 1))
        errors.append(worst)
    assert errors[0] < 0.03
    assert errors[1] < 0.004


def test_three_millimetre_slices_keep_the_volume_to_two_percent_at_any_phase() -> None:
    for mesh in (ball(12.0), shell(1.0)):
        for phase in np.arange(8) / 8:
            on = planes(3.0, -51 + 3 * float(phase), 36)
            slab = slab_volume_cm3(mesh_section(mesh, on), step_mm=3.0)
            assert slab * 1000 == pytest.approx(mesh.signed_volume_mm3, rel=0.02)


def test_contours_are_read_back_as_one_regular_stack() -> None:
    contours = mesh_section(shell(), planes(3.0, -50.3, 34))
    stack = plane_stack(Roi(number=1, name="BOLUS", contours=contours))
    assert stack.step_mm == pytest.approx(3.0, abs=0.002)
    assert stack.findings == ()


def test_a_shift_of_the_contours_is_seen_in_the_agreement() -> None:
    mesh, on = ball(), planes(3.0, -30.0, 20)
    moved = tuple(
        Contour(kind=c.kind, points_mm=c.points_mm + np.array([0.3, 0, 0]))
        for c in mesh_section(mesh, on)
    )
    found = section_agreement(moved, mesh, on)
    assert max(a.distance_p95_mm for a in found) == pytest.approx(0.3, abs=0.03)
    assert min(a.dice for a in found) < 0.995


def test_a_plane_without_its_contours_agrees_in_nothing() -> None:
    mesh, on = ball(), planes(3.0, -30.0, 20)
    contours = mesh_section(mesh, on)
    found = section_agreement(contours[1:], mesh, on)
    assert found[0].dice == 0
    assert found[0].distance_p95_mm == math.inf
    assert found[1].dice > 0.995


def test_a_mesh_away_from_the_planes_gives_no_contours() -> None:
    assert mesh_section(ball(), planes(3.0, 100.0, 5)) == ()
    assert slab_volume_cm3((), step_mm=3.0) == 0


def test_an_open_mesh_is_refused() -> None:
    opened = Mesh(vertices_mm=CUBE.vertices_mm.copy(), faces=CUBE.faces[:-1].copy())
    with pytest.raises(BolusError) as refused:
        mesh_section(opened, planes(2.0, 1.0, 5))
    assert refused.value.reason == "BAD_MESH"
    assert "open" in refused.value.what


def test_a_vertex_that_is_not_finite_is_refused() -> None:
    vertices = CUBE.vertices_mm.copy()
    vertices[3, 1] = np.nan
    with pytest.raises(BolusError) as refused:
        mesh_section(Mesh(vertices_mm=vertices, faces=CUBE.faces.copy()), planes(2.0, 1.0, 5))
    assert refused.value.reason == "BAD_MESH"
    assert "finite" in refused.value.what
