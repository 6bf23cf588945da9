"""Contours are grouped by plane as DICOM_RT section 2 says, and their volumes are those known."""

import io
import zipfile
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocentra.errors import StructureError
from isocentra.geometry.grid import Array64
from isocentra.result import Finding
from isocentra.structures import (
    Cap,
    Contour,
    ContourKind,
    Roi,
    contour_findings,
    plane_stack,
    slabs_of,
    volume_cm3,
)

XY = np.eye(3)


def roi(*points: Array64, kind: ContourKind = ContourKind.CLOSED_PLANAR) -> Roi:
    contours = tuple(
        Contour(kind=kind, points_mm=np.asarray(p, dtype=np.float64).copy()) for p in points
    )
    return Roi(number=1, name="Test", contours=contours)


def square(
    side: float, z: float = 0.0, centre: tuple[float, float] = (0.0, 0.0), turn: int = 1
) -> Array64:
    a = side / 2
    ring = np.array([(-a, -a), (a, -a), (a, a), (-a, a)])[::turn] + centre
    return np.column_stack([ring, np.full(4, z)])


def disc(radius: float, z: float, n: int = 360) -> Array64:
    """Make a regular polygon with the area of the disc."""
    t = np.arange(n) * 2 * np.pi / n
    r = radius * np.sqrt(2 * np.pi / n / np.sin(2 * np.pi / n))
    return np.column_stack([r * np.cos(t), r * np.sin(t), np.full(n, z)])


def symmetric(radius_at: Callable[[float], float], dz: float, half_height: float) -> Roi:
    """Put discs on planes at (m + ½)·dz: the phase of the known answers."""
    heights = (np.arange(-100, 100) + 0.5) * dz
    return roi(*(disc(radius_at(z), z) for z in heights if abs(z) < half_height))


def codes(found: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in found}


def read_roi(archive: Path, member: str, name: str) -> Roi:
    with zipfile.ZipFile(archive) as file:
        data = pydicom.dcmread(io.BytesIO(file.read(member)), force=True)
    number = next(r.ROINumber for r in data.StructureSetROISequence if r.ROIName == name)
    item = next(r for r in data.ROIContourSequence if r.ReferencedROINumber == number)
    contours = tuple(
        Contour(
            kind=ContourKind(c.ContourGeometricType),
            points_mm=np.array(c.ContourData, dtype=np.float64).reshape(-1, 3),
        )
        for c in getattr(item, "ContourSequence", None) or []
    )
    return Roi(number=int(number), name=name, contours=contours)


@pytest.mark.parametrize(
    ("shape", "dz", "percent"),
    [
        ("sphere", 1, 0.07),
        ("sphere", 2, 0.33),
        ("sphere", 3, 0.75),
        ("cylinder", 1, 0.0),
        ("cylinder", 2, 0.0),
        ("cylinder", 3, 0.0),
        ("cone", 1, -0.05),
        ("cone", 2, -0.19),
        ("cone", 3, -0.40),
    ],
)
def test_slab_volumes_of_24_mm_shapes_are_those_of_the_design_table(
    shape: str, dz: float, percent: float
) -> None:
    radius_at, true = {
        "sphere": (lambda z: np.sqrt(144 - z * z), 4 / 3 * np.pi * 12**3),
        "cylinder": (lambda _: 12.0, np.pi * 144 * 24),
        "cone": (lambda z: 12 * (12 - z) / 24, np.pi * 144 * 8),
    }[shape]
    error = volume_cm3(symmetric(radius_at, dz, 12)) * 1000 / true - 1
    assert 100 * error == pytest.approx(percent, abs=0.04)


@pytest.mark.parametrize("dz", [1, 2, 3])
def test_a_rounded_cap_brings_the_sphere_nearer_than_no_cap_and_keeps_the_cylinder(
    dz: float,
) -> None:
    sphere = symmetric(lambda z: np.sqrt(144 - z * z), dz, 12)
    true = 4 / 3 * np.pi * 12**3 / 1000
    rounded, none = (abs(volume_cm3(sphere, cap=c) / true - 1) for c in (Cap.ROUNDED, Cap.NONE))
    assert rounded < 0.008
    assert rounded < none / 3
    cylinder = symmetric(lambda _: 12.0, dz, 12)
    assert volume_cm3(cylinder, cap=Cap.ROUNDED) == pytest.approx(volume_cm3(cylinder), rel=1e-9)


