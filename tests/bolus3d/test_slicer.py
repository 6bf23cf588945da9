"""Two programs that others wrote agree that our files print: admesh and PrusaSlicer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isocentra.bolus3d.catalogue import material
from isocentra.mesh.read import read_mesh
from isocentra.mesh.weld import snapped
from isocentra.mesh.write import BaseMaterial, stl_bytes, threemf_bytes

pytestmark = [pytest.mark.peer, pytest.mark.slow]

Slice = Callable[..., Any]


@pytest.mark.parametrize("suffix", [".stl", ".3mf"])
def test_a_good_shell_slices_without_repairs_and_inside_the_bed(
    suffix: str, mesh_files: Path, tmp_path: Path, slice_part: Slice
) -> None:
    mesh = snapped(read_mesh(mesh_files / "good_cup.stl"))
    pla = material("pla")
    made = {
        ".stl": stl_bytes(mesh),
        ".3mf": threemf_bytes(
            mesh, title="bolus", material=BaseMaterial(name=pla.title, rgba=pla.rgba)
        ),
    }
    path = tmp_path / f"part{suffix}"
    path.write_bytes(made[suffix])
    part = slice_part(path)
    assert part.exit_code == 0
    assert part.manifold
    assert (part.parts, part.open_edges, part.facets_reversed) == (1, 0, 0)
    assert all(count == 0 for count in part.repairs.values()), part.repairs
    assert part.volume_cm3 == pytest.approx(mesh.signed_volume_mm3 / 1000, rel=1e-3)
    assert 0.97 <= part.ratio <= 1.05
    assert np.all(np.array(part.box_mm[0]) >= 0)
    assert np.all(np.array(part.box_mm[1]) <= (223, 223, 205))


def test_the_witnesses_see_a_hole_and_a_fold(mesh_files: Path, slice_part: Slice) -> None:
    hole = slice_part(mesh_files / "open_hole.stl")
    assert not hole.manifold
    assert hole.repairs["Total disconnected facets"] == 10
    assert hole.ratio > 1.05
    fold = slice_part(mesh_files / "selfint_fold.stl")
    assert fold.manifold
    assert fold.ratio > 1.05


def test_a_part_beside_the_bed_is_seen_by_its_box_alone(
    mesh_files: Path, slice_part: Slice
) -> None:
    part = slice_part(mesh_files / "oversize_275mm.stl")
    assert part.exit_code == 0
    assert part.box_mm[0][0] < 0
    assert part.box_mm[1][0] > 223
