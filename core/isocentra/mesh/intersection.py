"""Where a mesh cuts itself: an exact count of triangle pairs.

mesh ──► box tree ──► candidate pairs ──► 0, 1 or 2 shared corners ──► sign tests ──► pairs

A pair counts when the two triangles have a point in common that is not a shared corner or edge:
crossing, touching, overlapping in one plane, folded over a shared edge. The same three corners
twice are a fault of their edges (used four times, or wound both ways) or enclose nothing, and are
named there; a planning system's flap of no thickness is one.
Two closed triangles that are not coplanar meet exactly when an edge of one meets the other.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from isocentra.mesh.boxes import BoxTree, Pairs
from isocentra.mesh.model import Faces, Mesh
from isocentra.mesh.predicates import ExactPoints, Index
from isocentra.mesh.weld import welded

__all__ = ["self_intersections", "zero_area"]

Mask = npt.NDArray[np.bool_]

BLOCK = 1 << 18
"""Pairs judged at a time: keeps the temporaries below 200 MB."""


def self_intersections(mesh: Mesh) -> Pairs:
    """Return (k, 2) face numbers of all pairs that cut, touch or overlap each other, sorted.

    Vertices of equal position count as one. Faces with a coordinate that is not finite and faces of
    zero area are left out: they are faults of their own.
    """
    mesh = welded(mesh)
    finite = mesh.finite_vertices
    points = ExactPoints(np.where(finite[:, None], mesh.vertices_mm, 0.0))
    usable = np.flatnonzero(finite[mesh.faces].all(axis=1))
    usable = usable[~_flat(points, mesh.faces[usable])]
    if len(usable) < 2:
        return np.empty((0, 2), dtype=np.int64)
    faces = mesh.faces[usable]
    corners = points.points[faces]
    pairs = BoxTree(corners.min(axis=1), corners.max(axis=1)).overlapping_pairs()
    cut = np.concatenate(
        [
            _cutting(points, faces, pairs[start : start + BLOCK])
            for start in range(0, max(len(pairs), 1), BLOCK)
        ]
    )
    found = np.sort(usable[pairs[cut]], axis=1)
    return np.asarray(found[np.lexsort((found[:, 1], found[:, 0]))])


def zero_area(mesh: Mesh) -> Mask:
    """Tell which faces have exactly no area: a repeated corner or three corners on a line."""
    finite = mesh.finite_vertices
    points = ExactPoints(np.where(finite[:, None], mesh.vertices_mm, 0.0))
    return np.asarray(_flat(points, mesh.faces) & finite[mesh.faces].all(axis=1))


def _flat(points: ExactPoints, faces: Faces) -> Mask:
    flat = np.ones(len(faces), dtype=bool)
    a, b, c = faces.T
    for axis in range(3):
        flat &= points.orient2d(a, b, c, np.full(len(faces), axis)) == 0
    return flat


def _cutting(points: ExactPoints, faces: Faces, pairs: Pairs) -> Mask:
    """Judge each pair of faces."""
    first, second = faces[pairs[:, 0]], faces[pairs[:, 1]]
    equal = first[:, :, None] == second[:, None, :]
    shared = equal.sum(axis=(1, 2))
    out = np.zeros(len(pairs), dtype=bool)
    for count, judge in ((0, _apart), (1, _joined_at_corner), (2, _joined_at_edge)):
        rows = np.flatnonzero(shared == count)
        if len(rows):
            one, two = _shared_first(first[rows], second[rows], equal[rows])
            out[rows] = judge(points, one, two)
    return out


def _shared_first(first: Faces, second: Faces, equal: Mask) -> tuple[Faces, Faces]:
    """Turn both faces so that shared corners come first, in the same order in both."""
    order = np.argsort(~equal.any(axis=2), axis=1, kind="stable")
    one = np.take_along_axis(first, order, axis=1)
    mate = np.where(equal.any(axis=2), np.argmax(equal, axis=2), 3)
    mate = np.take_along_axis(mate, order, axis=1)
    position = np.full((len(second), 3), 3)
    for k in range(3):
        rows = np.flatnonzero(mate[:, k] < 3)
        position[rows, mate[rows, k]] = k
    two = np.take_along_axis(second, np.argsort(position, axis=1, kind="stable"), axis=1)
    return one, two


def _plane_sides(points: ExactPoints, face: Faces, of: Faces) -> npt.NDArray[np.int8]:
    """Sides of the three corners of `of` on the plane of `face`, (n, 3)."""
    a, b, c = face.T
    return np.stack([points.orient3d(a, b, c, of[:, k]) for k in range(3)], axis=1)


def _apart(points: ExactPoints, one: Faces, two: Faces) -> Mask:
    """Judge pairs without a shared corner."""
    return _judge(points, one, two, edges=((0, 1), (1, 2), (2, 0)))


def _joined_at_corner(points: ExactPoints, one: Faces, two: Faces) -> Mask:
    """Judge pairs that share corner 0: only the edges opposite to it can meet the other face.

    Any common point beyond the corner lies on a ray from it that both faces hold, and that ray
    leaves one of them first, through its opposite edge and inside the other.
    """
    return _judge(points, one, two, edges=((1, 2),))


def _joined_at_edge(points: ExactPoints, one: Faces, two: Faces) -> Mask:
    """Judge pairs that share edge 0–1: they meet elsewhere only when folded flat on each other."""
    out = np.zeros(len(one), dtype=bool)
    a, b, c = one.T
    flat = np.flatnonzero(points.orient3d(a, b, c, two[:, 2]) == 0)
    one, two = one[flat], two[flat]
    drop = _projection(points, one)
    here = points.orient2d(one[:, 0], one[:, 1], one[:, 2], drop)
    there = points.orient2d(one[:, 0], one[:, 1], two[:, 2], drop)
    out[flat] = here == there
    return out


def _judge(points: ExactPoints, one: Faces, two: Faces, edges: tuple[tuple[int, int], ...]) -> Mask:
    """Tell whether one of `edges` of a face meets the other face, either way round."""
    out = np.zeros(len(one), dtype=bool)
    sides = _plane_sides(points, one, two)
    near = np.flatnonzero(_reaches(sides, edges))
    other = _plane_sides(points, two[near], one[near])
    reach = _reaches(other, edges)
    near, other = near[reach], other[reach]
    flat = (sides[near] == 0).all(axis=1)
    out[near[flat]] = _coplanar(points, one[near[flat]], two[near[flat]], edges)
    near, other = near[~flat], other[~flat]
    one, two, sides = one[near], two[near], sides[near]
    cut = np.zeros(len(near), dtype=bool)
    for face, piercing, side in ((one, two, sides), (two, one, other)):
        for start, stop in edges:
            open_rows = np.flatnonzero(~cut & _straddles(side[:, start], side[:, stop]))
            edge = piercing[open_rows]
            cut[open_rows] = _pierced(points, face[open_rows], edge[:, start], edge[:, stop])
    out[near] = cut
    return out


def _reaches(sides: npt.NDArray[np.int8], edges: tuple[tuple[int, int], ...]) -> Mask:
    """Tell whether any of the edges meets the plane."""
    return np.asarray(np.any([sides[:, i] * sides[:, j] <= 0 for i, j in edges], axis=0))


def _straddles(start: npt.NDArray[np.int8], stop: npt.NDArray[np.int8]) -> Mask:
    """Tell which segments meet the plane in one point; one that lies in it is left to its ends."""
    return np.asarray((start * stop <= 0) & ((start != 0) | (stop != 0)))


def _pierced(points: ExactPoints, face: Faces, start: Index, stop: Index) -> Mask:
    """Tell whether the line through start and stop meets the closed face."""
    turns = np.stack(
        [points.orient3d(start, stop, face[:, i], face[:, j]) for i, j in ((0, 1), (1, 2), (2, 0))],
        axis=1,
    )
    return np.asarray((turns >= 0).all(axis=1) | (turns <= 0).all(axis=1))


def _projection(points: ExactPoints, face: Faces) -> Index:
    """Return the coordinate to drop so that each face (of some area) keeps an area."""
    corners = points.points[face]
    normal = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    drop = np.argmax(normal, axis=1)
    a, b, c = face.T
    for axis in range(3):  # where rounding hides the area, take the first that shows one
        flat = points.orient2d(a, b, c, drop) == 0
        drop[flat] = axis
    return np.asarray(drop)


def _coplanar(
    points: ExactPoints, one: Faces, two: Faces, edges: tuple[tuple[int, int], ...]
) -> Mask:
    """Tell whether `edges` of a face meet the other face in their common plane."""
    drop = _projection(points, one)
    meet = np.zeros(len(one), dtype=bool)
    for face, other in ((one, two), (two, one)):
        for k in sorted({k for edge in edges for k in edge}):
            meet |= _covers(points, face, other[:, k], drop)
    sides = ((0, 1), (1, 2), (2, 0))
    for own, others in itertools.chain(
        itertools.product(edges, sides), itertools.product(sides, edges)
    ):
        meet |= _segments_meet(points, one[:, own], two[:, others], drop)
    return meet


def _covers(points: ExactPoints, face: Faces, point: Index, drop: Index) -> Mask:
    """Tell whether the closed face holds the point of its plane."""
    turns = np.stack(
        [points.orient2d(face[:, i], face[:, j], point, drop) for i, j in ((0, 1), (1, 2), (2, 0))],
        axis=1,
    )
    return np.asarray((turns >= 0).all(axis=1) | (turns <= 0).all(axis=1))


def _segments_meet(points: ExactPoints, one: Index, two: Index, drop: Index) -> Mask:
    """Tell whether two closed segments of a plane have a point in common."""
    a, b, c, d = one[:, 0], one[:, 1], two[:, 0], two[:, 1]
    c_side, d_side = points.orient2d(a, b, c, drop), points.orient2d(a, b, d, drop)
    a_side, b_side = points.orient2d(c, d, a, drop), points.orient2d(c, d, b, drop)
    meet = (c_side * d_side <= 0) & (a_side * b_side <= 0)
    line = (c_side == 0) & (d_side == 0) & (a_side == 0) & (b_side == 0)
    low_one, high_one = _box(points, a, b)
    low_two, high_two = _box(points, c, d)
    overlap = ((low_one <= high_two) & (low_two <= high_one)).all(axis=1)
    return np.asarray(meet & (~line | overlap))


def _box(points: ExactPoints, a: Index, b: Index) -> tuple[Index, Index]:
    first, second = points.points[a], points.points[b]
    return np.minimum(first, second), np.maximum(first, second)
