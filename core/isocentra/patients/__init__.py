"""Analytic digital patients, and scans of them."""

from isocentra.patients.accessories import Accessory
from isocentra.patients.calibration import LAYERED, ear, face, sphere, tilted_cylinder
from isocentra.patients.head import head
from isocentra.patients.limb import forearm, leg
from isocentra.patients.model import Body, DigitalPatient, Landmark, Organ
from isocentra.patients.noise import NoiseTexture
from isocentra.patients.outlines import structure_set
from isocentra.patients.pelvis import pelvis
from isocentra.patients.quadrature import known_volume_cm3, volume_mm3
from isocentra.patients.scanner import PATIENT_POSITIONS, Scanner, simulate_ct, simulate_mr
from isocentra.patients.torso import torso

__all__ = [
    "LAYERED",
    "PATIENT_POSITIONS",
    "Accessory",
    "Body",
    "DigitalPatient",
    "Landmark",
    "NoiseTexture",
    "Organ",
    "Scanner",
    "ear",
    "face",
    "forearm",
    "head",
    "known_volume_cm3",
    "leg",
    "pelvis",
    "simulate_ct",
    "simulate_mr",
    "sphere",
    "structure_set",
    "tilted_cylinder",
    "torso",
    "volume_mm3",
]
