"""DICOM in, through one gate, and DICOM out."""

from isocentra.dicom.gate import GatedFile, read_bytes, read_file
from isocentra.dicom.scan import SeriesListing, list_series
from isocentra.dicom.series import read_series
from isocentra.dicom.series_write import series_bytes, write_series
from isocentra.dicom.structures_read import read_structures, structures_from_bytes
from isocentra.dicom.structures_write import structure_set_bytes, with_rois_added

__all__ = [
    "GatedFile",
    "SeriesListing",
    "list_series",
    "read_bytes",
    "read_file",
    "read_series",
    "read_structures",
    "series_bytes",
    "structure_set_bytes",
    "structures_from_bytes",
    "with_rois_added",
    "write_series",
]
