"""Air behind the nostrils is the patient's, whatever the grid: no bolus grows into it."""

from __future__ import annotations

import numpy as np
import pytest

from isocentra.anatomy.body import find_body
from isocentra.patients import head, simulate_ct
from isocentra.patients.solids import Point

NASAL_CAVITY: Point = (0.0, -85.0, -10.0)
NOSTRILS: tuple[Point, Point] = ((6.2, -95.0, -13.0), (-6.2, -95.0, -13.0))
BEHIND_THE_EAR: Point = (84.0, 26.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("slice_mm", [1.5, 3.0])
def test_nostrils_and_nasal_cavity_are_inner_air_and_the_gap_behind_an_ear_is_not(
    slice_mm: float,
) -> None:
    patient = head()
    image = simulate_ct(patient, patient.grid(pixel_mm=1.0, slice_mm=slice_mm), noise_hu=15, seed=1)
    body = find_body(image)

    def is_patient(point: Point) -> bool:
        k, j, i = np.rint(body.grid.to_index(np.array(point))).astype(int).tolist()
        return bool(body.mask[k, j, i])

    assert is_patient(NASAL_CAVITY)
    assert all(is_patient(point) for point in NOSTRILS)
    assert not is_patient(BEHIND_THE_EAR)
