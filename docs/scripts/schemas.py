"""Write the JSON schema of each command's result.json to docs/reference/schemas/.

python docs/scripts/schemas.py
"""

import json
from pathlib import Path
from typing import Final

from isocentra.bolus3d.inspect import InspectResult
from isocentra.bolus3d.result import BolusDesignResult
from isocentra.result import Result
from isocentra.schema import json_schema
from isocentra.services.acceptance import AcceptanceResult
from isocentra.services.diagnosis import DiagnosisResult

FOLDER: Final = Path(__file__).parents[1] / "reference" / "schemas"

RESULTS: Final[dict[str, type[Result]]] = {
    "isocentra.bolus.design.v1": BolusDesignResult,
    "isocentra.bolus.inspect.v1": InspectResult,
    "isocentra.doctor.v1": DiagnosisResult,
    "isocentra.selftest.v1": AcceptanceResult,
}
"""Every result that a command writes, by the name in its `schema` field."""


def files() -> dict[str, str]:
    """Return what each schema file must hold, by file name."""
    return {
        f"{name}.json": json.dumps(json_schema(kind, name), indent=2, ensure_ascii=False) + "\n"
        for name, kind in RESULTS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
