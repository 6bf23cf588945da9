"""What the data dictionary says: the VR of each public tag, and the tags that the gate judges.

pydicom.datadict ──► PUBLIC_VR (int tag ──► VR) ──► tokens, values, build
"""

from __future__ import annotations

from typing import Final

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag, tag_for_keyword

__all__ = [
    "GEOMETRY_TAGS",
    "IDENTIFYING_UIDS",
    "JUDGED_TAGS",
    "LONG_VRS",
    "PUBLIC_VR",
    "SHORT_VRS",
    "TEXT_VRS",
    "UNIT_BYTES",
    "keyword",
    "tag",
]

PUBLIC_VR: Final[dict[int, str]] = {number: entry[0] for number, entry in DicomDictionary.items()}

_SHORT: Final = "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US"
_LONG: Final = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
_TEXT: Final = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT"

SHORT_VRS: Final = {name.encode(): name for name in _SHORT.split()}
"""Explicit VRs with a length of 16 bits (PS3.5 table 7.1-2)."""
LONG_VRS: Final = {name.encode(): name for name in _LONG.split()}
"""Explicit VRs with a length of 32 bits (PS3.5 table 7.1-1)."""
TEXT_VRS: Final = frozenset(_TEXT.split())
UNIT_BYTES: Final = {
    "AT": 4, "FL": 4, "FD": 8, "SL": 4, "SS": 2, "UL": 4, "US": 2, "OW": 2, "OL": 4, "OF": 4,
    "OD": 8, "OV": 8, "SV": 8, "UV": 8,
}  # fmt: skip
"""Size of one value of the binary VRs. [byte]"""


def tag(name: str) -> int:
    """Return the tag of a keyword of the dictionary."""
    number = tag_for_keyword(name)
    if number is None:
        raise KeyError(name)
    return number


def keyword(number: int) -> str:
    """Return the keyword of a tag, or an empty string."""
    return keyword_for_tag(number)


def _tags(*names: str) -> frozenset[int]:
    return frozenset(tag(name) for name in names)


IDENTIFYING_UIDS: Final = _tags(
    "MediaStorageSOPClassUID",
    "MediaStorageSOPInstanceUID",
    "TransferSyntaxUID",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "ReferencedSOPClassUID",
    "ReferencedSOPInstanceUID",
    "ReferencedFrameOfReferenceUID",
    "RelatedFrameOfReferenceUID",
    "SourceFrameOfReferenceUID",
)
GEOMETRY_TAGS: Final[dict[int, int]] = {
    tag("ImagePositionPatient"): 3,
    tag("ImageOrientationPatient"): 6,
    tag("PixelSpacing"): 2,
    tag("IsocenterPosition"): 3,
    tag("RescaleSlope"): 1,
    tag("RescaleIntercept"): 1,
    tag("DoseGridScaling"): 1,
    tag("NumberOfFrames"): 1,
}
"""Numbers that decide where or how much: how many values each must have."""
JUDGED_TAGS: Final = (
    frozenset(GEOMETRY_TAGS)
    | IDENTIFYING_UIDS
    | _tags(
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PixelData",
        "PixelPaddingValue",
        "PixelPaddingRangeLimit",
        "ContourData",
        "NumberOfContourPoints",
        "ContourGeometricType",
        "ROIContourSequence",
        "ContourSequence",
        "StructureSetROISequence",
        "PerFrameFunctionalGroupsSequence",
        "SharedFunctionalGroupsSequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
        "PixelValueTransformationSequence",
        "GridFrameOffsetVector",
        "FrameOfReferenceTransformationMatrix",
    )
)
"""Elements that may not be dropped when their VR is wrong: the file is refused instead."""
