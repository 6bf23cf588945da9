"""The pictures of a bolus report.

BolusPictures ──► lead, four sides, slices, thickness and gap, callipers and print bed
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from isocentra.bolus3d.callipers import CalliperPoint, outward_mean
from isocentra.bolus3d.report_inputs import BolusPictures
from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.colours import ColourScale, ScaleKind, scale_for, signed_scale_for
from isocentra.report.document import Picture
from isocentra.report.frames import Plane, Side, Triple, ViewFrame, frame_from, letters_of
from isocentra.report.panels import (
    Arrow,
    Mark,
    Panel,
    PanelSheet,
    panels_picture,
    rendering_columns,
)
from isocentra.report.render import (
    BOLUS_COLOUR,
    SKIN_COLOUR,
    Scalars,
    Stage,
    Surface,
    render,
    stage,
)
from isocentra.report.viewer import ViewerMap, ViewerPart, ViewerScene
from isocentra.report.views import LineStyle, Outline, SlicePanel, SliceView, Window
from isocentra.report.wording import quantity

__all__ = [
    "calliper_frame",
    "calliper_picture",
    "four_sides",
    "gap_picture",
    "lead_picture",
    "on_patient",
    "scene",
    "slices_picture",
    "thickness_picture",
]

AROUND_MM: Final = 55.0
"""Skin that is shown round the bolus, so that the place is recognised."""
SLICE_MARGIN_MM: Final = 25.0
LEAD_ASPECT: Final = 1.15
CLOSE_UP_MM: Final = 40.0
TURN_DEG: Final = 38.0
"""The two views of a map lie so far to either side of the mean direction."""
LEAST_SPAN_MM: Final = 1.0
"""A colour scale spans at least this: noise must not look like an error."""
PART_MARGIN: Final = 1.18
SHEET_ASPECT: Final = 1.0

BOLUS_LINE: Final = "#5ec8ff"
CONTOUR_LINE: Final = "#ffd23f"
TARGET_LINE: Final = "#ff7b6b"
CT_WINDOW: Final = Window(centre=-200.0, width=1400.0)
"""Shows air gaps and soft tissue at once. [HU]"""
BED_COLOURS: Final = ((1.0, 1.0, 1.0), (0.93, 0.94, 0.96))
TILE_MM: Final = 20.0
LEFT_COLOUR: Final = "#1c2733"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    centre_mm: Triple
    size_mm: float
    """Edge of the cube that holds it."""


def on_patient(given: BolusPictures) -> Stage:
    """Return skin and bolus, ready to be seen from any side."""
    return stage(
        [
            Surface(mesh=given.skin, colour=SKIN_COLOUR),
            Surface(mesh=given.bolus, colour=BOLUS_COLOUR),
        ]
    )


def lead_picture(given: BolusPictures, patient: Stage) -> Picture:
    """Draw the bolus on the patient, from its own side and in the axial slice through it."""
    toward = outward_mean(given.bolus, given.thickness_mm)
    box = _box(given.bolus, AROUND_MM)
    frame = frame_from(toward, box.centre_mm, (box.size_mm, box.size_mm * LEAD_ASPECT))
    seen = render(patient, frame, rendering_columns(2, None))
    at = _middle(given)
    width = _box(given.bolus, SLICE_MARGIN_MM).size_mm
    panels = (
        Panel(title=f"On the patient, seen from {_words(toward)}", rendering=seen),
        _slice(given, Plane.AXIAL, at, (width, width * LEAD_ASPECT)),
    )
    return panels_picture(
        PanelSheet(panels=panels, columns=2),
        caption="The bolus on the patient, and the axial slice through its middle, seen from the "
        "feet (the patient's left is on the right).",
        alt=f"The bolus on the patient's skin seen from {_words(toward)}, and an axial slice with "
        "the outline of the bolus and its contours.",
    )


def four_sides(given: BolusPictures, patient: Stage) -> Picture:
    """Draw the bolus on the patient from four sides, all to one scale."""
    toward = outward_mean(given.bolus, given.thickness_mm)
    sides = (
        Side.POSTERIOR if toward[1] > 0.5 else Side.ANTERIOR,
        Side.LEFT,
        Side.RIGHT,
        Side.INFERIOR if toward[2] < -0.5 else Side.SUPERIOR,
    )
    box = _box(given.bolus, AROUND_MM)
    columns = rendering_columns(2, None)
    panels = []
    for side in sides:
        frame = frame_from(side, box.centre_mm, (box.size_mm, box.size_mm * 0.92))
        seen = render(patient, frame, columns)
        panels.append(Panel(title=f"From {side.value}", rendering=seen))
    names = ", ".join(side.value for side in sides)
    return panels_picture(
        PanelSheet(panels=tuple(panels), columns=2),
        caption=f"The bolus (blue) on the patient's skin from four sides: {names}. One scale.",
        alt=f"The bolus on the patient's skin, rendered from {names}.",
    )


def slices_picture(given: BolusPictures) -> Picture:
    """Draw three slices through the middle of the bolus, and the largest gap magnified."""
    at = _middle(given)
    size = _box(given.bolus, SLICE_MARGIN_MM).size_mm
    panels = [
        _slice(given, plane, at, (size, size))
        for plane in (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL)
    ]
    title = "Magnified"
    if np.isfinite(given.gap_mm).any():
        worst = int(np.nanargmax(np.abs(given.gap_mm)))
        at = _triple(given.bolus.vertices_mm[worst])
        title = f"Largest gap, {quantity(float(given.gap_mm[worst]), 'mm', 2)}"
    close = _slice(given, Plane.AXIAL, at, (CLOSE_UP_MM, CLOSE_UP_MM))
    view = replace(close.view, title=f"{title}: {close.title[:1].lower()}{close.title[1:]}")
    panels.append(replace(close, view=view))
    return panels_picture(
        PanelSheet(panels=tuple(panels), columns=2),
        caption="Three slices through the middle of the bolus and, magnified, the place where the "
        "inner face lies farthest from the skin. The mesh is cut exactly; the contours are those "
        "of the BOLUS structure, blended between their planes where a slice crosses them. Outside "
        "the image: dark grey.",
        alt="Axial, coronal and sagittal slices with the outlines of bolus mesh, bolus contours "
        "and target, and a magnified slice at the largest gap.",
    )


def thickness_picture(given: BolusPictures) -> Picture:
    """Draw the thickness on the outer face, from two directions."""
    return _map_picture(
        given,
        Scalars(values=given.thickness_mm, scale=_thickness_scale(given)),
        outward_mean(given.bolus, given.thickness_mm),
        caption="Thickness: distance of the outer face to the skin, from two directions. The rim "
        "and the inner face have none (grey).",
    )


def gap_picture(given: BolusPictures) -> Picture:
    """Draw the gap on the inner face, seen from within the patient, from two directions."""
    x, y, z = outward_mean(given.bolus, given.thickness_mm)
    return _map_picture(
        given,
        Scalars(values=given.gap_mm, scale=_gap_scale(given)),
        (-x, -y, -z),
        caption="Gap: distance of the inner face from the skin, seen from within the patient. "
        "White touches, red stands off, blue presses in.",
    )


def calliper_frame(given: BolusPictures) -> ViewFrame:
    """Return the frame in which calliper points are numbered: the outer face, from outside."""
    box = _box(given.bolus, 0.0)
    size = box.size_mm * PART_MARGIN
    return frame_from(
        outward_mean(given.bolus, given.thickness_mm), box.centre_mm, (size / SHEET_ASPECT, size)
    )


def calliper_picture(
    given: BolusPictures, points: tuple[CalliperPoint, ...], to_bed: tuple[Triple, ...]
) -> Picture:
    """Draw the numbered points, and the part on the printer's bed with the patient's directions.

    `to_bed` is the rotation from LPS to the printer's axes, by rows.
    """
    columns = rendering_columns(2, None)
    frame = calliper_frame(given)
    outside = render(stage([Surface(mesh=given.bolus, colour=BOLUS_COLOUR)]), frame, columns)
    marks = tuple(Mark(text=str(p.number), at_mm=p.at_mm) for p in points)
    panels = (
        Panel(title="Calliper points on the outer face", rendering=outside, marks=marks),
        _bed_panel(given, np.array(to_bed, dtype=np.float64), frame, columns),
    )
    return panels_picture(
        PanelSheet(panels=panels, columns=2),
        caption="Left: where to measure, seen from outside the patient (letters: the patient's "
        "directions). Right: the part as it lies on the bed; arrows point to the patient's head "
        "and left.",
        alt="The part with numbered calliper points, and the part on the printer's bed with an "
        "arrow to the patient's head.",
    )


def scene(given: BolusPictures) -> ViewerScene:
    """Return the scene to turn: skin and bolus, coloured by thickness or gap on demand."""
    box = _box(given.bolus, AROUND_MM)
    maps = (
        ViewerMap(values=given.thickness_mm, scale=_thickness_scale(given)),
        ViewerMap(values=given.gap_mm, scale=_gap_scale(given)),
    )
    return ViewerScene(
        parts=(
            ViewerPart(name="Skin", mesh=given.skin, colour=SKIN_COLOUR),
            ViewerPart(name="Bolus", mesh=given.bolus, colour=BOLUS_COLOUR, maps=maps),
        ),
        centre_mm=box.centre_mm,
        radius_mm=box.size_mm / 2,
    )


def _map_picture(
    given: BolusPictures, scalars: Scalars, toward: Triple, *, caption: str
) -> Picture:
    """Draw the bolus coloured by a value, from either side of a direction."""
    box = _box(given.bolus, 0.0)
    size = box.size_mm * PART_MARGIN
    columns = rendering_columns(2, scalars.scale)
    part = stage([Surface(mesh=given.bolus, scalars=scalars)])
    panels = []
    for angle in (-TURN_DEG, TURN_DEG):
        direction = _turned(toward, angle)
        frame = frame_from(direction, box.centre_mm, (size, size))
        panels.append(
            Panel(
                title=f"{scalars.scale.label}, seen from {_words(direction)}",
                rendering=render(part, frame, columns),
            )
        )
    return panels_picture(
        PanelSheet(panels=tuple(panels), columns=2, scale=scalars.scale),
        caption=caption,
        alt=f"The bolus coloured by {scalars.scale.label.lower()}, from two directions, with a "
        f"colour bar from {scalars.scale.low:g} to {scalars.scale.high:g} {scalars.scale.unit}.",
    )


def _bed_panel(given: BolusPictures, to_bed: Array64, like: ViewFrame, columns: int) -> Panel:
    """Lay the part on the bed, lowest point down, and look from the front above."""
    part = given.bolus.vertices_mm @ to_bed.T
    low, high = part.min(axis=0), part.max(axis=0)
    middle = (low + high) / 2
    part = part - np.array([middle[0], middle[1], low[2]])
    size = float(np.linalg.norm(high - low)) * 1.5  # room for the arrows and their labels
    frame = frame_from(
        (-0.45, -0.75, 0.55),
        (0.0, 0.0, float(high[2] - low[2]) / 2),
        (size, size * like.height_mm / like.width_mm),
    )
    lying = Mesh(vertices_mm=part, faces=given.bolus.faces)
    seen = render(
        stage([Surface(mesh=lying, colour=BOLUS_COLOUR), *_bed(given.bed_mm)]),
        frame,
        columns,
    )
    start = np.array([0.0, 0.0, float(high[2] - low[2])])
    reach = 0.2 * size
    return Panel(
        title=f"On the bed (squares of {TILE_MM:g} mm), from the front",
        rendering=seen,
        arrows=(
            Arrow(
                text="head", start_mm=_triple(start), end_mm=_triple(start + reach * to_bed[:, 2])
            ),
            Arrow(
                text="left",
                start_mm=_triple(start),
                end_mm=_triple(start + 0.7 * reach * to_bed[:, 0]),
                colour=LEFT_COLOUR,
            ),
        ),
        in_patient=False,
    )


def _bed(size_mm: Triple) -> list[Surface]:
    """Return the bed as a chequered plate, square by square of `TILE_MM`."""
    nx, ny = (max(1, int(length / 2 // TILE_MM)) for length in size_mm[:2])
    j, i = (n.ravel() for n in np.mgrid[-ny:ny, -nx:nx])
    low = np.column_stack([i, j, np.zeros_like(i)]).astype(np.float64) * TILE_MM
    steps = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) * TILE_MM
    quads = low[:, None, :] + steps
    surfaces = []
    for parity, colour in enumerate(BED_COLOURS):
        corners = quads[(i + j) % 2 == parity].reshape(-1, 3)
        first = np.arange(0, len(corners), 4)[:, None]
        faces = np.vstack([first + np.array(half) for half in ((0, 1, 2), (0, 2, 3))])
        surfaces.append(Surface(mesh=Mesh(vertices_mm=corners, faces=faces), colour=colour))
    return surfaces


def _slice(
    given: BolusPictures, plane: Plane, at: Triple, size_mm: tuple[float, float]
) -> SlicePanel:
    axis = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 0}[plane]
    title = f"{plane.value.capitalize()}, {'xyz'[axis]} {quantity(at[axis], 'mm', 1)}"
    outlines = [
        Outline(source=given.bolus, label="bolus mesh", colour=BOLUS_LINE),
        Outline(
            source=given.contours,
            label=f"{given.contours.name} contours",
            colour=CONTOUR_LINE,
            style=LineStyle.DASHED,
        ),
    ]
    if given.target is not None:
        outlines.append(
            Outline(
                source=given.target,
                label=given.target.name,
                colour=TARGET_LINE,
                style=LineStyle.DASH_DOTTED,
            )
        )
    return SlicePanel(
        view=SliceView(title=title, plane=plane, through_mm=at, size_mm=size_mm),
        image=given.image,
        window=_window(given),
        outlines=tuple(outlines),
    )


def _window(given: BolusPictures) -> Window:
    """Return the CT window; for other modalities the range of the middle 98 % of values."""
    if given.image.modality == "CT":
        return CT_WINDOW
    low, high = np.percentile(given.image.values[::4, ::4, ::4], [1, 99])
    return Window(centre=float(low + high) / 2, width=max(float(high - low), 1.0))


def _thickness_scale(given: BolusPictures) -> ColourScale:
    known = given.thickness_mm[np.isfinite(given.thickness_mm)]
    if known.size and np.ptp(known) < LEAST_SPAN_MM:
        middle = float(known.mean())
        known = np.array([middle - LEAST_SPAN_MM / 2, middle + LEAST_SPAN_MM / 2])
    return scale_for(known, "Thickness", "mm")


def _gap_scale(given: BolusPictures) -> ColourScale:
    """Return a signed scale, zero in white; rare extremes do not stretch it."""
    known = np.abs(given.gap_mm[np.isfinite(given.gap_mm)])
    most = float(np.quantile(known, 0.995)) if known.size else 0.0
    if most <= LEAST_SPAN_MM / 2:
        half = LEAST_SPAN_MM / 2
        return ColourScale(label="Gap", unit="mm", low=-half, high=half, kind=ScaleKind.SIGNED)
    return signed_scale_for([most], "Gap", "mm")


def _middle(given: BolusPictures) -> Triple:
    """Return the outer vertex in the middle of the part as seen from its own side."""
    outer = np.flatnonzero(np.isfinite(given.thickness_mm))
    points = given.bolus.vertices_mm[outer] if outer.size else given.bolus.vertices_mm
    toward = np.array(outward_mean(given.bolus, given.thickness_mm))
    offset = points - points.mean(axis=0)
    along = offset @ toward
    aside = np.linalg.norm(offset - along[:, None] * toward, axis=1)
    central = np.flatnonzero(aside <= aside.min() + 5.0)
    return _triple(points[central[np.argmax(along[central])]])


def _box(mesh: Mesh, margin_mm: float) -> _Box:
    low, high = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    return _Box(
        centre_mm=_triple((low + high) / 2), size_mm=float((high - low).max()) + 2 * margin_mm
    )


def _turned(direction: Triple, angle_deg: float) -> Triple:
    """Turn a direction about the body's axis; where it lies along that, about left-right."""
    x, y, z = direction
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    if abs(z) < 0.8:
        return float(c * x - s * y), float(s * x + c * y), z
    return x, float(c * y - s * z), float(s * y + c * z)


def _words(direction: Triple) -> str:
    names = {"L": "left", "R": "right", "A": "anterior", "P": "posterior", "S": "superior"}
    names["I"] = "inferior"
    return " ".join(names[letter] for letter in letters_of(direction))


def _triple(vector: Array64) -> Triple:
    x, y, z = vector.tolist()
    return x, y, z
