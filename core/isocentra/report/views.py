"""Slices of an image along the patient's axes, with outlines: what a person checks with the eye.

Image (any oblique grid) + SliceView ──► sampled on a ViewFrame ──► SlicePanel of a picture

Axial as seen from the feet: the patient's Left on the viewer's right; letters on all four sides;
a scale bar in mm; equal aspect in mm whatever the voxels are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from scipy.ndimage import map_coordinates

from isocentra.image import Image
from isocentra.mesh.model import Mesh
from isocentra.report.cuts import LineCut, mesh_cut, roi_cut
from isocentra.report.frames import Plane, Triple, ViewFrame, plane_frame
from isocentra.report.sheet import DARK, annotate
from isocentra.structures.model import Roi

__all__ = [
    "LineStyle",
    "Outline",
    "SlicePanel",
    "SliceView",
    "Window",
    "draw_slice",
    "sample",
]

OUTSIDE: Final = 0.22
"""Grey (0..1) of what lies outside the image: not air, not tissue."""

PIXELS: Final = 320
"""Samples along the longer side of a slice; a panel has about as many."""

LINE_PT: Final = 1.1


class LineStyle(StrEnum):
    """How an outline is drawn; styles differ so that colour is not the only sign."""

    SOLID = "-"
    DASHED = "--"
    DOTTED = ":"
    DASH_DOTTED = "-."


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Grey window in the image's own unit (HU for CT)."""

    centre: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A mesh or an ROI that is drawn where the slice cuts it."""

    source: Mesh | Roi
    label: str
    colour: str
    style: LineStyle = LineStyle.SOLID


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceView:
    """One slice: a plane through a point, so many mm wide and high."""

    title: str
    plane: Plane
    through_mm: Triple
    size_mm: tuple[float, float]

    @property
    def frame(self) -> ViewFrame:
        """Where the slice lies."""
        return plane_frame(self.plane, self.through_mm, self.size_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePanel:
    """A slice with what is drawn on it, as one panel of a picture."""

    view: SliceView
    image: Image
    window: Window
    outlines: tuple[Outline, ...] = ()

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.view.title

    @property
    def frame(self) -> ViewFrame:
        """Where it lies."""
        return self.view.frame


def draw_slice(axes: Axes, panel: SlicePanel) -> None:
    """Draw greys, outlines, letters and scale bar into one box."""
    frame = panel.frame
    _draw_greys(axes, panel.image, frame, panel.window)
    for outline in panel.outlines:
        _draw_outline(axes, outline, frame)
    annotate(axes, frame, DARK)


def sample(image: Image, frame: ViewFrame, rows: int, columns: int) -> npt.NDArray[np.float32]:
    """Sample an image on a frame, first row on top; NaN outside the outer voxel centres.

    Notes
    -----
    Trilinear in the image's own grid, oblique or not; half a voxel beyond the outer centres
    still belongs to the outer voxels and takes their values.
    """
    points = frame.to_points(frame.pixel_centres(rows, columns))
    index = image.grid.to_index(points)
    last = np.array(image.grid.shape) - 1
    outside = ((index < -0.5) | (index > last + 0.5)).any(axis=-1)
    low = np.clip(np.floor(index.min(axis=(0, 1))).astype(int), 0, last)
    high = np.clip(np.ceil(index.max(axis=(0, 1))).astype(int), low, last) + 1
    box = image.values[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    inside = np.clip(index, 0, last) - low
    values = map_coordinates(box, np.moveaxis(inside, -1, 0), order=1, mode="nearest")
    return np.where(outside, np.float32(np.nan), values).astype(np.float32)


def _draw_greys(axes: Axes, image: Image, frame: ViewFrame, window: Window) -> None:
    longer = max(frame.width_mm, frame.height_mm)
    rows = max(2, round(PIXELS * frame.height_mm / longer))
    columns = max(2, round(PIXELS * frame.width_mm / longer))
    values = sample(image, frame, rows, columns)
    grey = np.clip((values - window.centre) / window.width + 0.5, 0, 1)
    grey = np.where(np.isnan(values), OUTSIDE, grey)
    half_w, half_h = frame.width_mm / 2, frame.height_mm / 2
    axes.imshow(
        np.repeat(grey[..., None], 3, axis=-1),
        extent=(-half_w, half_w, -half_h, half_h),
        interpolation="bilinear",
        origin="upper",
    )


def _draw_outline(axes: Axes, outline: Outline, frame: ViewFrame) -> None:
    lines: list[npt.NDArray[np.float64]] = []
    if isinstance(outline.source, Mesh):
        lines = list(_chained(mesh_cut(outline.source, frame)))
    else:
        cut = roi_cut(outline.source, frame)
        if isinstance(cut, LineCut):
            lines = list(cut.lines)
        elif cut.values.min() < 0 < cut.values.max():
            axes.contour(
                cut.right_mm,
                cut.up_mm,
                cut.values,
                levels=[0.0],
                colors=[outline.colour],
                linewidths=LINE_PT,
                linestyles=[outline.style.value],
                negative_linestyles=outline.style.value,
            )
    axes.add_collection(
        LineCollection(
            lines,
            colors=[outline.colour],
            linewidths=LINE_PT,
            linestyles=[outline.style.value],
            gid="outline",
        ),
        autolim=False,
    )


def _chained(segments: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """Join segments at equal ends to lines, so that dashes run on; order does not matter."""
    keys = [tuple(end) for end in np.round(segments, 5).reshape(-1, 2).tolist()]
    at: dict[tuple[float, ...], list[int]] = {}
    for end, key in enumerate(keys):
        at.setdefault(key, []).append(end)
    used: set[int] = set()
    lines = []
    for start in range(len(segments)):
        if start in used:
            continue
        used.add(start)
        line = deque([keys[2 * start], keys[2 * start + 1]])
        for add, first in ((line.append, line[-1]), (line.appendleft, line[0])):
            tip = first
            while (found := _free(at[tip], used)) is not None:
                used.add(found // 2)
                tip = keys[found ^ 1]
                add(tip)
        lines.append(np.array(line))
    return lines


def _free(ends: Sequence[int], used: set[int]) -> int | None:
    return next((end for end in ends if end // 2 not in used), None)
