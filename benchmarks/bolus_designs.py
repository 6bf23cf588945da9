"""Every promise about a bolus mesh, on the committed list of designs (bolus_designs.toml).

design ──► CT of the digital patient (shared) ──► part ──► STL and RTSTRUCT, written and read back
   ──► topology, exact self-intersections (our test and libigl's CGAL), side of the skin, triangles,
   error of simplifying, contours against the cut mesh ──► one line each, faults named

Run it from the root of the checkout::

    python benchmarks/bolus_designs.py [NAME …] [--noise 20]

Without names, the whole list. libigl is the peer: ``pip install libigl``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from isocentra import dicom, gpu_kernels
from isocentra.bolus3d import catalogue, design
from isocentra.bolus3d.products import bolus_roi, structure_file
from isocentra.bolus3d.request import BolusRequest, Rim
from isocentra.image import Image
from isocentra.mesh.check import check_mesh
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh_bytes
from isocentra.mesh.write import stl_bytes
from isocentra.patients.head import head
from isocentra.patients.limb import forearm, leg
from isocentra.patients.model import DigitalPatient
from isocentra.patients.outlines import structure_set
from isocentra.patients.scanner import simulate_ct
from isocentra.patients.torso import torso
from isocentra.progress import Stages, silent
from isocentra.structures.model import Roi, StructureSet
from isocentra.structures.section import section_agreement, slab_volume_cm3

LIST = Path(__file__).with_name("bolus_designs.toml")
PATIENTS = {"head": head, "torso": torso, "forearm": forearm, "leg": leg}
PIXEL_MM = 1.0
MOST_PER_CM3 = 500
MOST_ADDED_MM = 0.03
LEAST_DICE = 0.995
MOST_CONTOUR_MM = 0.05
MOST_SLAB = 0.02
INTO_SKIN_MM = 1.0
"""A vertex further than this inside the analytic skin is on the wrong side of it."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one design gives."""

    name: str
    faults: tuple[str, ...]
    cm3: float
    triangles: int
    added_p95_mm: float
    dice: float
    contour_p95_mm: float
    slab: float
    """Slab volume of the contours against the mesh, signed share."""
    cpu_s: float

    def line(self) -> str:
        """Return its line of the table."""
        return (
            f"{'FAIL' if self.faults else 'ok  '} {self.name:24s} {self.cm3:7.2f} cm³"
            f" {self.triangles:7d} tri {self.triangles / self.cm3:5.0f}/cm³"
            f" added {self.added_p95_mm:.3f} Dice {self.dice:.4f}"
            f" contours {self.contour_p95_mm:.3f} slab {100 * self.slab:+5.2f} %"
            f" {self.cpu_s:5.1f} CPU s  {'; '.join(self.faults)}"
        )


def listed() -> list[dict[str, Any]]:
    """Read the list."""
    with LIST.open("rb") as file:
        return list(tomllib.load(file)["design"])


@lru_cache(maxsize=2)
def scanned(name: str, slice_mm: float, noise_hu: float) -> tuple[DigitalPatient, Image]:
    """Scan a patient once for the designs that follow each other."""
    patient = PATIENTS[name]()
    return patient, simulate_ct(
        patient, patient.grid(pixel_mm=PIXEL_MM, slice_mm=slice_mm), noise_hu=noise_hu, seed=7
    )


@lru_cache(maxsize=8)
def outlined(patient: str, roi: str, slice_mm: float, noise_hu: float) -> StructureSet:
    """Draw one structure of a patient, and write and read it as a planning system's."""
    known, ct = scanned(patient, slice_mm, noise_hu)
    return _written_and_read(structure_set(known, ct, names=(roi,)), ct)


def request_of(wanted: dict[str, Any], noise_hu: float) -> BolusRequest:
    """Turn a line of the list into a request."""
    _, ct = scanned(wanted["patient"], wanted["slice_mm"], noise_hu)
    roi = wanted.get("target") or wanted.get("region")
    structures = (
        None if roi is None else outlined(wanted["patient"], roi, wanted["slice_mm"], noise_hu)
    )
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in wanted.items()
        if key not in {"name", "patient", "slice_mm", "rim"}
    }
    return BolusRequest(ct=ct, structures=structures, rim=Rim(wanted.get("rim", "round")), **given)


