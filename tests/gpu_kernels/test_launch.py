"""Nothing runs that was not declared, and the GPU road is walked up to the launch itself.

The stand-in for CuPy records what CuPy would be given; whether a GPU then computes the same is
what the tests marked `gpu` show on a machine that has one.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any

import numpy as np
import pytest

from isocentra.gpu_kernels import (
    Compute,
    Device,
    Interpolation,
    LaunchError,
    cpu,
    gpu,
    polygon_coverage,
    resample,
    signed_distance,
)
from isocentra.gpu_kernels.kernel import KERNELS, Launch, prepare
from isocentra.gpu_kernels.launch import launch

CUDA = Compute(device=Device.CUDA, ordinal=1)


@pytest.mark.parametrize("name", list(KERNELS))
def test_the_declaration_is_what_was_compiled(name: str) -> None:
    letters = ctypes.create_string_buffer(256)
    getattr(cpu.library(cpu.best_level()), f"gk_sig_{name}")(letters)
    assert letters.value.decode() == KERNELS[name].signature


def valid() -> list[Any]:
    """Arguments of `distance_row`."""
    return [np.zeros((5, 6), np.uint8), np.zeros((5, 6), np.float32), 6, 5, 1.0, np.inf]


def test_scalars_get_the_exact_type_of_the_kernel() -> None:
    checked = prepare("distance_row", tuple(valid()), 1)
    assert [type(value) for value in checked.arguments[2:]] == [
        np.int32, np.int64, np.float32, np.float32,
    ]  # fmt: skip
    assert not checked.on_gpu


@pytest.mark.parametrize(
    ("position", "value", "complaint"),
    [
        (0, np.zeros((5, 6), np.int16), "uint8 as argument 0, not int16"),
        (1, np.zeros((5, 12), np.float32)[:, ::2], "C-contiguous"),
        (1, np.broadcast_to(np.float32(0), (5, 6)), "C-contiguous"),
        (2, 2**31, "does not fit int32"),
        (2, 1.5, "does not fit int32"),
        (3, 2**63, "does not fit int64"),
    ],
)
def test_an_argument_that_does_not_fit_is_refused(
    position: int, value: object, complaint: str
) -> None:
    arguments = valid()
    arguments[position] = value
    with pytest.raises(LaunchError, match=complaint):
        prepare("distance_row", tuple(arguments), 1)


def test_a_read_only_array_is_not_written() -> None:
    arguments = valid()
    arguments[1].setflags(write=False)
    with pytest.raises(LaunchError, match="read-only"):
        prepare("distance_row", tuple(arguments), 1)


def test_the_number_of_arguments_and_teams_is_checked() -> None:
    with pytest.raises(LaunchError, match="takes 6 arguments, 5 given"):
        prepare("distance_row", tuple(valid()[:5]), 1)
    with pytest.raises(LaunchError, match="teams"):
        prepare("distance_row", tuple(valid()), 2**31)


class OnDevice(np.ndarray[Any, Any]):
    """A host array that says it lives on a GPU: what CuPy's arrays are to this room."""

    __cuda_array_interface__ = {"version": 3}  # noqa: RUF012 - the protocol's own name and type

    @property
    def device(self) -> InDevice:  # type: ignore[override]
        return InDevice()

    def get(self) -> np.ndarray[Any, Any]:
        return self.view(np.ndarray)


class InDevice:
    def __init__(self, *ordinal: int) -> None:
        self.ordinal = ordinal

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