def test_a_cap_of_none_ends_on_the_outermost_planes() -> None:
    box = roi(*(square(10, z) for z in (0, 2, 4, 6)))
    assert volume_cm3(box) == pytest.approx(0.8)
    assert volume_cm3(box, cap=Cap.NONE) == pytest.approx(0.6)


def test_slabs_of_every_cap_follow_one_another_without_overlap() -> None:
    stack = plane_stack(symmetric(lambda z: np.sqrt(144 - z * z), 3, 12))
    for cap in Cap:
        slabs = slabs_of(stack, cap=cap, lone_step_mm=3)
        for low, high in pairwise(slabs):
            assert high.low_mm == pytest.approx(low.high_mm, abs=1e-9)


@pytest.mark.parametrize("turn", [1, -1])
def test_an_inner_contour_is_a_hole_whatever_its_orientation(turn: int) -> None:
    planes = [p for z in (0, 3, 6) for p in (square(20, z), square(10, z, turn=turn))]
    assert volume_cm3(roi(*planes)) == pytest.approx((400 - 100) * 9 / 1000)


def test_xor_contours_that_overlap_in_part_leave_out_what_they_share() -> None:
    planes = [p for z in (0, 3) for p in (square(10, z), square(10, z, centre=(5, 0)))]
    xor = roi(*planes, kind=ContourKind.CLOSEDPLANAR_XOR)
    assert volume_cm3(xor) == pytest.approx(100 * 6 / 1000)
    assert "OVERLAPPING_CONTOURS" not in codes(contour_findings(xor))


def test_contours_of_one_orientation_that_overlap_in_part_are_united_with_a_finding() -> None:
    planes = [p for z in (0, 3) for p in (square(10, z), square(10, z, centre=(5, 0)))]
    drawn = roi(*planes)
    assert volume_cm3(drawn) == pytest.approx(150 * 6 / 1000)
    assert codes(contour_findings(drawn)) == {"OVERLAPPING_CONTOURS"}


def test_three_overlaps_in_a_chain_are_one_union() -> None:
    row = [square(10, z, centre=(7.0 * n, 0)) for z in (0, 3) for n in (0, 2, 1)]
    assert volume_cm3(roi(*row)) == pytest.approx(240 * 6 / 1000)


def test_overlap_of_opposite_orientation_is_read_even_odd_and_said() -> None:
    planes = [p for z in (0, 3) for p in (square(10, z), square(10, z, centre=(5, 3), turn=-1))]
    assert volume_cm3(roi(*planes)) == pytest.approx((200 - 2 * 35) * 6 / 1000)
    assert codes(contour_findings(roi(*planes))) == {"CROSSING_CONTOURS"}


def test_a_keyhole_counts_its_hole_and_is_no_crossing() -> None:
    outer = [(0, 10), (-10, 10), (-10, -10), (10, -10), (10, 10), (0, 10)]
    inner = [(0, 5), (5, 5), (5, -5), (-5, -5), (-5, 5), (0, 5)]
    keyhole = np.array([*outer, *inner], dtype=np.float64)
    planes = [np.column_stack([keyhole, np.full(len(keyhole), z)]) for z in (0.0, 2.0)]
    assert volume_cm3(roi(*planes)) == pytest.approx(300 * 4 / 1000)
    assert contour_findings(roi(*planes)) == ()


def test_a_figure_of_eight_is_read_even_odd_and_said() -> None:
    eight = np.array([(-5, -5), (5, 5), (5, -5), (-5, 5)], dtype=np.float64)
    planes = [np.column_stack([eight, np.full(4, z)]) for z in (0.0, 2.0)]
    assert volume_cm3(roi(*planes)) == pytest.approx(50 * 4 / 1000)
    assert codes(contour_findings(roi(*planes))) == {"CROSSING_CONTOURS"}


def test_a_contour_given_twice_counts_once() -> None:
    planes = [square(10, z) for z in (0, 0, 3)]
    assert volume_cm3(roi(*planes)) == pytest.approx(0.6)
    assert codes(contour_findings(roi(*planes))) == {"DOUBLED_CONTOUR"}


def test_a_repeated_first_point_changes_nothing() -> None:
    closed = [np.concatenate([square(10, z), square(10, z)[:1]]) for z in (0, 3)]
    assert volume_cm3(roi(*closed)) == pytest.approx(0.6)
    assert all(len(plane.rings[0]) == 4 for plane in plane_stack(roi(*closed)).planes)


