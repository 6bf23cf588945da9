"""The places where kernels can run: every numerical test runs on each that this machine has."""

from __future__ import annotations

import pytest

from isocentra.gpu_kernels import Compute, Device, describe

GPU = Compute(device=Device.CUDA)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def place(request: pytest.FixtureRequest) -> Compute:
    """Where to compute; the GPU is skipped with the reason why it cannot be used."""
    if request.param == "cpu":
        return Compute()
    report = describe(GPU)
    if not report.usable:
        pytest.skip(f"no CUDA device is here: {report.finding}")
    return GPU
