"""REG in: rigid and deformable spatial registrations.

file ──gate──► Spatial Registration ──► RigidTransform per source frame, source → registered
               Deformable one       ──► DisplacementField per source frame, PULL, on the registered

Registered is the instance's own frame of reference. A rigid item says P_registered = M · P_source;
a deformable one where to sample: P_source = M_post (M_pre P_registered + v). DICOM PS3.3 C.20.2,
C.20.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from isocentra.dicom import elements, gate
from isocentra.dicom.identity import patient_of
from isocentra.errors import AssemblyError, Where, printable
from isocentra.geometry.field import DisplacementField, FieldKind
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.rigid import RigidTransform
from isocentra.image import Patient

__all__ = ["Registration", "read_registration", "registration_from_bytes"]

SPATIAL: Final = "1.2.840.10008.5.1.4.1.1.66.1"
DEFORMABLE: Final = "1.2.840.10008.5.1.4.1.1.66.3"
SAME_MATRIX: Final = 1e-4
MOST_MM: Final = 20_000.0
"""Positions lie within ±10 m, so no two are further apart along an axis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registration:
    """What one REG ties together."""

    frame_of_reference_uid: str
    """The registered frame: where the transforms end and the fields lie."""
    transforms: tuple[RigidTransform, ...] = ()
    """From each source frame to the registered one."""
    fields: tuple[DisplacementField, ...] = ()
    """On the registered frame, PULL: where in the source frame to read. NaN: nothing known."""
    label: str = ""
    description: str = ""
    patient: Patient = field(default_factory=Patient)
    study_uid: str = ""
    sop_uid: str = ""
    sha256: str = ""

    def rigid(self, from_frame_uid: str, to_frame_uid: str) -> RigidTransform:
        """Return the rigid transform between two frames, through the registered one.

        Raises
        ------
        AssemblyError
            ``FOREIGN_FRAME_OF_REFERENCE``: one of the frames is not tied here.
        """
        there = self._to_registered(from_frame_uid)
        return there.compose(self._to_registered(to_frame_uid).inverse)

    def field_from(self, source_frame_uid: str) -> DisplacementField:
        """Return the field that samples that source frame.

        Raises
        ------
        AssemblyError
            ``FOREIGN_FRAME_OF_REFERENCE``: there is none.
        """
        for found in self.fields:
            if found.other_frame_uid == source_frame_uid:
                return found
        raise self._not_tied(source_frame_uid)

    def _to_registered(self, frame_uid: str) -> RigidTransform:
        if frame_uid == self.frame_of_reference_uid:
            return RigidTransform.identity(frame_uid)
        for transform in self.transforms:
            if transform.from_frame_uid == frame_uid:
                return transform
        raise self._not_tied(frame_uid)

    def _not_tied(self, frame_uid: str) -> AssemblyError:
        sources = [t.from_frame_uid for t in self.transforms]
        sources += [f.other_frame_uid for f in self.fields]
        there = ", ".join(printable(u, 64) for u in (self.frame_of_reference_uid, *sources))
        return AssemblyError(
            "FOREIGN_FRAME_OF_REFERENCE",
            f"The registration ties {there}, not {printable(frame_uid, 64) or 'an unnamed frame'}.",
            where=Where(uid=self.sop_uid or None),
            do="Give the registration between the frames of the two objects.",
        )


def read_registration(path: Path) -> Registration:
    """Read a Spatial or Deformable Spatial Registration file.

    Raises
    ------
    ReadingError
        As the gate; ``BAD_VALUE``.
    AssemblyError
        ``WRONG_MODALITY``: another kind of object. ``BAD_REGISTRATION``: no frame of reference, a
        matrix that is not rigid, a grid that does not fit its data.
    """
    return _registration(gate.read_file(path))


def registration_from_bytes(data: bytes, name: str) -> Registration:
    """Read a registration from the bytes of its file; as `read_registration`."""
    return _registration(gate.read_bytes(data, name))


def _registration(file: gate.GatedFile) -> Registration:
    data, name = file.dataset, file.name
    sop_class = elements.text(data, "SOPClassUID")
    if sop_class not in {SPATIAL, DEFORMABLE}:
        raise AssemblyError(
            "WRONG_MODALITY",
            f"This is an object of another kind ({file.kind.value}), not a registration.",
            where=Where(file=name),
            do="Give the REG file.",
        )
    frame = elements.text(data, "FrameOfReferenceUID")
    transforms: list[RigidTransform] = []
    fields: list[DisplacementField] = []
    if sop_class == SPATIAL:
        transforms = _rigid_items(data, frame, name)
    else:
        transforms, fields = _deformable_items(data, frame, name)
    if not frame:
        raise _bad("names no frame of reference of its own", name)
    return Registration(
        frame_of_reference_uid=frame,
        transforms=tuple(transforms),
        fields=tuple(fields),
        label=elements.text(data, "ContentLabel"),
        description=elements.text(data, "ContentDescription"),
        patient=patient_of(data),
        study_uid=elements.text(data, "StudyInstanceUID"),
        sop_uid=elements.text(data, "SOPInstanceUID"),
        sha256=file.sha256,
    )


