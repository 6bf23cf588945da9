"""A small clinic for tests of the doors: the series and structures of a digital ball, on disk.

make_clinic ──► Clinic: CT, MR, structures, and copies of them with one thing wrong
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isocentra import dicom
from isocentra.geometry.grid import Grid
from isocentra.image import Image, Patient
from isocentra.patients import simulate_ct, simulate_mr, sphere, structure_set
from isocentra.structures.model import Roi, StructureSet

RADIUS_MM = 30.0
FRONT = f"0,{-RADIUS_MM:g},0"
"""The foremost point of the ball."""
BOX = Grid.axial_box((-44.0, -44.0, -44.0), (44.0, 44.0, 44.0), 2.0)
PATIENT = "Secretperson^Ann"
"""The patient's name: no message and no file name may hold it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def reason(self) -> str:
        """The reason of a refusal, held to what every refusal owes."""
        assert self.code == 3, (self.code, self.err)
        error = self.json["error"]
        assert set(error) == {"reason", "message", "where", "do"}
        assert error["message"].strip()
        assert error["do"].strip()
        assert self.err.startswith(f"E: {error['reason']}: {error['message']}")
        assert "Traceback" not in self.err
        assert PATIENT.partition("^")[0] not in self.out + self.err
        reason: str = error["reason"]
        return reason


@dataclass(frozen=True, slots=True)
class Clinic:
    """Folders and files of a digital ball of 30 mm radius, scanned with 2 mm voxels."""

    ct: Path
    structures: Path
    """EXTERNAL, PTV, ROIs without contours (Empty) and beyond the image (Beyond)."""
    mr: Path
    mr_structures: Path
    """EXTERNAL alone."""
    image: Image
    drawn: StructureSet

    def structures_where(self, path: Path, change: Callable[[Image], Image]) -> Path:
        """Write the structures as of a changed image and return their file."""
        image = change(self.image)
        drawn = replace(
            self.drawn,
            rois=tuple(
                replace(roi, frame_of_reference_uid=image.grid.frame_of_reference_uid)
                for roi in self.drawn.rois
            ),
            frame_of_reference_uid=image.grid.frame_of_reference_uid,
            patient=image.header.patient,
            study_uid=image.header.study_uid,
        )
        path.write_bytes(dicom.structure_set_bytes(drawn, image))
        return path

    def series_where(self, folder: Path, change: Callable[[Image], Image]) -> Path:
        """Write the CT with something changed and return its folder."""
        dicom.write_series(change(self.image), folder)
        return folder

    def copy(self, folder: Path) -> Path:
        """Copy the CT's files to a folder that may be spoilt."""
        return Path(shutil.copytree(self.ct, folder))


def make_clinic(folder: Path) -> Clinic:
    """Write everything into a folder."""
    ball = sphere(radius_mm=RADIUS_MM)
    image = _named(simulate_ct(ball, BOX, noise_hu=10.0, seed=2))
    dicom.write_series(image, folder / "ct")
    read = dicom.read_series(folder / "ct")
    drawn = structure_set(ball, read)
    frame = read.grid.frame_of_reference_uid
    empty = Roi(number=8, name="Empty", contours=(), frame_of_reference_uid=frame)
    drawn = replace(drawn, rois=(*drawn.rois, empty, _beyond(drawn.roi("PTV"))))
    (folder / "structures.dcm").write_bytes(dicom.structure_set_bytes(drawn, read))
    dicom.write_series(_named(simulate_mr(ball, BOX, noise=5.0, seed=2)), folder / "mr")
    mr = dicom.read_series(folder / "mr")
    outline = structure_set(ball, mr, names=("EXTERNAL",))
    (folder / "mr_structures.dcm").write_bytes(dicom.structure_set_bytes(outline, mr))
    return Clinic(
        ct=folder / "ct",
        structures=folder / "structures.dcm",
        mr=folder / "mr",
        mr_structures=folder / "mr_structures.dcm",
        image=read,
        drawn=drawn,
    )


def _named(image: Image) -> Image:
    return replace(image, header=replace(image.header, patient=Patient(name=PATIENT, id="S1")))


def _beyond(roi: Roi) -> Roi:
    """Return an ROI 300 mm to the left of where it was."""
    moved = tuple(
        replace(contour, points_mm=contour.points_mm + np.array((300.0, 0.0, 0.0)))
        for contour in roi.contours
    )
    return replace(roi, number=9, name="Beyond", contours=moved)