@dataclass
class Recorded:
    """What the stand-in was asked to do."""

    modules: list[dict[str, Any]] = field(default_factory=list)
    launches: list[tuple[str, tuple[int, ...], tuple[int, ...], tuple[Any, ...]]] = field(
        default_factory=list
    )
    devices: list[int] = field(default_factory=list)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Put a stand-in in place of CuPy that computes nothing."""
    seen = Recorded()

    class RawModule:
        def __init__(self, **options: Any) -> None:  # noqa: ANN401 - CuPy's own
            seen.modules.append(options)

        def get_function(self, name: str) -> Any:  # noqa: ANN401 - CuPy's own
            return lambda grid, block, arguments: seen.launches.append(
                (name, grid, block, arguments)
            )

    def device(ordinal: int) -> InDevice:
        seen.devices.append(ordinal)
        return InDevice(ordinal)

    def on_device(array: Any, dtype: Any = None) -> OnDevice:  # noqa: ANN401 - CuPy's own
        return np.ascontiguousarray(array, dtype).view(OnDevice)

    cupy: Any = ModuleType("cupy")
    cupy.RawModule = RawModule
    cupy.asarray = on_device
    cupy.empty = lambda shape, dtype: np.zeros(shape, dtype).view(OnDevice)
    cupy.ones = np.ones
    properties = {"name": b"Recorder"}
    cupy.cuda = SimpleNamespace(
        Device=device, runtime=SimpleNamespace(getDeviceProperties=lambda _ordinal: properties)
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    gpu._module.cache_clear()
    gpu.device_name.cache_clear()
    yield seen
    gpu._module.cache_clear()
    gpu.device_name.cache_clear()


def test_cupy_is_given_source_options_grid_block_and_typed_arguments(recorded: Recorded) -> None:
    volume = np.zeros((3, 5, 300), np.float32).view(OnDevice)
    out = resample(volume, shape=(2, 4, 260), matrix=np.eye(3, 4), fill=-1.0)
    assert out.__class__ is OnDevice
    (module,) = recorded.modules
    assert "#include" not in module["code"]
    assert "resample_linear_field" in module["code"]
    assert module["backend"] == "nvrtc"
    assert {"--fmad=false", "-DGK_W=128", "--std=c++17"} == set(module["options"])
    ((name, grid, block, arguments),) = recorded.launches
    assert (name, grid, block) == ("resample_linear", (3 * 4 * 2,), (128,))
    assert np.shares_memory(arguments[0], volume)
    whole, real = ["int32"] * 3, "float32"
    assert [a.dtype.name for a in arguments] == [real, *whole, real, real, *whole, real]
    assert [int(a) for a in (*arguments[1:4], *arguments[6:9])] == [300, 5, 3, 260, 4, 2]


def test_a_numpy_array_goes_to_the_device_that_was_chosen_and_comes_home(
    recorded: Recorded,
) -> None:
    mask = np.zeros((4, 6, 130), np.uint8)
    got = signed_distance(mask, (3.0, 1.0, 1.0), 10.0, compute=CUDA)
    assert type(got) is np.ndarray
    assert set(recorded.devices) == {1}
    names = [name for name, *_ in recorded.launches]
    assert names == ["distance_row", *["distance_low", "distance_axis"] * 2]
    assert [grid for _, grid, _, _ in recorded.launches] == [
        (1,), (48,), (48,), (28,), (28,),
    ]  # fmt: skip


def test_every_kernel_is_launched_with_arguments_that_fit_its_declaration(
    recorded: Recorded,
) -> None:
    volume = np.ones((3, 4, 5), np.float32)
    shape, same = (3, 4, 5), np.eye(3, 4)
    for order in Interpolation:
        for shift in (None, np.zeros((3, *shape), np.float32)):
            resample(
                volume, shape=shape, matrix=same, displacement=shift, order=order, compute=CUDA
            )
    signed_distance(volume.astype(np.uint8), (1, 1, 1), compute=CUDA)
    triangle = np.array([[0.0, 0], [4, 0], [0, 4]])
    polygon_coverage(triangle, np.array([0, 3], np.int32), (5, 5), compute=CUDA)
    assert {name for name, *_ in recorded.launches} == set(KERNELS)
    for name, _, _, arguments in recorded.launches:
        pointers = [len(letters) == 2 for letters in KERNELS[name].arguments]
        assert [isinstance(a, OnDevice) for a in arguments] == pointers


def test_arrays_on_both_devices_are_refused() -> None:
    arguments = valid()
    arguments[0] = arguments[0].view(OnDevice)
    with pytest.raises(LaunchError, match="in one call"):
        prepare("distance_row", tuple(arguments), 1)


def test_nothing_is_launched_for_no_teams() -> None:
    seen: list[Launch] = []
    launch("distance_row", tuple(valid()), 0, Compute(), run=seen.append)
    assert seen == []
    launch("distance_row", tuple(valid()), 1, Compute(), run=seen.append)
    assert [(one.kernel.name, one.teams) for one in seen] == [("distance_row", 1)]
