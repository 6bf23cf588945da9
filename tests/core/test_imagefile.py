"""Image files keep values and place; what is no image is a typed error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own pages use
from scipy.spatial.transform import Rotation

from isocentra.errors import ReadingError
from isocentra.geometry import Grid
from isocentra.image import Image
from isocentra.imagefile import read_image_file, write_image_file

SUFFIXES = pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nii"])


def oblique(*, left_handed: bool = False) -> Image:
    axes = Rotation.from_euler("xyz", (20, -30, 40), degrees=True).as_matrix()
    if left_handed:
        axes[0] *= -1
    k, j, i = (tuple(axis) for axis in axes.tolist())
    grid = Grid(
        shape=(4, 5, 6), spacing_mm=(3.0, 0.8, 0.9), origin_mm=(-12.5, 30.25, 7.0), axes=(k, j, i)
    )
    values = np.random.default_rng(0).normal(0, 500, grid.shape).astype(np.float32)
    return Image(grid=grid, values=values, modality="CT")


@SUFFIXES
@pytest.mark.parametrize("left_handed", [False, True])
def test_what_was_written_is_read_in_the_same_place(
    tmp_path: Path, suffix: str, *, left_handed: bool
) -> None:
    image = oblique(left_handed=left_handed)
    write_image_file(image, tmp_path / f"a{suffix}")
    got = read_image_file(tmp_path / f"a{suffix}", modality="MR", frame_of_reference_uid="1.2.3")
    assert np.array_equal(got.values, image.values)
    assert np.abs(got.grid.centres() - image.grid.centres()).max() < 1e-4
    assert (got.modality, got.grid.frame_of_reference_uid) == ("MR", "1.2.3")


def test_nifti_points_are_right_anterior_superior_and_come_back_as_lps(tmp_path: Path) -> None:
    """Checked in the file's own bytes: the sform's first row is minus the LPS x of the voxels."""
    image = oblique()
    write_image_file(image, tmp_path / "a.nii")
    head = (tmp_path / "a.nii").read_bytes()
    rows = np.frombuffer(head, "<f4", 12, 280).reshape(3, 4)
    first = np.array(image.grid.origin_mm)
    assert np.allclose(rows[:, 3], first * (-1, -1, 1), atol=1e-4)


def test_only_the_file_itself_is_left_in_the_folder(tmp_path: Path) -> None:
    write_image_file(oblique(), tmp_path / "a.mha")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mha"]


def written(path: Path, array: np.ndarray, *, vector: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))
    return path


def test_integers_are_read_as_numbers(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mha", np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    assert read_image_file(path, modality="CT").values[1, 2, 3] == 23


def refusal(path: Path) -> str:
    with pytest.raises(ReadingError) as caught:
        read_image_file(path, modality="CT")
    assert caught.value.where.file == path.name
    assert str(path.parent) not in str(caught.value)
    return caught.value.reason


def test_what_is_not_one_volume_is_refused(tmp_path: Path) -> None:
    flat = written(tmp_path / "flat.mha", np.zeros((3, 4), np.float32))
    assert refusal(flat) == "BAD_GEOMETRY"
    moving = written(tmp_path / "moving.nii.gz", np.zeros((2, 3, 4, 5), np.float32))
    assert refusal(moving) == "BAD_GEOMETRY"
    arrows = written(tmp_path / "arrows.mha", np.zeros((2, 3, 4, 3), np.float32), vector=True)
    assert refusal(arrows) == "BAD_VALUE"


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 1, 1] = np.nan
    assert refusal(written(tmp_path / "a.mha", values)) == "BAD_VALUE"


@SUFFIXES
def test_text_an_empty_file_and_no_file_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    assert refusal(path) == "TRUNCATED"
    path.write_bytes(b"")
    assert refusal(path) in {"BAD_VALUE", "HOSTILE_INPUT"}
    path.write_text("no image at all\n" * 40)
    assert refusal(path) in {"BAD_VALUE", "HOSTILE_INPUT"}


def test_data_that_end_early_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mha", np.ones((20, 30, 40), np.float32))
    path.write_bytes(path.read_bytes()[:-2000])
    assert refusal(path) == "BAD_VALUE"


def test_a_header_that_claims_too_much_is_refused_before_it_is_believed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mha", np.ones((2, 3, 4), np.float32))
    path.write_bytes(path.read_bytes().replace(b"DimSize = 4 3 2", b"DimSize = 4000 3000 2000"))
    assert refusal(path) == "LIMIT_EXCEEDED"


def test_a_header_that_names_another_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mha", np.ones((2, 3, 4), np.float32))
    path.write_bytes(path.read_bytes().replace(b"= LOCAL", b"= /etc/passwd"))
    assert refusal(path) == "HOSTILE_INPUT"


def test_another_suffix_is_refused_both_ways(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.mhd") == "BAD_VALUE"
    with pytest.raises(ReadingError, match=r"\.mha"):
        write_image_file(oblique(), tmp_path / "a.jpg")
