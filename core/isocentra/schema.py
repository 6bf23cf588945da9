"""The JSON schema of a result, made from its dataclass.

Result subclass ──► json_schema ──► docs/reference/schemas/NAME.json ◄── result.json is held to it

What stands in the schema is what `isocentra.result.as_json` writes: every field present, no other
field, numbers finite. The docstrings below the fields become their descriptions.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from typing import Any, Final

from pydantic import TypeAdapter

from isocentra.result import Result

__all__ = ["json_schema"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema(result_type: type[Result], name: str) -> dict[str, Any]:
    """Return the JSON schema of a result.

    Parameters
    ----------
    result_type
        The dataclass of one job's result.
    name
        What the result's `schema` field holds, such as ``isocentra.bolus.design.v1``.

    Returns
    -------
    dict
        A JSON schema of draft 2020-12; ready for `json.dumps`.
    """
    made = TypeAdapter(result_type).json_schema(mode="serialization")
    described = _field_descriptions(result_type)
    for part in (made, *made.get("$defs", {}).values()):
        if part.get("type") != "object":
            continue
        part["required"] = list(part["properties"])
        part["additionalProperties"] = False
        for field, schema in part["properties"].items():
            schema.pop("title", None)
            schema.pop("default", None)
            text = described.get(part["title"], {}).get(field)
            if text:
                schema["description"] = text
    made["properties"]["schema"] = {"const": name}
    return {"$schema": DIALECT, "$id": f"{name}.json", **made}


def _field_descriptions(result_type: type[Result]) -> dict[str, dict[str, str]]:
    """Return the docstrings below fields, by class name, for `result_type` and what it holds."""
    found: dict[str, dict[str, str]] = {}
    for cls in _dataclasses_in(result_type):
        texts: dict[str, str] = {}
        for part in reversed(cls.__mro__[:-1]):
            texts.update(_docstrings_below_fields(part))
        found[cls.__name__] = texts
    return found


def _dataclasses_in(start: type) -> list[type]:
    """Return `start` and all dataclasses that its fields reach, by their resolved annotations."""
    waiting, found = [start], list[type]()
    while waiting:
        cls = waiting.pop()
        if cls in found:
            continue
        found.append(cls)
        for hint in inspect.get_annotations(cls, eval_str=True).values():
            waiting += _named_in(hint)
        waiting += [base for base in cls.__bases__ if dataclasses.is_dataclass(base)]
    return found


def _named_in(hint: object) -> list[type]:
    """Return the dataclasses named in an annotation such as ``tuple[Check, ...] | None``."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    inner: tuple[object, ...] = getattr(hint, "__args__", ())
    return [cls for part in inner for cls in _named_in(part)]


def _docstrings_below_fields(cls: type) -> dict[str, str]:
    """Return the string that stands below each annotated field in the source of `cls`."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    if not isinstance(body, ast.ClassDef):
        return {}
    texts: dict[str, str] = {}
    for field, below in zip(body.body, body.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[name] = inspect.cleandoc(text)
    return texts
