"""Slices show the patient the right way round, to scale, with outlines where things really are.

The phantom is asymmetric: a bright ball on the patient's left, anterior, superior.
"""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from skimage.measure import marching_cubes

from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.mesh.model import Mesh
from isocentra.report.cuts import FieldCut, LineCut, mesh_cut, roi_cut
from isocentra.report.frames import Plane, plane_frame
from isocentra.report.sheet import LIGHT, annotate
from isocentra.report.views import Outline, SlicePanel, SliceView, Window, draw_slice, sample
from isocentra.structures.model import Contour, ContourKind, Roi

BALL = np.array([20.0, -15.0, 10.0])
RADIUS_MM = 8.0

AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
TILTED = ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (1.0, 0.0, 0.0))
REVERSED = ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0))
SAGITTAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))


def ball_image(axes: tuple[tuple[float, float, float], ...]) -> Image:
    """Make an image of the ball on a grid with these axes, its middle at the origin."""
    spacing, shape = (2.5, 1.0, 1.5), (40, 90, 64)
    middle = (np.array(shape) - 1) / 2 * spacing
    x, y, z = (-(np.array(axes).T @ middle)).tolist()
    grid = Grid(shape=shape, spacing_mm=spacing, origin_mm=(x, y, z), axes=axes)
    depth = RADIUS_MM - np.linalg.norm(grid.centres() - BALL, axis=-1)
    return Image(grid=grid, values=np.clip(depth, -2, 2).astype(np.float32) * 100, modality="CT")


@pytest.mark.parametrize("axes", [AXIAL, TILTED, REVERSED, SAGITTAL])
@pytest.mark.parametrize("plane", list(Plane))
def test_the_ball_lies_where_the_letters_say_on_any_grid(
    plane: Plane, axes: tuple[tuple[float, float, float], ...]
) -> None:
    x, y, z = BALL.tolist()
    frame = plane_frame(plane, (0.0, 0.0, 0.0), (70.0, 70.0))
    through = plane_frame(plane, (x, y, z), (70.0, 70.0))
    there = frame.to_plane(BALL)
    frame = plane_frame(plane, tuple((through.toward * there[2]).tolist()), (70.0, 70.0))
    values = sample(ball_image(axes), frame, 140, 140)
    rows, columns = np.nonzero(values > 0)
    found = np.array([(columns.mean() + 0.5) / 2 - 35, 35 - (rows.mean() + 0.5) / 2])
    assert np.allclose(found, frame.to_plane(BALL)[:2], atol=0.3)


def test_axial_is_seen_from_the_feet_left_on_the_right_anterior_on_top() -> None:
    frame = plane_frame(Plane.AXIAL, (0.0, 0.0, 10.0), (70.0, 70.0))
    values = sample(ball_image(AXIAL), frame, 70, 70)
    assert (values[:35, 35:] > 0).any()
    assert not (values[:, :35] > 0).any()
    assert not (values[35:] > 0).any()


def test_outside_the_image_there_is_no_value() -> None:
    frame = plane_frame(Plane.AXIAL, (0.0, 0.0, 500.0), (70.0, 70.0))
    assert np.isnan(sample(ball_image(AXIAL), frame, 8, 8)).all()


