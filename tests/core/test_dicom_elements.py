"""A value is what stands in the file, or a typed refusal that names the element."""

from io import BytesIO

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from isocentra.dicom import elements
from isocentra.errors import ReadingError


def as_read(data: Dataset) -> Dataset:
    """Return the data set as pydicom gives it from a file: raw."""
    buffer = BytesIO()
    data.save_as(buffer, implicit_vr=True, little_endian=True)
    buffer.seek(0)
    return dcmread(buffer, force=True)


@pytest.fixture
def data() -> Dataset:
    out = Dataset()
    out.SpecificCharacterSet = "ISO_IR 192"
    out.PatientName = "Größe^Ärmel"
    out.StudyDate = "20260102"
    out.PatientWeight = "71.5"
    out.NumberOfFrames = 4
    out.Rows = 7
    out.ImagePositionPatient = [1.5, -2, 3]
    out.GridResolution = [0.1, 0.2, 0.3]
    out.ImageType = ["ORIGINAL", "PRIMARY"]
    out.PlanarConfiguration = 0
    inner = Dataset()
    inner.ROIName = "ß"
    out.StructureSetROISequence = [inner]
    return out


@pytest.mark.parametrize("raw", ["raw", "converted"])
def test_values_of_each_kind_are_found(data: Dataset, raw: str) -> None:
    found = as_read(data) if raw == "raw" else data
    assert elements.text(found, "PatientName") == "Größe^Ärmel"
    assert elements.text(found, "ImageType") == "ORIGINAL\\PRIMARY"
    assert elements.number(found, "PatientWeight", file="f") == 71.5
    assert elements.integer(found, "NumberOfFrames", file="f") == 4
    assert elements.integer(found, "Rows", file="f") == 7
    np.testing.assert_array_equal(
        elements.required_numbers(found, "ImagePositionPatient", 3, file="f"), (1.5, -2, 3)
    )
    np.testing.assert_array_equal(
        elements.numbers(found, "GridResolution", file="f"), (0.1, 0.2, 0.3)
    )
    (item,) = elements.items(found, "StructureSetROISequence", file="f")
    assert elements.text(item, "ROIName") == "ß"


def test_what_is_absent_or_empty_is_nothing(data: Dataset) -> None:
    data.PatientID = ""
    data.SliceThickness = None
    assert elements.text(data, "PatientID") == elements.text(data, "StationName") == ""
    assert elements.number(data, "SliceThickness", file="f") is None
    assert elements.numbers(data, "PixelSpacing", file="f").shape == (0,)
    assert elements.items(data, "BeamSequence", file="f") == ()


@pytest.mark.parametrize("value", [b"1_0", b"twelve", b"1\\\\2", b"nan", b"1e999"])
def test_what_is_no_finite_number_is_refused_by_name(data: Dataset, value: bytes) -> None:
    raw = as_read(data)
    element = raw.get_item(0x00101030)
    raw[0x00101030] = element._replace(value=value, length=len(value))
    with pytest.raises(ReadingError, match=r"Patient's Weight \(0010,1030\)") as caught:
        elements.number(raw, "PatientWeight", file="f.dcm")
    assert caught.value.reason == "BAD_VALUE"
    assert caught.value.where.file == "f.dcm"


def test_too_few_numbers_a_fraction_and_a_missing_element_are_refused(data: Dataset) -> None:
    with pytest.raises(ReadingError, match="holds 3 numbers, not 2"):
        elements.required_numbers(data, "ImagePositionPatient", 2, file="f")
    with pytest.raises(ReadingError, match="not a whole number"):
        elements.integer(data, "PatientWeight", file="f")
    for ask in (elements.required_number, elements.required_integer, elements.required_text):
        with pytest.raises(ReadingError) as caught:
            ask(data, "SliceThickness", file="f")
        assert caught.value.reason == "MISSING_ATTRIBUTE"


def test_text_that_does_not_fit_its_character_set_is_read_with_marks(data: Dataset) -> None:
    raw = as_read(data)
    element = raw.get_item(0x00100010)
    raw[0x00100010] = element._replace(value=b"A\xff\xfeB", length=4)
    assert elements.text(raw, "PatientName") == "A\ufffd\ufffdB"


@pytest.mark.parametrize(
    ("value", "is_date"),
    [("20260102", True), ("2026-01-02", False), ("7f7f1423", False), ("", False)],
)
def test_a_date_is_eight_digits(value: str, is_date: bool) -> None:  # noqa: FBT001
    assert elements.is_date(value) is is_date
