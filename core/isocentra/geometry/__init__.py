"""Where things are: grids, rigid transforms, displacement fields, and values carried between."""

from isocentra.geometry.distance import signed_distance_mm
from isocentra.geometry.field import DisplacementField, FieldKind
from isocentra.geometry.grid import Array64, Grid
from isocentra.geometry.resample import resample_image, resample_values
from isocentra.geometry.rigid import RigidTransform
from isocentra.gpu_kernels import Interpolation

__all__ = [
    "Array64",
    "DisplacementField",
    "FieldKind",
    "Grid",
    "Interpolation",
    "RigidTransform",
    "resample_image",
    "resample_values",
    "signed_distance_mm",
]
