"""rt-utils behind one door: masks appended to sets that people keep with it, and its own reading.

StructureSet + masks + series folder ──► rt-utils traces ──► items of the new ROIs ──► spliced in

rt-utils 1.2.7 traces through the centres of the boundary pixels, which loses 3 to 29 % of the area
for every reader but itself: what is made here never goes through it. It counts ROIs where numbers
would do, swaps the two pixel spacings and assumes square slices; the first is put right here, and
images of the other two kinds are refused.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rt_utils import RTStructBuilder

from isocentra.dicom.structures_read import structures_from_bytes
from isocentra.dicom.structures_write import with_rois_added
from isocentra.errors import ReadingError, StructureError, Where, printable
from isocentra.image import Image
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet

__all__ = ["Mask", "mask_by_rt_utils", "with_masks_added"]

Mask = npt.NDArray[np.bool_]
"""(nk, nj, ni) on the image's grid."""

SQUARE_MM = 1e-6


def with_masks_added(
    structures: StructureSet, masks: Mapping[str, Mask], image: Image, series_folder: Path
) -> bytes:
    """Return the structure set with ROIs that rt-utils traces round `masks`.

    Parameters
    ----------
    structures
        As read; what it holds stays as it is, byte for byte.
    masks
        Name of the new ROI and its mask.
    image
        The series in `series_folder`, as read.
    series_folder
        Folder of the CT or MR slices: rt-utils reads them itself.

    Raises
    ------
    StructureError
        ``EMPTY_ROI``: a mask without a voxel.
    ReadingError
        ``BAD_GEOMETRY``: an image that rt-utils puts contours on wrongly.
    ServiceError
        ``CONFLICT``: a name that the set has already.
    AssemblyError
        ``MIXED_PATIENTS``, ``FOREIGN_FRAME_OF_REFERENCE``.
    """
    _refuse_unfit(image)
    for name, mask in masks.items():
        if mask.shape != image.grid.shape or mask.dtype != np.bool_:
            raise TypeError(f"mask {mask.dtype} {mask.shape} on {image.grid.shape}")
        if not mask.any():
            raise StructureError(
                "EMPTY_ROI",
                f"The mask of {printable(name, 64)} holds no voxel.",
                where=Where(roi=name),
                do="Leave it out, or give the mask that was meant.",
            )
    builder = RTStructBuilder.create_new(str(series_folder))
    order = _order(builder.series_data, image)
    for name, mask in masks.items():
        builder.add_roi(mask=np.moveaxis(mask, 0, -1)[..., order], name=name)
    traced = zip(masks, builder.ds.ROIContourSequence, strict=True)
    rois = [
        Roi(
            number=0,
            name=name,
            contours=tuple(
                Contour(
                    kind=ContourKind.CLOSED_PLANAR,
                    points_mm=np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3),
                    image_uid=str(contour.ContourImageSequence[0].ReferencedSOPInstanceUID),
                )
                for contour in entry.ContourSequence
            ),
            color=_color(entry.ROIDisplayColor),
            description="traced by rt-utils",
        )
        for name, entry in traced
    ]
    return with_rois_added(structures, rois, image)


def mask_by_rt_utils(data: bytes, name: str, image: Image, series_folder: Path) -> Mask:
    """Return the mask (nk, nj, ni) that rt-utils makes of an ROI of an RTSTRUCT file's bytes.

    Raises
    ------
    StructureError
        ``NO_SUCH_ROI``, ``AMBIGUOUS_ROI``, ``BAD_CONTOUR``.
    ReadingError
        ``BAD_GEOMETRY``: an image that rt-utils puts contours on wrongly.
    """
    _refuse_unfit(image)
    if len(set(image.grid.shape[1:])) > 1:
        raise _unfit("slices that are not square")
    roi = structures_from_bytes(data, "RTSTRUCT").roi(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structures.dcm"
        path.write_bytes(data)
        builder = RTStructBuilder.create_from(str(series_folder), str(path))
    order = _order(builder.series_data, image)
    out = np.zeros(image.grid.shape, dtype=np.bool_)
    out[order] = np.moveaxis(builder.get_roi_mask_by_name(roi.name), -1, 0)
    return out


def _refuse_unfit(image: Image) -> None:
    _, row_mm, column_mm = image.grid.spacing_mm
    if abs(row_mm - column_mm) > SQUARE_MM:
        raise _unfit(f"pixels of {row_mm:g} × {column_mm:g} mm")


def _unfit(what: str) -> ReadingError:
    return ReadingError(
        "BAD_GEOMETRY",
        f"The image has {what}; rt-utils misplaces contours on it.",
        do="Write the structures with structure_set_bytes, which has no such limit.",
    )


def _order(series_data: list[object], image: Image) -> list[int]:
    """Return for each slice in the order of rt-utils its k in the image."""
    place = {uid: k for k, uid in enumerate(image.header.sop_uids)}
    uids = [str(getattr(dataset, "SOPInstanceUID", "")) for dataset in series_data]
    if sorted(uids) != sorted(place):
        raise ReadingError(
            "BAD_GEOMETRY",
            f"The folder holds {len(uids)} slices that are not the {len(place)} of the image.",
            do="Give the folder that the image was read from, with this series alone.",
        )
    return [place[uid] for uid in uids]


def _color(values: object) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in np.asarray(values, dtype=np.float64))
    return (red, green, blue)
