"""The demonstration: a digital patient goes the whole road, as a user's patient would.

digital patient ──► simulated CT and structures, written as DICOM ──► read back ──► the job
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from isocentra import dicom, gpu_kernels
from isocentra.bolus3d import BolusDesign, BolusRequest, design_bolus
from isocentra.output import write_folder
from isocentra.patients import head, simulate_ct, structure_set
from isocentra.progress import Progress, silent

__all__ = ["BolusDemonstration", "demonstrate_bolus"]

NOISE_HU = 15.0
SLICE_MM = 1.5
TARGET = "PTV_Nose"
THICKNESS_MM = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusDemonstration:
    """What went in and what came out."""

    inputs: Mapping[str, bytes]
    """The DICOM files, by name below ``input/``."""
    design: BolusDesign

    def write(self, out: Path) -> None:
        """Write ``input/`` and ``result/``; `out` appears whole or not at all."""
        files = {f"input/{name}": content for name, content in self.inputs.items()}
        files |= {f"result/{name}": content for name, content in self.design.files.items()}
        write_folder(out, files)


def demonstrate_bolus(
    *, progress: Progress = silent, compute: gpu_kernels.Compute = gpu_kernels.ON_CPU
) -> BolusDemonstration:
    """Design a 5 mm bolus over the nose of the digital head, from DICOM as a scanner writes it."""
    progress("scanning the digital head", 0.0)
    patient = head()
    image = simulate_ct(
        patient, patient.grid(pixel_mm=1.0, slice_mm=SLICE_MM), noise_hu=NOISE_HU, seed=1
    )
    structures = structure_set(patient, image)
    inputs = {f"ct/{name}": content for name, content in dicom.series_bytes(image)}
    inputs["structures.dcm"] = dicom.structure_set_bytes(structures, image)
    with TemporaryDirectory(prefix="isocentra-demo-") as folder:
        write_folder(Path(folder) / "input", inputs)
        ct = dicom.read_series(Path(folder) / "input" / "ct")
        drawn = dicom.read_structures(Path(folder) / "input" / "structures.dcm", image=ct)
    request = BolusRequest(ct=ct, structures=drawn, target=TARGET, thickness_mm=THICKNESS_MM)

    def later(stage: str, fraction: float) -> None:
        progress(stage, 0.2 + 0.8 * fraction)

    return BolusDemonstration(
        inputs=inputs, design=design_bolus(request, progress=later, compute=compute)
    )
