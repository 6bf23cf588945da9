"""Write docs/reference/results.md: the fields of every result.json, from the committed schemas.

python docs/scripts/results_page.py
"""

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "reference"
PAGE: Final = FOLDER / "results.md"

INTRODUCTION: Final = """# Fields of `result.json`

Made by `python docs/scripts/results_page.py` from the [schemas](schemas), which are made from the
result types; do not edit. Every field is always there. Units stand in the names: `_mm`, `_cm3`,
`_g`, `_min`; a figure group such as `thickness_mm` names the unit of all its numbers. *or null*: it
could not be determined, and a check says why.
"""

COMMANDS: Final = {
    "isocentra.bolus.design.v1": "`isocentra bolus design`",
    "isocentra.bolus.inspect.v1": "`isocentra bolus inspect`",
    "isocentra.doctor.v1": "`isocentra doctor`",
    "isocentra.selftest.v1": "`isocentra selftest`",
}
Schema = dict[str, Any]


def page() -> str:
    """Return the page as it must be."""
    schemas = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((FOLDER / "schemas").glob("*.json"))
    }
    groups: dict[str, Schema] = {}
    parts = [INTRODUCTION]
    for name, schema in schemas.items():
        groups |= schema.get("$defs", {})
        parts.append(f"## {COMMANDS.get(name, name)}\n\nSchema [`{name}`](schemas/{name}.json).\n")
        parts.append(_table(schema))
    parts.append("## Groups\n")
    for name, schema in sorted(groups.items()):
        parts.append(f"### {name}\n\n{_text(schema)}\n")
        if "enum" in schema:
            parts.append(", ".join(f"`{value}`" for value in schema["enum"]) + "\n")
        elif "properties" in schema:
            parts.append(_table(schema))
    return "\n".join(parts).rstrip() + "\n"


def _table(schema: Schema) -> str:
    rows = [
        f"| `{name}` | {_kind(field)} | {_text(field)} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| field | is | says |", "|---|---|---|", *rows, ""])


def _text(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")


def _kind(field: Schema) -> str:
    """Name the type of a field, with a link where it is a group."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        kinds = [_kind(kind) for kind in field["anyOf"] if kind.get("type") != "null"]
        return " or ".join([*kinds, "null"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        inner = field.get("items") or field.get("prefixItems", [{}])[0]
        count = field.get("maxItems")
        return f"{count or 'list'} of {_kind(inner)}" if isinstance(inner, dict) else "list"
    return str(field.get("type", "any"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
