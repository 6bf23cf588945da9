"""The frozen result of a job: what makes JSON, report and message alike.

job ──► Result (status, checks, inputs, outputs, software, stages, warnings + the job's own fields)
                └──► result.json, report.html, report.pdf

A job's result is a subclass of `Result` with its own fields; `as_json` gives what stands in
result.json.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from isocentra.progress import Stage
from isocentra.verdict import Check, Status

__all__ = [
    "Finding",
    "InputRef",
    "OutputRef",
    "Result",
    "Software",
    "as_json",
    "json_of",
    "program_version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRef:
    """An object that went in."""

    kind: str
    """CT, MR, RTSTRUCT, RTPLAN, RTDOSE, REG, mesh, …"""
    uid: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRef:
    """A file that came out."""

    name: str
    media_type: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """What made the result."""

    version: str
    device: str
    """cpu, or cuda:N with the card's name."""
    kernels: str
    """Instruction level or compute capability, and the hash of the kernel sources."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A remark that no verdict depends on: `code` as in errors, `message` for a person."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What every job's result holds; API.md section 3."""

    schema: str
    status: Status
    checks: tuple[Check, ...]
    inputs: tuple[InputRef, ...]
    outputs: tuple[OutputRef, ...] = ()
    software: Software
    stages: tuple[Stage, ...] = ()
    warnings: tuple[Finding, ...] = ()


def _plain(value: object) -> Any:  # noqa: ANN401  # JSON is any of seven types
    """Turn dataclasses and tuples into JSON's types; numbers that are not finite become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def as_json(result: Result) -> str:
    """Return what result.json holds: UTF-8 JSON, two blanks of indent, one final newline."""
    return json_of(result)


def json_of(value: object) -> str:
    """Return dataclasses, tuples and numbers as JSON text, with one final newline."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def program_version() -> str:
    """Return the installed version of Isocentra."""
    try:
        return version("isocentra")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0+unknown"
