"""From a CT to a bolus that fits the skin: mesh, structure, checks and report."""

from isocentra.bolus3d.design import BolusDesign, design_bolus
from isocentra.bolus3d.inspect import InspectResult, inspect_file, inspect_mesh
from isocentra.bolus3d.request import BolusRequest, Rim
from isocentra.bolus3d.result import BolusDesignResult

__all__ = [
    "BolusDesign",
    "BolusDesignResult",
    "BolusRequest",
    "InspectResult",
    "Rim",
    "design_bolus",
    "inspect_file",
    "inspect_mesh",
]
