"""Triangle meshes: read, check, simplify, measure, write.

file ──read_mesh──► Mesh ──check_mesh──► MeshReport
field ──isosurface──► Mesh ──simplify──► Simplified ──stl_bytes …──► file
"""

from isocentra.mesh.check import Fault, MeshReport, Place, check_mesh
from isocentra.mesh.distance import ExactDistance, Nearest, SurfaceDistance
from isocentra.mesh.intersection import self_intersections
from isocentra.mesh.isosurface import isosurface
from isocentra.mesh.model import Mesh
from isocentra.mesh.read import read_mesh, read_mesh_bytes
from isocentra.mesh.sampling import surface_points
from isocentra.mesh.simplify import Simplified, simplify
from isocentra.mesh.wall import min_wall_mm
from isocentra.mesh.weld import snapped, welded
from isocentra.mesh.write import BaseMaterial, obj_bytes, ply_bytes, stl_bytes, threemf_bytes

__all__ = [
    "BaseMaterial",
    "ExactDistance",
    "Fault",
    "Mesh",
    "MeshReport",
    "Nearest",
    "Place",
    "Simplified",
    "SurfaceDistance",
    "check_mesh",
    "isosurface",
    "min_wall_mm",
    "obj_bytes",
    "ply_bytes",
    "read_mesh",
    "read_mesh_bytes",
    "self_intersections",
    "simplify",
    "snapped",
    "stl_bytes",
    "surface_points",
    "threemf_bytes",
    "welded",
]
