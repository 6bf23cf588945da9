"""Printers and materials: data files of the project, or a site's own.

data/printers/*.toml, data/materials/*.toml ──► printers(), materials()      all that are shipped
NAME, or the path of a TOML file            ──► printer(name), material(name)

A key that is unknown, missing or of another type is refused: a misspelt density must not become a
default.
"""

from __future__ import annotations

import itertools
import json
import tomllib
from dataclasses import field
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from isocentra.errors import ReadingError, Where, printable

__all__ = [
    "DEFAULT_MATERIAL",
    "DEFAULT_PRINTER",
    "InfillPoint",
    "Material",
    "Printer",
    "Process",
    "material",
    "materials",
    "printer",
    "printers",
]

DEFAULT_PRINTER = "ultimaker-2-plus"
DEFAULT_MATERIAL = "pla"
LARGEST_FILE_BYTES = 1_000_000
MOST_FAULTS = 5
"""Wrong keys that a message names."""

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Length = Annotated[float, Field(gt=0, le=5000)]
Hu = Annotated[float, Field(ge=-1100, le=10000)]
Density = Annotated[float, Field(gt=0, le=25)]


class Process(StrEnum):
    """How a part comes to be."""

    FILAMENT = "filament"
    RESIN = "resin"
    CAST = "cast"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Printer:
    """A printer, with the settings that estimates assume."""

    name: Name
    title: Text
    process: Process
    bed_mm: tuple[Length, Length, Length]
    """Largest part along x, y (bed) and z (up). [mm]"""
    nozzle_mm: Length
    """Width of a printed line: nozzle, or spot of light. [mm]"""
    nozzles_mm: tuple[Length, ...] = ()
    """Nozzles that can be mounted. [mm]"""
    min_wall_mm: Length
    """Thinnest wall that prints solid; two lines of filament. [mm]"""
    layer_mm: Length
    flow_mm3_s: Length | None = None
    """Filament laid down per second at the usual speed. [mm³/s]"""
    layer_s: Annotated[float, Field(ge=0, le=600)]
    """Time that every layer takes beside laying down filament. [s]"""
    filament_mm: Length | None = None
    unit: Text
    source: Text
    licence: Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class InfillPoint:
    """Hounsfield number measured, or published, for one infill."""

    infill_percent: Annotated[float, Field(gt=0, le=100)]
    pattern: Text
    hu: Hu
    hu_sd: Annotated[float, Field(ge=0, le=1000)] | None = None
    source: Text


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Material:
    """A material; what a site prints with must be measured there."""

    name: Name
    title: Text
    process: Process
    density_g_cm3: Density
    """Of the solid. [g/cm³]"""
    hu: Hu
    """Of the solid, 120 kVp. [HU]"""
    hu_low: Hu
    hu_high: Hu
    infill: tuple[InfillPoint, ...] = field(default_factory=tuple)
    cure_min: Annotated[float, Field(ge=0, le=10000)] | None = None
    """Time in the mould. [min]"""
    rgba: tuple[int, int, int, int] = (200, 200, 200, 255)
    """Colour in the 3MF file."""
    unit: Text
    source: Text
    licence: Text

    def hu_at(self, infill_percent: float) -> float | None:
        """HU at an infill, straight between the points that are known; None outside them."""
        if infill_percent == 100:
            return self.hu
        points = sorted(self.infill, key=lambda p: p.infill_percent)
        for low, high in itertools.pairwise(points):
            if low.infill_percent <= infill_percent <= high.infill_percent:
                span = high.infill_percent - low.infill_percent
                share = (infill_percent - low.infill_percent) / span if span else 0.0
                return low.hu + share * (high.hu - low.hu)
        return None


Entry = TypeVar("Entry", Printer, Material)


def printers() -> tuple[Printer, ...]:
    """Return the shipped printers, by name."""
    return _shipped("printers", TypeAdapter(Printer))


def materials() -> tuple[Material, ...]:
    """Return the shipped materials, by name."""
    return _shipped("materials", TypeAdapter(Material))


def printer(name: str) -> Printer:
    """Return a shipped printer by its name, or the one in a TOML file by its path.

    Raises
    ------
    ReadingError
        ``BAD_VALUE``: no such printer (lists them), or a file with a key or value that is wrong.
    """
    return _find(name, "printer", printers(), TypeAdapter(Printer))


def material(name: str) -> Material:
    """Return a shipped material by its name, or the one in a TOML file by its path.

    Raises
    ------
    ReadingError
        ``BAD_VALUE``: no such material (lists them), or a file with a key or value that is wrong.
    """
    return _find(name, "material", materials(), TypeAdapter(Material))


def _shipped(folder: str, adapter: TypeAdapter[Entry]) -> tuple[Entry, ...]:
    root = resources.files("isocentra.bolus3d") / "data" / folder
    files = sorted((f for f in root.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(_parsed(file.read_bytes(), file.name, adapter) for file in files)


def _find(name: str, kind: str, shipped: tuple[Entry, ...], adapter: TypeAdapter[Entry]) -> Entry:
    for entry in shipped:
        if entry.name == name.strip().lower():
            return entry
    path = Path(name)
    if path.suffix.lower() != ".toml":
        there = ", ".join(entry.name for entry in shipped)
        raise ReadingError(
            "BAD_VALUE",
            f"No {kind} is named {printable(name, 64)}; the catalogue holds: {there}.",
            do=f"Use one of these names, or the path of a TOML file that describes the {kind}.",
        )
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise _bad(f"it is larger than {LARGEST_FILE_BYTES:,} bytes", path.name)
        data = path.read_bytes()
    except OSError as error:
        raise _bad(f"it cannot be opened ({error.strerror})", path.name) from error
    return _parsed(data, path.name, adapter)


def _parsed(data: bytes, name: str, adapter: TypeAdapter[Entry]) -> Entry:
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(f"it is no TOML: {printable(error)}", name) from error
    try:
        # by way of JSON, where "strict" still takes a list for a tuple, but no text for a number
        return adapter.validate_json(json.dumps(table, default=str), strict=True)
    except ValidationError as error:
        found = [
            f"key {printable('.'.join(map(str, fault['loc'])), 64)}: {printable(fault['msg'])}"
            for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
        ]
        raise _bad("; ".join(found), name) from error


def _bad(what: str, name: str) -> ReadingError:
    return ReadingError(
        "BAD_VALUE",
        f"The catalogue file cannot be used: {what}.",
        where=Where(file=name),
        do="Correct it after the shipped files (`isocentra bolus printers`, `… materials`).",
    )
