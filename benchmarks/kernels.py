"""CPU seconds of the kernels against their peers and their goals, in one run.

``python benchmarks/kernels.py`` prints one line per case: CPU seconds (best of five, one thread),
the ratio to each peer on the same arrays, and whether the goal is met. Volumes are 256 × 256 × 150.
``pip install edt`` adds that peer; SimpleITK and scipy are there anyway. scipy's distance takes
three seconds a mask and is timed once.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - the name its own pages use
from scipy import ndimage

from isocentra.geometry import DisplacementField, FieldKind, Grid
from isocentra.gpu_kernels import (
    Compute,
    Interpolation,
    describe,
    polygon_coverage,
    resample,
    signed_distance,
)

SHAPE = (150, 256, 256)
SPACING_KJI_MM = (3.0, 0.98, 0.98)
ONE = Compute(threads=1)
REPEATS = 5
Float32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a case must reach: CPU seconds, and the ratio to one peer."""

    seconds: float
    peer: str = ""
    ratio: float = 0.0


def cpu_seconds(job: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least CPU seconds of all threads over some repeats."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        job()
        best = min(best, time.process_time() - begin)
    return best


def show(name: str, ours: float, peers: dict[str, float], goal: Goal | None = None) -> None:
    """Print one line."""
    ratios = "".join(f"  {peer} {s:.3f} s = {s / ours:.1f}×" for peer, s in peers.items())
    met = ""
    if goal is not None:
        held = ours <= goal.seconds and (not goal.peer or peers[goal.peer] / ours >= goal.ratio)
        asked = f" and ≥ {goal.ratio}× {goal.peer}" if goal.peer else ""
        met = f"  goal ≤ {goal.seconds} s{asked}: {'held' if held else 'MISSED'}"
    print(f"{name:34s} {ours:.3f} s{ratios}{met}", flush=True)


def machine() -> str:
    """Processor, cores, versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{model or platform.processor()}, {cores} cores, load {load:.1f}, {describe(ONE).name}"


def volume_and_shift() -> tuple[Float32, Float32]:
    """Make a noisy volume and a smooth displacement of ± 3 voxels."""
    random = np.random.default_rng(0)
    volume = (1000 * np.cos(np.arange(SHAPE[2]) / 9) + 20 * random.standard_normal(SHAPE)).astype(
        np.float32
    )
    waves = [np.sin(np.arange(n) / 20) for n in SHAPE]
    z, y, x = waves[0][:, None, None], waves[1][:, None], waves[2]
    shift = np.stack([3 * y + 0 * z + 0 * x, 3 * x + 0 * y + 0 * z, 3 * z + 0 * y + 0 * x])
    return volume, shift.astype(np.float32)


def warps() -> None:
    """Resampling through a displacement field."""
    volume, shift = volume_and_shift()

    def ours(order: Interpolation) -> Callable[[], Float32]:
        return lambda: resample(
            volume, shape=SHAPE, matrix=np.eye(3, 4), displacement=shift, order=order, compute=ONE
        )

    moving = sitk.GetImageFromArray(volume)
    vectors = sitk.GetImageFromArray(np.moveaxis(shift, 0, -1), isVector=True)
    warp = sitk.WarpImageFilter()
    warp.SetOutputParameteresFromImage(moving)
    itk = cpu_seconds(lambda: warp.Execute(moving, vectors))
    transform = sitk.DisplacementFieldTransform(sitk.Cast(vectors, sitk.sitkVectorFloat64))
    through = cpu_seconds(lambda: sitk.Resample(moving, moving, transform, sitk.sitkLinear), 2)
    position = np.indices(SHAPE, dtype=np.float32) + shift[::-1]
    scipy_linear = cpu_seconds(lambda: ndimage.map_coordinates(volume, position, order=1), 1)
    peers = {"SimpleITK Warp": itk, "SimpleITK Resample": through, "scipy": scipy_linear}
    goal = Goal(seconds=0.06, peer="SimpleITK Warp", ratio=6)
    show("trilinear warp", cpu_seconds(ours(Interpolation.LINEAR)), peers, goal)
    cubic = cpu_seconds(lambda: sitk.Resample(moving, moving, transform, sitk.sitkBSpline), 1)
    show(
        "cubic B-spline warp", cpu_seconds(ours(Interpolation.CUBIC), 3),
        {"SimpleITK BSpline": cubic},
    )  # fmt: skip
    difference = np.abs(ours(Interpolation.LINEAR)() - ndimage.map_coordinates(
        volume.astype(float), position.astype(float), order=1, mode="constant", cval=0.0
    ))[4:-4, 4:-4, 4:-4]  # fmt: skip
    print(f"{'  from float64 scipy, largest':34s} {difference.max():.1e} at a range of 2150")


def masks() -> dict[str, Mask]:
    """Make the masks of the goals, and a few that search far."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    along = (z - 75) * 3.0, (y - 128) * 0.98, (x - 128) * 0.98
    one = np.zeros(SHAPE, np.uint8)
    one[75, 128, 128] = 1
    corner = np.zeros(SHAPE, np.uint8)
    corner[0, 0, 0] = 1
    random = np.random.default_rng(1).standard_normal((30, 64, 64))
    blobs = np.kron(ndimage.gaussian_filter(random, 2) > 0.1, np.ones((5, 4, 4), np.bool_))
    torso = (along[1] / 80) ** 2 + (along[2] / 110) ** 2 + 0 * z < 1
    return {
        "sphere r 60 mm": (along[0] ** 2 + along[1] ** 2 + along[2] ** 2 < 60**2).astype(np.uint8),
        "torso cylinder": torso.astype(np.uint8),
        "blobs": blobs.astype(np.uint8),
        "one voxel": one,
        "one voxel in a corner": corner,
    }


def distances() -> None:
    """Signed distances, banded and unbounded."""
    for name, mask in masks().items():
        image = sitk.GetImageFromArray(mask)
        image.SetSpacing(SPACING_KJI_MM[::-1])
        peers = {
            "SimpleITK Maurer": cpu_seconds(
                lambda i=image: sitk.SignedMaurerDistanceMap(
                    i, squaredDistance=False, useImageSpacing=True
                ),
                3,
            )
        }
        if importlib.util.find_spec("edt") is not None:
            edt = importlib.import_module("edt")
            peers["edt"] = cpu_seconds(
                lambda m=mask, edt=edt: edt.sdf(m, anisotropy=SPACING_KJI_MM, parallel=1), 3
            )
        for band, seconds in ((30.0, 0.25), (None, 0.6)):
            ours = cpu_seconds(
                lambda m=mask, b=band: signed_distance(m, SPACING_KJI_MM, b, compute=ONE)
            )
            goal = Goal(seconds=seconds, peer="SimpleITK Maurer", ratio=1.5)
            text = f"distance {name}, " + ("unbounded" if band is None else f"{band:.0f} mm")
            show(text, ours, peers, goal)
    mask = masks()["sphere r 60 mm"]
    begin = time.process_time()
    exact = ndimage.distance_transform_edt(mask == 0, SPACING_KJI_MM)
    exact -= ndimage.distance_transform_edt(mask, SPACING_KJI_MM)
    took = time.process_time() - begin
    worst = np.abs(signed_distance(mask, SPACING_KJI_MM, compute=ONE) - exact).max()
    print(f"{'  from scipy (sphere), largest':34s} {worst:.1e} mm; scipy took {took:.1f} s")


def polygons() -> None:
    """Coverage of a ring with a hole on 512 × 512 pixels."""
    for points in (200, 1440, 10000):
        angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
        rings = [256 + r * np.column_stack([np.cos(angle), 0.9 * np.sin(angle)]) for r in (200, 60)]
        starts = np.array([0, points, 2 * points], np.int32)
        both = np.concatenate(rings)
        got = polygon_coverage(both, starts, (512, 512), compute=ONE)
        ours = cpu_seconds(lambda b=both, s=starts: polygon_coverage(b, s, (512, 512), compute=ONE))
        area = 0.5 * points * np.sin(2 * np.pi / points) * 0.9 * (200**2 - 60**2)
        show(f"coverage, {2 * points} vertices", ours, {})
        print(f"{'  area, relative error':34s} {abs(got.sum(dtype=float) / area - 1):.1e}")


def fields() -> None:
    """Inversion of a field of 100³ voxels."""
    grid = Grid(shape=(100, 100, 100), spacing_mm=(4, 4, 4), origin_mm=(0, 0, 0))
    x, y, z = np.moveaxis(grid.centres() / 40, -1, 0)
    values = 8 * np.stack([np.sin(y), np.cos(z), np.sin(x)], axis=-1).astype(np.float32)
    made = DisplacementField(grid=grid, displacement_mm=values, kind=FieldKind.PULL)
    show("inverse of a field, 100³", cpu_seconds(made.invert, 2), {})
    inverse = made.invert()
    ends = grid.centres().reshape(-1, 3)
    starts = ends + inverse.displacement_mm.reshape(-1, 3)
    left = np.linalg.norm(starts + made.at(starts) - ends, axis=1)
    print(f"{'  left over, largest':34s} {np.nanmax(left):.4f} mm")


def two_threads() -> None:
    """Wall time on one and two threads: tells something on an idle machine only."""
    volume, shift = volume_and_shift()
    walls = []
    for threads in (1, 2):
        compute = Compute(threads=threads)
        best = float("inf")
        for _ in range(REPEATS):
            begin = time.perf_counter()
            resample(volume, shape=SHAPE, matrix=np.eye(3, 4), displacement=shift, compute=compute)
            best = min(best, time.perf_counter() - begin)
        walls.append(best)
    print(f"{'trilinear warp, wall, 1 and 2 threads':34s} {walls[0]:.3f} s, {walls[1]:.3f} s")
    small = np.zeros((1, 1, 128), np.float32)
    count = 2000
    begin = time.perf_counter()
    for _ in range(count):
        resample(small, shape=(1, 1, 128), matrix=np.eye(3, 4), compute=ONE)
    each = (time.perf_counter() - begin) / count
    print(f"{'one call on 128 voxels':34s} {each * 1e6:.0f} µs")


def main() -> None:
    """Run all."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    print(machine())
    warps()
    distances()
    polygons()
    fields()
    two_threads()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of all cases, peers included: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
