"""CT numbers and densities of the digital patients' materials.

CT numbers are usual ones at 120 kV; densities after ICRU Report 46 (1992) where it lists the
tissue. They are the phantoms' truth, not a calibration.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AIR",
    "BLADDER",
    "BONE",
    "BRAIN",
    "CARBON",
    "EYE",
    "FAT",
    "FOAM",
    "HEART",
    "LUNG",
    "MARROW",
    "MASK",
    "METAL",
    "MUSCLE",
    "PAD",
    "PROSTATE",
    "SKIN",

    "Material",
    "soft_tissue",
]  # fmt: skip


class Material(NamedTuple):
    """CT number [HU], mass density [g/cm³], T1-weighted signal [fat = 1000]."""

    hu: float
    density_g_cm3: float
    mr_signal: float


AIR = Material(-1000.0, 0.0012, 0.0)
LUNG = Material(-740.0, 0.26, 80.0)
FAT = Material(-100.0, 0.95, 1000.0)
MUSCLE = Material(40.0, 1.05, 420.0)
SKIN = Material(20.0, 1.09, 350.0)
BRAIN = Material(35.0, 1.04, 480.0)
EYE = Material(15.0, 1.01, 150.0)
LIVER = Material(55.0, 1.06, 520.0)
HEART = Material(45.0, 1.06, 400.0)
BLADDER = Material(5.0, 1.01, 120.0)
PROSTATE = Material(42.0, 1.04, 400.0)
MARROW = Material(150.0, 1.10, 700.0)
BONE = Material(900.0, 1.61, 60.0)
PAD = Material(-700.0, 0.30, 0.0)
FOAM = Material(-950.0, 0.05, 0.0)
CARBON = Material(-250.0, 0.75, 0.0)
MASK = Material(-100.0, 0.95, 0.0)
METAL = Material(2500.0, 7.8, 0.0)


def soft_tissue(hu: float) -> Material:
    """Return soft tissue of a CT number, −100 (fat) to +40 (muscle) and near; density linear."""
    share = (hu - FAT.hu) / (MUSCLE.hu - FAT.hu)
    density = FAT.density_g_cm3 + share * (MUSCLE.density_g_cm3 - FAT.density_g_cm3)
    signal = FAT.mr_signal + share * (MUSCLE.mr_signal - FAT.mr_signal)
    return Material(hu, density, max(signal, 0.0))
