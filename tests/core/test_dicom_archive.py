"""Promise: a zip is as good as a folder, and no zip writes a path, explodes or crashes."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import dicom_builder as b
import numpy as np
import pytest

from isocentra.dicom import read_series
from isocentra.errors import IsocentraError

SLICES = {f"{k}.dcm": b.ct_slice(k) for k in range(3)}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def reason_of(tmp_path: Path, data: bytes, name: str = "case.zip") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(IsocentraError) as caught:
        read_series(path)
    assert sorted(tmp_path.parent.rglob("*")) == before, "nothing is written"
    return caught.value.reason


def test_a_zip_gives_the_same_image_as_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    folder.mkdir()
    for name, data in SLICES.items():
        (folder / name).write_bytes(data)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = tmp_path / f"{method}.zip"
        path.write_bytes(zipped({f"study/ct/{n}": d for n, d in SLICES.items()}, method))
        one, other = read_series(folder), read_series(path)
        assert np.array_equal(one.values, other.values)
        assert one.header == other.header


@pytest.mark.parametrize(
    "name", ["../evil.dcm", "/etc/cron.d/evil", "a/../../evil", "..\\evil", "C:\\evil.dcm"]
)
def test_paths_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    assert reason_of(tmp_path, zipped({**SLICES, name: b"x"})) == "BAD_ARCHIVE"


def test_links_and_encryption_and_odd_methods_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert reason_of(tmp_path, out.getvalue()) == "BAD_ARCHIVE"
    assert reason_of(tmp_path, zipped(SLICES, zipfile.ZIP_LZMA)) == "BAD_ARCHIVE"
    data = bytearray(zipped(SLICES))
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    assert reason_of(tmp_path, bytes(data)) == "BAD_ARCHIVE"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    data = zipped({"bomb.dcm": bytes(80 << 20)})
    assert len(data) < 1 << 20
    assert reason_of(tmp_path, data) == "LIMIT_EXCEEDED"
    many = zipped({f"{k}.dcm": bytes(8 << 20) for k in range(9)})
    assert reason_of(tmp_path, many) == "LIMIT_EXCEEDED"


def test_sizes_that_lie_are_refused(tmp_path: Path) -> None:
    for claimed in (1000, 0, 100_000):
        data = bytearray(zipped(SLICES))
        at = data.find(b"PK\x01\x02")
        data[at + 24 : at + 28] = struct.pack("<I", claimed)
        assert reason_of(tmp_path, bytes(data)) == "BAD_ARCHIVE"


def test_a_directory_of_too_many_entries_is_refused_unread(tmp_path: Path) -> None:
    data = bytearray(zipped(SLICES))
    at = data.rfind(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<2H", 60_000, 60_000)
    assert reason_of(tmp_path, bytes(data)) == "LIMIT_EXCEEDED"
    data[at + 8 : at + 12] = struct.pack("<2H", 0xFFFF, 0xFFFF)
    assert reason_of(tmp_path, bytes(data)) == "BAD_ARCHIVE"


def test_broken_archives_are_refused(tmp_path: Path) -> None:
    good = zipped(SLICES)
    assert reason_of(tmp_path, good[: len(good) // 2]) == "BAD_ARCHIVE"
    assert reason_of(tmp_path, b"no zip at all") == "BAD_ARCHIVE"
    twisted = bytearray(good)
    twisted[60:90] = bytes(30)
    assert reason_of(tmp_path, bytes(twisted)) == "BAD_ARCHIVE"


def test_any_flipped_byte_gives_an_image_or_a_typed_error(tmp_path: Path) -> None:
    good = zipped(SLICES)
    random = np.random.default_rng(5)
    path = tmp_path / "flip.zip"
    refused = 0
    for at in random.integers(0, len(good), 150):
        data = bytearray(good)
        data[at] ^= int(random.integers(1, 256))
        path.write_bytes(bytes(data))
        try:
            read_series(path)
        except IsocentraError:
            refused += 1
    assert refused > 50


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "nested.zip"
    path.write_bytes(zipped({**SLICES, "inner.zip": zipped(SLICES)}))
    image = read_series(path)
    assert image.header.warnings == (("NOT_DICOM", "inner.zip is no DICOM file."),)
    assert reason_of(tmp_path, zipped({"inner.zip": zipped(SLICES)})) == "NOT_DICOM"
    assert reason_of(tmp_path, zipped({})) == "NO_SERIES"


def test_an_empty_dose_that_shrinks_much_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "case.zip"
    path.write_bytes(
        zipped({**SLICES, "rd.dcm": b.file_of(b.dose_fields(80_000), syntax=b.IMPLICIT)})
    )
    assert read_series(path).grid.shape[0] == 3


def test_a_directory_hidden_behind_a_64_bit_locator_is_never_loaded(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", *[20, 20, *[0] * 7, 1, *[0] * 6]) + b"a"
    count = 100_000
    large = struct.pack(
        "<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, count * len(entry), 4
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 4 + count * len(entry), 1)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(entry), 4, 0)
    data = b"PK\3\4" + entry * count + large + locator + end
    assert reason_of(tmp_path, data) == "BAD_ARCHIVE"
