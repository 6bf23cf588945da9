"""Which voxels of a CT are the patient: without couch, head holder, pads and loose things.

CT ──► coarse greys (≈ 2 mm) ──► > −300 HU ──► opened by 3 mm ──► largest part(s)
   ──► grown back 3.5 mm ──► small thin pieces (ears, nostrils' wings) kept, plates dropped
   ──► inner air filled

The mask answers *which side is the patient*; where the skin lies to a tenth of a millimetre is
`isocentra.anatomy.skin`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from isocentra import gpu_kernels
from isocentra.anatomy.cavities import filled_holes, plugged_air
from isocentra.errors import BolusError
from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.grid import Array64, Grid
from isocentra.image import Image

__all__ = ["COARSE_STEP_MM", "Body", "block_mean", "find_body"]

Mask = npt.NDArray[np.bool_]

COARSE_STEP_MM = 2.0
BODY_THRESHOLD_HU = -300.0
"""Only for telling tissue from air; the skin is not at a fixed grey value."""
OPENING_MM = 3.0
REGROWTH_MM = 3.5
THIN_PIECE_EXTENT_MM = 100.0
"""An ear is about 65 mm long; a couch or a holder is longer."""
THIN_PIECE_VOLUME_CM3 = 40.0
SECOND_PART_SHARE = 0.2
"""A second part (the other leg, an arm) counts as body from this share of the largest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The patient on a coarse grid."""

    grid: Grid
    mask: Mask
    """(nk, nj, ni) the patient, inner air included."""
    cavities: Mask
    """Air inside the patient: sinuses, airways, nostrils up to their mouths."""
    foreign: Mask
    """What is not air and not the patient: couch, holder, pads, loose things."""
    attached: Mask
    """The part of `foreign` that touches the patient: the skin there is in doubt."""


def block_mean(image: Image, step_mm: float) -> tuple[npt.NDArray[np.float32], Grid]:
    """Average whole blocks of voxels to about `step_mm`; the rest at the end is left out.

    Returns
    -------
    values, grid
        float32 means and their grid, whose voxel centres are the blocks' centres.
    """
    factors = [
        min(max(1, round(step_mm / s)), n)
        for s, n in zip(image.grid.spacing_mm, image.grid.shape, strict=True)
    ]
    k, j, i = (n // f for n, f in zip(image.grid.shape, factors, strict=True))
    fk, fj, fi = factors
    values = np.empty((k, j, i), np.float32)
    for row in range(k):  # one slab at a time: no second copy of the volume
        slab = image.values[row * fk : (row + 1) * fk, : j * fj, : i * fi]
        values[row] = slab.reshape(fk, j, fj, i, fi).mean(axis=(0, 2, 4))
    x, y, z = image.grid.to_points([(f - 1) / 2 for f in factors]).tolist()
    sk, sj, si = (s * f for s, f in zip(image.grid.spacing_mm, factors, strict=True))
    grid = replace(image.grid, shape=(k, j, i), spacing_mm=(sk, sj, si), origin_mm=(x, y, z))
    return values, grid


def find_body(
    image: Image,
    *,
    near_mm: Array64 | None = None,
    absent: Mask | None = None,
    compute: gpu_kernels.Compute = gpu_kernels.ON_CPU,
) -> Body:
    """Find the patient in a CT.

    Parameters
    ----------
    image
        CT in HU.
    near_mm
        (n, 3) points of interest in the body or on its skin; their parts count as body. [mm]
    absent
        (nk, nj, ni) of `image`: voxels that the user says are not on the patient.

    Raises
    ------
    BolusError
        ``EMPTY_REGION``: nothing in the image is denser than −300 HU and thicker than 6 mm.
    """
    if absent is not None and absent.any():
        values = np.where(absent, np.float32(-1000), image.values)
        image = replace(image, values=values)
    greys, grid = block_mean(image, COARSE_STEP_MM)
    tissue = greys > BODY_THRESHOLD_HU
    # Air inside the patient must not make a thin wall of it: lungs and sinuses are filled first.
    solid = filled_holes(tissue)
    opened = signed_distance_mm(solid, grid, OPENING_MM + 3, compute=compute) < -OPENING_MM
    core = _chosen_parts(opened, grid, near_mm)
    if not core.any():
        raise BolusError(
            "EMPTY_REGION",
            "No body was found: nothing denser than -300 HU is thicker than 6 mm.",
            do="Look at the series: is it a CT of a patient, in HU?",
        )
    reach = signed_distance_mm(core, grid, OPENING_MM + REGROWTH_MM + 3, compute=compute)
    near = solid & (reach <= OPENING_MM + REGROWTH_MM - 1.5)
    body = near | _thin_pieces(solid & ~near, near, grid)
    body = _connected_to(body, core)
    filled = filled_holes(body)
    filled = filled_holes(filled | plugged_air(filled, grid))
    cavities = filled & ~tissue
    foreign = tissue & ~filled
    touching = ndimage.binary_dilation(filled, iterations=1)
    labels, _ = ndimage.label(foreign, structure=np.ones((3, 3, 3)))
    touched = np.unique(labels[touching & foreign])
    attached = np.isin(labels, touched[touched > 0])
    return Body(grid=grid, mask=filled, cavities=cavities, foreign=foreign, attached=attached)


def _chosen_parts(opened: Mask, grid: Grid, near_mm: Array64 | None) -> Mask:
    """Keep the largest part, others of a fifth of its size, and those at a point."""
    labels, count = ndimage.label(opened)
    if count == 0:
        return np.zeros_like(opened)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    wanted = set(np.flatnonzero(sizes >= SECOND_PART_SHARE * sizes.max()).tolist())
    wanted -= _plates(labels, wanted, int(sizes.argmax()), grid)
    if near_mm is not None:
        wanted |= {_label_at(labels, grid, point) for point in near_mm}
    wanted.discard(0)
    return np.isin(labels, sorted(wanted))


def _label_at(labels: npt.NDArray[np.int32], grid: Grid, point_mm: Array64) -> int:
    """Return the part nearest to a point, if it is near: what was opened has lost its skin."""
    reach = OPENING_MM + 2 * max(grid.spacing_mm)
    start, stop = grid.index_box(point_mm, reach)
    box = labels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    index = np.argwhere(box)
    if len(index) == 0:
        return 0
    apart = np.linalg.norm(grid.to_points(index + np.array(start)) - point_mm, axis=1)
    nearest = int(apart.argmin())
    return int(box[tuple(index[nearest])]) if apart[nearest] <= reach else 0


def _plates(labels: npt.NDArray[np.int32], wanted: set[int], largest: int, grid: Grid) -> set[int]:
    """Of the wanted parts, those that are flat: a massive couch top is no second leg."""
    flat = set()
    boxes = ndimage.find_objects(labels)
    for label in wanted - {largest}:
        box = boxes[label - 1]
        extents = [(s.stop - s.start) * step for s, step in zip(box, grid.spacing_mm, strict=True)]
        if extents[2] > 6 * extents[1] or extents[1] > 6 * extents[2]:
            flat.add(label)
    return flat


def _thin_pieces(rest: Mask, body: Mask, grid: Grid) -> Mask:
    """Of what erosion took away, the pieces small enough to be an ear or a fold of skin."""
    labels, count = ndimage.label(rest, structure=np.ones((3, 3, 3)))
    if count == 0:
        return np.zeros_like(rest)
    touching = ndimage.binary_dilation(body, structure=np.ones((3, 3, 3)))
    candidates = np.unique(labels[touching & rest])
    sizes = np.bincount(labels.ravel())
    boxes = ndimage.find_objects(labels)
    keep = []
    for label in candidates[candidates > 0].tolist():
        extent = max(
            (s.stop - s.start) * step
            for s, step in zip(boxes[label - 1], grid.spacing_mm, strict=True)
        )
        volume_cm3 = sizes[label] * grid.voxel_volume_mm3 / 1000
        if extent <= THIN_PIECE_EXTENT_MM and volume_cm3 <= THIN_PIECE_VOLUME_CM3:
            keep.append(label)
    return np.isin(labels, keep)


def _connected_to(mask: Mask, core: Mask) -> Mask:
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    wanted = np.unique(labels[core & mask])
    return np.isin(labels, wanted[wanted > 0])
