"""The committed JSON schemas say what result.json holds, no more and no less."""

from __future__ import annotations

import ast
import dataclasses
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from isocentra.bolus3d.result import BolusDesignResult
from isocentra.result import Result, Software, as_json
from isocentra.schema import json_schema
from isocentra.verdict import Check, Status

ROOT = Path(__file__).parents[2]
GENERATOR = runpy.run_path(str(ROOT / "docs" / "scripts" / "schemas.py"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """Two numbers."""

    dose_gy: float
    """Dose at the point. [Gy]"""
    limits_gy: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleResult(Result):
    """A result of its own."""

    figures: Figures


SCHEMA: dict[str, Any] = json_schema(SampleResult, "isocentra.sample.v1")


def sample(**changes: object) -> dict[str, Any]:
    check = Check(
        name="dose", status=Status.PASS, value=1.0, limit=2.0, unit="Gy", message="Below the limit."
    )
    result = SampleResult(
        schema="isocentra.sample.v1",
        status=Status.PASS,
        checks=(check,),
        inputs=(),
        software=Software(version="1", device="cpu", kernels="v3"),
        figures=Figures(dose_gy=1.0),
    )
    return {**json.loads(as_json(result)), **changes}


def is_accepted(instance: object) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(instance))


def test_what_a_result_writes_is_accepted() -> None:
    assert is_accepted(sample())


@pytest.mark.parametrize("field", sorted(sample()))
def test_no_field_may_be_missing(field: str) -> None:
    instance = sample()
    del instance[field]
    assert not is_accepted(instance)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "GOOD"},
        {"schema": "isocentra.other.v1"},
        {"surprise": 1},
        {"figures": {"dose_gy": None, "limits_gy": None}},
        {"figures": {"dose_gy": 1.0, "limits_gy": [1.0]}},
        {"figures": {"dose_gy": 1.0, "limits_gy": None, "surprise": 1}},
    ],
)
def test_other_content_is_refused(changes: dict[str, object]) -> None:
    assert not is_accepted(sample(**changes))


def test_a_number_that_is_not_finite_is_not_hidden_from_the_schema() -> None:
    written = as_json(
        dataclasses.replace(
            SampleResult(
                schema="isocentra.sample.v1",
                status=Status.DONE,
                checks=(),
                inputs=(),
                software=Software(version="1", device="cpu", kernels="v3"),
                figures=Figures(dose_gy=float("nan")),
            )
        )
    )
    assert not is_accepted(json.loads(written))


def test_the_docstring_below_a_field_describes_it_with_its_unit() -> None:
    assert SCHEMA["$defs"]["Figures"]["properties"]["dose_gy"]["description"].endswith("[Gy]")
    assert "units" not in SCHEMA["$defs"]["Check"]["properties"]


def test_fields_of_the_bolus_design_stand_in_its_schema() -> None:
    fields = {f.name for f in dataclasses.fields(BolusDesignResult)}
    made = json_schema(BolusDesignResult, "isocentra.bolus.design.v1")
    assert set(made["required"]) == fields == set(made["properties"])


def test_the_committed_schemas_are_current() -> None:
    wanted: dict[str, str] = GENERATOR["files"]()
    there = {p.name: p.read_text(encoding="utf-8") for p in GENERATOR["FOLDER"].iterdir()}
    assert there == wanted, "run: python docs/scripts/schemas.py"


def test_every_result_of_a_command_has_a_schema() -> None:
    registered = {kind.__name__ for kind in GENERATOR["RESULTS"].values()}
    written = {
        node.name
        for path in ROOT.glob("*/isocentra/**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Result" for base in node.bases)
    }
    assert written == registered


def test_the_fixture_holds_a_result_to_the_schema_that_it_names(
    held_to_schema: Callable[[str], dict[str, Any]],
) -> None:
    with pytest.raises(jsonschema.ValidationError, match="checks"):
        held_to_schema('{"schema": "isocentra.bolus.design.v1"}')
