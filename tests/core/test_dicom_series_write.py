"""A written series is clean, deterministic, whole, and reads back to the image it came from."""

import shutil
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

from isocentra.dicom.series import read_series
from isocentra.dicom.series_write import Derivation, SeriesOptions, series_bytes, write_series
from isocentra.errors import AssemblyError, ReadingError, ServiceError
from isocentra.geometry.grid import Grid
from isocentra.image import Image
from isocentra.patients import PATIENT_POSITIONS, Scanner, simulate_ct, simulate_mr, sphere

GRID = Grid(shape=(5, 24, 20), spacing_mm=(3.0, 2.0, 2.5), origin_mm=(20.0, -60.0, -8.0))


def ct(grid: Grid = GRID, position: str = "HFS") -> Image:
    scanner = Scanner(patient_position=position)
    return simulate_ct(sphere(), grid, noise_hu=10, seed=1, scanner=scanner)


def turned(axes: np.ndarray) -> Grid:
    rows = tuple(tuple(float(v) for v in axis) for axis in axes)
    return replace(GRID, axes=rows, origin_mm=(30.0, -20.0, 10.0))


@pytest.mark.parametrize("position", PATIENT_POSITIONS)
def test_a_series_reads_back_equal_in_every_patient_position(position: str, tmp_path: Path) -> None:
    image = ct(turned(np.array(PATIENT_POSITIONS[position])), position)
    write_series(image, tmp_path / "series")
    back = read_series(tmp_path / "series")
    assert np.array_equal(back.values, image.values)
    assert np.abs(back.grid.matrix - image.grid.matrix).max() < 1e-9
    assert back.grid.shape == image.grid.shape
    assert back.grid.frame_of_reference_uid == image.grid.frame_of_reference_uid
    assert back.header.patient_position == position
    assert back.header.sop_uids == image.header.sop_uids
    assert back.header.patient == image.header.patient


def test_an_oblique_series_reads_back_equal(tmp_path: Path) -> None:
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    if np.dot(np.cross(axes[2], axes[1]), axes[0]) < 0:
        axes[0] *= -1
    image = ct(turned(axes))
    write_series(image, tmp_path / "series")
    back = read_series(tmp_path / "series")
    assert np.array_equal(back.values, image.values)
    assert np.abs(back.grid.matrix - image.grid.matrix).max() < 1e-9


def test_a_left_handed_stack_reads_back_as_the_same_voxels_in_space(tmp_path: Path) -> None:
    image = ct(turned(np.array([(0, 0, -1), (0, 1, 0), (1, 0, 0)])))
    assert not image.grid.is_right_handed
    write_series(image, tmp_path / "series")
    back = read_series(tmp_path / "series")
    index = np.array((1, 7, 11))
    there = np.rint(back.grid.to_index(image.grid.to_points(index))).astype(int)
    assert back.values[tuple(there)] == image.values[tuple(index)]
    assert np.array_equal(np.sort(back.values, axis=None), np.sort(image.values, axis=None))


def test_an_mr_keeps_whole_numbers_and_scales_others(tmp_path: Path) -> None:
    image = simulate_mr(sphere(), GRID, noise=5, seed=2)
    write_series(image, tmp_path / "whole")
    assert np.array_equal(read_series(tmp_path / "whole").values, image.values)
    scaled = replace(image, values=(image.values * np.float32(0.37)).astype(np.float32))
    write_series(scaled, tmp_path / "scaled")
    step = np.ptp(scaled.values) / 65534
    back = read_series(tmp_path / "scaled").values
    assert np.abs(back - scaled.values).max() <= 0.51 * step + 1e-4


def test_the_same_image_gives_the_same_bytes() -> None:
    assert list(series_bytes(ct())) == list(series_bytes(ct()))


def test_names_tell_nothing_but_modality_and_number() -> None:
    assert [name for name, _ in series_bytes(ct())] == [f"CT.000{n}.dcm" for n in range(1, 6)]


def test_missing_uids_follow_from_the_content() -> None:
    image = ct()
    bare = replace(image, header=replace(image.header, series_uid="", sop_uids=(), study_uid=""))
    other = replace(bare, values=bare.values + np.float32(1))
    one, same, changed = (
        pydicom.dcmread(BytesIO(next(iter(series_bytes(i)))[1])) for i in (bare, bare, other)
    )
    assert one.SeriesInstanceUID == same.SeriesInstanceUID
    assert one.SeriesInstanceUID != changed.SeriesInstanceUID
    assert one.SOPInstanceUID != changed.SOPInstanceUID


def test_a_derived_series_says_why_and_from_what() -> None:
    image = ct()
    derivation = Derivation(
        description="Resampled to 1 mm", source_sop_uids=("1.2.3", "1.2.4"), image_type=("MPR",)
    )
    _, data = next(iter(series_bytes(image, options=SeriesOptions(derivation=derivation))))
    read = pydicom.dcmread(BytesIO(data))
    assert list(read.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "MPR"]
    assert read.DerivationDescription == "Resampled to 1 mm"
    assert [item.ReferencedSOPInstanceUID for item in read.SourceImageSequence] == [
        "1.2.3",
        "1.2.4",
    ]
    assert read.ContributingEquipmentSequence[0].Manufacturer == "Isocentra"


@pytest.mark.peer
@pytest.mark.parametrize("modality", ["CT", "MR", "derived", "oblique"])
def test_dciodvfy_finds_neither_error_nor_warning(modality: str, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    image = simulate_mr(sphere(), GRID, noise=5) if modality == "MR" else ct()
    if modality == "oblique":
        image = ct(turned(np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]))
    derivation = Derivation(description="test", source_sop_uids=image.header.sop_uids)
    options = SeriesOptions(
        body_part="HEAD", derivation=derivation if modality == "derived" else None
    )
    write_series(image, tmp_path / "s", options=options)
    for file in sorted((tmp_path / "s").iterdir()):
        run = subprocess.run(
            ["dciodvfy", "-new", str(file)], capture_output=True, text=True, check=False
        )
        said = run.stdout + run.stderr
        assert run.returncode == 0
        assert "Error" not in said
        assert "Warning" not in said


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ServiceError) as caught:
        write_series(ct(), tmp_path)
    assert caught.value.reason == "CONFLICT"
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    image = ct()
    values = image.values.copy()
    values[3, 2, 1] = np.nan
    with pytest.raises(ReadingError, match="1 voxels") as caught:
        write_series(replace(image, values=values), tmp_path / "series")
    assert caught.value.reason == "BAD_VALUE"
    assert not list(tmp_path.iterdir())


def test_ct_numbers_beyond_sixteen_bits_are_refused() -> None:
    image = ct()
    with pytest.raises(ReadingError, match="40000") as caught:
        list(series_bytes(replace(image, values=np.full(GRID.shape, 40000, np.float32))))
    assert caught.value.reason == "BAD_VALUE"


def test_another_modality_is_refused() -> None:
    with pytest.raises(AssemblyError, match="PT") as caught:
        list(series_bytes(replace(ct(), modality="PT")))
    assert caught.value.reason == "WRONG_MODALITY"
