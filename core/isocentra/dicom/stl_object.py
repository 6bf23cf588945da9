"""A mesh as a DICOM object: Encapsulated STL.

binary STL + Image ──► file of modality M3D in the image's study and frame of reference

DICOM PS3.3 A.85.1, C.24.2 (Encapsulated Document), C.35.1 (Manufacturing 3D Model).
"""

from __future__ import annotations

import struct
from typing import Final

from isocentra.dicom.derived import Made, head, item, moment, referenced_series, sealed, slices
from isocentra.errors import BolusError
from isocentra.image import Image

__all__ = ["encapsulated_stl_bytes"]

ENCAPSULATED_STL: Final = "1.2.840.10008.5.1.4.1.1.104.3"


def encapsulated_stl_bytes(
    stl: bytes, image: Image, *, title: str = "Bolus", made: Made | None = None
) -> bytes:
    """Return a DICOM file that holds a binary STL in the patient's coordinates, mm.

    Parameters
    ----------
    stl
        The file; it comes back byte for byte, its true length is told.
    image
        Gives patient, study, frame of reference and the images that the model was made from.
    title
        Document Title.
    made
        Date and time to tell; without it the study's.

    Raises
    ------
    BolusError
        ``BAD_MESH``: not a binary STL, the only kind that the object may hold.
    """
    count = struct.unpack_from("<L", stl, 80)[0] if len(stl) >= 84 else -1
    if len(stl) != 84 + 50 * count:
        raise BolusError(
            "BAD_MESH",
            f"{len(stl)} bytes are not a binary STL; only that kind can be put into DICOM.",
            do="Write the mesh as binary STL.",
        )
    told = made or Made()
    out = head(image, sop_class_uid=ENCAPSULATED_STL, modality="M3D", made=told)
    del out.OperatorsName  # of the RT Series module, which this object does not have
    out.DeviceSerialNumber = "0"
    out.InstanceNumber = 1
    out.ContentDate, out.ContentTime = moment(image.header, told)
    out.AcquisitionDateTime = ""
    out.BurnedInAnnotation = "NO"
    if image.header.sop_uids:
        out.SourceInstanceSequence = slices(image)
        out.ReferencedSeriesSequence = [referenced_series(image)]
    out.DocumentTitle = title[:1024]
    out.ConceptNameCodeSequence = []
    out.MeasurementUnitsCodeSequence = [
        item(CodeValue="mm", CodingSchemeDesignator="UCUM", CodeMeaning="mm")
    ]
    out.ModelModification = "NO"
    out.ModelMirroring = "NO"
    out.MIMETypeOfEncapsulatedDocument = "model/stl"
    out.EncapsulatedDocument = stl + b"\0" * (len(stl) % 2)
    out.EncapsulatedDocumentLength = len(stl)
    return sealed(out, "encapsulated stl")
