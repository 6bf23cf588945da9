"""Rigid transforms between two frames of reference.

REG, registration ──► RigidTransform ──► points, images, structures carried from one to the other
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isocentra.errors import AssemblyError
from isocentra.geometry.frames import require_same_frame
from isocentra.geometry.grid import Array64

__all__ = ["RigidTransform"]

RIGIDITY_TOLERANCE = 1e-4
"""Largest deviation of R · Rᵀ from the identity: written matrices have four or more decimals."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RigidTransform:
    """Carries points of one frame of reference to another: p' = R p + t.

    Raises
    ------
    AssemblyError
        ``BAD_REGISTRATION``: no 4 × 4 matrix of finite numbers with last row 0 0 0 1, a scaling, a
        shear or a mirror image.
    """

    matrix: Array64
    """(4, 4), homogeneous, acts on columns (x, y, z, 1) in LPS. [mm]"""
    from_frame_uid: str = ""
    to_frame_uid: str = ""

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise _bad(f"has shape {matrix.shape} or numbers that are not finite")
        if np.abs(matrix[3] - (0, 0, 0, 1)).max() > RIGIDITY_TOLERANCE:
            raise _bad(f"has the last row {matrix[3].tolist()}")
        turn = matrix[:3, :3]
        departure = float(np.abs(turn @ turn.T - np.eye(3)).max())
        if departure > RIGIDITY_TOLERANCE:
            raise _bad(f"scales or shears (R·Rᵀ departs from the identity by {departure:.2g})")
        if np.linalg.det(turn) < 0:
            raise _bad("is a mirror image (determinant −1)")
        matrix[3] = (0, 0, 0, 1)
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls, frame_uid: str = "") -> RigidTransform:
        """Return the transform that moves nothing."""
        return cls(matrix=np.eye(4), from_frame_uid=frame_uid, to_frame_uid=frame_uid)

    @property
    def inverse(self) -> RigidTransform:
        """The way back."""
        return RigidTransform(
            matrix=np.linalg.inv(self.matrix).astype(np.float64),
            from_frame_uid=self.to_frame_uid,
            to_frame_uid=self.from_frame_uid,
        )

    def compose(self, after: RigidTransform) -> RigidTransform:
        """Return this transform followed by `after`.

        Raises
        ------
        AssemblyError
            ``FOREIGN_FRAME_OF_REFERENCE``: `after` does not begin where this one ends.
        """
        require_same_frame(self.to_frame_uid, after.from_frame_uid, "Two transforms in a row")
        return RigidTransform(
            matrix=after.matrix @ self.matrix,
            from_frame_uid=self.from_frame_uid,
            to_frame_uid=after.to_frame_uid,
        )

    def apply(self, points_mm: npt.ArrayLike) -> Array64:
        """Carry points (..., 3) x, y, z in LPS [mm]."""
        points = np.asarray(points_mm, dtype=np.float64)
        turned = np.einsum("...c,rc->...r", points, self.matrix[:3, :3])
        return np.asarray(turned + self.matrix[:3, 3])


def _bad(what: str) -> AssemblyError:
    return AssemblyError(
        "BAD_REGISTRATION",
        f"The registration matrix {what}: no rigid transform.",
        do="Export the rigid registration again; a deformable one is read as a field.",
    )
