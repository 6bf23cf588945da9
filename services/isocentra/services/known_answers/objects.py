"""DICOM written, read through the gate, and found to say the same."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from isocentra import dicom
from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.patients import simulate_ct, sphere, structure_set
from isocentra.services.known_answers.grids import oblique
from isocentra.structures.model import StructureSet
from isocentra.structures.slabs import volume_cm3
from isocentra.verdict import Check, at_most

__all__ = ["object_checks"]

RADIUS_MM = 30.0


def object_checks() -> tuple[Check, ...]:
    """Check series and structures, written and read back, and the volume of contours."""
    axial = Grid.axial_box((-36.0, -36.0, -36.0), (36.0, 36.0, 36.0), 1.5)
    askew = oblique(
        shape=(25, 52, 60), spacing_mm=(3.0, 1.4, 1.2), centre_mm=(0.0, 0.0, 0.0), feet_first=True
    )
    image = _scan(axial)
    drawn = structure_set(sphere(radius_mm=RADIUS_MM), image, names=("EXTERNAL",))
    read = dicom.structures_from_bytes(
        dicom.structure_set_bytes(drawn, image), "structures.dcm", image=image
    )
    return (
        *_series("axial_series", "axial", image),
        *_series("oblique_series", "oblique, feet-first", _scan(askew)),
        _contours(drawn, read),
        _volume(read),
    )


def _scan(grid: Grid) -> Image:
    return simulate_ct(sphere(radius_mm=RADIUS_MM), grid, noise_hu=20.0, seed=7)


def _series(name: str, words: str, image: Image) -> tuple[Check, Check]:
    """Compare greys and places of a series with what was written."""
    with TemporaryDirectory(prefix="isocentra-selftest-") as folder:
        dicom.write_series(image, Path(folder) / "ct")
        read = dicom.read_series(Path(folder) / "ct")
    whole = read.values.shape == image.values.shape
    differing = int((read.values != image.values).sum()) if whole else image.values.size
    apart = float(np.abs(read.grid.corners_mm() - image.grid.corners_mm()).max())
    return (
        at_most(
            f"{name}_greys",
            differing,
            0,
            "voxels",
            f"An {words} CT series, written and read back, holds the same greys.",
        ),
        at_most(
            f"{name}_place",
            apart,
            1e-3,
            "mm",
            f"An {words} CT series, written and read back, lies where it did.",
        ),
    )


def _contours(drawn: StructureSet, read: StructureSet) -> Check:
    """Compare the points of all contours, in order; a lost contour counts as infinitely far."""
    worst = 0.0
    for roi in drawn.rois:
        found = read.roi(roi.name).contours
        for a, b in zip(roi.contours, found, strict=False):
            same = a.points_mm.shape == b.points_mm.shape
            far = float(np.abs(a.points_mm - b.points_mm).max()) if same else math.inf
            worst = max(worst, far)
        if len(roi.contours) != len(found):
            worst = math.inf
    return at_most(
        "structure_contours",
        worst,
        6e-4,
        "mm",
        "Contours, written and read back, are the same to three decimals.",
    )


def _volume(read: StructureSet) -> Check:
    known = 4 / 3 * math.pi * RADIUS_MM**3 / 1000
    error = 100 * abs(volume_cm3(read.roi("EXTERNAL")) - known) / known
    return at_most(
        "contour_volume",
        error,
        0.5,
        "%",
        "Contours of a ball enclose the ball's volume.",
    )
