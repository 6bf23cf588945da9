"""The 3D view: what is encoded is what is shown; it runs offline in a browser, or says why not."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from skimage.measure import marching_cubes

from isocentra.geometry.grid import Grid
from isocentra.mesh.model import Mesh
from isocentra.progress import Stage
from isocentra.report.coarsen import coarsen
from isocentra.report.colours import signed_scale_for
from isocentra.report.document import Picture, Provenance, Report, Row, Section, Viewer3d
from isocentra.report.frames import Side, frame_from
from isocentra.report.html import report_html
from isocentra.report.panels import Panel, PanelSheet, panels_picture
from isocentra.report.render import Surface, render, stage
from isocentra.report.viewer import (
    MISSING_CODE,
    MOST_TRIANGLES,
    ViewerMap,
    ViewerPart,
    ViewerScene,
    scene_json,
)
from isocentra.result import Software
from isocentra.verdict import Status

HOSTILE = "</script><script>document.title='owned'</script>"
CENTRE = (15.0, -20.0, 40.0)
RED = (0.85, 0.15, 0.1)


def ball(step_mm: float, radius_mm: float = 20.0) -> Mesh:
    """Make a ball about CENTRE, wound outwards."""
    low = tuple(c - radius_mm - 3 for c in CENTRE)
    high = tuple(c + radius_mm + 3 for c in CENTRE)
    grid = Grid.axial_box(low, high, step_mm)
    depth = np.linalg.norm(grid.centres() - np.array(CENTRE), axis=-1) - radius_mm
    index, faces, _, _ = marching_cubes(depth, 0.0)
    mesh = Mesh(vertices_mm=grid.to_points(index), faces=faces.astype(np.int64))
    if mesh.signed_volume_mm3 < 0:
        mesh = Mesh(vertices_mm=mesh.vertices_mm, faces=mesh.faces[:, ::-1].copy())
    return mesh


def scene(mesh: Mesh) -> ViewerScene:
    """Build one part with one map, missing on its lower half."""
    z = mesh.vertices_mm[:, 2] - CENTRE[2]
    values = np.where(z < 0, np.nan, z / 40)
    part = ViewerPart(
        name=HOSTILE,
        mesh=mesh,
        colour=RED,
        maps=(ViewerMap(values=values, scale=signed_scale_for([0.5], "Gap", "mm")),),
    )
    return ViewerScene(parts=(part,), centre_mm=CENTRE, radius_mm=40.0)


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_positions_values_and_missing_ones_survive_the_encoding() -> None:
    mesh = ball(2.0)
    (part,) = json.loads(scene_json(scene(mesh)))["parts"]
    codes = numbers(part["positions"], "<u2").reshape(-1, 3)
    points = np.array(part["low"]) + codes / 65535 * np.array(part["span"])
    assert np.abs(points - mesh.vertices_mm).max() < 0.001
    assert np.array_equal(numbers(part["triangles"], "<u4").reshape(-1, 3), mesh.faces)
    shown = part["maps"][0]
    values = numbers(shown["codes"], "<u2")
    z = mesh.vertices_mm[:, 2] - CENTRE[2]
    assert np.array_equal(values == MISSING_CODE, z < 0)
    known = z >= 0
    back = shown["low"] + values[known] / 65534 * (shown["high"] - shown["low"])
    assert np.abs(back - z[known] / 40).max() < 1e-4
    middle = numbers(shown["table"], "u1").reshape(-1, 3)
    assert middle[len(middle) // 2].tolist() == [255, 255, 255]


def test_a_part_name_cannot_leave_the_data_block() -> None:
    assert "<" not in scene_json(scene(ball(6.0)))


def test_a_heavy_mesh_is_made_lighter_and_keeps_its_shape_and_values() -> None:
    mesh = ball(0.5)
    height = mesh.vertices_mm[:, 2].copy()
    assert len(mesh.faces) > 20_000
    light = coarsen(mesh, (height,), 5_000)
    assert len(light.mesh.faces) <= 5_000
    radius = np.linalg.norm(light.mesh.vertices_mm - np.array(CENTRE), axis=1)
    assert np.abs(radius - 20).max() < 0.4
    assert np.abs(light.values[0] - light.mesh.vertices_mm[:, 2]).max() < 0.1
    assert light.mesh.signed_volume_mm3 == pytest.approx(mesh.signed_volume_mm3, rel=0.02)


def test_a_light_mesh_is_left_as_it_is() -> None:
    mesh = ball(4.0)
    assert coarsen(mesh, (), MOST_TRIANGLES).mesh is mesh


def test_the_bundled_library_is_the_one_that_its_readme_names() -> None:
    data = files("isocentra.report") / "data"
    library = (data / "three.iife.min.js").read_bytes()
    assert hashlib.sha256(library).hexdigest() in (data / "README.md").read_text()
    assert len(library) <= 700_000
    assert b"</script" not in library
    assert b"eval(" not in library
    assert b"new Function" not in library
    assert "MIT" in (data / "three.LICENSE.txt").read_text()


def page() -> bytes:
    """Build a report of nothing but a 3D view."""
    mesh = ball(1.0)
    frame = frame_from(Side.ANTERIOR, CENTRE, (80, 60))
    seen = render(stage([Surface(mesh=mesh, colour=RED)]), frame, 300)
    still: Picture = panels_picture(
        PanelSheet(panels=(Panel(title="Still", rendering=seen),), columns=1, width_mm=60),
        caption="c",
        alt="a ball",
    )
    report = Report(
        title="View",
        subtitle="",
        subject="nobody",
        status=Status.DONE,
        checks=(),
        identity=(Row(label="a", text="b"),),
        lead=still,
        sections=(Section(title="3D", blocks=(Viewer3d(scene=scene(mesh), still=still),)),),
        provenance=Provenance(
            inputs=(),
            outputs=(),
            software=Software(version="0", device="cpu", kernels=""),
            stages=(Stage(name="s", seconds=0.0),),
        ),
        not_checked=(),
        warnings=(),
        program="Isocentra 0",
    )
    return report_html(report)


def test_only_our_own_scripts_may_run() -> None:
    text = page().decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    runs = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(runs) == 2
    for script in runs:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy.group(1).replace("&#39;", "'")


def shot(folder: Path, *flags: str) -> tuple[np.ndarray, str]:
    """Open the page in headless Chromium without a network; return the picture and the console."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    (folder / "page.html").write_bytes(page())
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=6000",
            "--window-size=1000,2400",
            f"--screenshot={folder / 'shot.png'}",
            *flags,
            (folder / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    picture = matplotlib.image.imread(folder / "shot.png")[..., :3]
    return np.rint(picture * 255).astype(int), console


@pytest.mark.slow
@pytest.mark.peer
def test_the_view_opens_offline_shows_the_ball_and_says_nothing(tmp_path: Path) -> None:
    flags = ("--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader")
    picture, console = shot(tmp_path, *flags)
    assert console == ""
    # the stage is the largest area of its ground colour; the ball is red within it
    ground = (np.abs(picture - [247, 249, 251]) <= 1).all(axis=2)
    rows = np.flatnonzero(ground.sum(axis=1) > 300)
    part = picture[rows.min() : rows.max()]
    red = (part[..., 0] - part[..., 2] > 40) & (part[..., 0] - part[..., 1] > 40)
    assert 0.05 < red.mean() < 0.5
    across, down = np.ptp(np.nonzero(red)[1]), np.ptp(np.nonzero(red)[0])
    assert across == pytest.approx(down, rel=0.05)
    assert down == pytest.approx(len(part) / 2, rel=0.08)  # 40 mm of the 80 mm that are seen


@pytest.mark.slow
@pytest.mark.peer
def test_without_webgl_a_sentence_and_the_still_pictures_stand_there(tmp_path: Path) -> None:
    picture, console = shot(tmp_path, "--disable-3d-apis")
    assert "Uncaught" not in console
    notice = (np.abs(picture - [253, 243, 222]) <= 1).all(axis=2)
    assert notice.sum() > 10_000
    ground = (np.abs(picture - [247, 249, 251]) <= 1).all(axis=2)
    assert ground.sum() < 1_000