def judged(wanted: dict[str, Any], noise_hu: float = 20.0) -> Judged:
    """Design one bolus, write it, read it back, and look for every fault."""
    request = request_of(wanted, noise_hu)
    patient, _ = scanned(wanted["patient"], wanted["slice_mm"], noise_hu)
    start = time.process_time()
    part = design._make(
        request,
        catalogue.printer(request.printer),
        Stages(silent, design.STAGES),
        gpu_kernels.ON_CPU,
    )
    spent = time.process_time() - start
    mesh = read_mesh_bytes(stl_bytes(part.mesh), "bolus.stl")
    roi = read_back(request, part.mesh)
    grid = request.ct.grid
    agreement = section_agreement(roi.contours, mesh, grid)
    cm3 = mesh.signed_volume_mm3 / 1000
    slab = slab_volume_cm3(roi.contours, step_mm=grid.spacing_mm[0]) / cm3 - 1
    dice = min((plane.dice for plane in agreement), default=math.nan)
    apart = max((plane.distance_p95_mm for plane in agreement), default=math.nan)
    faults = [
        *mesh_faults(mesh),
        *side_faults(mesh, patient),
        *(["no contours"] if not agreement else []),
        *([f"Dice {dice:.4f}"] if dice < LEAST_DICE else []),
        *([f"contours {apart:.3f} mm"] if apart > MOST_CONTOUR_MM else []),
        *([f"slab volume {100 * slab:+.1f} %"] if abs(slab) > MOST_SLAB else []),
    ]
    if len(mesh.faces) > MOST_PER_CM3 * cm3:
        faults.append(f"{len(mesh.faces) / cm3:.0f} triangles a cm³")
    if part.simplified.added_p95_mm > MOST_ADDED_MM:
        faults.append(f"simplifying moved {part.simplified.added_p95_mm:.3f} mm")
    return Judged(
        name=wanted["name"],
        faults=tuple(faults),
        cm3=cm3,
        triangles=len(mesh.faces),
        added_p95_mm=part.simplified.added_p95_mm,
        dice=dice,
        contour_p95_mm=apart,
        slab=slab,
        cpu_s=spent,
    )


def read_back(request: BolusRequest, mesh: Mesh) -> Roi:
    """Write the structure set, read it, and return its BOLUS."""
    roi = bolus_roi(request, mesh, catalogue.material(request.material))
    return _read(structure_file(request, roi, None), request.ct).roi(request.name)


def _written_and_read(structures: StructureSet, ct: Image) -> StructureSet:
    return _read(dicom.structure_set_bytes(structures, ct), ct)


def _read(data: bytes, ct: Image) -> StructureSet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "structures.dcm"
        path.write_bytes(data)
        return dicom.read_structures(path, image=ct)


def mesh_faults(mesh: Mesh) -> Iterator[str]:
    """Yield what is wrong with the mesh, by our checks and by counts made here."""
    report = check_mesh(mesh)
    found = {
        "open edges": report.open_edges,
        "non-manifold edges": report.non_manifold_edges,
        "miswound edges": report.miswound_edges,
        "pinched vertices": report.pinched_vertices,
        "degenerate triangles": report.degenerate_triangles,
        "inverted shells": report.inverted_shells,
        "cavities": report.cavities,
        "parts beyond the one": report.parts - 1,
        "self-intersections": report.self_intersections,
        "edges not used once each way": _edges_not_twice(mesh),
        "odd Euler number": report.euler_number % 2,
        "self-intersections by CGAL": _by_cgal(mesh),
        "vertices with two fans by libigl": _two_fans(mesh),
    }
    yield from (f"{count} {what}" for what, count in found.items() if count != 0)
    if mesh.signed_volume_mm3 <= 0:
        yield "negative volume"


def _edges_not_twice(mesh: Mesh) -> int:
    """Directed edges that do not have exactly one partner the other way."""
    a = np.concatenate([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)])
    size = len(mesh.vertices_mm)
    forth, times = np.unique(a[:, 0] * size + a[:, 1], return_counts=True)
    back = np.unique(a[:, 1] * size + a[:, 0])
    return int((times != 1).sum() + len(np.setxor1d(forth, back)))


def _by_cgal(mesh: Mesh) -> int:
    from igl.copyleft import cgal  # noqa: PLC0415  # a peer, absent from an installation

    found = cgal.remesh_self_intersections(mesh.vertices_mm, mesh.faces, detect_only=True)[2]
    return len(np.asarray(found).reshape(-1, 2))


def _two_fans(mesh: Mesh) -> int:
    import igl  # noqa: PLC0415

    good = igl.is_vertex_manifold(mesh.faces)
    return int((~np.atleast_1d(np.asarray(good[-1] if isinstance(good, tuple) else good))).sum())


def side_faults(mesh: Mesh, patient: DigitalPatient) -> Iterator[str]:
    """Yield when the bolus lies inside the patient."""
    value = patient.skin.value(mesh.vertices_mm)
    sunk = mesh.vertices_mm[value < -0.3]
    deep = -patient.skin.signed_distance(sunk) if len(sunk) else np.zeros(1)
    if deep.max() > INTO_SKIN_MM:
        count = int((deep > INTO_SKIN_MM).sum())
        yield f"{count} vertices up to {deep.max():.1f} mm in the patient"


def main() -> None:
    """Judge the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="designs; all without")
    parser.add_argument("--noise", type=float, default=20.0, help="noise of the CT [HU]")
    chosen = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, noise {chosen.noise:g} HU")
    wanted = [one for one in listed() if not chosen.names or one["name"] in chosen.names]
    failed = 0
    for one in sorted(wanted, key=lambda d: (d["patient"], d["slice_mm"])):
        try:
            result = judged(one, chosen.noise)
        except Exception as error:  # noqa: BLE001  # none is left out: a refusal is a failure too
            failed += 1
            print(f"FAIL {one['name']:24s} {type(error).__name__}: {error}", flush=True)
            continue
        failed += bool(result.faults)
        print(result.line(), flush=True)
    print(f"{len(wanted)} designs, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