def test_points_and_open_contours_are_passed_over() -> None:
    point = Contour(kind=ContourKind.POINT, points_mm=np.zeros((1, 3)))
    line = Contour(kind=ContourKind.OPEN_NONPLANAR, points_mm=np.arange(9.0).reshape(3, 3))
    drawn = roi(square(10, 0), square(10, 3))
    more = Roi(number=1, name="Test", contours=(point, *drawn.contours, line))
    assert volume_cm3(more) == volume_cm3(drawn)


def test_degenerate_contours_are_dropped_with_their_number() -> None:
    speck, line = square(0.05, 0), np.array([(0, 0, 3), (1, 1, 3), (2, 2, 3)], dtype=np.float64)
    drawn = roi(square(10, 0), square(10, 3), speck, line, line[:2])
    assert volume_cm3(drawn) == pytest.approx(0.6)
    assert [f.message for f in contour_findings(drawn)] == ["3 degenerate contours dropped."]


def test_planes_within_a_hundredth_of_a_millimetre_are_one() -> None:
    drawn = roi(square(20, 0), square(10, 0.008), square(20, 3), square(10, 2.995))
    assert len(plane_stack(drawn).planes) == 2
    assert volume_cm3(drawn) == pytest.approx(300 * 6 / 1000, rel=1e-2)


def test_missing_planes_are_filled_between_and_said() -> None:
    cone = roi(*(disc(20 - z, z) for z in (0, 2, 4, 10, 12)))
    found = contour_findings(cone)
    assert [f.code for f in found] == ["PLANES_INTERPOLATED"]
    assert found[0].message.startswith("2 planes between 4.00 and 10.00")
    whole = roi(*(disc(20 - z, z) for z in (0, 2, 4, 6, 8, 10, 12)))
    assert volume_cm3(cone) == pytest.approx(volume_cm3(whole), rel=2e-3)


def test_a_longer_gap_leaves_separate_parts_each_with_its_ends() -> None:
    drawn = roi(*(square(10, z) for z in (0, 2, 4, 20, 22)))
    assert codes(contour_findings(drawn)) == {"SEPARATE_PARTS"}
    assert volume_cm3(drawn) == pytest.approx(100 * (6 + 4) / 1000)


def test_a_lone_plane_beside_others_is_one_step_thick() -> None:
    drawn = roi(*(square(10, z) for z in (0, 2, 4, 40)))
    assert volume_cm3(drawn) == pytest.approx(100 * (6 + 2) / 1000)


def test_unequal_steps_are_neighbours_with_slabs_half_way() -> None:
    drawn = roi(*(square(10, z) for z in (0, 4.0, 8.0, 9.1, 13.5)))
    assert volume_cm3(drawn) == pytest.approx(100 * (13.5 + 2 + 2.2) / 1000)


def test_a_plane_beside_another_does_not_become_the_regular_step() -> None:
    drawn = roi(*(square(10, z) for z in (0, 3, 3.05, 6, 9)))
    assert contour_findings(drawn) == ()
    assert volume_cm3(drawn) == pytest.approx(1.2)


def test_a_single_plane_needs_a_thickness_and_takes_it() -> None:
    with pytest.raises(StructureError, match="slice spacing") as refused:
        volume_cm3(roi(square(10, 0)))
    assert refused.value.reason == "BAD_CONTOUR"
    assert volume_cm3(roi(square(10, 0)), lone_step_mm=2.5) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("normal", "axes"),
    [
        ((1, 0, 0), np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)], dtype=np.float64)),
        ((0, 1, 0), np.array([(1, 0, 0), (0, 0, -1), (0, 1, 0)], dtype=np.float64)),
        ((0.36, 0.48, 0.8), np.array([(0.8, -0.6, 0), (0.48, 0.64, -0.6), (0.36, 0.48, 0.8)])),
    ],
)
def test_planes_of_any_direction_give_the_axial_volume(
    normal: tuple[float, float, float], axes: Array64
) -> None:
    ring = [square(20 - z, z) @ axes for z in (0, 3, 6)]
    stack = plane_stack(roi(*ring))
    assert np.abs(stack.axes[2] - normal).max() < 1e-9
    assert np.linalg.det(stack.axes) == pytest.approx(1)
    assert volume_cm3(roi(*ring)) == pytest.approx(
        volume_cm3(roi(*(square(20 - z, z) for z in (0, 3, 6))))
    )
    assert np.abs(
        np.sort(stack.points_mm, axis=0) - np.sort(np.concatenate(ring), axis=0)
    ).max() < (1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(3, 40),
    st.integers(0, 2**32 - 1),
    st.floats(-200, 200),
    st.sampled_from([1, -1]),
    st.integers(0, 39),
)
def test_reversing_rolling_and_moving_contours_keeps_the_volume(
    n: int, seed: int, shift: float, way: int, roll: int
) -> None:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 2 * np.pi, n)) + np.arange(n) * 1e-3
    ring = rng.uniform(5, 30, n)[:, None] * np.column_stack([np.cos(t), np.sin(t)])
    drawn = roi(*(np.column_stack([ring, np.full(n, z)]) for z in (0.0, 2.0, 4.0)))
    moved = roi(
        *(
            np.column_stack([np.roll(ring[::way], roll, axis=0) + shift, np.full(n, z + shift)])
            for z in (4.0, 0.0, 2.0)
        )
    )
    assert volume_cm3(moved) == pytest.approx(volume_cm3(drawn), rel=1e-6, abs=1e-6)


