"""Images in the files that people bring: MetaImage (.mha) and NIfTI (.nii, .nii.gz).

file ──SimpleITK──► Image ──SimpleITK──► file

The only module that imports SimpleITK. It gives points in LPS for both formats (a NIfTI file holds
RAS). The files hold no patient, modality or frame of reference; who reads them says so.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import SimpleITK as sitk  # noqa: N813 - the name its own pages use

from isocentra.errors import ReadingError, Where
from isocentra.geometry.grid import Grid
from isocentra.image import Image

__all__ = ["SUFFIXES", "read_image_file", "write_image_file"]

SUFFIXES: Final = (".mha", ".nii", ".nii.gz")
"""What is read and written; .mhd is not, it names another file to open."""

_MOST_VOXELS: Final = 1 << 30
"""1024³: 4 GiB as float32. A header may claim anything."""


def read_image_file(path: Path, *, modality: str, frame_of_reference_uid: str = "") -> Image:
    """Read a three-dimensional image of one number a voxel.

    Parameters
    ----------
    path
        A file with one of `SUFFIXES`.
    modality
        CT, MR, PT: the file does not say.
    frame_of_reference_uid
        Of the series that it was made from, where that is known.

    Returns
    -------
    Image
        Values as float32, axes and origin in LPS.

    Raises
    ------
    ReadingError
        ``BAD_GEOMETRY``: not three-dimensional, sheared. ``BAD_VALUE``: not readable, several or
        not finite numbers a voxel. ``LIMIT_EXCEEDED``: more than 2³⁰ voxels. ``HOSTILE_INPUT``: a
        header that names another file. ``TRUNCATED``: no file, or less data than the header says.
    """
    _require_readable(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        _require_one_volume(reader, path)
        read = reader.Execute()
    except RuntimeError as error:
        raise _refused(
            path, "BAD_VALUE", "It is no readable MetaImage or NIfTI file, or its data end early."
        ) from error
    values = sitk.GetArrayFromImage(read).astype(np.float32)
    if not np.isfinite(values).all():
        raise _refused(path, "BAD_VALUE", "It holds numbers that are not finite.")
    return Image(grid=_grid_of(read, frame_of_reference_uid), values=values, modality=modality)


def write_image_file(image: Image, path: Path) -> None:
    """Write an image as float32, compressed; the file appears whole or not at all.

    Raises
    ------
    ReadingError
        ``BAD_VALUE``: a suffix that is none of `SUFFIXES`.
    """
    suffix = _suffix_of(path)
    grid = image.grid
    written = sitk.GetImageFromArray(image.values)
    written.SetSpacing(grid.spacing_mm[::-1])
    written.SetOrigin(grid.origin_mm)
    written.SetDirection(np.array(grid.axes)[::-1].T.ravel().tolist())
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
        beside = Path(folder) / f"image{suffix}"
        sitk.WriteImage(written, str(beside), useCompression=True)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)


def _suffix_of(path: Path) -> str:
    name = path.name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise _refused(path, "BAD_VALUE", f"Its name ends with none of {', '.join(SUFFIXES)}.")


def _require_readable(path: Path) -> None:
    suffix = _suffix_of(path)
    if not path.is_file():
        raise _refused(path, "TRUNCATED", "There is no such file.")
    if suffix == ".mha":
        with path.open("rb") as file:
            head = file.read(1 << 16)
        line = next((s for s in head.split(b"\n") if s.startswith(b"ElementDataFile")), b"")
        if line.partition(b"=")[2].strip().upper() != b"LOCAL":
            raise _refused(path, "HOSTILE_INPUT", "Its header does not say that it holds the data.")


def _require_one_volume(reader: sitk.ImageFileReader, path: Path) -> None:
    size = reader.GetSize()
    if len(size) != 3:
        raise _refused(path, "BAD_GEOMETRY", f"It has {len(size)} dimensions, not 3.")
    if reader.GetNumberOfComponents() != 1:
        found = reader.GetNumberOfComponents()
        raise _refused(path, "BAD_VALUE", f"It holds {found} numbers a voxel, not 1.")
    if size[0] * size[1] * size[2] > _MOST_VOXELS:
        raise _refused(path, "LIMIT_EXCEEDED", f"It claims {size} voxels; {_MOST_VOXELS} are read.")


def _grid_of(read: sitk.Image, frame_of_reference_uid: str) -> Grid:
    i, j, k = np.array(read.GetDirection()).reshape(3, 3).T.tolist()
    x, y, z = read.GetOrigin()
    along_i, along_j, along_k = read.GetSpacing()
    ni, nj, nk = read.GetSize()
    return Grid(
        shape=(nk, nj, ni),
        spacing_mm=(along_k, along_j, along_i),
        origin_mm=(x, y, z),
        axes=(tuple(k), tuple(j), tuple(i)),
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _refused(path: Path, reason: str, what: str) -> ReadingError:
    return ReadingError(
        reason,
        f"The image file is refused. {what}",
        where=Where(file=path.name),
        do="Give one three-dimensional image as .mha or .nii.gz, or the DICOM series.",
    )
