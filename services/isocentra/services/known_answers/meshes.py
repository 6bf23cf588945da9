"""Meshes with known volume, whole or broken on purpose."""

from __future__ import annotations

import math

import numpy as np

from isocentra.geometry.grid import Grid
from isocentra.mesh.check import check_mesh
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh_bytes
from isocentra.mesh.weld import snapped, welded
from isocentra.mesh.write import stl_bytes
from isocentra.verdict import Check, at_least, at_most

__all__ = ["mesh_checks"]

RADIUS_MM = 15.0


def mesh_checks() -> tuple[Check, ...]:
    """Check volume, closedness, the exact test of self-intersection, and STL there and back."""
    ball = _ball()
    report = check_mesh(ball)
    known = 4 / 3 * math.pi * RADIUS_MM**3
    folded = check_mesh(_folded(ball)).self_intersections or 0
    read = read_mesh_bytes(stl_bytes(ball), "ball.stl")
    lost = len(ball.faces)
    if len(read.faces) == lost:
        lost = int((read.corners_mm != ball.corners_mm).any(axis=(1, 2)).sum())
    return (
        at_most(
            "mesh_volume",
            100 * abs(ball.signed_volume_mm3 - known) / known,
            0.1,
            "%",
            "The mesh of a ball has the ball's volume.",
        ),
        at_most(
            "mesh_closed",
            report.open_edges + report.non_manifold_edges + report.miswound_edges,
            0,
            "edges",
            "The mesh of a ball is closed, manifold and wound one way.",
        ),
        at_most(
            "no_false_intersection",
            report.self_intersections or 0,
            0,
            "pairs",
            "The exact test finds nothing in a good mesh.",
        ),
        at_least(
            "intersection_found",
            folded,
            1,
            "pairs",
            "The exact test finds a fold that was made on purpose.",
        ),
        at_most(
            "mesh_file",
            lost,
            0,
            "triangles",
            "A mesh, written as binary STL and read back, is the same.",
        ),
    )


def _ball() -> Mesh:
    grid = Grid.axial_box((-17.0, -17.0, -17.0), (17.0, 17.0, 17.0), 0.5)
    field = (np.linalg.norm(grid.centres(), axis=-1) - RADIUS_MM).astype(np.float32)
    return welded(snapped(isosurface(field, grid)))


def _folded(ball: Mesh) -> Mesh:
    """Push one vertex through the ball and out at the other side."""
    vertices = ball.vertices_mm.copy()
    top = int(vertices[:, 2].argmax())
    vertices[top] = (0.3, 0.2, -1.5 * RADIUS_MM)
    return Mesh(vertices_mm=vertices, faces=ball.faces)
