"""What is asked of a bolus design."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from isocentra.errors import ReadingError
from isocentra.image import Image
from isocentra.structures.model import StructureSet

__all__ = ["BolusRequest", "Rim"]

DEFAULT_TARGET_MARGIN_MM = 10.0


class Rim(StrEnum):
    """How the border of the bolus ends."""

    ROUND = "round"
    TAPER = "taper"


@dataclass(frozen=True, slots=True, kw_only=True)
class BolusRequest:
    """A bolus over a target, over a drawn region, or round a point: exactly one of the three.

    Raises
    ------
    ReadingError
        ``BAD_VALUE``: none or several of the three, a number out of its range.
    """

    ct: Image
    """CT, or an MR series when `structures` holds an EXTERNAL."""
    structures: StructureSet | None = None
    target: str | None = None
    """ROI to be covered: the skin nearest to it, or what the beam enters first."""
    region: str | None = None
    """ROI drawn over the skin: the skin inside it."""
    distance_mm: float | None = None
    """Skin within this distance of `near_mm`."""
    near_mm: tuple[float, float, float] | None = None
    thickness_mm: float
    """Distance of the outer face to the skin."""
    margin_mm: float | None = None
    """Growth of the region, straight line; default 10 for a target, else 0."""
    beam_direction: tuple[float, float, float] | None = None
    """Direction of travel, source to patient, LPS; it is made a unit vector."""
    clearance_mm: float = 0.0
    """Gap left between inner face and skin."""
    rim: Rim = Rim.ROUND
    exclude: tuple[str, ...] = ()
    """ROIs that are on the CT but not on the skin."""
    printer: str = "ultimaker-2-plus"
    material: str = "pla"
    name: str = "BOLUS"

    def __post_init__(self) -> None:
        asked = [self.target is not None, self.region is not None, self.distance_mm is not None]
        if sum(asked) != 1:
            raise _bad(
                f"{sum(asked)} of --target, --region and --distance-mm are given",
                "Give exactly one of them.",
            )
        if (self.distance_mm is None) != (self.near_mm is None):
            raise _bad("a distance needs a point, and a point a distance", "Give both, or neither.")
        if (self.target or self.region or self.exclude) and self.structures is None:
            raise _bad("an ROI is named but no structure set is given", "Give --structures.")
        for label, value, low, high in (
            ("--distance-mm", self.distance_mm, 1.0, 500.0),
            ("--margin-mm", self.margin_mm, -50.0, 200.0),
            ("--clearance-mm", self.clearance_mm, 0.0, 20.0),
        ):
            if value is not None and not low <= value <= high:
                raise _bad(f"{label} {value:g} is not within {low:g} to {high:g}", "Change it.")
        if self.beam_direction is not None and not 0.5 < _norm(self.beam_direction) < 2:
            raise _bad("--beam-direction is not a unit vector", "Give x,y,z with length 1.")
        if not self.name.strip() or len(self.name) > 64:
            raise _bad("the ROI name is empty or longer than 64 characters", "Change --name.")

    @property
    def margin(self) -> float:
        """Growth of the region. [mm]"""
        if self.margin_mm is not None:
            return self.margin_mm
        return DEFAULT_TARGET_MARGIN_MM if self.target is not None else 0.0


def _norm(vector: tuple[float, float, float]) -> float:
    return math.hypot(*vector)


def _bad(what: str, do: str) -> ReadingError:
    return ReadingError("BAD_VALUE", f"The request cannot be met: {what}.", do=do)