def test_an_roi_without_area_contours_is_empty() -> None:
    point = Roi(
        number=1,
        name="LoPo",
        contours=(Contour(kind=ContourKind.POINT, points_mm=np.zeros((1, 3))),),
    )
    for empty in (Roi(number=1, name="Areola"), point):
        with pytest.raises(StructureError) as refused:
            plane_stack(empty)
        assert refused.value.reason == "EMPTY_ROI"
        assert refused.value.where.roi == empty.name


LEANING = square(60, 3) + np.array([[0, 0, 0.2], [0, 0, 0.2], [0, 0, 0], [0, 0, 0]])
BENT = square(20, 0) + np.array([[0, 0, 0.3], [0, 0, 0], [0, 0, 0.3], [0, 0, 0]])


@pytest.mark.parametrize(
    ("points", "what"),
    [
        ([square(10, 0), np.array([(0, 0, 3), (9, 0, 3), (9, np.nan, 3)])], "finite"),
        ([square(10, 0), np.array([(0, 0, 3), (9, 0, 3), (np.inf, 9, 3)])], "finite"),
        ([square(20, 3), BENT], "not planar"),
        ([square(10, 0), square(10, 3), square(10, 0) @ np.roll(XY, 1, axis=0)], "90.00°"),
        ([square(60, 0), LEANING], "0.1"),
        ([square(0.05, 0), square(0.05, 3)], "degenerate"),
    ],
)
def test_contours_that_make_no_stack_are_refused(points: list[Array64], what: str) -> None:
    with pytest.raises(StructureError) as refused:
        plane_stack(roi(*points))
    assert refused.value.reason == "BAD_CONTOUR"
    assert what in refused.value.what
    assert refused.value.where.roi == "Test"


@pytest.mark.parametrize(
    ("archive", "name", "cm3"),
    [
        ("breast_imrt_sliding", "BODY", 14880),
        ("breast_imrt_sliding", "Breast", 400.0),
        ("breast_imrt_sliding", "Heart", 439.7),
        ("breast_imrt_sliding", "Lt Lung", 2005.1),
        ("breast_imrt_sliding", "Tumor Bed", 13.16),
        ("breast_imrt_sliding", "Tumor Bed Block", 63.8),
        ("breast_imrt_sliding", "Nodes", 0.6718),
        ("breast_imrt_sliding", "Scar", 0.5131),
        ("breast_imrt_sliding", "Borders", 1.293),
        ("prostate_phantom_box", "BODY", 10697),
        ("prostate_phantom_box", "Bladder", 117.49),
        ("prostate_phantom_box", "PTV", 49.18),
    ],
)
def test_real_rois_have_the_volumes_of_the_data_notes(
    shared_data: Path, archive: str, name: str, cm3: float
) -> None:
    drawn = read_roi(shared_data / "dicom_rt" / f"{archive}.zip", "RS.dcm", name)
    assert volume_cm3(drawn) == pytest.approx(cm3, rel=0.002)


def test_real_keyholes_and_overlaps_are_read(shared_data: Path) -> None:
    archive = shared_data / "dicom_rt" / "structs.zip"
    for name in ("Number1", "Number3"):
        keyholes = read_roi(archive, "monaco_srs_phantom.dcm", name)
        assert len(plane_stack(keyholes).planes) == 10
        assert contour_findings(keyholes) == ()
    tumour = read_roi(archive, "monaco_box_overlap.dcm", "tumor")
    assert "OVERLAPPING_CONTOURS" in codes(contour_findings(tumour))
    cube = read_roi(archive, "raystation_point_and_cube.dcm", "Cube101010")
    assert volume_cm3(cube) == pytest.approx(1050)  # 21 planes of 5 mm, the ends included
