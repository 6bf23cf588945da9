"""Promise: slices become one image at the right place, or the error says which slice is wrong."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import dicom_builder as b
import numpy as np
import pytest

from isocentra.dicom import list_series, read_series
from isocentra.errors import AssemblyError, IsocentraError

MR_POSITIONS = "mr_patient_positions.zip"

IOP = {
    "HFS": "1,0,0,0,1,0",
    "HFP": "-1,0,0,0,-1,0",
    "HFDL": "0,-1,0,1,0,0",
    "HFDR": "0,1,0,-1,0,0",
    "FFS": "-1,0,0,0,1,0",
    "FFP": "1,0,0,0,-1,0",
    "FFDL": "0,1,0,1,0,0",
    "FFDR": "0,-1,0,-1,0,0",
}
"""Rows along the table's x, columns down to it: DICOM_RT.md section 1.1."""


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def stack(count: int = 4, **fields: tuple[str, bytes]) -> dict[str, bytes]:
    extra = {int(tag, 16): value for tag, value in fields.items()}
    return {f"{k}.dcm": b.changed(extra, k=k) for k in range(count)}


def reason_of(path: Path) -> str:
    with pytest.raises(IsocentraError) as caught:
        read_series(path)
    assert "Phantom" not in str(caught.value)
    return caught.value.reason


def test_a_stack_has_its_values_places_and_identity(tmp_path: Path) -> None:
    image = read_series(write(tmp_path, stack()))
    assert image.grid.shape == (4, 8, 8)
    assert image.grid.spacing_mm == (3.0, 1.0, 1.0)
    assert image.grid.origin_mm == (-4.0, -4.0, 0.0)
    expected = np.arange(4 * 64, dtype=np.float32).reshape(4, 8, 8) - 1000
    assert np.array_equal(image.values, expected)
    assert image.header.sop_uids == tuple(f"1.2.826.0.1.100.{k + 1}" for k in range(4))
    assert image.header.patient_position == "HFS"
    assert image.header.warnings == ()


def test_order_of_names_and_instance_numbers_does_not_matter(tmp_path: Path) -> None:
    straight = read_series(write(tmp_path / "a", stack()))
    numbers = {k: ("IS", b"%d" % (9 - k)) for k in range(4)}
    mixed = {f"{9 - k}.dcm": b.changed({0x00200013: numbers[k]}, k=k) for k in range(4)}
    other = read_series(write(tmp_path / "b", mixed))
    assert np.array_equal(straight.values, other.values)
    assert straight.grid == other.grid


@pytest.mark.parametrize("position", IOP)
def test_all_eight_patient_positions_keep_every_voxel_where_the_file_says(
    tmp_path: Path, position: str
) -> None:
    orientation = np.array([float(v) for v in IOP[position].split(",")])
    row, column = orientation[:3], orientation[3:]
    normal = np.cross(row, column)
    assert normal[2] == (1 if position[0] == "H" else -1)
    files = {}
    for k in range(4):
        place = np.array([10.0, 20.0, 30.0]) + 3 * k * normal
        fields = {
            0x00185100: ("CS", position.encode()),
            0x00200032: ("DS", "\\".join(f"{v:g}" for v in place).encode()),
            0x00200037: ("DS", IOP[position].replace(",", "\\").encode()),
            0x00280030: ("DS", b"2\\0.5"),
        }
        files[f"{(7 * k) % 5}.dcm"] = b.changed(fields, k=k)
    image = read_series(write(tmp_path, files))
    assert image.header.patient_position == position
    assert image.grid.is_right_handed
    k, j, i = 2, 5, 3
    place = np.array([10.0, 20.0, 30.0]) + 3 * k * normal + 0.5 * i * row + 2 * j * column
    assert np.allclose(image.grid.to_points([k, j, i]), place, atol=1e-9)
    assert image.values[k, j, i] == 64 * k + 8 * j + i - 1000


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    files = stack()
    files["1.dcm"] = b.changed({0x00281052: ("DS", b"0"), 0x00281053: ("DS", b"2.5")}, k=1)
    image = read_series(write(tmp_path, files))
    assert image.values[1, 0, 1] == 2.5 * 65
    assert image.values[2, 0, 1] == 129 - 1000


def test_padding_is_air_and_kept_in_a_mask(tmp_path: Path) -> None:
    image = read_series(write(tmp_path, stack(**{"00280120": ("SS", struct.pack("<h", 70))})))
    assert image.padding is not None
    assert np.argwhere(image.padding).tolist() == [[1, 0, 6]]
    assert image.values[1, 0, 6] == -1000


