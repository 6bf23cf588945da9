"""Fixtures for the tests of core: images made on the spot."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from isocentra.dicom.uids import derived_uid
from isocentra.geometry.grid import Grid
from isocentra.image import Image, Patient, SeriesHeader


@pytest.fixture(scope="session")
def make_image() -> Callable[..., Image]:
    """Make a CT-like image: `make_image(shape, spacing_mm, origin_mm, axes=…, frame=…)`."""

    def make(
        shape: tuple[int, int, int] = (12, 40, 50),
        spacing_mm: tuple[float, float, float] = (3.0, 1.0, 1.0),
        origin_mm: tuple[float, float, float] = (-25.0, -20.0, -100.0),
        **choices: object,
    ) -> Image:
        frame = str(choices.pop("frame", "1.2.826.0.1.3680043.8.498.1"))
        patient = choices.pop("patient", Patient(name="Phantom^Test", id="P1", sex="O"))
        grid = Grid(
            shape=shape,
            spacing_mm=spacing_mm,
            origin_mm=origin_mm,
            frame_of_reference_uid=frame,
            **choices,  # type: ignore[arg-type]
        )
        return Image(
            grid=grid,
            values=np.zeros(shape, dtype=np.float32),
            modality="CT",
            header=SeriesHeader(
                patient=patient,  # type: ignore[arg-type]
                study_uid=derived_uid("test study"),
                series_uid=derived_uid("test series"),
                sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                sop_uids=tuple(derived_uid("test slice", str(k)) for k in range(shape[0])),
                patient_position="HFS",
                study_date="20260102",
                study_time="101500",
                study_id="S1",
                accession_number="",
            ),
        )

    return make


@pytest.fixture(scope="session")
def unpacked(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpack an archive of the real data once: `unpacked("dicom_rt/plans.zip")` is its folder."""
    folders: dict[str, Path] = {}

    def unpack(name: str) -> Path:
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(Path(name).stem)
            with ZipFile(shared_data / name) as archive:
                archive.extractall(folders[name])
        return folders[name]

    return unpack
