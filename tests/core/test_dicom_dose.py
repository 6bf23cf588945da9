"""A dose is where and what the file says, and comes back as it was written."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from isocentra.dicom import gate
from isocentra.dicom.dose_dvh import StoredDvh
from isocentra.dicom.dose_geometry import dose_planes
from isocentra.dicom.dose_read import Dose, dose_from_bytes, read_dose
from isocentra.dicom.dose_write import DoseBits, DoseContent, DoseSummation, dose_bytes
from isocentra.errors import AssemblyError, DoseError, IsocentraError, ReadingError
from isocentra.geometry.grid import Grid
from isocentra.image import Image

BREAST = "dicom_rt/breast_imrt_sliding.zip"
CHAMBER = "dicom_rt/chamber_static_2field.zip"


@pytest.fixture
def small(make_image: Callable[..., Image]) -> tuple[np.ndarray, Grid, Image]:
    image = make_image()
    grid = Grid(
        shape=(4, 3, 5),
        spacing_mm=(3.0, 2.0, 2.5),
        origin_mm=(-20.0, -15.0, -97.0),
        frame_of_reference_uid=image.grid.frame_of_reference_uid,
    )
    values = np.arange(60, dtype=np.float32).reshape(grid.shape) / 7
    return values, grid, image


def changed(
    small: tuple[np.ndarray, Grid, Image], change: Callable[[Dataset], None]
) -> Callable[[], Dose]:
    """Write a dose, change something in it, and return how to read it."""
    data = dose_bytes(*small, DoseContent(plan_uids=("1.2.3",)))
    dataset = dcmread(BytesIO(data))
    change(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return lambda: dose_from_bytes(buffer.getvalue(), "d.dcm")


def put(**elements: object) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)

    return change


@pytest.mark.parametrize(
    ("archive", "shape", "spacing_mm", "max_gy", "bits"),
    [
        (BREAST, (98, 129, 194), (3.0, 2.5, 2.5), 14.6808, 32),
        (CHAMBER, (56, 15, 16), (2.4, 2.5, 2.5), 20.163, 32),
        ("dicom_rt/pinnacle_dose16.zip", (50, 90, 150), (2.5, 2.5, 2.5), 49.872, 16),
    ],
)
def test_real_doses_have_the_grid_and_the_maximum_of_their_readme(
    unpacked: Callable[[str], Path],
    archive: str,
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    max_gy: float,
    bits: int,
) -> None:
    dose = read_dose(unpacked(archive) / "RD.dcm")
    assert dose.grid.shape == shape
    assert dose.grid.spacing_mm == pytest.approx(spacing_mm, abs=1e-9)
    assert float(dose.values_gy.max()) == pytest.approx(max_gy, abs=1e-3)
    assert (dose.summation, dose.bits) == ("PLAN", bits)
    assert len(dose.plan_uids) == 1
    assert dose.grid.frame_of_reference_uid
    assert not dose.values_gy.flags.writeable


def test_the_breast_doses_stored_means_are_in_per_cent_and_said_to_be(
    unpacked: Callable[[str], Path],
) -> None:
    dose = read_dose(unpacked(BREAST) / "RD.dcm")
    means = {curve.roi_numbers[0]: curve.mean for curve in dose.dvhs}
    expected = {4: 5.609, 5: 0.643, 6: 0.904, 9: 14.286, 10: 14.260, 8: 6.315}
    for number, mean in expected.items():
        assert means[number] == pytest.approx(mean, abs=1e-3)
    volumes = {curve.roi_numbers[0]: curve.volume for curve in dose.dvhs}
    assert volumes[9] == pytest.approx(12.81, abs=0.01)
    assert volumes[1] == pytest.approx(13_944, abs=1)
    (warning,) = dose.warnings
    assert warning[0] == "DVH_INCONSISTENT"
    assert "per cent of 14.0 Gy" in warning[1]


def test_the_chamber_doses_stored_means_agree_with_their_curves(
    unpacked: Callable[[str], Path],
) -> None:
    dose = read_dose(unpacked(CHAMBER) / "RD.dcm")
    assert dose.warnings == ()
    found = [(c.volume, c.mean, c.stored_mean) for c in dose.dvhs]
    for (volume, mean, stored), (cm3, gy) in zip(
        found, [(76.389, 16.4527), (7.6967, 18.5271), (2.8247, 19.3145)], strict=True
    ):
        assert volume == pytest.approx(cm3, abs=1e-3)
        assert mean == pytest.approx(gy, abs=1e-3)
        assert mean == pytest.approx(stored, abs=2e-5)


@pytest.mark.parametrize("name", ["hn_vmat", "prostateimrt"])
def test_a_single_plane_needs_no_offsets(unpacked: Callable[[str], Path], name: str) -> None:
    dose = read_dose(unpacked("dicom_rt/gamma_agnew_mcgarry.zip") / f"{name}_reference_1mm.dcm")
    assert dose.grid.shape[0] == 1
    assert float(dose.values_gy.max()) > 0.5


@pytest.mark.parametrize(
    ("position", "head", "down"),
    [
        ("HFS", 1, (0, 1, 0)),
        ("HFP", 1, (0, -1, 0)),
        ("HFDR", 1, (-1, 0, 0)),
        ("HFDL", 1, (1, 0, 0)),
        ("FFS", -1, (0, 1, 0)),
        ("FFP", -1, (0, -1, 0)),
        ("FFDR", -1, (-1, 0, 0)),
        ("FFDL", -1, (1, 0, 0)),
    ],
)
def test_frames_go_along_the_normal_in_all_eight_positions(
    unpacked: Callable[[str], Path], position: str, head: int, down: tuple[int, int, int]
) -> None:
    path = unpacked("dicom_rt/dose_orientation_headers.zip") / f"RD_{position}.dcm"
    planes = dose_planes(gate.read_file(path, pixels=False).dataset, file=path.name)
    grid = planes.grid
    assert grid.is_right_handed
    np.testing.assert_allclose(grid.axes[0], (0, 0, head), atol=1e-12)
    np.testing.assert_allclose(grid.axes[1], down, atol=1e-12)
    assert grid.shape[0] == 101
    assert grid.spacing_mm[0] == 2.0
    last = grid.to_points((100, 0, 0))
    np.testing.assert_allclose(last - grid.origin_mm, (0, 0, head * 200), atol=1e-9)
    with pytest.raises(ReadingError) as caught:
        read_dose(path)
    assert caught.value.reason == "MISSING_ATTRIBUTE"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=hnp.arrays(
        np.float32, (3, 4, 5), elements=st.floats(0, 1000, width=32, allow_subnormal=False)
    ),
    bits=st.sampled_from(list(DoseBits)),
)
def test_what_is_read_differs_from_what_was_given_by_at_most_half_a_step(
    make_image: Callable[..., Image], values: np.ndarray, bits: DoseBits
) -> None:
    image = make_image()
    grid = Grid(shape=(3, 4, 5), spacing_mm=(3.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
    back = dose_from_bytes(dose_bytes(values, grid, image, DoseContent(), bits=bits), "d.dcm")
    single = np.spacing(values).astype(np.float64)  # what float32 itself cannot tell
    error = np.abs(back.values_gy.astype(np.float64) - values)
    assert (error <= back.scaling / 2 * (1 + 1e-9) + single).all()
    assert back.bits == bits
    assert (
        len(str(dcmread(BytesIO(dose_bytes(values, grid, image, DoseContent()))).DoseGridScaling))
        <= 16
    )


def test_a_dose_reads_back_with_its_references(small: tuple[np.ndarray, Grid, Image]) -> None:
    values, grid, image = small
    curve = StoredDvh(
        roi_numbers=(3,),
        is_cumulative=True,
        edges=np.array([0.0, 1.0, 2.0]),
        volumes=np.array([10.0, 5.0]),
        dose_unit="GY",
        volume_unit="CM3",
        stored_mean=1.0,
    )
    content = DoseContent(
        summation=DoseSummation.BEAM,
        plan_uids=("1.2.3",),
        fraction_group=2,
        beam_numbers=(4,),
        structure_set_uid="1.2.4",
        dvhs=(curve,),
        comment="INCOMPLETE near air",
    )
    back = dose_from_bytes(dose_bytes(values, grid, image, content), "d.dcm")
    assert (back.summation, back.plan_uids, back.fraction_group, back.beam_numbers) == (
        "BEAM",
        ("1.2.3",),
        2,
        (4,),
    )
    assert back.structure_set_uid == "1.2.4"
    assert back.grid == grid
    assert back.patient == image.header.patient
    (dvh,) = back.dvhs
    np.testing.assert_array_equal(dvh.edges, curve.edges)
    np.testing.assert_array_equal(dvh.volumes, curve.volumes)
    assert (dvh.mean, dvh.stored_mean, dvh.volume) == (1.0, 1.0, 10.0)
    assert back.warnings == ()


def test_a_left_handed_grid_comes_back_as_the_same_points(
    small: tuple[np.ndarray, Grid, Image],
) -> None:
    values, grid, image = small
    reversed_grid = replace(grid, axes=((0.0, 0.0, -1.0), *grid.axes[1:]))
    back = dose_from_bytes(dose_bytes(values, reversed_grid, image, DoseContent()), "d.dcm")
    assert back.grid.is_right_handed
    for index in ((0, 0, 0), (3, 2, 4), (1, 2, 0)):
        there = back.grid.to_index(reversed_grid.to_points(index))
        k, j, i = np.rint(there).astype(int)
        np.testing.assert_allclose(there, (k, j, i), atol=1e-6)
        assert back.values_gy[k, j, i] == pytest.approx(values[index], abs=1e-6)


def test_the_same_dose_gives_the_same_bytes(small: tuple[np.ndarray, Grid, Image]) -> None:
    assert dose_bytes(*small, DoseContent()) == dose_bytes(*small, DoseContent())


def test_a_dose_of_zero_can_be_written(small: tuple[np.ndarray, Grid, Image]) -> None:
    values, grid, image = small
    back = dose_from_bytes(dose_bytes(values * 0, grid, image, DoseContent()), "d.dcm")
    assert back.values_gy.max() == 0


@pytest.mark.parametrize("value", [np.nan, -0.1, np.inf])
def test_a_negative_or_undefined_dose_is_not_written(
    small: tuple[np.ndarray, Grid, Image], value: float
) -> None:
    values, grid, image = small
    values[1, 1, 1] = value
    with pytest.raises(DoseError) as caught:
        dose_bytes(values, grid, image, DoseContent())
    assert caught.value.reason == "BAD_DOSE"


@pytest.mark.parametrize(
    "offsets",
    [[0, 3, 6, 9], [-97, -94, -91, -88], [0, 3.0000000002, 5.9999999, 9]],
    ids=["relative", "absolute", "noisy"],
)
def test_ascending_offsets_are_read_in_either_form(
    small: tuple[np.ndarray, Grid, Image], offsets: list[float]
) -> None:
    dose = changed(small, put(GridFrameOffsetVector=offsets))()
    assert dose.grid.origin_mm == pytest.approx((-20.0, -15.0, -97.0))
    assert dose.grid.spacing_mm[0] == pytest.approx(3.0)
    np.testing.assert_allclose(dose.values_gy, small[0], atol=1e-6)


@pytest.mark.parametrize("offsets", [[0, -3, -6, -9], [-97, -100, -103, -106]])
def test_descending_offsets_are_turned_round(
    small: tuple[np.ndarray, Grid, Image], offsets: list[float]
) -> None:
    dose = changed(small, put(GridFrameOffsetVector=offsets))()
    assert dose.grid.origin_mm == pytest.approx((-20.0, -15.0, -106.0))
    np.testing.assert_allclose(dose.values_gy[::-1], small[0], atol=1e-6)


def test_absolute_offsets_of_a_feet_first_grid_go_down(
    small: tuple[np.ndarray, Grid, Image],
) -> None:
    change = put(
        ImageOrientationPatient=[-1, 0, 0, 0, 1, 0],
        GridFrameOffsetVector=[-97, -100, -103, -106],
    )
    dose = changed(small, change)()
    np.testing.assert_allclose(dose.grid.axes[0], (0, 0, -1))
    assert dose.grid.origin_mm[2] == pytest.approx(-97.0)
    np.testing.assert_allclose(dose.values_gy, small[0], atol=1e-6)


def test_unequal_frames_are_interpolated_where_they_are(
    small: tuple[np.ndarray, Grid, Image],
) -> None:
    dose = changed(small, put(GridFrameOffsetVector=[0, 3, 9, 12]))()
    assert dose.grid.shape == (5, 3, 5)
    assert dose.grid.spacing_mm[0] == pytest.approx(3.0)
    expected = small[0][[0, 1, 1, 2, 3]].copy()
    expected[2] = (small[0][1] + small[0][2]) / 2
    np.testing.assert_allclose(dose.values_gy, expected, atol=1e-5)
    assert dose.warnings[0][0] == "UNEQUAL_SPACING"


def _no_offsets(dataset: Dataset) -> None:
    del dataset.GridFrameOffsetVector


@pytest.mark.parametrize(
    ("change", "reason", "match"),
    [
        (put(GridFrameOffsetVector=[0, 3, 6]), "BAD_DOSE", "3 frame offsets for 4 frames"),
        (put(GridFrameOffsetVector=[0, 3, 3, 6]), "BAD_DOSE", "the same offset"),
        (put(GridFrameOffsetVector=[5, 8, 11, 14]), "BAD_DOSE", "neither 0 nor the z"),
        (put(GridFrameOffsetVector=[0, 0.1, 50, 90]), "BAD_DOSE", "mm apart"),
        (_no_offsets, "BAD_DOSE", "0 frame offsets"),
        (put(FrameIncrementPointer=0x00181063), "BAD_DOSE", "does not name"),
        (put(DoseGridScaling=0), "BAD_DOSE", "Dose Grid Scaling is 0"),
        (put(DoseGridScaling=-1), "BAD_DOSE", "Dose Grid Scaling is -1"),
        (put(DoseType="EFFECTIVE"), "BAD_DOSE", "EFFECTIVE"),
        (put(DoseType="ERROR"), "BAD_DOSE", "ERROR"),
        (put(DoseUnits="CGY"), "BAD_DOSE", "CGY"),
        (put(DoseUnits="RELATIVE"), "RELATIVE_DOSE", "relative"),
    ],
)
def test_what_is_no_dose_is_refused(
    small: tuple[np.ndarray, Grid, Image],
    change: Callable[[Dataset], None],
    reason: str,
    match: str,
) -> None:
    with pytest.raises(DoseError, match=match) as caught:
        changed(small, change)()
    assert caught.value.reason == reason


def _no_scaling(dataset: Dataset) -> None:
    del dataset.DoseGridScaling


def _short_pixels(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:-8]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_no_scaling, "MISSING_ATTRIBUTE"),
        (_short_pixels, "PIXEL_DATA_MISMATCH"),
        (put(ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0]), "BAD_GEOMETRY"),
        (put(DoseUnits=""), "MISSING_ATTRIBUTE"),
    ],
)
def test_broken_headers_are_refused(
    small: tuple[np.ndarray, Grid, Image], change: Callable[[Dataset], None], reason: str
) -> None:
    with pytest.raises(ReadingError) as caught:
        changed(small, change)()
    assert caught.value.reason == reason


def test_negative_stored_dose_is_refused(small: tuple[np.ndarray, Grid, Image]) -> None:
    def change(dataset: Dataset) -> None:
        dataset.PixelRepresentation = 1
        dataset.PixelData = np.full(60, -1, dtype="<i4").tobytes()

    with pytest.raises(DoseError, match="negative"):
        changed(small, change)()


def test_a_relative_dose_is_read_with_its_normalisation(
    small: tuple[np.ndarray, Grid, Image],
) -> None:
    data = dose_bytes(*small, DoseContent())
    dataset = dcmread(BytesIO(data))
    dataset.DoseUnits = "RELATIVE"
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    dose = dose_from_bytes(buffer.getvalue(), "d.dcm", normalisation_gy=2.0)
    np.testing.assert_allclose(dose.values_gy, 2 * small[0], atol=1e-5)


def test_a_stored_dvh_that_cannot_be_read_is_a_remark(
    small: tuple[np.ndarray, Grid, Image],
) -> None:
    def change(dataset: Dataset) -> None:
        curve = Dataset()
        curve.DVHType = "DIFFERENTIAL"
        curve.DoseUnits = "GY"
        curve.DVHDoseScaling = 0.5
        curve.DVHVolumeUnits = "CM3"
        curve.DVHData = [1, 4, 1, 4]
        curve.DVHMeanDose = 5
        dataset.DVHSequence = [curve]

    dose = changed(small, change)()
    assert dose.dvhs[0].mean == pytest.approx(0.5)
    assert not dose.dvhs[0].is_cumulative
    assert dose.warnings[0][0] == "DVH_INCONSISTENT"


def test_a_plan_is_no_dose(unpacked: Callable[[str], Path]) -> None:
    with pytest.raises(AssemblyError) as caught:
        read_dose(unpacked(CHAMBER) / "RP.dcm")
    assert caught.value.reason == "WRONG_MODALITY"


def test_every_refusal_says_what_to_do(small: tuple[np.ndarray, Grid, Image]) -> None:
    with pytest.raises(IsocentraError) as caught:
        changed(small, put(DoseUnits="RELATIVE"))()
    assert caught.value.do.endswith(".")
    assert caught.value.where.file == "d.dcm"


@pytest.mark.peer
@pytest.mark.parametrize("summation", [DoseSummation.PLAN, DoseSummation.BEAM])
def test_the_16_bit_twin_is_clean_under_dciodvfy(
    small: tuple[np.ndarray, Grid, Image], tmp_path: Path, summation: DoseSummation
) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    content = DoseContent(
        summation=summation,
        plan_uids=("1.2.3",),
        fraction_group=1,
        beam_numbers=(1,) if summation is DoseSummation.BEAM else (),
    )
    twin = dose_bytes(*small, content, bits=DoseBits.SIXTEEN)
    (tmp_path / "d.dcm").write_bytes(twin)
    run = subprocess.run(
        ["dciodvfy", str(tmp_path / "d.dcm")], capture_output=True, text=True, check=False
    )
    assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []
    assert run.returncode == 0, run.stderr
    deep = dcmread(BytesIO(dose_bytes(*small, content)))
    shallow = dcmread(BytesIO(twin))
    own = {"PixelData", "BitsAllocated", "BitsStored", "HighBit", "DoseGridScaling"}
    own |= {"SOPInstanceUID", "SeriesInstanceUID"}
    for element in deep:
        if element.keyword not in own:
            assert shallow[element.tag] == element
