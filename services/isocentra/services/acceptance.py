"""The local acceptance: answers that are known by formula, worked out again on this machine.

kernels, geometry, DICOM, meshes, a bolus on a digital ball ──► named checks ──► AcceptanceResult
                                                                └──► acceptance_report, to be signed
"""

from __future__ import annotations

from dataclasses import dataclass

from isocentra import gpu_kernels
from isocentra.gpu_kernels import Compute
from isocentra.progress import Progress, Stages, silent
from isocentra.result import Result, Software, program_version
from isocentra.services.known_answers.bolus import bolus_checks, left_from_right
from isocentra.services.known_answers.geometry import geometry_checks
from isocentra.services.known_answers.kernels import kernel_checks
from isocentra.services.known_answers.meshes import mesh_checks
from isocentra.services.known_answers.objects import object_checks
from isocentra.services.machine import Machine, this_machine
from isocentra.verdict import Check, verdict

__all__ = ["AcceptanceResult", "run_selftest"]

SCHEMA = "isocentra.selftest.v1"
SHARES = {
    "kernels": 0.05,
    "geometry": 0.05,
    "DICOM": 0.05,
    "meshes": 0.05,
    "left and right": 0.05,
    "bolus": 0.75,
}


@dataclass(frozen=True, kw_only=True)
class AcceptanceResult(Result):
    """What `isocentra selftest` says."""

    machine: Machine


def run_selftest(
    *, progress: Progress = silent, compute: Compute = gpu_kernels.ON_CPU
) -> AcceptanceResult:
    """Work out the known answers on this machine.

    Parameters
    ----------
    progress
        Called as each stage begins.
    compute
        Where the kernels run: it is this device that is accepted.

    Returns
    -------
    AcceptanceResult
        One check per answer, each with value, limit and unit; FAIL where one is missed.
    """
    stages = Stages(progress, SHARES)
    checks: list[Check] = []
    with stages.stage("kernels"):
        checks += kernel_checks(compute)
    with stages.stage("geometry"):
        checks += geometry_checks()
    with stages.stage("DICOM"):
        checks += object_checks()
    with stages.stage("meshes"):
        checks += mesh_checks()
    with stages.stage("left and right"):
        checks += left_from_right()
    with stages.stage("bolus"):
        checks += bolus_checks(progress, compute)
    found = gpu_kernels.describe(compute)
    return AcceptanceResult(
        schema=SCHEMA,
        status=verdict(checks),
        checks=tuple(checks),
        inputs=(),
        software=Software(version=program_version(), device=found.name, kernels=found.kernels),
        stages=tuple(stages.done),
        machine=this_machine(),
    )
