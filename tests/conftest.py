"""Fixtures for all tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMAS = Path(__file__).parents[1] / "docs" / "reference" / "schemas"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real scans, plans and meshes beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data (../shared/data) is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def held_to_schema() -> Callable[[str], dict[str, Any]]:
    """Return a function that parses a result.json's text and holds it to its committed schema."""

    def parse(text: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(text)
        schema = json.loads((SCHEMAS / f"{result['schema']}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(result)
        return result

    return parse
