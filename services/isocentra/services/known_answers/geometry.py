"""There and back again: grids, rigid transforms, displacement fields."""

from __future__ import annotations

import numpy as np

from isocentra.geometry.field import DisplacementField, FieldKind
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.rigid import RigidTransform
from isocentra.services.known_answers.grids import oblique
from isocentra.verdict import Check, at_most

__all__ = ["geometry_checks"]


def geometry_checks() -> tuple[Check, ...]:
    """Check that what is carried there and back ends where it began."""
    return (_grid(), _rigid(), _field())


def _points() -> Array64:
    return np.random.default_rng(1).uniform(-200, 200, (2000, 3))


def _grid() -> Check:
    grid = oblique(shape=(90, 120, 110), spacing_mm=(3.0, 0.9, 1.1), centre_mm=(10.0, -40.0, 200.0))
    points = _points()
    error = float(np.abs(grid.to_points(grid.to_index(points)) - points).max())
    return at_most(
        "grid_there_and_back",
        error,
        1e-9,
        "mm",
        "Points taken to voxels of an oblique grid and back are where they were.",
    )


def _rigid() -> Check:
    turn = np.array(oblique(shape=(2, 2, 2), spacing_mm=(1, 1, 1), centre_mm=(0, 0, 0)).axes)[::-1]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, (12.0, -7.0, 31.0)
    there = RigidTransform(matrix=matrix)
    points = _points()
    error = float(np.abs(there.inverse.apply(there.apply(points)) - points).max())
    return at_most(
        "rigid_there_and_back",
        error,
        1e-9,
        "mm",
        "Points moved by a rigid transform and its inverse are where they were.",
    )


def _field() -> Check:
    grid = Grid.axial_box((-40.0, -40.0, -40.0), (40.0, 40.0, 40.0), 4.0)
    x, y, z = np.moveaxis(grid.centres() / 20.0, -1, 0)
    shift = np.stack([2 * np.sin(y), 1.5 * np.cos(z), np.sin(x + y)], axis=-1).astype(np.float32)
    push = DisplacementField(grid=grid, displacement_mm=shift, kind=FieldKind.PUSH)
    back = push.invert()
    inner = grid.cropped((4, 4, 4), (17, 17, 17)).centres().reshape(-1, 3)
    error = float(np.abs(inner + back.at(inner) + push.at(inner + back.at(inner)) - inner).max())
    return at_most(
        "field_there_and_back",
        error,
        0.01,
        "mm",
        "Points moved by a field and its inverse are where they were.",
    )
