"""A digital patient: solids with materials, structures, landmarks and exact volumes.

solids ──► Body, Organ ──► DigitalPatient ──► simulate_ct, structure_set, known_volume_cm3
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from isocentra.errors import StructureError, Where, printable
from isocentra.geometry.grid import Grid
from isocentra.image import Patient
from isocentra.patients.materials import Material
from isocentra.patients.solids import Point, Solid

__all__ = ["Body", "DigitalPatient", "Landmark", "Organ", "body", "landmark"]

Axes = tuple[Point, Point, Point]
AXIAL: Axes = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A region of one material; where bodies overlap, the one of higher priority is there."""

    name: str
    solid: Solid
    hu: float
    """CT number at 120 kV. [HU]"""
    density_g_cm3: float
    """Mass density. [g/cm³]"""
    priority: int = 0
    """Equal priorities: the later in the patient's list wins."""
    mr_signal: float = 0.0
    """Signal of a T1-weighted spoiled gradient echo, fat = 1000. [arbitrary]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """A structure as a planner would draw it, without the drawing's error."""

    name: str
    solid: Solid
    interpreted_type: str = "ORGAN"
    """RT ROI Interpreted Type: EXTERNAL, PTV, CTV, ORGAN, AVOIDANCE."""
    color: tuple[int, int, int] = (255, 160, 0)
    volume_cm3: float | None = None
    """By formula; None where only quadrature gives it (see `known_volume_cm3`). [cm³]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A named point of the anatomy."""

    name: str
    point_mm: Point
    """x, y, z in LPS. [mm]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalPatient:
    """A patient whose every surface is a formula."""

    name: str
    """Short name of the catalogue: "head", "torso"."""
    skin: Solid
    """The true outer surface, without couch, holders, mask and wires; inner air filled."""
    bodies: tuple[Body, ...]
    """All materials, the patient's and what lies round him."""
    organs: tuple[Organ, ...]
    """The structures; the first is EXTERNAL and its solid is `skin`."""
    landmarks: tuple[Landmark, ...] = ()
    box_mm: tuple[Point, Point] = ((-120.0, -140.0, -75.0), (120.0, 120.0, 140.0))
    """Low and high corner of the usual field of view, voxel centres. [mm]"""

    @property
    def identity(self) -> Patient:
        """Synthetic identity of the series, the same for every series of this patient."""
        return Patient(
            name=f"Digital^{self.name.capitalize()}",
            id=f"DIGITAL-{self.name.upper()}",
            birth_date="19700101",
            sex="O",
        )

    def grid(self, *, pixel_mm: float = 1.0, slice_mm: float = 1.0, axes: Axes = AXIAL) -> Grid:
        """Return a grid over the usual field of view: axial, head-first supine unless turned.

        Parameters
        ----------
        pixel_mm, slice_mm
            Spacing in the plane and between slices. [mm]
        axes
            Unit vectors of k, j, i in LPS; `scanner.PATIENT_POSITIONS` holds those of the eight
            patient positions. A turned grid holds the whole box.
        """
        corners = np.array(list(itertools.product(*zip(*self.box_mm, strict=True))))
        along = corners @ np.array(axes, dtype=np.float64).T
        low, extent = along.min(axis=0), np.ptp(along, axis=0)
        spacing = (slice_mm, pixel_mm, pixel_mm)
        nk, nj, ni = (round(e / s) + 1 for e, s in zip(extent.tolist(), spacing, strict=True))
        x, y, z = (low @ np.array(axes, dtype=np.float64)).tolist()
        return Grid(shape=(nk, nj, ni), spacing_mm=spacing, origin_mm=(x, y, z), axes=axes)

    def organ(self, name: str) -> Organ:
        """Return the structure of that name.

        Raises
        ------
        StructureError
            ``NO_SUCH_ROI``, with the names.
        """
        for organ in self.organs:
            if organ.name == name:
                return organ
        raise StructureError(
            "NO_SUCH_ROI",
            f"The digital patient holds no {printable(name, 64)}; it holds: "
            + ", ".join(organ.name for organ in self.organs)
            + ".",
            where=Where(roi=name),
            do="Use one of its names.",
        )

    def landmark(self, name: str) -> Point:
        """Return the place of a landmark in LPS. [mm]"""
        for landmark in self.landmarks:
            if landmark.name == name:
                return landmark.point_mm
        raise KeyError(f"{name} is not among {[landmark.name for landmark in self.landmarks]}")


def body(name: str, solid: Solid, material: Material, priority: int) -> Body:
    """Return a body of a material of the catalogue."""
    return Body(name=name, solid=solid, priority=priority, **material._asdict())


def landmark(name: str, skin: Solid, near_mm: Point) -> Landmark:
    """Return the landmark on a skin's point nearest to a place. [mm]"""
    x, y, z = skin.foot_points(near_mm).tolist()
    return Landmark(name=name, point_mm=(x, y, z))
