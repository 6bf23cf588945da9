"""Solids as implicit functions: where a digital patient is, exactly.

parameters [mm] ──► Solid.jet (value and gradient) ──► value, gradient, signed_distance, near

A solid's value is negative inside, zero on its surface and never changes faster than distance
(its gradient is at most 1 long), so |value| bounds the distance to the surface from below. That
bound lets the scanner skip whatever is far from a surface. All of it works on float32 and float64.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from isocentra.geometry.grid import Array64
from isocentra.patients.foot import foot_points

__all__ = [
    "Ball",
    "Box",
    "Capsule",
    "Cylinder",
    "Ellipsoid",
    "HalfSpace",
    "Jet",
    "Plate",
    "Point",
    "Solid",
]

Floats = npt.NDArray[np.floating[Any]]
Point = tuple[float, float, float]


class Jet(NamedTuple):
    """Value and gradient of an implicit function at points: four arrays of one shape. [mm, 1]"""

    value: Floats
    dx: Floats
    dy: Floats
    dz: Floats


class Ball(NamedTuple):
    """A ball that holds the inside of a solid. [mm]"""

    centre_mm: Point
    radius_mm: float


@dataclass(frozen=True, kw_only=True)
class Solid(ABC):
    """A closed region of space given by an implicit function."""

    @abstractmethod
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        """Value and gradient at points given by their coordinates in LPS. [mm]"""

    @property
    @abstractmethod
    def bound(self) -> Ball:
        """A ball that holds the inside; of infinite radius for an unbounded solid."""

    @property
    def pieces(self) -> tuple[Solid, ...]:
        """The solids whose surfaces the surface of this one may follow."""
        return ()

    @property
    def is_exact(self) -> bool:
        """Whether the value is the signed distance itself, everywhere."""
        return False

    def near(self, centre_mm: Point, radius_mm: float) -> Solid:  # noqa: ARG002  # for the composed
        """Return a solid that has this one's values inside a ball, without what plays no part."""
        return self

    def value(self, points_mm: npt.ArrayLike) -> Array64:
        """Implicit value at (..., 3) points x, y, z in LPS [mm]; negative inside. [mm]"""
        p = np.asarray(points_mm, dtype=np.float64)
        return np.asarray(self.jet(p[..., 0], p[..., 1], p[..., 2]).value)

    def gradient(self, points_mm: npt.ArrayLike) -> Array64:
        """Gradient (..., 3) of the value at (..., 3) points in LPS; it points outwards. [1]"""
        p = np.asarray(points_mm, dtype=np.float64)
        return np.stack(self.jet(p[..., 0], p[..., 1], p[..., 2])[1:], axis=-1)

    def foot_points(self, points_mm: npt.ArrayLike) -> Array64:
        """Nearest points (..., 3) of the surface to (..., 3) points. [mm]"""
        p = np.asarray(points_mm, dtype=np.float64)
        return foot_points(self, p.reshape(-1, 3)).reshape(p.shape)

    def signed_distance(self, points_mm: npt.ArrayLike) -> Array64:
        """Distance of (..., 3) points to the surface, negative inside; good to 10⁻³ mm. [mm]"""
        if self.is_exact:
            return self.value(points_mm)
        p = np.asarray(points_mm, dtype=np.float64)
        length = np.linalg.norm(self.foot_points(p) - p, axis=-1)
        return np.asarray(np.where(self.value(p) < 0, -length, length))


@dataclass(frozen=True, kw_only=True)
class Ellipsoid(Solid):
    """An ellipsoid, along x, y, z unless `axes` (rows: unit vectors) turn it.

    Value = (|x/r| − 1) · min(r): gradient ≤ 1; it equals the distance only for a sphere.
    """

    centre_mm: Point
    radii_mm: Point
    axes: tuple[Point, Point, Point] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        dx, dy, dz = _offset(x, y, z, self.centre_mm)
        least = min(self.radii_mm)
        total: Any = 0.0
        gx: Any = 0.0
        gy: Any = 0.0
        gz: Any = 0.0
        for (ax, ay, az), radius in zip(self.axes, self.radii_mm, strict=True):
            along = (dx * ax + dy * ay + dz * az) * (1 / radius)
            total = total + along * along
            scaled = along * (1 / radius)
            gx, gy, gz = gx + scaled * ax, gy + scaled * ay, gz + scaled * az
        norm = np.sqrt(total)
        factor = least / np.maximum(norm, 1e-9)
        return Jet((norm - 1) * least, gx * factor, gy * factor, gz * factor)

    @property
    @override
    def bound(self) -> Ball:
        return Ball(self.centre_mm, max(self.radii_mm))

    @property
    @override
    def is_exact(self) -> bool:
        """A sphere's value is its distance."""
        return min(self.radii_mm) == max(self.radii_mm)

    @property
    def volume_mm3(self) -> float:
        """4/3 π abc. [mm³]"""
        return 4 / 3 * math.pi * math.prod(self.radii_mm)

    @classmethod
    def sphere(cls, centre_mm: Point, radius_mm: float) -> Ellipsoid:
        """Return the sphere."""
        return cls(centre_mm=centre_mm, radii_mm=(radius_mm, radius_mm, radius_mm))


