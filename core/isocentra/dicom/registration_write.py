"""REG out: a rigid registration as matrices, a deformable one as a grid of vectors.

RigidTransforms (source → registered) ──► Spatial Registration
DisplacementField (PULL, on the registered frame) ──► Deformable Spatial Registration

DICOM PS3.3 A.39.1, A.39.2, C.20.2, C.20.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom.derived import (
    Made,
    as_ds,
    head,
    item,
    moment,
    referenced_series,
    sealed,
    slices,
)
from isocentra.errors import AssemblyError
from isocentra.geometry.field import DisplacementField, FieldKind
from isocentra.geometry.grid import Array64
from isocentra.geometry.rigid import RigidTransform
from isocentra.image import Image

__all__ = ["RegistrationContent", "deformable_registration_bytes", "registration_bytes"]

SPATIAL: Final = "1.2.840.10008.5.1.4.1.1.66.1"
DEFORMABLE: Final = "1.2.840.10008.5.1.4.1.1.66.3"
NO_DATE: Final = "19000101"
"""Content Date may not be empty; where neither study nor caller tells one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationContent:
    """What is said about a registration beside its numbers."""

    label: str = "REGISTRATION"
    """Upper case, digits, blanks and underscores, ≤ 16 characters."""
    description: str = ""
    """What was registered to what, and the direction."""
    made: Made = field(default_factory=Made)


def registration_bytes(
    transforms: Sequence[RigidTransform],
    image: Image,
    content: RegistrationContent | None = None,
) -> bytes:
    """Return a Spatial Registration file.

    Parameters
    ----------
    transforms
        Each from a source frame to the frame of `image`.
    image
        The registered image; its own frame gets the identity.
    content
        Label, description, date.

    Raises
    ------
    AssemblyError
        ``FOREIGN_FRAME_OF_REFERENCE``: a transform does not end in the image's frame.
    """
    frame = image.grid.frame_of_reference_uid
    _refuse_foreign([transform.to_frame_uid for transform in transforms], frame)
    out = _head(image, SPATIAL, content or RegistrationContent())
    own = _rigid_item(frame, np.eye(4))
    if image.header.sop_uids:
        own.ReferencedImageSequence = slices(image)
        out.ReferencedSeriesSequence = [referenced_series(image)]
    out.RegistrationSequence = [
        own,
        *(_rigid_item(t.from_frame_uid, t.matrix) for t in transforms),
    ]
    return sealed(out, "spatial registration")


def deformable_registration_bytes(
    pull: DisplacementField,
    image: Image,
    content: RegistrationContent | None = None,
) -> bytes:
    """Return a Deformable Spatial Registration file.

    Parameters
    ----------
    pull
        On a grid in the frame of `image`; tells where in its other frame to read. NaN stays NaN,
        which the standard takes for "not defined".
    image
        The registered image.
    content
        Label, description, date.

    Raises
    ------
    AssemblyError
        ``FOREIGN_FRAME_OF_REFERENCE``: the field does not lie in the image's frame.
    ValueError
        A PUSH field: invert it first.
    """
    if pull.kind is not FieldKind.PULL:
        raise ValueError("a push field cannot be written as a registration: invert it first")
    frame = image.grid.frame_of_reference_uid
    _refuse_foreign([pull.grid.frame_of_reference_uid], frame)
    out = _head(image, DEFORMABLE, content or RegistrationContent())
    out.DeformableRegistrationSequence = [
        item(
            SourceFrameOfReferenceUID=pull.other_frame_uid or frame,
            RegistrationTypeCodeSequence=[],
            DeformableRegistrationGridSequence=[_grid_item(pull)],
        )
    ]
    return sealed(out, "deformable spatial registration")


def _head(image: Image, sop_class_uid: str, content: RegistrationContent) -> Dataset:
    out = head(image, sop_class_uid=sop_class_uid, modality="REG", made=content.made)
    date, time = moment(image.header, content.made)
    out.ContentDate, out.ContentTime = date or NO_DATE, time or "000000"
    out.DeviceSerialNumber = "0"
    out.InstanceNumber = 1
    out.ContentLabel = content.label[:16]
    out.ContentDescription = content.description[:64]
    out.ContentCreatorName = ""
    return out


def _rigid_item(frame_uid: str, matrix: Array64) -> Dataset:
    step = item(
        FrameOfReferenceTransformationMatrixType="RIGID",
        FrameOfReferenceTransformationMatrix=[as_ds(value) for value in matrix.ravel()],
    )
    return item(
        FrameOfReferenceUID=frame_uid,
        MatrixRegistrationSequence=[item(RegistrationTypeCodeSequence=[], MatrixSequence=[step])],
    )


def _grid_item(pull: DisplacementField) -> Dataset:
    """Return the grid with x running fastest and its planes along r × c."""
    grid, vectors = pull.grid, pull.displacement_mm
    k, j, i = np.array(grid.axes)
    origin = np.array(grid.origin_mm)
    if np.cross(i, j) @ k < 0:
        origin = origin + k * grid.spacing_mm[0] * (grid.shape[0] - 1)
        vectors = vectors[::-1]
    return item(
        ImagePositionPatient=[as_ds(value) for value in origin],
        ImageOrientationPatient=[as_ds(value) for value in (*i, *j)],
        GridDimensions=list(grid.shape[::-1]),
        GridResolution=[float(step) for step in grid.spacing_mm[::-1]],
        VectorGridData=np.ascontiguousarray(vectors, dtype="<f4").tobytes(),
    )


def _refuse_foreign(frames: Sequence[str], frame: str) -> None:
    for uid in frames:
        if uid and uid != frame:
            raise AssemblyError(
                "FOREIGN_FRAME_OF_REFERENCE",
                "The registration does not end in the frame of reference of the registered image.",
                do="Give the image that the registration ends in, or its inverse.",
            )
