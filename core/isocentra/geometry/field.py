"""Displacement fields that say in their type which way they point.

PULL  at a point of the grid: where to read from      data go from p + u(p) to p
PUSH  at a point of the grid: where that point goes   data go from p to p + u(p)

Both are the map p ↦ p + u(p); `invert` turns one into the other for the same motion of the data.
NaN means that the field says nothing there, and outside the grid it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from isocentra import gpu_kernels
from isocentra.errors import DistortionError, Where
from isocentra.geometry.frames import require_same_frame
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.inversion import preimages
from isocentra.geometry.sampling import (
    Float32Array,
    in_slabs,
    index_mapping,
    spatial_gradient,
    vectors_at,
)

__all__ = ["DisplacementField", "FieldKind"]

INVERSION_TOLERANCE_MM: Final = 0.01
"""Largest |T(T⁻¹(q)) − q| that counts as inverted; the iteration itself stops at a tenth. [mm]"""


class FieldKind(StrEnum):
    """Which way a field points."""

    PULL = "pull"
    """From where the data go to where they come from: what resampling an image needs."""
    PUSH = "push"
    """From where the data are to where they go: what moving points needs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisplacementField:
    """Displacements on a grid, trilinear between its voxel centres."""

    grid: Grid
    displacement_mm: Float32Array
    """(nk, nj, ni, 3) float32, x, y, z in LPS, read-only; NaN where nothing is known. [mm]"""
    kind: FieldKind
    other_frame_uid: str = ""
    """Frame of reference of p + u(p); empty: the grid's own."""

    def __post_init__(self) -> None:
        if (
            self.displacement_mm.shape != (*self.grid.shape, 3)
            or self.displacement_mm.dtype != np.float32
        ):
            raise TypeError(
                f"displacements {self.displacement_mm.dtype} {self.displacement_mm.shape}"
                f" on a grid of {self.grid.shape}"
            )
        self.displacement_mm.setflags(write=False)

    @property
    def from_frame_uid(self) -> str:
        """Frame of reference in which the data are before they move."""
        return self._grid_frame if self.kind is FieldKind.PUSH else self._far_frame

    @property
    def to_frame_uid(self) -> str:
        """Frame of reference into which the data move."""
        return self._far_frame if self.kind is FieldKind.PUSH else self._grid_frame

    def at(
        self,
        points_mm: npt.ArrayLike,
        *,
        compute: gpu_kernels.Compute = gpu_kernels.ON_CPU,
    ) -> Array64:
        """Displacements at points.

        Parameters
        ----------
        points_mm
            (n, 3) x, y, z in LPS, in the grid's frame of reference. [mm]
        compute
            Where it runs.

        Returns
        -------
        Array64
            (n, 3) x, y, z; NaN more than half a voxel outside the grid. [mm]
        """
        index = self.grid.to_index(points_mm).reshape(-1, 3)
        return vectors_at(self.displacement_mm, index, compute).astype(np.float64)

    def on(self, grid: Grid, *, compute: gpu_kernels.Compute = gpu_kernels.ON_CPU) -> Float32Array:
        """Return (nk, nj, ni, 3) displacements [mm] at the voxel centres of another grid."""
        if grid == self.grid:
            return self.displacement_mm
        matrix = index_mapping(self.grid, grid)
        parts = [
            gpu_kernels.resample(
                np.ascontiguousarray(self.displacement_mm[..., axis]),
                shape=grid.shape,
                matrix=matrix,
                fill=np.nan,
                compute=compute,
            )
            for axis in range(3)
        ]
        return np.stack(parts, axis=-1)

    def compose(self, after: DisplacementField) -> DisplacementField:
        """Return the field that moves data as this one does and then as `after` does.

        Both have the same kind. The result lies on this grid for PUSH, on the grid of `after` for
        PULL, and is NaN where the first step ends outside the second.

        Raises
        ------
        AssemblyError
            ``FOREIGN_FRAME_OF_REFERENCE``: `after` does not begin where this one ends.
        ValueError
            Fields of two kinds.

        Notes
        -----
        PUSH: u(p) = u₁(p) + u₂(p + u₁(p)); PULL: u(p) = u₂(p) + u₁(p + u₂(p)).
        """
        if self.kind is not after.kind:
            raise ValueError(f"a {self.kind} and a {after.kind} field: invert one of them first")
        require_same_frame(self.to_frame_uid, after.from_frame_uid, "Two fields in a row")
        near, far = (self, after) if self.kind is FieldKind.PUSH else (after, self)
        total = np.empty_like(near.displacement_mm)
        for slab, points in in_slabs(near.grid):
            first = near.displacement_mm[slab].reshape(-1, 3)
            total[slab] = (first + far.at(points + first)).reshape(total[slab].shape)
        return replace(near, displacement_mm=total, other_frame_uid=far.other_frame_uid)

    def invert(self, grid: Grid | None = None) -> DisplacementField:
        """Return the field of the other kind for the same motion of the data.

        Parameters
        ----------
        grid
            Where the inverse lies, in the frame of p + u(p); None: the same voxels as this field.

        Returns
        -------
        DisplacementField
            NaN where the point that moves there lies outside this field.

        Raises
        ------
        DistortionError
            ``FIELD_NOT_INVERTIBLE``: it folds (Jacobian ≤ 0), or a point keeps more than 0.01 mm.

        Notes
        -----
        Solves p + u(p) = q for every voxel centre q: fixed point p ← q − u(p) (Chen et al., Med.
        Phys. 35 (2008) 81, doi:10.1118/1.2816107), then Newton for the points that it leaves.
        """
        lowest = float(np.nanmin(self.jacobian())) if np.isfinite(self.displacement_mm).any() else 1
        if lowest <= 0:
            raise _not_invertible(f"It folds: its Jacobian falls to {lowest:.3g}.")
        where = grid or replace(self.grid, frame_of_reference_uid=self._far_frame)
        require_same_frame(where.frame_of_reference_uid, self._far_frame, "The inverse, the field")
        inverse = np.empty((*where.shape, 3), dtype=np.float32)
        for slab, points in in_slabs(where):
            origins = self._origins(points)
            inverse[slab] = (origins - points).reshape(inverse[slab].shape)
        kind = FieldKind.PUSH if self.kind is FieldKind.PULL else FieldKind.PULL
        return DisplacementField(
            grid=where, displacement_mm=inverse, kind=kind, other_frame_uid=self._grid_frame
        )

    def jacobian(self) -> Float32Array:
        """Return (nk, nj, ni) det(I + ∂u/∂p): the local change of volume of the map p ↦ p + u(p).

        Central differences, one-sided and of second order at the borders; 1 is no change, ≤ 0 a
        fold. Exact for fields of second degree.
        """
        gradient = spatial_gradient(self.displacement_mm, self.grid)
        gradient += np.eye(3, dtype=np.float32)
        a, b, c = (gradient[..., row, :] for row in range(3))
        determinant: Float32Array = (
            a[..., 0] * (b[..., 1] * c[..., 2] - b[..., 2] * c[..., 1])
            + a[..., 1] * (b[..., 2] * c[..., 0] - b[..., 0] * c[..., 2])
            + a[..., 2] * (b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0])
        )
        return determinant

    def warp_points(self, points_mm: npt.ArrayLike) -> Array64:
        """Move points (n, 3) x, y, z in LPS [mm] as the data move.

        A pull field is solved for each point, so no inverse field is needed. NaN where the field
        says nothing.

        Raises
        ------
        DistortionError
            ``FIELD_NOT_INVERTIBLE``: the points of a pull field keep more than 0.01 mm.
        """
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        if self.kind is FieldKind.PUSH:
            return points + self.at(points)
        return self._origins(points)

    @property
    def _grid_frame(self) -> str:
        return self.grid.frame_of_reference_uid

    @property
    def _far_frame(self) -> str:
        return self.other_frame_uid or self._grid_frame

    def _origins(self, ends_mm: Array64) -> Array64:
        """Return p [mm] with p + u(p) = `ends_mm` (n, 3); NaN where p is outside the field."""
        found = preimages(self.displacement_mm, self.grid, ends_mm)
        worst = float(np.max(found.residual_mm, initial=0.0, where=~np.isnan(found.residual_mm)))
        if worst > INVERSION_TOLERANCE_MM:
            at = ends_mm[int(np.nanargmax(found.residual_mm))]
            raise _not_invertible(f"{worst:.3g} mm are left after the iteration.", at)
        return found.points_mm


def _not_invertible(what: str, at_mm: Array64 | None = None) -> DistortionError:
    x, y, z = (0.0, 0.0, 0.0) if at_mm is None else at_mm.tolist()
    return DistortionError(
        "FIELD_NOT_INVERTIBLE",
        f"The displacement field has no inverse. {what}",
        where=None if at_mm is None else Where(position_mm=(x, y, z)),
        do="Smooth the field, or use it in the direction in which it was made.",
    )
