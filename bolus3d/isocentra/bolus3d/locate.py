"""Where the bolus goes: the body, the rough place of the region, and what makes it impossible.

request ──► body (CT greys, or EXTERNAL of an MR) ──► rough region ──► refused where the image cuts
the skin there, or where something lies on it that cannot be told from skin
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from isocentra import gpu_kernels
from isocentra.anatomy.body import COARSE_STEP_MM, Body, block_mean, find_body
from isocentra.anatomy.fieldofview import cut_points
from isocentra.bolus3d.region import RoughRegion, rough_region
from isocentra.bolus3d.request import BolusRequest
from isocentra.errors import AssemblyError, BolusError, StructureError, Where
from isocentra.geometry.grid import Array64
from isocentra.structures.coverage import coverage
from isocentra.structures.model import Roi

__all__ = ["Place", "external_of", "locate"]

CUT_REACH_MM = 5.0
"""Skin of the region must lie further than this from where the image ends: that much the local
level and the smoothing see."""
DOUBT_REACH_MM = 8.0
"""A board that the skin touches is taken for body up to about 5 mm beyond the skin itself."""
DOUBT_VOLUME_CM3 = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The body, and the region on it to about 2 mm."""

    body: Body
    region: RoughRegion
    absent: npt.NDArray[np.bool_] | None
    """(nk, nj, ni) of the image: what the user excluded."""
    external: Roi | None
    """The EXTERNAL that stands in for greys; None on a CT."""


def locate(request: BolusRequest, compute: gpu_kernels.Compute) -> Place:
    """Find the body and the region on it.

    Raises
    ------
    AssemblyError
        ``WRONG_MODALITY``: no CT and no EXTERNAL.
    BolusError
        ``SKIN_TRUNCATED``, ``SKIN_AMBIGUOUS``, ``EMPTY_REGION``, ``TARGET_TRUNCATED``.
    StructureError
        As `rough_region`, and for ROIs to exclude.
    """
    absent = _absent_voxels(request)
    external = external_of(request)
    if external is None:
        near = None if request.near_mm is None else np.array([request.near_mm])
        body = find_body(request.ct, near_mm=near, absent=absent, compute=compute)
    else:
        body = _body_of(external, request)
    region = rough_region(request, body)
    _refuse_cut_skin(request, body, region)
    _refuse_doubtful_skin(request, body, region)
    return Place(body=body, region=region, absent=absent, external=external)


def external_of(request: BolusRequest) -> Roi | None:
    """Return the EXTERNAL to be used as skin: none on a CT, required on anything else."""
    if request.ct.modality == "CT":
        return None
    rois = request.structures.rois if request.structures is not None else ()
    found = [roi for roi in rois if roi.interpreted_type == "EXTERNAL" and roi.areas]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise StructureError(
            "AMBIGUOUS_ROI",
            f"{len(found)} ROIs are of the interpreted type EXTERNAL.",
            do="Leave one of them EXTERNAL in the planning system.",
        )
    raise AssemblyError(
        "WRONG_MODALITY",
        f"The image is {request.ct.modality}, whose grey values do not tell where the skin is, and"
        " no structure of type EXTERNAL is given.",
        do="Give the planning CT, or --structures with an EXTERNAL drawn on this image.",
    )


def _absent_voxels(request: BolusRequest) -> npt.NDArray[np.bool_] | None:
    if not request.exclude or request.structures is None:
        return None
    absent = np.zeros(request.ct.grid.shape, dtype=bool)
    for name in request.exclude:
        roi = request.structures.roi(name)
        if not roi.areas:
            raise StructureError(
                "EMPTY_ROI",
                "An ROI to exclude has no contour that encloses an area.",
                where=Where(roi=roi.name),
                do="Draw it, or leave it out of --exclude.",
            )
        absent |= coverage(roi, request.ct.grid) > 0.1
    return absent


def _body_of(external: Roi, request: BolusRequest) -> Body:
    _, grid = block_mean(request.ct, COARSE_STEP_MM)
    mask = coverage(external, grid) > 0.5
    if not mask.any():
        raise StructureError(
            "ROI_OUTSIDE_IMAGE",
            "The EXTERNAL does not lie in the image.",
            where=Where(roi=external.name),
            do="Choose the series that the structure set was drawn on.",
        )
    nothing = np.zeros_like(mask)
    return Body(grid=grid, mask=mask, cavities=nothing, foreign=nothing, attached=nothing)


def _refuse_cut_skin(request: BolusRequest, body: Body, region: RoughRegion) -> None:
    ends = cut_points(request.ct, body)
    if len(ends) == 0:
        return
    reach = CUT_REACH_MM + (request.margin if len(region.target_mm) else 0.0)
    apart = KDTree(region.skin_mm).query(ends)[0]
    near = apart < reach
    if not near.any():
        return
    place = ends[np.argmin(apart)]
    missing = reach - float(apart.min())
    raise BolusError(
        "SKIN_TRUNCATED",
        f"The image ends {apart.min():.0f} mm from the region's skin; {reach:.0f} mm of body are"
        f" needed round it, {missing:.0f} mm are missing.",
        where=Where(position_mm=_triple(place)),
        do="Use a scan that shows the body beyond the region on all sides, or a smaller region.",
    )


def _refuse_doubtful_skin(request: BolusRequest, body: Body, region: RoughRegion) -> None:
    touching = body.grid.to_points(np.argwhere(body.attached).astype(np.float64))
    if len(touching) == 0:
        return
    reach = DOUBT_REACH_MM + (request.margin if len(region.target_mm) else 0.0)
    apart = KDTree(region.skin_mm).query(touching, distance_upper_bound=reach)[0]
    near = np.isfinite(apart)
    volume_cm3 = near.sum() * body.grid.voxel_volume_mm3 / 1000
    if volume_cm3 < DOUBT_VOLUME_CM3:
        return
    raise BolusError(
        "SKIN_AMBIGUOUS",
        f"{volume_cm3:.1f} cm³ of something dense (couch, pad, mask or holder) touch the skin in"
        " the region; where the skin lies under it cannot be told.",
        where=Where(position_mm=_triple(touching[near].mean(axis=0))),
        do="Draw it as an ROI and name it with --exclude, or choose skin that is free.",
    )


def _triple(point: Array64) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in point)
    return x, y, z
