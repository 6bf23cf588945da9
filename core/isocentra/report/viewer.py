"""The 3D view of the HTML report: meshes and colours as one block of JSON for `viewer.js`.

ViewerScene ──► scene_json: positions in 16 bits, triangles, values in 16 bits, colour tables

Nothing is fetched: the library (three.js, see data/README.md), the script and the data are in the
page. Positions are rounded to 1/65,535 of the scene's box: 0.005 mm for a head.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra.geometry.grid import Array64
from isocentra.mesh.model import Mesh
from isocentra.report.coarsen import Coarse, coarsen
from isocentra.report.colours import MISSING_COLOUR, STEPS, ColourScale

__all__ = ["MOST_TRIANGLES", "ViewerMap", "ViewerPart", "ViewerScene", "scene_json"]

MOST_TRIANGLES: Final = 60_000
"""Per part; more is not seen on a screen and makes the page heavy."""

MISSING_CODE: Final = 65_535
LARGEST_CODE: Final = 65_534


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerMap:
    """A value per vertex that a part can be coloured by; NaN is missing."""

    values: Array64
    scale: ColourScale

    def __post_init__(self) -> None:
        self.values.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerPart:
    """A mesh that can be shown, hidden, faded and coloured."""

    name: str
    mesh: Mesh
    colour: tuple[float, float, float]
    opacity: float = 1.0
    maps: tuple[ViewerMap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerScene:
    """What can be turned, and where the view looks first."""

    parts: tuple[ViewerPart, ...]
    centre_mm: tuple[float, float, float]
    radius_mm: float
    """Half the height of what is seen first [mm]."""


def scene_json(scene: ViewerScene) -> str:
    """Encode a scene; the text holds no ``<`` and can stand inside a script element."""
    parts = [_part(part) for part in scene.parts]
    text = json.dumps(
        {"centre": scene.centre_mm, "radius": scene.radius_mm, "parts": parts},
        separators=(",", ":"),
        allow_nan=False,
    )
    return text.replace("<", "\\u003c")


def _part(part: ViewerPart) -> dict[str, object]:
    light = coarsen(part.mesh, tuple(m.values for m in part.maps), MOST_TRIANGLES)
    low = light.mesh.vertices_mm.min(axis=0)
    span = np.maximum(light.mesh.vertices_mm.max(axis=0) - low, 1e-6)
    codes = np.rint((light.mesh.vertices_mm - low) / span * MISSING_CODE)
    return {
        "name": part.name,
        "colour": [round(c, 4) for c in part.colour],
        "opacity": part.opacity,
        "low": low.tolist(),
        "span": span.tolist(),
        "positions": _encoded(codes, np.dtype("<u2")),
        "triangles": _encoded(light.mesh.faces, np.dtype("<u4")),
        "maps": [_map(light, number, m.scale) for number, m in enumerate(part.maps)],
    }


def _map(light: Coarse, number: int, scale: ColourScale) -> dict[str, object]:
    values = light.values[number]
    known = np.isfinite(values)
    share = np.clip(
        (np.where(known, values, scale.low) - scale.low) / (scale.high - scale.low), 0, 1
    )
    codes = np.where(known, np.rint(share * LARGEST_CODE), MISSING_CODE)
    table = scale.colours(np.linspace(scale.low, scale.high, STEPS))
    return {
        "label": scale.label,
        "unit": scale.unit,
        "low": scale.low,
        "high": scale.high,
        "missing": [round(c * 255) for c in MISSING_COLOUR],
        "table": _encoded(np.rint(table * 255), np.dtype("u1")),
        "codes": _encoded(codes, np.dtype("<u2")),
    }


def _encoded(numbers: npt.NDArray[np.generic], kind: np.dtype[np.generic]) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers.astype(kind)).tobytes()).decode("ascii")
