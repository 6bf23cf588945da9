"""Promise: what passes the gate cannot harm the readers behind it, nor make them talk.

The corpus (tests/corpus/hostile_rt.py) holds RT objects whose elements are well-formed one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import dicom_builder as b
import hostile_rt
import numpy as np
import pytest
from hostile_parts import READ

from isocentra.dicom import read_file, read_series
from isocentra.dicom.dose_read import dose_from_bytes
from isocentra.dicom.plan import plan_from_bytes
from isocentra.dicom.registration import registration_from_bytes
from isocentra.dicom.structures_read import structures_from_bytes
from isocentra.errors import IsocentraError, ReadingError, StructureError

Reader = Callable[[bytes, str], object]
READERS: dict[str, Reader] = {
    "structures": structures_from_bytes,
    "plans": plan_from_bytes,
    "doses": dose_from_bytes,
    "registrations": registration_from_bytes,
}
CASES = [
    pytest.param(READERS[kind], data, reasons, id=f"{kind}: {name}")
    for kind in READERS
    for name, (data, reasons) in getattr(hostile_rt, kind)().items()
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("reader", "data", "reasons"), CASES)
def test_each_hostile_object_has_a_right_answer_in_time(
    reader: Reader, data: bytes, reasons: set[str]
) -> None:
    started = time.process_time()
    try:
        reader(data, "case.dcm")
        found, said = READ, ""
    except IsocentraError as error:
        found, said = error.reason, str(error)
    assert found in reasons
    assert hostile_rt.SECRET.decode() not in said
    assert time.process_time() - started < 2.0


def test_contours_that_are_too_intricate_are_a_defect_of_their_roi() -> None:
    data, _ = hostile_rt.structures()["slanting zigzag of 4000 edges"]
    structures = structures_from_bytes(data, "case.dcm")
    with pytest.raises(StructureError, match="side by side") as caught:
        structures.roi("Skin")
    assert caught.value.reason == "BAD_CONTOUR"


def test_an_enhanced_object_with_two_tags_in_a_dimension_pointer_is_read(tmp_path: Path) -> None:
    (tmp_path / "enhanced.dcm").write_bytes(hostile_rt.pointers())
    assert np.isfinite(read_series(tmp_path).values).all()


@pytest.mark.parametrize(
    "changes",
    [
        {0x00080018: ("UI", b"1.2.PHANTOMNAME")},
        {0x00280030: ("DS", b"PHANTOMNAME\\1")},
        {0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\PHANTOMNAME")},
        {0x00080060: ("CS", b"PHANTOMNAME")},
        {0x00281054: ("LO", b"PHANTOMNAME")},
        {0x00100020: ("LO", b"PHANTOMNAME")},
    ],
    ids=["uid", "number", "type", "modality", "unit", "patient"],
)
def test_no_message_repeats_a_name_that_stands_in_a_wrong_place(
    tmp_path: Path, changes: b.Fields
) -> None:
    for k in range(3):
        fields = changes if k == 1 else {}
        (tmp_path / f"{k}.dcm").write_bytes(b.ct_slice(k, fields=fields))
    with pytest.raises(IsocentraError) as caught:
        read_series(tmp_path)
    assert "PHANTOMNAME" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/nowhere/a\0b", "/nowhere/" + "x" * 300, "/proc/self/mem", "/dev/zero"]
)
def test_a_path_that_is_no_file_is_a_typed_error(path: str) -> None:
    for read in (read_file, read_series):
        with pytest.raises(ReadingError) as caught:
            read(path)
        assert caught.value.reason in {"NOT_DICOM", "HOSTILE_INPUT"}


def test_coarse_pixels_pass_only_in_an_image_of_a_handful_of_them() -> None:
    with pytest.raises(ReadingError) as caught:
        structures_from_bytes(b.changed({0x00280030: ("DS", b"60\\60")}), "case.dcm")
    assert caught.value.reason == "BAD_GEOMETRY"
