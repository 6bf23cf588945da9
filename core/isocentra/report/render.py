"""Shaded pictures of meshes, by orthographic ray casting on the CPU.

surfaces ──► Stage; Stage + ViewFrame ──► one ray per pixel, 2 × 2 where it changes ──► normals,
colours, outlines ──► Rendering

A surface has one colour, or a scalar per vertex with a colour scale. The same input gives the
same bytes: no lights that move, no random sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.colours import ColourScale
from isocentra.report.frames import ViewFrame
from isocentra.report.rays import RayScene

__all__ = [
    "BOLUS_COLOUR",
    "SKIN_COLOUR",
    "Rendering",
    "Scalars",
    "Stage",
    "Surface",
    "render",
    "stage",
    "vertex_normals",
    "visible",
]

Float32s = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

SKIN_COLOUR: Final[Colour] = (0.89, 0.80, 0.73)
BOLUS_COLOUR: Final[Colour] = (0.24, 0.52, 0.74)

SUBPIXELS: Final = 2
"""Rays per pixel and axis where the picture changes between pixels."""

KEY_LIGHT: Final = (-0.42, 0.55, 0.72)
"""Towards the light, in right, up, towards the viewer: from the upper left, as in print."""

OUTLINE_STEP_MM: Final = 2.5
"""A jump in depth between neighbouring rays, beyond what the slope explains, drawn as an edge."""

OUTLINE: Final = 0.30
"""What is left of the brightness on an outline."""

CREASE: Final = 0.96
"""Cosine between neighbouring normals below which a pixel gets more rays."""

HUE_STEP: Final = 0.12
"""Step of a colour channel between neighbours above which a pixel gets more rays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    """A number per vertex and how it is coloured; NaN is missing."""

    values: Array64
    scale: ColourScale

    def __post_init__(self) -> None:
        self.values.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A mesh with its looks."""

    mesh: Mesh
    colour: Colour = SKIN_COLOUR
    scalars: Scalars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A picture and the frame it fills."""

    rgb: npt.NDArray[np.uint8]
    """(rows, columns, 3) sRGB."""
    frame: ViewFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Surfaces made ready once, to be seen from several sides."""

    surfaces: tuple[Surface, ...]
    rays: RayScene
    normals: tuple[Float32s, ...]
    """Unit vertex normals of each surface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What n rays met; zeros, white and an infinite depth where they met nothing."""

    surface: npt.NDArray[np.int32]
    depth: Float32s
    normals: Float32s
    """(n, 3) in right, up, towards the viewer."""
    colours: Float32s
    flat: npt.NDArray[np.bool_]
    """Whether the colour carries a number and must not be shaded away."""


def stage(surfaces: Sequence[Surface]) -> Stage:
    """Make surfaces ready; both faces of a triangle will be seen."""
    return Stage(
        surfaces=tuple(surfaces),
        rays=RayScene([s.mesh for s in surfaces]),
        normals=tuple(vertex_normals(s.mesh).astype(np.float32) for s in surfaces),
    )


def render(scene: Stage, frame: ViewFrame, columns: int) -> Rendering:
    """Render a stage on white.

    Parameters
    ----------
    scene
        What is seen; the nearest to the viewer wins.
    frame
        Where the picture lies.
    columns
        Width of the picture; the height follows from the frame. [pixel]
    """
    rows = max(2, round(columns * frame.height_mm / frame.width_mm))
    reach = _reach(scene, frame)
    coarse = _look(scene, frame, frame.pixel_centres(rows, columns).reshape(-1, 2), reach)
    image = _shade(coarse)
    busy = np.flatnonzero(_changes(coarse, (rows, columns)))
    if busy.size:
        n = SUBPIXELS
        fine_plane = frame.pixel_centres(rows * n, columns * n)
        k, j = np.divmod(busy, columns)
        sub = np.arange(n)
        at = (
            (k[:, None, None] * n + sub[:, None]).repeat(n, axis=2).ravel(),
            (j[:, None, None] * n + sub[None, :]).repeat(n, axis=1).ravel(),
        )
        fine = _look(scene, frame, fine_plane[at], reach)
        light = np.where(_on_outline(coarse, fine, at, (rows, columns)), OUTLINE, 1.0)
        shaded = _shade(fine) * light[:, None]
        image[busy] = shaded.reshape(-1, n * n, 3).mean(axis=1)
    return Rendering(
        rgb=np.rint(image * 255).astype(np.uint8).reshape(rows, columns, 3), frame=frame
    )


def visible(
    points_mm: Array64, scene: Stage, frame: ViewFrame, slack_mm: float = 0.5
) -> npt.NDArray[np.bool_]:
    """Return which of (n, 3) points are seen in a frame: nothing lies before them [mm]."""
    toward, reach = frame.toward, _reach(scene, frame)
    hits = scene.rays.cast(points_mm + toward * reach, -toward)
    return np.asarray((hits.mesh < 0) | (hits.distance_mm > reach - slack_mm))


def vertex_normals(mesh: Mesh) -> Array64:
    """Return (n, 3) area-weighted outward unit normals of the vertices; zero where undefined."""
    a, b, c = np.moveaxis(mesh.corners_mm, 1, 0)
    facet = np.cross(b - a, c - a)
    flat = mesh.faces.ravel()
    total = np.stack(
        [
            np.bincount(flat, np.repeat(facet[:, axis], 3), minlength=len(mesh.vertices_mm))
            for axis in range(3)
        ],
        axis=-1,
    )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(total / np.where(length > 0, length, 1.0))


def _reach(scene: Stage, frame: ViewFrame) -> float:
    """Return a distance that leaves every surface behind the viewer's plane [mm]."""
    low, high = scene.rays.box_mm
    corners = np.array(np.meshgrid(*np.stack([low, high], axis=1))).reshape(3, -1).T
    return float(np.abs(frame.to_plane(corners)[:, 2]).max()) + 10.0


