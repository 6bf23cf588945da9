"""DICOM in: the gate and the objects read through it."""

from isocentra.dicom.gate import GatedFile, read_bytes, read_file
from isocentra.dicom.scan import SeriesListing, list_series
from isocentra.dicom.series import read_series

__all__ = ["GatedFile", "SeriesListing", "list_series", "read_bytes", "read_file", "read_series"]