def drawn(plane: Plane, *outlines: Outline) -> Figure:
    """Draw a slice through the ball, drawn into an axes that fills a square figure."""
    figure = Figure(figsize=(4, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    x, y, z = BALL.tolist()
    view = SliceView(title="t", plane=plane, through_mm=(x, y, z), size_mm=(60.0, 60.0))
    window = Window(centre=0, width=400)
    draw_slice(
        axes, SlicePanel(view=view, image=ball_image(AXIAL), window=window, outlines=outlines)
    )
    return figure


@pytest.mark.parametrize(
    ("plane", "right", "left", "up", "down"),
    [
        (Plane.AXIAL, "L", "R", "A", "P"),
        (Plane.CORONAL, "L", "R", "S", "I"),
        (Plane.SAGITTAL, "P", "A", "S", "I"),
    ],
)
def test_letters_stand_on_all_four_sides(
    plane: Plane, right: str, left: str, up: str, down: str
) -> None:
    letters = {
        text.get_text(): text.get_position()
        for text in drawn(plane).axes[0].texts
        if text.get_gid() == "letter"
    }
    assert letters[right][0] > 0.9
    assert letters[left][0] < 0.1
    assert letters[up][1] > 0.9
    assert letters[down][1] < 0.1


def test_the_scale_bar_is_as_long_as_it_says_and_pixels_are_square_in_mm() -> None:
    figure = Figure(figsize=(4, 3))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    frame = plane_frame(Plane.AXIAL, (0.0, 0.0, 0.0), (80.0, 60.0))
    annotate(axes, frame, LIGHT)
    bars = [line for line in axes.lines if line.get_gid() == "scale-bar"]
    label = next(t.get_text() for t in axes.texts if t.get_text().endswith(" mm"))
    for bar in bars:
        assert np.ptp(bar.get_xdata()) == float(label.removesuffix(" mm")) == 20.0
    across = axes.transData.transform([[0, 0], [10, 0], [0, 10]])
    assert np.ptp(across[:2, 0]) == pytest.approx(np.ptp(across[[0, 2], 1]))
    assert np.ptp(across[:2, 0]) / (4 * figure.dpi) == pytest.approx(10 / 80)


def ball_mesh() -> Mesh:
    """Make the ball's surface."""
    grid = Grid.axial_box((8, -27, -2), (32, -3, 22), 0.5)
    depth = np.linalg.norm(grid.centres() - BALL, axis=-1) - RADIUS_MM
    index, faces, _, _ = marching_cubes(depth, 0.0)
    return Mesh(vertices_mm=grid.to_points(index), faces=faces.astype(np.int64))


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("off_mm", [0.0, 3.0, -6.5])
def test_a_cut_ball_is_a_closed_circle_of_the_right_radius(plane: Plane, off_mm: float) -> None:
    frame = plane_frame(plane, (0.0, 0.0, 0.0), (60.0, 60.0))
    x, y, z = (BALL + off_mm * frame.toward).tolist()
    segments = mesh_cut(ball_mesh(), plane_frame(plane, (x, y, z), (60.0, 60.0)))
    radius = np.linalg.norm(segments, axis=-1)
    assert np.allclose(radius, np.sqrt(RADIUS_MM**2 - off_mm**2), atol=0.03)
    ends, count = np.unique(np.round(segments.reshape(-1, 2), 6), axis=0, return_counts=True)
    assert len(ends) == len(segments)
    assert (count == 2).all()


def test_a_plane_that_misses_the_mesh_cuts_nothing() -> None:
    frame = plane_frame(Plane.AXIAL, (0.0, 0.0, 500.0), (60.0, 60.0))
    assert len(mesh_cut(ball_mesh(), frame)) == 0


def ball_roi(step_mm: float) -> Roi:
    """Draw the ball as circles on axial planes."""
    contours = []
    for z in np.arange(BALL[2] - RADIUS_MM + step_mm / 2, BALL[2] + RADIUS_MM, step_mm):
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        radius = np.sqrt(RADIUS_MM**2 - (z - BALL[2]) ** 2)
        ring = BALL[:2] + radius * np.column_stack([np.cos(angle), np.sin(angle)])
        points = np.column_stack([ring, np.full(60, z)])
        contours.append(Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=points))
    return Roi(number=1, name="ball", contours=tuple(contours))


def test_contours_in_the_plane_are_drawn_as_they_are() -> None:
    roi = ball_roi(2.0)
    z = float(roi.contours[3].points_mm[0, 2])
    cut = roi_cut(roi, plane_frame(Plane.AXIAL, (0.0, 0.0, z + 0.4), (80.0, 80.0)))
    assert isinstance(cut, LineCut)
    (line,) = cut.lines
    assert np.allclose(line[:-1] * [1, -1], roi.contours[3].points_mm[:, :2])
    assert np.array_equal(line[0], line[-1])


@pytest.mark.parametrize("plane", [Plane.CORONAL, Plane.SAGITTAL])
def test_across_its_planes_a_drawn_ball_is_a_disc(plane: Plane) -> None:
    x, y, z = BALL.tolist()
    cut = roi_cut(ball_roi(2.0), plane_frame(plane, (x, y, z), (40.0, 40.0)))
    assert isinstance(cut, FieldCut)
    inside = cut.values < 0
    step = 40.0 / len(cut.right_mm)
    assert inside.sum() * step**2 == pytest.approx(np.pi * RADIUS_MM**2, rel=0.03)
    up, right = np.nonzero(inside)
    assert abs(cut.right_mm[right].mean()) < 0.3
    assert abs(cut.up_mm[up].mean()) < 0.3


def test_a_hole_drawn_as_an_inner_contour_stays_a_hole() -> None:
    rings = []
    for z in (-4.0, -2.0, 0.0, 2.0, 4.0):
        for half in (10.0, 5.0):
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
            points = np.column_stack([square, np.full(4, z)])
            rings.append(Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=points))
    frame = plane_frame(Plane.CORONAL, (0.0, 0.0, 0.0), (40.0, 40.0))
    cut = roi_cut(Roi(number=1, name="ring", contours=tuple(rings)), frame)
    assert isinstance(cut, FieldCut)
    row = cut.values[len(cut.up_mm) // 2]
    at = {mm: row[np.argmin(np.abs(cut.right_mm - mm))] for mm in (0, 7.5, -7.5, 13)}
    assert at[0] > 0
    assert at[13] > 0
    assert at[7.5] < 0
    assert at[-7.5] < 0


def test_an_outline_of_a_roi_without_contours_draws_nothing() -> None:
    empty = Outline(source=Roi(number=1, name="$x$"), label="$x$", colour="red")
    figure = drawn(Plane.CORONAL, empty)
    assert not [c for c in figure.axes[0].collections if c.get_paths()]