def _look(scene: Stage, frame: ViewFrame, plane: Array64, reach: float) -> _Seen:
    """Cast rays through (n, 2) points of the frame and gather what they met."""
    toward = frame.toward
    hits = scene.rays.cast(frame.to_points(plane) + toward * reach, -toward)
    n = len(plane)
    normals, colours = np.zeros((n, 3), np.float32), np.ones((n, 3), np.float32)
    flat = np.zeros(n, bool)
    basis = np.array([frame.right, frame.up, toward], dtype=np.float32).T
    for number, surface in enumerate(scene.surfaces):
        seen = np.flatnonzero(hits.mesh == number)
        if not seen.size:
            continue
        corners = surface.mesh.faces[hits.triangle[seen]]
        weights = hits.weights[seen]
        turned = scene.normals[number] @ basis
        found = sum(weights[:, c, None] * turned[corners[:, c]] for c in range(3))
        length = np.linalg.norm(found, axis=1, keepdims=True)
        found = found / np.where(length > 0, length, np.float32(1))
        normals[seen] = np.where(found[:, 2:] < 0, -found, found)
        if surface.scalars is None:
            colours[seen] = surface.colour
        else:
            values = (weights * surface.scalars.values[corners]).sum(axis=1)
            colours[seen] = surface.scalars.scale.colours(values)
            flat[seen] = True
    depth = np.where(hits.mesh < 0, np.float32(np.inf), hits.distance_mm)
    return _Seen(surface=hits.mesh, depth=depth, normals=normals, colours=colours, flat=flat)


def _shade(seen: _Seen) -> Float32s:
    """Light what was seen: a key light and one from the viewer; numbers keep their colours."""
    key = (np.array(KEY_LIGHT) / np.linalg.norm(KEY_LIGHT)).astype(np.float32)
    diffuse = np.clip(seen.normals @ key, 0, 1)
    facing = seen.normals[:, 2]
    light = 0.36 + 0.40 * diffuse + 0.28 * facing
    light = np.where(seen.flat, 0.80 + 0.20 * facing, light)
    light = np.where(seen.surface < 0, np.float32(1), light)
    return np.clip(seen.colours * light[:, None], 0, 1)


def _changes(seen: _Seen, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Mark pixels that differ from a neighbour, and those beside them: they get more rays."""
    surface = seen.surface.reshape(shape)
    depth = np.where(seen.surface < 0, np.float32(0), seen.depth).reshape(shape)
    normals, colours = seen.normals.reshape(*shape, 3), seen.colours.reshape(*shape, 3)
    out = np.zeros(shape, bool)
    for axis in (0, 1):
        one = (slice(None), slice(0, -1)) if axis else (slice(0, -1), slice(None))
        two = (slice(None), slice(1, None)) if axis else (slice(1, None), slice(None))
        differs = surface[one] != surface[two]
        differs |= np.abs(depth[one] - depth[two]) > OUTLINE_STEP_MM
        bent = (normals[one] * normals[two]).sum(axis=-1) < CREASE
        differs |= bent & (surface[one] >= 0)
        differs |= (np.abs(colours[one] - colours[two]) > HUE_STEP).any(axis=-1)
        out[one] |= differs
        out[two] |= differs
    return np.asarray(binary_dilation(out))


def _on_outline(
    coarse: _Seen,
    fine: _Seen,
    at: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    shape: tuple[int, int],
) -> npt.NDArray[np.bool_]:
    """Return which fine rays lie on the near side of an edge.

    An edge is another surface behind, the ground behind, or a jump in depth that the slope does
    not explain. The ground is the farthest.
    """
    depth, surface = (
        values.reshape(shape).repeat(SUBPIXELS, axis=0).repeat(SUBPIXELS, axis=1)
        for values in (coarse.depth, coarse.surface)
    )
    depth[at], surface[at] = fine.depth, fine.surface
    slope = np.sqrt(1 / np.clip(fine.normals[:, 2], 0.15, 1) ** 2 - 1)
    edge = np.zeros(len(fine.depth), bool)
    met = fine.surface >= 0
    for dk, dj in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        beside = (
            np.clip(at[0] + dk, 0, depth.shape[0] - 1),
            np.clip(at[1] + dj, 0, depth.shape[1] - 1),
        )
        behind = depth[beside] - np.where(met, fine.depth, np.float32(0))
        other = (surface[beside] != fine.surface) & (behind > 0)
        edge |= met & (other | (behind > OUTLINE_STEP_MM + slope))
    return edge