def _rigid_items(data: Dataset, frame: str, file: str) -> list[RigidTransform]:
    out = []
    found = elements.items(data, "RegistrationSequence", file=file)
    if not found:
        raise _bad("has no items", file)
    for entry in found:
        source = elements.text(entry, "FrameOfReferenceUID")
        if not source:
            raise _bad("names no frame of reference in an item", file)
        matrix = np.eye(4)
        for step in elements.items(entry, "MatrixRegistrationSequence", file=file):
            for part in elements.items(step, "MatrixSequence", file=file):
                kind = elements.text(part, "FrameOfReferenceTransformationMatrixType").upper()
                if kind not in {"RIGID", ""}:
                    shown = kind if kind in {"RIGID_SCALE", "AFFINE"} else "unknown"
                    raise _bad(f"is of type {shown}, not RIGID", file)
                matrix = _matrix(part, file) @ matrix
        try:
            transform = RigidTransform(matrix=matrix, from_frame_uid=source, to_frame_uid=frame)
        except AssemblyError as error:
            raise _bad(f"cannot be used: {error.what}", file) from error
        if source != frame:
            out.append(transform)
        elif np.abs(matrix - np.eye(4)).max() > SAME_MATRIX:
            raise _bad("moves its own frame of reference", file)
    return out


def _deformable_items(
    data: Dataset, frame: str, file: str
) -> tuple[list[RigidTransform], list[DisplacementField]]:
    """Return the items without a grid as rigid transforms, those with one as fields."""
    transforms: list[RigidTransform] = []
    fields: list[DisplacementField] = []
    for entry in elements.items(data, "DeformableRegistrationSequence", file=file):
        source = elements.text(entry, "SourceFrameOfReferenceUID")
        if not source:
            raise _bad("names no source frame of reference in an item", file)
        before = _side_matrix(entry, "PreDeformationMatrixRegistrationSequence", file)
        after = _side_matrix(entry, "PostDeformationMatrixRegistrationSequence", file)
        grids = elements.items(entry, "DeformableRegistrationGridSequence", file=file)
        if grids:
            fields.append(_field(grids[0], before, after, (frame, source), file))
            continue
        try:
            pull = RigidTransform(matrix=after @ before, from_frame_uid=frame, to_frame_uid=source)
        except AssemblyError as error:
            raise _bad(f"cannot be used: {error.what}", file) from error
        transforms.append(pull.inverse)
    if not transforms and not fields:
        raise _bad("has no items", file)
    return transforms, fields


def _matrix(entry: Dataset, file: str) -> Array64:
    """Return the 4 × 4 matrix of an item, row by row as it is written."""
    values = elements.numbers(entry, "FrameOfReferenceTransformationMatrix", file=file)
    if len(values) != 16:
        raise _bad(f"has a matrix of {len(values)} numbers, not 16", file)
    if np.abs(values).max() > MOST_MM:
        raise _bad(f"has a matrix with a number beyond {MOST_MM:g}", file)
    return values.reshape(4, 4)


def _side_matrix(entry: Dataset, keyword: str, file: str) -> Array64:
    """Return the matrix before or after the deformation; any that can be inverted."""
    found = elements.items(entry, keyword, file=file)
    if not found:
        return np.eye(4)
    matrix = _matrix(found[0], file)
    if np.abs(matrix[3] - (0, 0, 0, 1)).max() > SAME_MATRIX:
        raise _bad("has a matrix whose last row is not 0 0 0 1", file)
    if abs(float(np.linalg.det(matrix[:3, :3]))) < 1e-6:
        raise _bad("has a singular matrix", file)
    return matrix


def _field(
    entry: Dataset, before: Array64, after: Array64, frames: tuple[str, str], file: str
) -> DisplacementField:
    """Return the whole map P ↦ M_post (M_pre P + v) as one field u = map − P."""
    size = elements.required_numbers(entry, "GridDimensions", 3, file=file).astype(int)
    step = elements.required_numbers(entry, "GridResolution", 3, file=file)
    origin = elements.required_numbers(entry, "ImagePositionPatient", 3, file=file)
    axes = elements.required_numbers(entry, "ImageOrientationPatient", 6, file=file)
    raw = entry.get("VectorGridData")
    count = math.prod(size.tolist()) * 3
    if not isinstance(raw, bytes) or size.min() < 1 or step.min() <= 0:
        raise _bad("has a grid without data or without size", file)
    if len(raw) // 4 != count:
        raise _bad(f"has {len(raw) // 12} vectors for a grid of {size.tolist()}", file)
    if step.max() > MOST_MM or (size * step).max() > MOST_MM:
        raise _bad(f"has a grid larger than {MOST_MM:g} mm", file)
    r, c = axes[:3], axes[3:]
    ni, nj, nk = size.tolist()
    x, y, z = origin.tolist()
    grid = Grid(
        shape=(nk, nj, ni),
        spacing_mm=(float(step[2]), float(step[1]), float(step[0])),
        origin_mm=(x, y, z),
        axes=(_triple(np.cross(r, c)), _triple(c), _triple(r)),
        frame_of_reference_uid=frames[0],
    )
    vectors = np.frombuffer(raw, dtype="<f4", count=count).reshape(nk, nj, ni, 3)
    if (np.abs(vectors) > MOST_MM).any():  # NaN passes: nothing is known there
        raise _bad(f"has a displacement beyond {MOST_MM:g} mm", file)
    if np.array_equal(before, np.eye(4)) and np.array_equal(after, np.eye(4)):
        displacement = vectors.copy()
    else:
        points = grid.centres()
        moved = points @ before[:3, :3].T + before[:3, 3] + vectors
        moved = moved @ after[:3, :3].T + after[:3, 3]
        displacement = (moved - points).astype(np.float32)
    return DisplacementField(
        grid=grid, displacement_mm=displacement, kind=FieldKind.PULL, other_frame_uid=frames[1]
    )


def _triple(vector: Array64) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return (x, y, z)


def _bad(what: str, file: str) -> AssemblyError:
    return AssemblyError(
        "BAD_REGISTRATION",
        f"The registration {what}.",
        where=Where(file=file),
        do="Export the registration again, with its frames of reference.",
    )
