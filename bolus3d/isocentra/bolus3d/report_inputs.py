"""What the report of a bolus needs beside the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from isocentra.geometry.grid import Array64
from isocentra.image import Image
from isocentra.mesh.model import Mesh
from isocentra.structures.model import Roi

__all__ = ["BolusPictures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusPictures:
    """The objects of one design that the pictures are made from, all in one frame of reference."""

    image: Image
    skin: Mesh
    """The patient's surface, as much of it as there is; open edges are allowed."""
    bolus: Mesh
    """The part that is printed, in patient coordinates."""
    gap_mm: Array64
    """(n,) distance from the skin per vertex of `bolus`, + outside; NaN off the inner face."""
    thickness_mm: Array64
    """(n,) distance to the skin per vertex of `bolus`; NaN off the outer face."""
    contours: Roi
    """The BOLUS structure that goes back to the planning system."""
    target: Roi | None = None
    bed_mm: tuple[float, float, float]
    """Width, depth and height of the printer's room."""
    structure_set: str = ""
    """Label of the structure set that came in."""
    not_checked: tuple[str, ...] = ()
    """What this design did not look at, beside what no design looks at."""

    def __post_init__(self) -> None:
        for name, values in (("gap_mm", self.gap_mm), ("thickness_mm", self.thickness_mm)):
            if values.shape != (len(self.bolus.vertices_mm),):
                raise TypeError(f"{name} of shape {values.shape}: one per vertex of the bolus")
            values.setflags(write=False)
