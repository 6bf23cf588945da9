"""Shaded pictures of meshes, by orthographic ray casting on the CPU.

surfaces + ViewFrame ──► rays through 2 × 2 points of each pixel ──► normals, colours, outlines
──► Rendering

A surface has one colour, or a scalar per vertex with a colour scale. The same input gives the
same bytes: no lights that move, no random sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.colours import ColourScale
from isocentra.report.frames import ViewFrame
from isocentra.report.rays import Hits, RayScene

__all__ = [
    "BOLUS_COLOUR",
    "SKIN_COLOUR",
    "Rendering",
    "Scalars",
    "Surface",
    "render",
    "vertex_normals",
    "visible",
]

Float32s = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

SKIN_COLOUR: Final[Colour] = (0.89, 0.80, 0.73)
BOLUS_COLOUR: Final[Colour] = (0.24, 0.52, 0.74)

SUPERSAMPLING: Final = 2
"""Rays per pixel and axis."""

KEY_LIGHT: Final = (-0.42, 0.55, 0.72)
"""Towards the light, in right, up, towards the viewer: from the upper left, as in print."""

OUTLINE_STEP_MM: Final = 2.5
"""A jump in depth between neighbouring rays, beyond what the slope explains, drawn as an edge."""

OUTLINE: Final = 0.30
"""What is left of the brightness on an outline."""


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


@dataclass(slots=True, kw_only=True)
class _Layer:
    """What the rays saw, one row per ray."""

    normals: Float32s
    colours: Float32s
    flat: npt.NDArray[np.bool_]
    """Whether the colour carries a number and must not be shaded away."""
    depth: Float32s
    surface: npt.NDArray[np.int32]
    shape: tuple[int, int] = field(default=(0, 0))


def render(surfaces: Sequence[Surface], frame: ViewFrame, columns: int) -> Rendering:
    """Render surfaces on white.

    Parameters
    ----------
    surfaces
        What is seen; the nearest to the viewer wins. Both faces of a triangle are seen.
    frame
        Where the picture lies.
    columns
        Width of the picture; the height follows from the frame. [pixel]
    """
    rows = max(1, round(columns * frame.height_mm / frame.width_mm))
    fine = (rows * SUPERSAMPLING, columns * SUPERSAMPLING)
    origins, direction = _rays(frame, surfaces, fine)
    hits = RayScene([s.mesh for s in surfaces]).cast(origins, direction)
    layer = _look(surfaces, hits, frame)
    layer.shape = fine
    image = _shade(layer)
    coarse = image.reshape(rows, SUPERSAMPLING, columns, SUPERSAMPLING, 3).mean(axis=(1, 3))
    return Rendering(rgb=np.rint(coarse * 255).astype(np.uint8), frame=frame)


def visible(
    points_mm: Array64, surfaces: Sequence[Surface], frame: ViewFrame, slack_mm: float = 0.5
) -> npt.NDArray[np.bool_]:
    """Return which of (n, 3) points are seen in a frame: nothing lies before them [mm]."""
    toward = frame.toward
    hits = RayScene([s.mesh for s in surfaces]).cast(
        points_mm + toward * (_reach(surfaces, frame) + slack_mm), -toward
    )
    before = hits.distance_mm < _reach(surfaces, frame)
    return np.asarray((hits.mesh < 0) | ~before)


def _reach(surfaces: Sequence[Surface], frame: ViewFrame) -> float:
    """Return a distance that leaves every surface behind the viewer's plane [mm]."""
    vertices = [s.mesh.vertices_mm for s in surfaces if len(s.mesh.vertices_mm)]
    far = max(float(np.abs(frame.to_plane(v)[:, 2]).max()) for v in vertices)
    return 2 * far + 10.0


def _rays(
    frame: ViewFrame, surfaces: Sequence[Surface], shape: tuple[int, int]
) -> tuple[Array64, Array64]:
    plane = frame.pixel_centres(*shape).reshape(-1, 2)
    return frame.to_points(plane) + frame.toward * _reach(surfaces, frame), -frame.toward


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


def _look(surfaces: Sequence[Surface], hits: Hits, frame: ViewFrame) -> _Layer:
    """Gather normal (in right, up, towards) and colour of what each ray met."""
    n = len(hits.mesh)
    layer = _Layer(
        normals=np.zeros((n, 3), np.float32),
        colours=np.ones((n, 3), np.float32),
        flat=np.zeros(n, bool),
        depth=np.where(hits.mesh < 0, np.float32(np.inf), hits.distance_mm),
        surface=hits.mesh,
    )
    basis = np.array([frame.right, frame.up, frame.toward], dtype=np.float32).T
    for number, surface in enumerate(surfaces):
        seen = np.flatnonzero(hits.mesh == number)
        if not seen.size:
            continue
        corners = surface.mesh.faces[hits.triangle[seen]]
        weights = hits.weights[seen]
        turned = vertex_normals(surface.mesh).astype(np.float32) @ basis
        normals = np.einsum("nc,nca->na", weights, turned[corners])
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        normals /= np.where(length > 0, length, 1)
        layer.normals[seen] = np.where(normals[:, 2:] < 0, -normals, normals)
        if surface.scalars is None:
            layer.colours[seen] = surface.colour
        else:
            values = np.einsum("nc,nc->n", weights, surface.scalars.values[corners])
            layer.colours[seen] = surface.scalars.scale.colours(values)
            layer.flat[seen] = True
    return layer


def _shade(layer: _Layer) -> Float32s:
    """Light the layer: a key light, a light from the viewer, and dark outlines."""
    key = np.array(KEY_LIGHT, np.float32) / np.linalg.norm(KEY_LIGHT)
    diffuse = np.clip(layer.normals @ key.astype(np.float32), 0, 1)
    facing = layer.normals[:, 2]
    light = 0.30 + 0.52 * diffuse + 0.24 * facing
    light = np.where(layer.flat, 0.80 + 0.20 * facing, light)
    light = np.where(layer.surface < 0, 1.0, light)
    light = np.where(_outline(layer), light * OUTLINE, light)
    return np.clip(layer.colours * light[:, None], 0, 1).astype(np.float32)


def _outline(layer: _Layer) -> npt.NDArray[np.bool_]:
    """Mark rays on the near side of an edge: another surface, the ground, or a jump in depth."""
    depth = layer.depth.reshape(layer.shape)
    surface = layer.surface.reshape(layer.shape)
    slope = np.sqrt(1 / np.clip(layer.normals[:, 2].reshape(layer.shape), 0.15, 1) ** 2 - 1)
    allowed = OUTLINE_STEP_MM + slope
    edge = np.zeros(layer.shape, bool)
    for axis in (0, 1):
        for shift in (1, -1):
            behind = np.roll(depth, shift, axis)
            other = np.roll(surface, shift, axis) != surface
            jump = behind - np.where(np.isfinite(depth), depth, 0) > allowed
            found = (surface >= 0) & (jump | (other & (behind > depth)))
            border = [slice(None), slice(None)]
            border[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
            found[tuple(border)] = False
            edge |= found
    return edge.ravel()
