"""Rendered meshes: the right way round, to scale, the nearest in front, the same bytes."""

import numpy as np
import pytest

from isocentra.mesh.model import Mesh
from isocentra.report.colours import ColourScale, signed_scale_for
from isocentra.report.document import Picture
from isocentra.report.frames import Side, frame_from
from isocentra.report.panels import Arrow, Mark, Panel, PanelSheet, panels_picture
from isocentra.report.render import Scalars, Surface, render, stage, visible

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Mesh:
    """Make a closed box, wound outwards."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(vertices_mm=corners, faces=np.array(faces, dtype=np.int64))


def is_red(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., 0].astype(int) - rgb[..., 2] > 60


@pytest.mark.parametrize(
    ("side", "row", "column"),
    [
        (Side.ANTERIOR, 0, 1),
        (Side.POSTERIOR, 0, 0),
        (Side.INFERIOR, 0, 1),
        (Side.SUPERIOR, 0, 0),
    ],
)
def test_a_mark_on_the_left_anterior_superior_lies_where_it_should(
    side: Side, row: int, column: int
) -> None:
    mark = Surface(mesh=box((20, -40, 20), (30, -30, 30)), colour=RED)
    seen = render(stage([mark]), frame_from(side, (0, 0, 0), (100, 100)), 60)
    rows, columns = np.nonzero(is_red(seen.rgb))
    assert (rows.mean() > 30) == bool(row)
    assert (columns.mean() > 30) == bool(column)


def test_a_box_of_40_mm_is_40_mm_wide_in_the_picture() -> None:
    seen = render(
        stage([Surface(mesh=box((-20, -20, -10), (20, 20, 10)), colour=RED)]),
        frame_from(Side.ANTERIOR, (0, 0, 0), (80, 40)),
        160,
    )
    assert seen.rgb.shape == (80, 160, 3)
    rows, columns = np.nonzero((seen.rgb < 250).all(axis=2) | is_red(seen.rgb))
    assert np.ptp(columns) + 1 == pytest.approx(80, abs=1)
    assert np.ptp(rows) + 1 == pytest.approx(40, abs=1)


def test_the_nearer_surface_hides_the_other() -> None:
    front = Surface(mesh=box((-10, -30, -10), (10, -20, 10)), colour=RED)
    behind = Surface(mesh=box((-30, 0, -30), (30, 10, 30)), colour=BLUE)
    for order in ([front, behind], [behind, front]):
        seen = render(stage(order), frame_from(Side.ANTERIOR, (0, 0, 0), (80, 80)), 40)
        assert is_red(seen.rgb[20, 20])
        seen = render(stage(order), frame_from(Side.POSTERIOR, (0, 0, 0), (80, 80)), 40)
        assert not is_red(seen.rgb).any()


def test_points_behind_something_are_not_visible() -> None:
    scene = stage([Surface(mesh=box((-10, -10, -10), (10, 10, 10)))])
    points = np.array([[0.0, -10.0, 0.0], [0.0, 10.0, 0.0], [50.0, 10.0, 0.0]])
    frame = frame_from(Side.ANTERIOR, (0, 0, 0), (200, 200))
    assert visible(points, scene, frame).tolist() == [True, False, True]


def test_scalars_are_coloured_by_their_scale_zero_white_and_missing_grey() -> None:
    mesh = box((-20, -20, -20), (20, 20, 20))
    frame = frame_from(Side.ANTERIOR, (0, 0, 0), (80, 80))
    colours = {}
    for name, value in {"zero": 0.0, "plus": 1.0, "none": np.nan}.items():
        scalars = Scalars(values=np.full(8, value), scale=signed_scale_for([1.0], "Gap", "mm"))
        seen = render(stage([Surface(mesh=mesh, scalars=scalars)]), frame, 40)
        colours[name] = seen.rgb[20, 20].astype(int)
    assert np.ptp(colours["zero"]) == 0
    assert colours["plus"][0] > colours["plus"][2] + 60
    assert np.ptp(colours["none"]) == 0
    assert (colours["none"] < colours["zero"] - 30).all()


def test_an_empty_scene_is_refused() -> None:
    empty = Mesh(vertices_mm=np.zeros((0, 3)), faces=np.zeros((0, 3), dtype=np.int64))
    with pytest.raises(ValueError, match="without triangles"):
        stage([Surface(mesh=empty)])


def sheet() -> Picture:
    """Draw two panels with everything on them."""
    frame = frame_from((0.5, -0.7, 0.2), (0, 0, 0), (90, 60))
    scale = ColourScale(label="Gap $x$", unit="mm", low=0, high=2)
    scalars = Scalars(values=np.linspace(0, 2, 8), scale=scale)
    scene = stage([Surface(mesh=box((-20, -20, -20), (20, 20, 20)), scalars=scalars)])
    panel = Panel(
        title="$\\frac{1}{2}$ 山",
        rendering=render(scene, frame, 200),
        marks=(Mark(text="1", at_mm=(0, -20, 0)),),
        arrows=(
            Arrow(text="head", start_mm=(0, 0, 0), end_mm=(0, 0, 30)),
            Arrow(text="to you", start_mm=(0, 0, 0), end_mm=(5.0, -7.0, 2.0)),
        ),
    )
    return panels_picture(
        PanelSheet(panels=(panel, panel), columns=2, scale=scale), caption="c", alt="a"
    )


def test_the_same_sheet_is_the_same_bytes_and_has_no_date() -> None:
    first, second = sheet(), sheet()
    assert first.png == second.png
    assert b"tIME" not in first.png
    assert b"Software" not in first.png
