"""Coverage is the exact share of each voxel, on grids along and across the contour planes."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocentra.errors import StructureError
from isocentra.geometry.grid import Array64, Grid
from isocentra.structures import Cap, Contour, ContourKind, Roi, coverage, volume_cm3

Triple = tuple[float, float, float]


def roi(*points: Array64, kind: ContourKind = ContourKind.CLOSED_PLANAR) -> Roi:
    return Roi(
        number=1,
        name="Test",
        contours=tuple(Contour(kind=kind, points_mm=np.array(p, dtype=np.float64)) for p in points),
    )


def square(side: float, z: float, centre: tuple[float, float] = (0.0, 0.0)) -> Array64:
    a = side / 2
    ring = np.array([(-a, -a), (a, -a), (a, a), (-a, a)]) + centre
    return np.column_stack([ring, np.full(4, z)])


def disc(radius: float, z: float, n: int = 180) -> Array64:
    t = np.arange(n) * 2 * np.pi / n
    r = radius * np.sqrt(2 * np.pi / n / np.sin(2 * np.pi / n))
    return np.column_stack([r * np.cos(t), r * np.sin(t), np.full(n, float(z))])


def grid(
    shape: tuple[int, int, int] = (12, 30, 32),
    spacing: Triple = (3.0, 1.0, 1.0),
    axes: tuple[Triple, Triple, Triple] | None = None,
    centre: Triple = (0.0, 0.0, 0.0),
) -> Grid:
    """Make a grid whose middle lies at `centre`."""
    axes = axes or ((0, 0, 1), (0, 1, 0), (1, 0, 0))
    middle = sum(
        np.array(a) * s * (n - 1) / 2 for a, s, n in zip(axes, spacing, shape, strict=True)
    )
    x, y, z = (np.array(centre) - middle).tolist()
    return Grid(shape=shape, spacing_mm=spacing, origin_mm=(x, y, z), axes=axes)


def tilted(degrees: float, about: str) -> tuple[Triple, Triple, Triple]:
    a = math.radians(degrees)
    turn = {
        "x": np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]),
        "y": np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]),
    }[about]
    k, j, i = (tuple((turn @ np.array(v)).tolist()) for v in ((0, 0, 1), (0, 1, 0), (1, 0, 0)))
    return k, j, i


def volume_of(share: npt.NDArray[np.float32], on: Grid) -> float:
    return float(share.sum(dtype=np.float64)) * on.voxel_volume_mm3 / 1000


SPHERE = roi(*(disc(np.sqrt(144 - z * z), z) for z in np.arange(-11, 12, 2.0)))


def test_a_box_between_voxel_borders_has_exact_shares() -> None:
    box = roi(square(4.5, 0.0), square(4.5, 3.0))  # x, y −2.25…2.25; z −1.5…4.5
    on = Grid(shape=(4, 9, 9), spacing_mm=(2.0, 1.0, 1.0), origin_mm=(-4.0, -4.0, -2.0))
    line = np.array([0, 0, 0.75, 1, 1, 1, 0.75, 0, 0])
    layers = np.array([0.25, 1, 1, 0.75])  # z: −3…−1, −1…1, 1…3, 3…5
    expected = layers[:, None, None] * line[:, None] * line
    assert np.abs(coverage(box, on) - expected).max() < 1e-6


def test_the_array_is_indexed_k_j_i() -> None:
    drawn = roi(square(2, 6.0, centre=(3, -5)), square(2, 9.0, centre=(3, -5)))
    on = Grid(shape=(5, 21, 21), spacing_mm=(3.0, 1.0, 1.0), origin_mm=(-10.0, -10.0, 0.0))
    k, j, i = (int(index) for index in np.argwhere(coverage(drawn, on) > 0.99)[0])
    assert (k, j, i) == (2, 5, 13)


def test_contours_need_not_lie_on_the_grids_planes() -> None:
    on = grid(shape=(17, 30, 30), spacing=(1.7, 0.9, 1.1))
    assert volume_of(coverage(SPHERE, on), on) == pytest.approx(volume_cm3(SPHERE), rel=1e-6)


@pytest.mark.parametrize("cap", list(Cap))
def test_the_sum_is_the_slab_volume_for_every_cap(cap: Cap) -> None:
    on = grid(shape=(30, 30, 32), spacing=(1.0, 1.0, 1.0), centre=(0.3, 0.1, -0.2))
    expected = volume_cm3(SPHERE, cap=cap)
    assert volume_of(coverage(SPHERE, on, cap=cap), on) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", list(ContourKind)[3:])
def test_nested_rings_alternate(kind: ContourKind) -> None:
    planes = [disc(r, z) for z in (0.0, 3.0) for r in (12, 8, 4)]
    on = grid()
    share = coverage(roi(*planes, kind=kind), on)
    assert volume_of(share, on) == pytest.approx(np.pi * (144 - 64 + 16) * 6 / 1000, rel=1e-5)
    middle = share[6, 15]
    assert middle[15] == 1  # the centre
    assert middle[9] == 0  # 6 mm off, in the hole
    assert middle[5] == 1  # 10 mm off, in the ring


def test_a_keyhole_is_covered_like_its_inner_contour() -> None:
    hole, outer = disc(5, 0.0, n=90)[::-1], disc(12, 0.0, n=90)
    outer[0, 1] = hole[-1, 1] = 0.0
    joined = np.concatenate([outer, outer[:1], np.roll(hole, 1, axis=0), hole[-1:]])
    keyhole = roi(joined, joined + np.array([0, 0, 3]))
    nested = roi(*(ring + np.array([0, 0, z]) for z in (0, 3) for ring in (outer, hole)))
    assert np.abs(coverage(keyhole, grid()) - coverage(nested, grid())).max() < 1e-6


def test_sagittal_contours_on_an_axial_grid_are_exact() -> None:
    turn = np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)], dtype=np.float64)
    drawn = roi(*(disc(9, z) @ turn for z in (-3.0, 0.0, 3.0)))
    on = grid(shape=(12, 24, 16), spacing=(2.0, 1.0, 1.0))
    share = coverage(drawn, on)
    assert volume_of(share, on) == pytest.approx(np.pi * 81 * 9 / 1000, rel=1e-5)
    across = share.sum(axis=(0, 1))
    assert np.abs(across[4:12] - across[7]).max() < 1e-3  # x −3.5…3.5 lies in the slabs
    assert across[:3].max() == 0


@pytest.mark.parametrize(("degrees", "about"), [(3, "x"), (20, "y"), (45, "x")])
def test_an_oblique_grid_keeps_volume_and_place(degrees: float, about: str) -> None:
    on = grid(shape=(30, 30, 30), spacing=(1.0, 1.0, 1.0), axes=tilted(degrees, about))
    share = coverage(SPHERE, on)
    assert volume_of(share, on) == pytest.approx(volume_cm3(SPHERE), rel=1e-3)
    centre = np.einsum("kji,kjix->x", share, on.centres()) / share.sum()
    assert np.abs(centre).max() < 0.01
    assert share.max() <= 1


def test_shares_on_an_oblique_grid_are_near_those_of_many_points() -> None:
    on = grid(shape=(9, 9, 9), spacing=(2.0, 2.0, 2.0), axes=tilted(27, "x"), centre=(5, 4, 3))
    fine = (np.arange(12) + 0.5) / 12 - 0.5
    sub = np.stack(np.meshgrid(fine, fine, fine, indexing="ij"), axis=-1).reshape(-1, 3)
    index = np.argwhere(np.ones(on.shape)).reshape(-1, 1, 3) + sub
    p = on.to_points(index)
    slab = np.rint((p[..., 2] + 11) / 2) * 2 - 11  # the plane whose slab a point lies in
    inside = np.hypot(p[..., 0], p[..., 1]) ** 2 < 144 - slab**2
    expected = inside.mean(axis=1).reshape(on.shape)
    assert np.abs(coverage(SPHERE, on) - expected).max() < 0.06


def test_a_left_handed_grid_is_the_right_handed_one_reversed() -> None:
    on = grid(shape=(12, 30, 32), centre=(1.5, 0.5, 0.3))
    start = on.to_points([11, 0, 0])
    reverse = Grid(
        shape=on.shape,
        spacing_mm=on.spacing_mm,
        origin_mm=tuple(start.tolist()),
        axes=((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    )
    assert not reverse.is_right_handed
    assert np.abs(coverage(SPHERE, reverse)[::-1] - coverage(SPHERE, on)).max() < 1e-6


def test_a_lone_plane_is_as_thick_as_the_grids_slices() -> None:
    on = grid()
    assert volume_of(coverage(roi(square(10, 1.5)), on), on) == pytest.approx(0.3, rel=1e-6)


def test_what_leaves_the_grid_is_cut_off_and_what_is_outside_is_refused() -> None:
    on = grid(shape=(4, 10, 10))
    half = roi(*(square(10, z, centre=(5, 0)) for z in (-4.5, -1.5, 1.5, 4.5)))
    assert volume_of(coverage(half, on), on) == pytest.approx(0.6, rel=1e-6)
    for away in ((40, 0, 0), (0, -40, 0), (0, 0, 90)):
        with pytest.raises(StructureError) as refused:
            coverage(roi(*(square(10, z) + np.array(away) for z in (0, 3))), on)
        assert refused.value.reason == "ROI_OUTSIDE_IMAGE"
        assert refused.value.where.position_mm == pytest.approx((*away[:2], away[2] + 1.5))


def test_a_point_is_never_rasterised() -> None:
    point = roi(np.zeros((1, 3)), kind=ContourKind.POINT)
    with pytest.raises(StructureError) as refused:
        coverage(point, grid())
    assert refused.value.reason == "EMPTY_ROI"


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(3, 30),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(-1.5, 1.5)),
)
def test_coverage_sums_to_the_polygons_area_wherever_it_lies(
    seed: int, n: int, shift: Triple
) -> None:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 2 * np.pi, n)) + np.arange(n) * 1e-3
    ring = rng.uniform(3, 12, n)[:, None] * np.column_stack([np.cos(t), np.sin(t)])
    planes = [np.column_stack([ring, np.full(n, z)]) + shift for z in (-3.0, 0.0, 3.0)]
    drawn = roi(*planes)
    on = grid()
    share = coverage(drawn, on)
    volume = volume_cm3(drawn)
    assert volume_of(share, on) == pytest.approx(volume, rel=1e-5, abs=1e-6)
    reverse = coverage(roi(*(p[::-1] for p in planes[::-1])), on)
    assert np.abs(reverse - share).max() < 1e-6
