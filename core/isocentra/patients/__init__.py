"""Analytic digital patients, and scans of them."""

from isocentra.patients.calibration import LAYERED, ear, face, sphere, tilted_cylinder
from isocentra.patients.model import Body, DigitalPatient, Landmark, Organ
from isocentra.patients.noise import NoiseTexture
from isocentra.patients.scanner import PATIENT_POSITIONS, Scanner, simulate_ct, simulate_mr

__all__ = [
    "LAYERED",
    "PATIENT_POSITIONS",
    "Body",
    "DigitalPatient",
    "Landmark",
    "NoiseTexture",
    "Organ",
    "Scanner",
    "ear",
    "face",
    "simulate_ct",
    "simulate_mr",
    "sphere",
    "tilted_cylinder",
]
