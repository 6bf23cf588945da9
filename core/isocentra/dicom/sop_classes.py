"""The SOP classes that the gate lets in, by what they are."""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["MODALITY", "SOP_KINDS", "Kind"]


class Kind(Enum):
    """What a data set is to us."""

    IMAGE = "image"
    """One slice of CT, MR or PT."""
    ENHANCED = "enhanced image"
    """A multi-frame Enhanced CT or MR."""
    DOSE = "dose"
    STRUCTURES = "structure set"
    PLAN = "plan"
    REGISTRATION = "registration"


_CT = "1.2.840.10008.5.1.4.1.1.2"
_MR = "1.2.840.10008.5.1.4.1.1.4"
_RT = "1.2.840.10008.5.1.4.1.1.481"
_REG = "1.2.840.10008.5.1.4.1.1.66"

SOP_KINDS: Final[dict[str, Kind]] = {
    _CT: Kind.IMAGE,
    _MR: Kind.IMAGE,
    "1.2.840.10008.5.1.4.1.1.128": Kind.IMAGE,
    f"{_CT}.1": Kind.ENHANCED,
    f"{_CT}.2": Kind.ENHANCED,  # legacy converted Enhanced CT
    f"{_MR}.1": Kind.ENHANCED,
    f"{_MR}.4": Kind.ENHANCED,  # legacy converted Enhanced MR
    f"{_RT}.2": Kind.DOSE,
    f"{_RT}.3": Kind.STRUCTURES,
    f"{_RT}.5": Kind.PLAN,
    f"{_RT}.8": Kind.PLAN,  # ion plan: read, so that it can be refused by name
    f"{_REG}.1": Kind.REGISTRATION,
    f"{_REG}.3": Kind.REGISTRATION,
}
"""PS3.6 table A-1."""

MODALITY: Final[dict[str, str]] = {
    _CT: "CT",
    f"{_CT}.1": "CT",
    f"{_CT}.2": "CT",
    _MR: "MR",
    f"{_MR}.1": "MR",
    f"{_MR}.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
}
"""Modality of the image classes."""