@dataclass(frozen=True, kw_only=True)
class Capsule(Solid):
    """All points nearer than a radius to a segment; with `end_radius_mm` it tapers to its end.

    Value = |p − a − h·ab| − r(h), h the clamped foot on the axis; for a tapered one divided by the
    largest possible gradient, √(1 + slope²).
    """

    start_mm: Point
    end_mm: Point
    radius_mm: float
    end_radius_mm: float | None = None

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        ux, uy, uz, length = _direction(self.start_mm, self.end_mm)
        dx, dy, dz = _offset(x, y, z, self.start_mm)
        along = np.clip(dx * ux + dy * uy + dz * uz, 0.0, length)
        dx, dy, dz = dx - along * ux, dy - along * uy, dz - along * uz
        norm = np.sqrt(dx * dx + dy * dy + dz * dz)
        inverse = 1 / np.maximum(norm, 1e-9)
        if self.end_radius_mm is None:
            return Jet(norm - self.radius_mm, dx * inverse, dy * inverse, dz * inverse)
        slope = (self.end_radius_mm - self.radius_mm) / length
        scale = 1 / math.hypot(1, slope)
        inner = np.where((along > 0) & (along < length), slope * scale, 0.0).astype(norm.dtype)
        inverse = inverse * scale
        return Jet(
            (norm - self.radius_mm - slope * along) * scale,
            dx * inverse - inner * ux,
            dy * inverse - inner * uy,
            dz * inverse - inner * uz,
        )

    @property
    @override
    def bound(self) -> Ball:
        half = math.dist(self.start_mm, self.end_mm) / 2
        return Ball(
            _middle(self.start_mm, self.end_mm), half + max(self.radius_mm, self.end_radius_mm or 0)
        )

    @property
    @override
    def is_exact(self) -> bool:
        """A straight capsule's value is its distance."""
        return self.end_radius_mm is None

    @property
    def volume_mm3(self) -> float:
        """π r² l + 4/3 π r³ of a capsule that does not taper. [mm³]"""
        if self.end_radius_mm is not None:
            raise ValueError("a tapered capsule has no such formula")
        length = math.dist(self.start_mm, self.end_mm)
        return math.pi * self.radius_mm**2 * (length + 4 / 3 * self.radius_mm)


@dataclass(frozen=True, kw_only=True)
class Cylinder(Solid):
    """A right circular cylinder with flat ends, its edges exact outside too."""

    start_mm: Point
    end_mm: Point
    radius_mm: float

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        ux, uy, uz, length = _direction(self.start_mm, self.end_mm)
        dx, dy, dz = _offset(x, y, z, _middle(self.start_mm, self.end_mm))
        along = dx * ux + dy * uy + dz * uz
        rx, ry, rz = dx - along * ux, dy - along * uy, dz - along * uz
        radial = np.sqrt(rx * rx + ry * ry + rz * rz)
        inverse = 1 / np.maximum(radial, 1e-9)
        side, cap = radial - self.radius_mm, np.abs(along) - length / 2
        value, by_side, by_cap = _corner(side, cap)
        by_cap = np.where(along < 0, -by_cap, by_cap)
        by_side = by_side * inverse
        return Jet(
            value,
            by_side * rx + by_cap * ux,
            by_side * ry + by_cap * uy,
            by_side * rz + by_cap * uz,
        )

    @property
    @override
    def bound(self) -> Ball:
        half = math.dist(self.start_mm, self.end_mm) / 2
        return Ball(_middle(self.start_mm, self.end_mm), math.hypot(half, self.radius_mm))

    @property
    @override
    def is_exact(self) -> bool:
        return True

    @property
    def volume_mm3(self) -> float:
        """π r² l. [mm³]"""
        return math.pi * self.radius_mm**2 * math.dist(self.start_mm, self.end_mm)


