"""Promise: a good file with one thing changed is refused typed, or read as what it then says.

500 mutants of real and of built files; the long form tries 5,000 in a process whose memory is
measured.
"""

from __future__ import annotations

import io
import math
import time
import warnings
import zipfile
from pathlib import Path

import mutants
import numpy as np
import pydicom
import pytest

from isocentra.dicom import GatedFile, read_bytes
from isocentra.dicom.pixels import stored_values
from isocentra.errors import ReadingError

REAL = (
    ("dicom_rt/mr_patient_positions.zip", "HFS_0026.dcm"),
    ("dicom_rt/structs.zip", "mim_empty.dcm"),
    ("dicom_rt/structs.zip", "raystation_point_and_cube.dcm"),
    ("dicom_rt/plans.zip", "monaco_agility_fff.dcm"),
    ("dicom_rt/plans.zip", "truebeam_jaws_only.dcm"),
    ("dicom_rt/oblique_ct_duplicates.zip", "0.dcm"),
    ("dicom_rt/enhanced_mr.zip", "siemens_xa10_6frames.dcm"),
    ("dicom_rt/reg.zip", "reg_incomplete.dcm"),
)


def real_files(shared_data: Path) -> list[bytes]:
    files = []
    for archive_name, member in REAL:
        with zipfile.ZipFile(shared_data / archive_name) as archive:
            files.append(archive.read(member))
    return files


WANTED = ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "RescaleSlope")


def read_by_peer(data: bytes) -> tuple[dict[str, object], np.ndarray | None] | None:
    """Return what pydicom makes of the same bytes, None where it crashes."""
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        values = {keyword: dataset.get(keyword) for keyword in WANTED}
        with_pixels = "PixelData" in dataset and "TransferSyntaxUID" in dataset.file_meta
        pixels = dataset.pixel_array if with_pixels else None
    except Exception:  # noqa: BLE001 - the peer has no typed errors
        return None
    return values, pixels


def check_is_what_it_says(file: GatedFile, data: bytes, name: str) -> None:
    """Compare with an independent reader, and hold the numbers against the rules of the gate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = read_by_peer(data)
    if peer is not None:
        for keyword in WANTED:
            if keyword in file.dataset:
                assert file.dataset.get(keyword) == peer[0][keyword], (name, keyword)
        if file.layout is not None and peer[1] is not None:
            ours = stored_values(file.dataset.PixelData, file.layout)
            assert np.array_equal(ours, peer[1].reshape(ours.shape)), name
    spacing = file.dataset.get("PixelSpacing")
    if spacing:
        assert all(math.isfinite(v) and 0.01 <= v <= 100 for v in spacing), name


def judge(real: list[bytes], count: int, seed: int) -> tuple[int, int]:
    refused = 0
    for name, data in mutants.mutants(real, count, seed):
        started = time.process_time()
        try:
            file = read_bytes(data, "mutant.dcm")
        except ReadingError:
            refused += 1
            file = None
        assert time.process_time() - started < 2.0, name
        if file is not None:
            check_is_what_it_says(file, data, name)
    return refused, count


@pytest.mark.parametrize("seed", range(5))
def test_500_mutants_are_refused_typed_or_read_rightly(shared_data: Path, seed: int) -> None:
    refused, count = judge(real_files(shared_data), 100, seed)
    assert count * 0.2 < refused < count * 0.95


@pytest.mark.slow
def test_5000_more_mutants(shared_data: Path) -> None:
    judge(real_files(shared_data), 5000, 77)
