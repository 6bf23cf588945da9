"""Promise: good files pass the gate with their values unchanged; odd paths are refused typed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import dicom_builder as b
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocentra.dicom import read_bytes, read_file
from isocentra.dicom.jpeg import check_frame_header, has_decoder
from isocentra.dicom.pixels import PixelLayout, stored_values
from isocentra.dicom.sop_classes import Kind
from isocentra.errors import ReadingError


@cache
def dicom_files(shared_data: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple(_unpacked(shared_data))


def _unpacked(shared_data: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(shared_data.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".dcm"):
                    yield f"{path.stem}/{name}", archive.read(name)


def test_all_143_real_files_pass_but_the_doses_without_pixels(shared_data: Path) -> None:
    refused: dict[str, str] = {}
    count = 0
    for name, data in dicom_files(shared_data):
        count += 1
        try:
            read_bytes(data, "file.dcm")
        except ReadingError as error:
            refused[name] = error.reason
    assert count == 143
    assert {name.split("/")[0] for name in refused} <= {"dose_orientation_headers"}
    assert set(refused.values()) == {"MISSING_ATTRIBUTE"}


def test_a_dose_without_pixels_is_read_when_none_are_asked_for(shared_data: Path) -> None:
    headers = [d for n, d in dicom_files(shared_data) if n.startswith("dose_orientation")]
    assert len(headers) == 8
    for data in headers:
        file = read_bytes(data, "file.dcm", pixels=False)
        assert file.kind is Kind.DOSE
        assert len(file.dataset.ImageOrientationPatient) == 6


@pytest.mark.slow
def test_values_are_those_that_pydicom_reads_from_the_same_files(shared_data: Path) -> None:
    wanted = ("PatientID", "SOPInstanceUID", "ImagePositionPatient", "PixelSpacing", "Rows")
    for name, data in dicom_files(shared_data):
        ours = read_bytes(data, "file.dcm", pixels=False).dataset
        theirs = pydicom.dcmread(io.BytesIO(data), force=True, stop_before_pixels=True)
        for keyword in wanted:
            assert ours.get(keyword) == theirs.get(keyword), (name, keyword)


def test_pixels_are_those_that_pydicom_decodes(shared_data: Path) -> None:
    for name, data in dicom_files(shared_data):
        if not name.startswith(("alderson", "enhanced", "pinnacle", "ct_gantry")):
            continue
        file = read_bytes(data, "file.dcm")
        if file.layout is None:
            continue
        theirs = pydicom.dcmread(io.BytesIO(data)).pixel_array
        ours = stored_values(file.dataset.PixelData, file.layout)
        assert np.array_equal(ours.reshape(theirs.shape), theirs), name
        assert np.array_equal(file.dataset.pixel_array, theirs), name


def test_a_private_element_of_wrong_length_does_not_harm_the_data_set(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "bolus" / "alderson_thorax_ct.zip") as archive:
        data = archive.read("CT_046.dcm")
    assert b"\xf1\x01\x26\x10" in data, "the Philips element is there"
    assert "PixelData" in read_bytes(data, "CT_046.dcm").dataset
    assert str(read_bytes(data, "CT_046.dcm", pixels=False).dataset)


def test_a_gated_file_names_itself_and_its_content(tmp_path: Path) -> None:
    path = tmp_path / "slice.dcm"
    path.write_bytes(b.ct_slice())
    file = read_file(path)
    assert (file.name, file.kind) == ("slice.dcm", Kind.IMAGE)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.size == path.stat().st_size


def test_explicit_implicit_and_rle_give_the_same_data_set() -> None:
    plain = read_bytes(b.ct_slice(), "a").dataset
    pixels = b.slice_fields()[0x7FE00010][1]
    assert isinstance(pixels, bytes)
    assert read_bytes(b.ct_slice(syntax=b.IMPLICIT), "a").dataset == plain
    assert read_bytes(b.rle_slice(b.encapsulated([b.rle_frame(pixels)])), "a").dataset == plain


def test_unknown_vr_with_a_known_sequence_is_read_as_one() -> None:
    inner = b.encode({0x00081155: ("UI", b"1.2.3")}, explicit=False)
    item = b.header(0xFFFEE000, "", len(inner), explicit=False) + inner
    fields = b.slice_fields()
    body = b.encode({t: v for t, v in fields.items() if t < 0x00081140})
    body += b.element(0x00081140, "UN", item)
    body += b.encode({t: v for t, v in fields.items() if t > 0x00081140})
    file = read_bytes(b.part10(body, b.meta(b.CT, b"1.2.826.0.1.100.1")), "a")
    assert file.dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"


def test_a_broken_weight_is_left_out_and_said() -> None:
    file = read_bytes(b.changed({0x00101030: ("DS", b"about 70")}), "a")
    assert "PatientWeight" not in file.dataset
    assert file.warnings == (("LEFT_OUT", "a: PatientWeight is malformed."),)


def test_links_folders_pipes_and_absent_files_are_refused(tmp_path: Path) -> None:
    good = tmp_path / "good.dcm"
    good.write_bytes(b.ct_slice())
    (tmp_path / "link.dcm").symlink_to(good)
    os.mkfifo(tmp_path / "pipe.dcm")
    wanted = {
        "link.dcm": "HOSTILE_INPUT",
        "pipe.dcm": "HOSTILE_INPUT",
        "absent.dcm": "NOT_DICOM",
        ".": "NOT_DICOM",
    }
    for name, reason in wanted.items():
        with pytest.raises(ReadingError) as caught:
            read_file(tmp_path / name)
        assert caught.value.reason == reason, name
    with pytest.raises(ReadingError, match="device"):
        read_file("/dev/zero")


def test_a_file_above_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "sparse.dcm"
    with path.open("wb") as file:
        file.write(b.ct_slice())
        file.truncate(5 << 30)
    with pytest.raises(ReadingError) as caught:
        read_file(path)
    assert caught.value.reason == "LIMIT_EXCEEDED"


@given(
    stored=st.integers(1, 16),
    signed=st.booleans(),
    value=st.integers(0, 2**16 - 1),
)
def test_stored_values_are_cut_from_their_bits_and_sign_extended(
    stored: int,
    signed: bool,  # noqa: FBT001
    value: int,
) -> None:
    layout = PixelLayout(
        frames=1,
        rows=1,
        columns=1,
        bits_allocated=16,
        bits_stored=stored,
        signed=signed,
    )
    bits = value & (1 << stored) - 1
    expected = bits - (1 << stored) if signed and bits >> (stored - 1) else bits
    found = stored_values(value.to_bytes(2, "little"), layout)
    assert int(found[0, 0, 0]) == expected


def test_a_jpeg_stream_of_another_size_never_reaches_a_decoder() -> None:
    frame = b"\xff\xd8\xff\xc3\0\x0b\x10" + (65535).to_bytes(2, "big") * 2 + b"\1\1\x11\0\xff\xd9"
    with pytest.raises(ReadingError, match="65535"):
        check_frame_header(frame, 512, 512, "a")
    check_frame_header(frame, 65535, 65535, "a")
    with pytest.raises(ReadingError, match="no lossless"):
        check_frame_header(frame.replace(b"\xff\xc3", b"\xff\xc0"), 65535, 65535, "a")
    with pytest.raises(ReadingError, match="no JPEG"):
        check_frame_header(b"GIF89a", 1, 1, "a")
    with pytest.raises(ReadingError, match="end before"):
        check_frame_header(frame[:-2], 65535, 65535, "a")


@pytest.mark.peer
def test_jpeg_lossless_is_read_where_a_decoder_is_and_refused_where_none_is(
    tmp_path: Path,
) -> None:
    if shutil.which("dcmcjpeg") is None:
        pytest.skip("dcmcjpeg (Debian package dcmtk) is not installed")
    plain = b.changed({0x00280103: ("US", b.us(0))})
    (tmp_path / "plain.dcm").write_bytes(plain)
    jpeg = tmp_path / "jpeg.dcm"
    subprocess.run(["dcmcjpeg", "+e1", "+un", str(tmp_path / "plain.dcm"), str(jpeg)], check=True)
    if has_decoder("1.2.840.10008.1.2.4.70"):
        pixels = read_file(jpeg).dataset.PixelData
        assert pixels == read_bytes(plain, "a").dataset.PixelData
    else:
        with pytest.raises(ReadingError) as caught:
            read_file(jpeg)
        assert caught.value.reason == "UNSUPPORTED_TRANSFER_SYNTAX"
