"""Make every picture of the pages, from the program itself on digital patients.

python docs/scripts/pictures.py [NAME ...]      into docs/images/; without a name, all

Needs Poppler's `pdftoppm` and `pdftotext` for the pictures that show a page of a report.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from picture_layout import (
    LARGEST_BYTES,
    WIDE_MM,
    box,
    draw_surfaces,
    framed,
    line_legend,
    pdf_page,
    png,
    rgb_of,
    sheet,
    smaller,
)
from picture_scenes import DRAWN, ball, drawn_head, scanned_head, shaped, solid_mesh

from isocentra.bolus3d import BolusDesign, BolusRequest, Rim, catalogue
from isocentra.bolus3d.pictures import bolus_pictures
from isocentra.bolus3d.report_pictures import gap_picture, thickness_picture
from isocentra.image import Image
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.report.frames import Plane, Triple, frame_from
from isocentra.report.render import BOLUS_COLOUR, SKIN_COLOUR, Surface
from isocentra.report.sheet import FONT, INK, SMALL_PT
from isocentra.report.views import (
    LineStyle,
    Outline,
    SlicePanel,
    SliceView,
    Window,
    draw_slice,
    sample,
)
from isocentra.services.demonstration import demonstrate_bolus
from isocentra.structures.model import Roi

__all__ = ["FOLDER", "PICTURES"]

Rgb = npt.NDArray[np.uint8]

FOLDER: Final = Path(__file__).parents[1] / "images"
SKIN_LINE: Final = "#ff7b6b"
PART_LINE: Final = "#5ec8ff"
DRAWN_LINE: Final = "#ffd23f"
TRUE_LINE: Final = "#ffffff"
FIXED_LINE: Final = "#ffa024"
CHEEK: Final = (52.0, -78.0, -30.0)
FAT_HU: Final = -100.0


@cache
def _demo() -> BolusDesign:
    """Return what `isocentra demo` makes."""
    return demonstrate_bolus().design


def _demo_request() -> BolusRequest:
    image, structures = scanned_head()
    return BolusRequest(ct=image, structures=structures, target="PTV_Nose", thickness_mm=5.0)


@cache
def _head() -> Surface:
    low, high = (-100.0, -132.0, -88.0), (100.0, 112.0, 128.0)
    return Surface(mesh=solid_mesh(drawn_head().skin, (low, high), 1.5), colour=SKIN_COLOUR)


def _part(mesh: Mesh) -> Surface:
    return Surface(mesh=mesh, colour=BOLUS_COLOUR)


def _line(
    source: Mesh | Roi, label: str, colour: str, style: LineStyle = LineStyle.SOLID
) -> Outline:
    return Outline(source=source, label=label, colour=colour, style=style)


def _draw(
    axes: Axes, image: Image, view: tuple[Plane, Triple, tuple[float, float]], *lines: Outline
) -> None:
    """Draw a slice: plane, the point it goes through, width and height [mm]."""
    plane, through, size = view
    draw_slice(
        axes,
        SlicePanel(
            view=SliceView(title="", plane=plane, through_mm=through, size_mm=size),
            image=image,
            window=Window(centre=-200.0, width=1400.0),
            outlines=lines,
        ),
    )


def demo_bolus() -> Figure:
    """Draw the first picture of README: the head, a slice, the report."""
    design = _demo()
    image, _ = scanned_head()
    figure = sheet(77)
    axes = box(figure, (0, 6, 64, 71), "A bolus on the digital head")
    frame = frame_from((0.34, -0.93, 0.14), (2.0, 0.0, 19.0), (216.0, 216.0 * 71 / 64))
    draw_surfaces(axes, [_head(), _part(design.mesh)], frame)
    lines = (
        _line(design.skin, "skin found", SKIN_LINE),
        _line(design.roi, "BOLUS contours", PART_LINE),
    )
    axes = box(figure, (67, 6, 54, 65), "Axial slice: it fits the skin")
    _draw(axes, image, (Plane.AXIAL, (0.0, -101.0, -12.5), (62.0, 62.0 * 65 / 54)), *lines)
    line_legend(figure, (67, 71.5, 54), lines)
    page = pdf_page(design.files["report.pdf"], "3D printed bolus")
    axes = box(figure, (124, 6, 50, 71), "Its report, page 1")
    axes.imshow(page, interpolation="antialiased", aspect="auto")
    framed(axes)
    return figure


def half_maximum() -> Figure:
    """Draw where −300 HU and the half maximum lie, along a normal and in a slice."""
    patient, image = ball(FAT_HU, 3.0)
    place = patient.landmark("target")
    part = shaped(BolusRequest(ct=image, distance_mm=25.0, near_mm=place, thickness_mm=5.0))
    true = solid_mesh(patient.skin, ((-60.0, -60.0, -60.0), (60.0, 60.0, 60.0)), 0.8)
    fixed = isosurface(-image.values, image.grid, 300.0)
    figure = sheet(78)
    _profile(figure, image)
    lines = (
        _line(true, "true skin", TRUE_LINE, LineStyle.DASHED),
        _line(part.skin.mesh, "half maximum", PART_LINE),
        _line(fixed, "fixed −300 HU", FIXED_LINE),
    )
    axes = box(figure, (103, 6, 71, 66), "The same in an axial slice")
    _draw(axes, image, (Plane.AXIAL, place, (16.0, 16.0 * 66 / 71)), *lines)
    line_legend(figure, (103, 72.5, 71), lines)
    return figure


def _profile(figure: Figure, image: Image) -> None:
    """Plot the mean grey along the normal over the front left of the ball, radius 50 mm."""
    along = np.arange(-8.0, 5.01, 0.1)
    turn, rise = np.meshgrid(np.linspace(0.2, 1.2, 40), np.linspace(-0.35, 0.35, 30))
    ways = np.stack(
        [np.sin(turn) * np.cos(rise), -np.cos(turn) * np.cos(rise), np.sin(rise)], axis=-1
    )
    points = (50.0 + along)[:, None, None, None] * ways
    index = np.rint(image.grid.to_index(points.reshape(-1, 3)) * 1.0).astype(int)
    greys = image.values[tuple(index.T)].reshape(len(along), -1).mean(axis=1)
    axes = box(figure, (15, 6, 80, 60), "Fat in air, slices of 3 mm: grey along the normal")
    axes.set_axis_on()
    axes.plot(along, greys, color=INK, linewidth=1.6)
    for level, colour, text, high in (
        ((FAT_HU - 1000.0) / 2, "#1b7fb8", "half maximum", 70.0),
        (-300.0, "#c26a00", "fixed −300 HU", 70.0),
    ):
        at = float(np.interp(-level, -greys, along))
        axes.plot([along[0], at], [level, level], color=colour, linewidth=1.0, linestyle=":")
        axes.plot([at, at], [-1080, level], color=colour, linewidth=1.0, linestyle=":")
        axes.plot([at], [level], marker="o", markersize=4.5, color=colour)
        label = f"{text}: {at:+.2f} mm".replace("-", "−")
        axes.text(
            along[0] + 0.2, level + high * 0.15, label, fontsize=SMALL_PT + 0.5,
            fontfamily=FONT, color=colour, va="bottom",
        )  # fmt: skip
    axes.axvline(0.0, color="#8a9099", linewidth=1.0, linestyle="--")
    axes.text(0.15, 40.0, "true skin", fontsize=SMALL_PT, fontfamily=FONT, color="#5b626b")
    axes.set_xlim(along[0], along[-1])
    axes.set_ylim(-1080, 110)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=SMALL_PT, labelfontfamily=FONT, colors=INK, length=2)
    style: dict[str, Any] = {"fontsize": SMALL_PT + 0.5, "fontfamily": FONT, "color": INK}
    axes.set_xlabel("distance from the true skin [mm], outside +", **style)
    axes.set_ylabel("grey value [HU]", labelpad=1, **style)


def regions() -> Figure:
    """Draw the four ways to say where: target, beam, drawn ROI, distance."""
    image, structures = scanned_head()
    asked = BolusRequest(ct=image, structures=structures, target="PTV_Cheek_L", thickness_mm=5.0)
    beam = replace(asked, beam_direction=(-1.0, 0.0, 0.0))
    ball_of = replace(asked, target=None, distance_mm=25.0, near_mm=CHEEK)
    kinds = (
        ("--target", asked, "PTV_Cheek_L"),
        ("… and --beam-direction", beam, "PTV_Cheek_L"),
        ("--region", replace(asked, target=None, region=DRAWN), DRAWN),
        ("--distance-mm 25 --near", ball_of, ""),
    )  # fmt: skip
    figure = sheet(98)
    width = (WIDE_MM - 9) / 4
    part = shaped(asked)
    for number, (title, request, drawn) in enumerate(kinds):
        part = shaped(request)
        left = number * (width + 3)
        axes = box(figure, (left, 6, width, 44), title)
        frame = frame_from((0.80, -0.58, 0.1), (34.0, -48.0, -20.0), (118.0, 118.0 * 44 / width))
        draw_surfaces(axes, [_head(), _part(part.mesh)], frame)
        lines = [_line(part.mesh, "bolus", PART_LINE)]
        if drawn:
            lines.append(_line(structures.roi(drawn), "ROI", DRAWN_LINE, LineStyle.DASHED))
        axes = box(figure, (left, 52, width, 40))
        _draw(axes, image, (Plane.AXIAL, (44.0, -76.0, -30.0), (84.0, 84.0 * 40 / width)), *lines)
        if request.beam_direction is not None:
            _arrow(axes, (40.0, -8.0), (18.0, -8.0))
        if request.near_mm is not None:
            axes.plot([8.0], [2.0], marker="+", markersize=9, color=DRAWN_LINE, markeredgewidth=1.6)
    both = (
        _line(part.mesh, "bolus", PART_LINE),
        _line(part.mesh, "target, or drawn volume", DRAWN_LINE, LineStyle.DASHED),
    )
    line_legend(figure, (0, 92.5, WIDE_MM), both)
    return figure


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": "white", "linewidth": 1.8},
    )  # fmt: skip
    axes.text(
        start[0], start[1] - 3, "beam", color="white", fontsize=SMALL_PT, fontfamily=FONT,
        ha="right", va="top",
    )  # fmt: skip


def rims() -> Figure:
    """Draw the two rims in cross-section."""
    _, image = ball(40.0, 1.0)
    asked = BolusRequest(ct=image, distance_mm=25.0, near_mm=(0.0, -50.0, 0.0), thickness_mm=8.0)
    figure = sheet(62)
    for number, rim in enumerate(Rim):
        part = shaped(replace(asked, rim=rim))
        lines = (
            _line(part.skin.mesh, "skin", SKIN_LINE),
            _line(part.mesh, "bolus, cut", PART_LINE),
        )
        note = {Rim.ROUND: "radius 3 mm", Rim.TAPER: "8 to 0.8 mm over the last 16 mm"}[rim]
        axes = box(figure, (number * 88.5, 6, 85.5, 50), f"--rim {rim.value}: {note}")
        _draw(axes, image, (Plane.AXIAL, (16.0, -48.0, 0.0), (42.0, 42.0 * 50 / 85.5)), *lines)
        line_legend(figure, (0, 56.5, WIDE_MM), lines)
    return figure


def nostrils() -> Figure:
    """Draw which air counts as the patient."""
    image, _ = scanned_head()
    part = shaped(_demo_request())
    air = replace(image, grid=part.body.grid, values=part.body.cavities.astype(np.float32))
    lines = (
        _line(part.skin.mesh, "skin", SKIN_LINE),
        _line(part.mesh, "bolus", PART_LINE),
    )
    figure = sheet(84)
    for number, (title, plane, at) in enumerate(
        (
            ("Axial: the nasal cavity is inner air", Plane.AXIAL, (0.0, -98.0, -13.0)),
            ("Sagittal, through the left nostril", Plane.SAGITTAL, (5.0, -98.0, -14.0)),
        )
    ):
        axes = box(figure, (number * 88.5, 6, 85.5, 71), title)
        view = (plane, at, (74.0, 74.0 * 71 / 85.5))
        _draw(axes, image, view, *lines)
        frame = SliceView(title="", plane=plane, through_mm=at, size_mm=view[2]).frame
        inner = np.nan_to_num(sample(air, frame, 142, 171))
        half = (frame.width_mm / 2, frame.height_mm / 2)
        axes.contourf(
            np.linspace(-half[0], half[0], 171), np.linspace(half[1], -half[1], 142), inner,
            levels=[0.5, 2.0], colors=["#3aa17e"], alpha=0.55,
        )  # fmt: skip
    legend = (*lines, _line(part.mesh, "air that counts as the patient", "#3aa17e"))
    line_legend(figure, (0, 77.5, WIDE_MM), legend)
    return figure


def thickness_and_gap() -> Rgb:
    """Take the maps of the report."""
    design, request = _demo(), _demo_request()
    skin = shaped(request).skin
    printer = catalogue.printer(request.printer)
    given = bolus_pictures(request, design.mesh, skin, design.roi, printer)
    both = [rgb_of(made.png) for made in (thickness_picture(given), gap_picture(given))]
    return smaller(np.concatenate(both), 0.55)


def print_sheet() -> Rgb:
    """Take the upper part of the report's print sheet."""
    page = pdf_page(_demo().files["report.pdf"], "Print sheet")
    inked = np.flatnonzero((page < 250).any(axis=(1, 2)))
    blank = np.diff(inked)
    end = inked[int(np.argmax(blank))]  # the widest blank lies between the sheet and the foot
    return np.ascontiguousarray(page[90 : end + 20])


PICTURES: Final[dict[str, Callable[[], Figure | Rgb]]] = {
    "demo-bolus": demo_bolus,
    "skin-half-maximum": half_maximum,
    "regions": regions,
    "rims": rims,
    "nostrils": nostrils,
    "thickness-and-gap": thickness_and_gap,
    "print-sheet": print_sheet,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        content = png(PICTURES[name]())
        if len(content) > LARGEST_BYTES:
            raise SystemExit(f"{name}.png has {len(content):,} bytes, over {LARGEST_BYTES:,}")
        (FOLDER / f"{name}.png").write_bytes(content)
