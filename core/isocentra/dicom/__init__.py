"""DICOM in, through one gate, and DICOM out.

`rt_utils_adapter` is not listed: it brings OpenCV, and only those who append with rt-utils need it.
"""

from isocentra.dicom.derived import Made
from isocentra.dicom.dose_dvh import StoredDvh
from isocentra.dicom.dose_read import Dose, dose_from_bytes, read_dose
from isocentra.dicom.dose_write import DoseBits, DoseContent, DoseSummation, dose_bytes
from isocentra.dicom.gate import GatedFile, read_bytes, read_file
from isocentra.dicom.plan import plan_from_bytes, read_plan
from isocentra.dicom.plan_model import (
    Accessory,
    AccessoryKind,
    Aperture,
    Beam,
    BeamLimitingDevice,
    BeamMeterset,
    ControlPoint,
    FractionGroup,
    Plan,
    PlanKind,
    Setup,
    WedgePosition,
)
from isocentra.dicom.registration import (
    Registration,
    read_registration,
    registration_from_bytes,
)
from isocentra.dicom.registration_write import (
    RegistrationContent,
    deformable_registration_bytes,
    registration_bytes,
)
from isocentra.dicom.scan import SeriesListing, list_series
from isocentra.dicom.series import read_series
from isocentra.dicom.series_write import series_bytes, write_series
from isocentra.dicom.stl_object import encapsulated_stl_bytes
from isocentra.dicom.structures_read import read_structures, structures_from_bytes
from isocentra.dicom.structures_write import structure_set_bytes, with_rois_added
from isocentra.dicom.treatment import (
    OnMissingMeterset,
    Treatment,
    TreatmentBeam,
    fraction_group,
    gantry_turns_deg,
    treatment_beams,
)

__all__ = [
    "Accessory",
    "AccessoryKind",
    "Aperture",
    "Beam",
    "BeamLimitingDevice",
    "BeamMeterset",
    "ControlPoint",
    "Dose",
    "DoseBits",
    "DoseContent",
    "DoseSummation",
    "FractionGroup",
    "GatedFile",
    "Made",
    "OnMissingMeterset",
    "Plan",
    "PlanKind",
    "Registration",
    "RegistrationContent",
    "SeriesListing",
    "Setup",
    "StoredDvh",
    "Treatment",
    "TreatmentBeam",
    "WedgePosition",
    "deformable_registration_bytes",
    "dose_bytes",
    "dose_from_bytes",
    "encapsulated_stl_bytes",
    "fraction_group",
    "gantry_turns_deg",
    "list_series",
    "plan_from_bytes",
    "read_bytes",
    "read_dose",
    "read_file",
    "read_plan",
    "read_registration",
    "read_series",
    "read_structures",
    "registration_bytes",
    "registration_from_bytes",
    "series_bytes",
    "structure_set_bytes",
    "structures_from_bytes",
    "treatment_beams",
    "with_rois_added",
    "write_series",
]