def test_padding_that_was_written_unsigned_is_understood(tmp_path: Path) -> None:
    files = {
        f"{k}.dcm": b.changed(
            {
                0x00280120: ("US", b.us(65536 - 2000)),
                0x7FE00010: ("OW", struct.pack("<64h", -2000, *[5] * 63)),
            },
            k=k,
        )
        for k in range(3)
    }
    image = read_series(write(tmp_path, files))
    assert image.padding is not None
    assert image.padding.sum() == 3
    assert image.values[0, 0, 0] == -1000


def test_strangers_in_the_folder_are_named_and_stepped_over(tmp_path: Path) -> None:
    files = stack() | {
        ".DS_Store": b"\0\0\0\1Bud1",
        "README": b"read me",
        "._0.dcm": b"\0\5\x16\7",
        "rs.dcm": b.contour_file(b"0\\0\\0\\1\\0\\0\\1\\1\\0", b"3"),
        "sc.dcm": b.file_of({**b.slice_fields(), 0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7")}),
    }
    image = read_series(write(tmp_path, files))
    assert image.grid.shape[0] == 4
    codes = sorted(code for code, _ in image.header.warnings)
    assert codes == ["NOT_DICOM"] * 3 + ["UNSUPPORTED_SOP_CLASS"]


def test_a_broken_dicom_file_in_the_folder_is_an_error(tmp_path: Path) -> None:
    files = stack()
    files["2.dcm"] = files["2.dcm"][:-30]
    assert reason_of(write(tmp_path / "a", files)) == "TRUNCATED"
    files["2.dcm"] = b""
    assert reason_of(write(tmp_path / "b", files)) == "NOT_DICOM"


def test_scouts_and_reformats_are_set_aside(tmp_path: Path) -> None:
    scout = b.changed(
        {
            0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\LOCALIZER"),
            0x0020000E: ("UI", b"1.2.826.0.1.77"),
            0x00080018: ("UI", b"1.2.826.0.1.78"),
            0x00200037: ("DS", b"1\\0\\0\\0\\0\\-1"),
        }
    )
    reformat = b.changed(
        {
            0x00080008: ("CS", b"DERIVED\\SECONDARY\\MPR"),
            0x0020000E: ("UI", b"1.2.826.0.1.87"),
            0x00080018: ("UI", b"1.2.826.0.1.88"),
        }
    )
    image = read_series(write(tmp_path, stack() | {"scout.dcm": scout, "mpr.dcm": reformat}))
    assert image.grid.shape[0] == 4
    assert [code for code, _ in image.header.warnings] == ["LOCALIZER", "DERIVED"]


def test_a_slice_that_is_there_twice_is_dropped_and_said(tmp_path: Path) -> None:
    files = stack()
    files["copy.dcm"] = files["1.dcm"]
    files["same.dcm"] = b.changed({0x00080018: ("UI", b"1.2.826.0.1.555")}, k=1) + b""
    image = read_series(write(tmp_path, files))
    assert image.grid.shape[0] == 4
    assert [code for code, _ in image.header.warnings] == ["DUPLICATE_DROPPED"] * 2


def test_two_different_slices_at_one_place_are_refused(tmp_path: Path) -> None:
    files = stack()
    files["echo.dcm"] = b.changed(
        {0x00080018: ("UI", b"1.2.826.0.1.555"), 0x7FE00010: ("OW", bytes(128))}, k=1
    )
    assert reason_of(write(tmp_path, files)) == "DUPLICATE_SLICE"


def test_one_uid_for_two_slices_is_refused(tmp_path: Path) -> None:
    files = stack()
    files["3.dcm"] = b.changed({0x00080018: ("UI", b"1.2.826.0.1.100.1")}, k=3)
    assert reason_of(write(tmp_path, files)) == "DUPLICATE_SLICE"


def test_a_hole_is_named_with_its_place(tmp_path: Path) -> None:
    files = stack(6)
    del files["3.dcm"]
    with pytest.raises(AssemblyError, match=r"s = 9\.00 mm") as caught:
        read_series(write(tmp_path, files))
    assert caught.value.reason == "MISSING_SLICE"


def test_unequal_steps_are_refused(tmp_path: Path) -> None:
    files = stack(5)
    files["4.dcm"] = b.changed({0x00200032: ("DS", b"-4\\-4\\13.3")}, k=4)
    assert reason_of(write(tmp_path, files)) == "UNEQUAL_SPACING"


def test_steps_that_differ_by_rounding_are_taken(tmp_path: Path) -> None:
    files = {
        f"{k}.dcm": b.changed({0x00200032: ("DS", f"-4\\-4\\{round(1.667 * k, 1)}".encode())}, k=k)
        for k in range(2)
    }
    assert read_series(write(tmp_path, files)).grid.spacing_mm[0] == pytest.approx(1.7)


@pytest.mark.parametrize("angle_deg", [1.5, 18.5])
def test_a_tilted_gantry_is_found_by_the_shift_of_the_slices(
    tmp_path: Path, angle_deg: float
) -> None:
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    files = {
        f"{k}.dcm": b.changed(
            {0x00200037: ("DS", f"1\\0\\0\\0\\{cos:.6f}\\{-sin:.6f}".encode())}, k=k
        )
        for k in range(4)
    }
    with pytest.raises(AssemblyError, match=f"{angle_deg:.1f}°") as caught:
        read_series(write(tmp_path, files))
    assert caught.value.reason == "GANTRY_TILT"


def test_a_small_shift_that_adds_up_is_a_tilt_as_well(tmp_path: Path) -> None:
    files = {
        f"{k}.dcm": b.changed({0x00200032: ("DS", f"-4\\{-4 + 0.04 * k:.2f}\\{k}".encode())}, k=k)
        for k in range(30)
    }
    assert reason_of(write(tmp_path, files)) == "GANTRY_TILT"


def test_two_orientations_patients_frames_or_sizes_are_refused(tmp_path: Path) -> None:
    odd = {
        "MIXED_ORIENTATION": {0x00200037: ("DS", b"1\\0\\0\\0\\0\\-1")},
        "MIXED_PATIENTS": {0x00100020: ("LO", b"P2")},
        "FOREIGN_FRAME_OF_REFERENCE": {0x00200052: ("UI", b"1.2.826.0.1.33")},
        "SEVERAL_SERIES": {0x0020000E: ("UI", b"1.2.826.0.1.44")},
        "WRONG_MODALITY": {0x00080060: ("CS", b"MR")},
    }
    for reason, fields in odd.items():
        files = stack()
        files["3.dcm"] = b.changed(fields, k=3)
        assert reason_of(write(tmp_path / reason, files)) == reason


def test_one_series_uid_for_two_sets_of_images_is_refused(tmp_path: Path) -> None:
    files = stack()
    files["3.dcm"] = b.changed({0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\OTHER")}, k=3)
    with pytest.raises(AssemblyError, match="several sets") as caught:
        read_series(write(tmp_path, files))
    assert caught.value.reason == "SEVERAL_SERIES"


def test_a_series_is_chosen_by_its_uid(tmp_path: Path) -> None:
    files = stack()
    for k in range(3):
        fields = {
            0x0020000E: ("UI", b"1.2.826.0.1.44"),
            0x00080018: ("UI", b"1.2.826.0.1.45.%d" % k),
        }
        files[f"second{k}.dcm"] = b.changed(fields, k=k)
    folder = write(tmp_path, files)
    with pytest.raises(AssemblyError, match=r"1\.2\.826\.0\.1\.44 \(CT, 3 files, 8 × 8"):
        read_series(folder)
    assert read_series(folder, series_uid="1.2.826.0.1.44").grid.shape[0] == 3
    assert [entry.files for entry in list_series(folder)] == [4, 3]
    with pytest.raises(AssemblyError, match="There is no series") as caught:
        read_series(folder, series_uid="1.2.3")
    assert caught.value.reason == "NO_SERIES"


def test_what_is_no_volume_is_refused(tmp_path: Path) -> None:
    structures = {"rs.dcm": b.contour_file(b"0\\0\\0\\1\\0\\0\\1\\1\\0", b"3")}
    scout = {"s.dcm": b.changed({0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\LOCALIZER")})}
    assert reason_of(write(tmp_path / "one", stack(1))) == "SINGLE_SLICE"
    assert reason_of(write(tmp_path / "rs", structures)) == "NO_SERIES"
    assert reason_of(write(tmp_path / "scout", scout)) == "NO_SERIES"
    assert reason_of(write(tmp_path / "empty", {})) == "NO_SERIES"
    assert reason_of(tmp_path / "absent") == "NOT_DICOM"


@pytest.mark.parametrize(
    "fields",
    [
        {0x00281052: ("DS", b"")},
        {0x00281053: ("DS", b"")},
        {0x00281054: ("LO", b"ED")},
    ],
)
def test_a_ct_without_hounsfield_units_is_refused(tmp_path: Path, fields: b.Fields) -> None:
    files = {f"{k}.dcm": b.changed(fields, k=k) for k in range(3)}
    assert reason_of(write(tmp_path, files)) == "RESCALE_MISSING"


def test_an_mr_needs_no_rescale_and_a_pet_does(tmp_path: Path) -> None:
    for name, sop_class, modality in (("mr", b.MR, b"MR"), ("pt", b.PT, b"PT")):
        files = {}
        for k in range(3):
            fields = b.without(b.slice_fields(k=k), 0x00281052, 0x00281053)
            fields |= {0x00080016: ("UI", sop_class), 0x00080060: ("CS", modality)}
            files[f"{k}.dcm"] = b.file_of(fields)
        folder = write(tmp_path / name, files)
        if name == "pt":
            assert reason_of(folder) == "RESCALE_MISSING"
        else:
            assert read_series(folder).values[2, 7, 7] == 191


def test_a_slope_that_overflows_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, stack(**{"00281053": ("DS", b"1e38")}))
    assert reason_of(folder) == "BAD_VALUE"


def test_an_enhanced_ct_is_sorted_and_rescaled_frame_by_frame(tmp_path: Path) -> None:
    image = read_series(write(tmp_path, {"e.dcm": b.file_of(b.enhanced_fields())}))
    assert image.grid.shape == (3, 8, 8)
    assert image.grid.origin_mm == (-4.0, -4.0, 3.0)
    # Frame n lies at z = 9 − 3n, so that the last frame is the lowest slice.
    for k, n in enumerate((2, 1, 0)):
        assert image.values[k, 0, 0] == 64 * n * (n + 1) - 1000 - n


@pytest.mark.parametrize(
    ("missing", "reason"), [(0x00209113, "MISSING_ATTRIBUTE"), (0x00289145, "RESCALE_MISSING")]
)
def test_an_enhanced_ct_with_an_undescribed_frame_is_refused(
    tmp_path: Path, missing: int, reason: str
) -> None:
    data = b.file_of(b.enhanced_fields(missing=missing))
    assert reason_of(write(tmp_path, {"e.dcm": data})) == reason


def test_known_answers_of_the_real_series(shared_data: Path) -> None:
    folder = shared_data / "dicom_rt"
    thorax = read_series(shared_data / "bolus" / "alderson_thorax_ct.zip")
    assert thorax.grid.shape == (20, 512, 512)
    assert thorax.grid.spacing_mm == (3.0, 1.328125, 1.328125)
    assert thorax.grid.origin_mm[2] == 141
    oblique = read_series(folder / "oblique_ct_duplicates.zip")
    assert oblique.grid.shape[0] == 3
    assert oblique.grid.spacing_mm[0] == pytest.approx(4.5, abs=1e-5)
    assert oblique.grid.axes[2] == pytest.approx((0.9542, -0.2081, 0.2151), abs=1e-4)
    assert [code for code, _ in oblique.header.warnings] == ["DUPLICATE_DROPPED"]
    assert read_series(folder / "tiny_vmat_case.zip").grid.shape == (5, 5, 5)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ct_gantry_tilt_unequal.zip", "UNEQUAL_SPACING"),
        ("ct_gantry_tilt_missing.zip", "MISSING_SLICE"),
        ("breast_imrt_sliding.zip", "SINGLE_SLICE"),
        ("mr_patient_positions.zip", "SEVERAL_SERIES"),
        ("enhanced_mr.zip", "MIXED_PATIENTS"),
        ("plans.zip", "NO_SERIES"),
    ],
)
def test_real_folders_that_are_no_series_say_why(shared_data: Path, name: str, reason: str) -> None:
    assert reason_of(shared_data / "dicom_rt" / name) == reason


def test_the_tilt_is_named_beside_the_steps(shared_data: Path) -> None:
    for name in ("ct_gantry_tilt_unequal.zip", "ct_gantry_tilt_missing.zip"):
        with pytest.raises(AssemblyError, match="GANTRY_TILT"):
            read_series(shared_data / "dicom_rt" / name)


def test_four_real_patient_positions(shared_data: Path) -> None:
    path = shared_data / "dicom_rt" / MR_POSITIONS
    found = set()
    for entry in list_series(path):
        image = read_series(path, series_uid=entry.series_uid)
        assert image.grid.axes == ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
        assert image.grid.spacing_mm[0] == pytest.approx(4.8, abs=1e-3)
        found.add(image.header.patient_position)
    assert found == {"HFS", "HFP", "HFDL", "HFDR"}


def test_real_enhanced_mr(shared_data: Path, tmp_path: Path) -> None:
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(shared_data / "dicom_rt" / "enhanced_mr.zip") as archive:
        archive.extractall(tmp_path)
    siemens = read_series(tmp_path / "siemens_xa10_6frames.dcm")
    assert siemens.grid.shape == (6, 64, 64)
    assert siemens.grid.spacing_mm[0] == pytest.approx(2.4, abs=1e-3)
    assert reason_of(tmp_path / "philips_fieldmap_64frames.dcm") == "SEVERAL_SERIES"
