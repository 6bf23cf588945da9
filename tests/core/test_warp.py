"""Structures move with the data, and are marked where they leave their planes."""

from __future__ import annotations

import numpy as np
import pytest

from isocentra.errors import AssemblyError, DistortionError
from isocentra.geometry import DisplacementField, FieldKind, Grid
from isocentra.structures.model import Contour, ContourKind, Roi, StructureSet
from isocentra.structures.warp import warp_structures

GRID = Grid(
    shape=(20, 40, 40), spacing_mm=(2, 1, 1), origin_mm=(0, 0, 0), frame_of_reference_uid="A"
)


def structures(frame: str = "A") -> StructureSet:
    square = np.array([[10.0, 10, 12], [20, 10, 12], [20, 20, 12], [10, 20, 12], [15, 25, 12]])
    drawn = Contour(kind=ContourKind.CLOSED_PLANAR, points_mm=square, image_uid="1.2")
    mark = Contour(kind=ContourKind.POINT, points_mm=np.array([[12.0, 13, 14]]))
    rois = (
        Roi(number=1, name="Cord", contours=(drawn,)),
        Roi(number=2, name="P", contours=(mark,)),
    )
    return StructureSet(rois=rois, frame_of_reference_uid=frame, sop_uid="1.9", encoded=b"file")


def field(shift: object, kind: FieldKind = FieldKind.PUSH) -> DisplacementField:
    values = np.broadcast_to(np.asarray(shift, np.float32), (*GRID.shape, 3)).copy()
    return DisplacementField(
        grid=GRID,
        displacement_mm=values,
        kind=kind,
        other_frame_uid="B",
    )


def test_a_push_field_carries_all_contours_and_names_their_new_frame() -> None:
    got = warp_structures(structures(), field((1, 2, 0)))
    before, after = structures().roi("Cord").contours[0], got.roi("Cord").contours[0]
    assert np.allclose(after.points_mm, before.points_mm + np.array([1, 2, 0]))
    assert np.allclose(got.roi("P").contours[0].points_mm, [[13, 15, 14]])
    assert got.frame_of_reference_uid == "B"
    assert got.warnings == ()


def test_what_was_moved_belongs_to_no_file_and_no_slice() -> None:
    got = warp_structures(structures(), field((1, 2, 0)))
    assert (got.sop_uid, got.encoded, got.roi("Cord").contours[0].image_uid) == ("", b"", "")


def test_a_pull_field_carries_contours_against_its_arrows() -> None:
    got = warp_structures(structures("B"), field((1, 2, 0), FieldKind.PULL))
    assert np.allclose(got.roi("P").contours[0].points_mm, [[11, 11, 14]], atol=2e-3)
    assert got.frame_of_reference_uid == "A"


def test_contours_that_leave_their_plane_are_named() -> None:
    shift = np.zeros((*GRID.shape, 3))
    shift[..., 2] = 0.02 * (GRID.centres()[..., 0] - 15) ** 2
    got = warp_structures(structures(), field(shift))
    ((code, text),) = got.warnings
    assert code == "CONTOUR_LEFT_PLANE"
    assert "Cord" in text


def test_a_structure_outside_the_field_is_refused_by_name() -> None:
    silent = np.zeros((*GRID.shape, 3))
    silent[:, :, :15] = np.nan
    with pytest.raises(DistortionError) as caught:
        warp_structures(structures(), field(silent))
    assert caught.value.reason == "OUTSIDE_SUPPORT"
    assert caught.value.where.roi == "Cord"


def test_structures_of_another_frame_are_refused() -> None:
    with pytest.raises(AssemblyError) as caught:
        warp_structures(structures("C"), field((1, 2, 0)))
    assert caught.value.reason == "FOREIGN_FRAME_OF_REFERENCE"


def test_a_set_without_contours_stays_one() -> None:
    empty = StructureSet(rois=(Roi(number=1, name="Nothing"),))
    assert warp_structures(empty, field((1, 2, 0))).names == ("Nothing",)
