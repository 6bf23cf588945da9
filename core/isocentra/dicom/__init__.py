"""DICOM in, through one gate, and DICOM out."""

from isocentra.dicom.gate import GatedFile, read_bytes, read_file
from isocentra.dicom.scan import SeriesListing, list_series
from isocentra.dicom.series import read_series
from isocentra.dicom.series_write import series_bytes, write_series

__all__ = [
    "GatedFile",
    "SeriesListing",
    "list_series",
    "read_bytes",
    "read_file",
    "read_series",
    "series_bytes",
    "write_series",
]