@dataclass(frozen=True, kw_only=True)
class Plate(Solid):
    """A plate of even thickness with a round rim: all points within t/2 of a flat stadium.

    The stadium is a segment from `start_mm` to `end_mm`, widened by `half_width_mm` in the plane
    across `normal` (a unit vector at right angles to the segment). The value is the distance.
    """

    start_mm: Point
    end_mm: Point
    half_width_mm: float
    normal: Point
    thickness_mm: float

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        ux, uy, uz, length = _direction(self.start_mm, self.end_mm)
        nx, ny, nz = self.normal
        dx, dy, dz = _offset(x, y, z, self.start_mm)
        height = dx * nx + dy * ny + dz * nz
        along = np.clip(dx * ux + dy * uy + dz * uz, 0.0, length)
        px = dx - along * ux - height * nx
        py = dy - along * uy - height * ny
        pz = dz - along * uz - height * nz
        flat = np.sqrt(px * px + py * py + pz * pz)
        beyond = np.maximum(flat - self.half_width_mm, 0)
        norm = np.sqrt(beyond * beyond + height * height)
        inverse = 1 / np.maximum(norm, 1e-9)
        by_flat, by_height = beyond * inverse / np.maximum(flat, 1e-9), height * inverse
        return Jet(
            norm - self.thickness_mm / 2,
            by_flat * px + by_height * nx,
            by_flat * py + by_height * ny,
            by_flat * pz + by_height * nz,
        )

    @property
    @override
    def bound(self) -> Ball:
        half = math.dist(self.start_mm, self.end_mm) / 2 + self.half_width_mm
        return Ball(_middle(self.start_mm, self.end_mm), half + self.thickness_mm / 2)

    @property
    @override
    def is_exact(self) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Box(Solid):
    """A box along x, y, z. The value is the distance."""

    centre_mm: Point
    half_mm: Point

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        offset = _offset(x, y, z, self.centre_mm)
        signs = [np.where(d < 0, -1, 1).astype(d.dtype) for d in offset]
        depth = [np.abs(d) - half for d, half in zip(offset, self.half_mm, strict=True)]
        beyond = [np.maximum(d, 0) for d in depth]
        norm = np.sqrt(beyond[0] ** 2 + beyond[1] ** 2 + beyond[2] ** 2)
        inside = np.maximum(np.maximum(depth[0], depth[1]), depth[2])
        outside = norm > 0
        inverse = 1 / np.maximum(norm, 1e-9)
        dx, dy, dz = (
            sign * np.where(outside, b * inverse, d == inside)
            for sign, b, d in zip(signs, beyond, depth, strict=True)
        )
        return Jet(np.where(outside, norm, inside), dx, dy, dz)

    @property
    @override
    def bound(self) -> Ball:
        return Ball(self.centre_mm, math.hypot(*self.half_mm))

    @property
    @override
    def is_exact(self) -> bool:
        return True

    @property
    def volume_mm3(self) -> float:
        """8 abc. [mm³]"""
        return 8 * math.prod(self.half_mm)


@dataclass(frozen=True, kw_only=True)
class HalfSpace(Solid):
    """Everything on the side of a plane that `normal` (a unit vector) points away from."""

    point_mm: Point
    normal: Point

    @override
    def jet(self, x: Floats, y: Floats, z: Floats) -> Jet:
        dx, dy, dz = _offset(x, y, z, self.point_mm)
        nx, ny, nz = self.normal
        value = dx * nx + dy * ny + dz * nz
        one = np.ones_like(value)
        return Jet(value, one * nx, one * ny, one * nz)

    @property
    @override
    def bound(self) -> Ball:
        return Ball(self.point_mm, math.inf)

    @property
    @override
    def is_exact(self) -> bool:
        return True


def _offset(x: Floats, y: Floats, z: Floats, origin: Point) -> tuple[Any, Any, Any]:
    return x - origin[0], y - origin[1], z - origin[2]


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2


def _direction(a: Point, b: Point) -> tuple[float, float, float, float]:
    length = math.dist(a, b)
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length, (b[2] - a[2]) / length, length


def _corner(side: Any, cap: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401  # arrays of any float
    """Distance to a right-angled profile from its two distances, and its two derivatives."""
    outer_side, outer_cap = np.maximum(side, 0), np.maximum(cap, 0)
    norm = np.sqrt(outer_side * outer_side + outer_cap * outer_cap)
    outside = norm > 0
    inverse = 1 / np.maximum(norm, 1e-9)
    larger = (side >= cap).astype(norm.dtype)
    value = np.where(outside, norm, np.maximum(side, cap))
    return (
        value,
        np.where(outside, outer_side * inverse, larger),
        np.where(outside, outer_cap * inverse, 1 - larger),
    )
