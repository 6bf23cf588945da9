"""isocentra doctor: what works on this machine, and what to do about what does not."""

from __future__ import annotations

from isocentra.services.cli.console import Console
from isocentra.services.cli.options import JsonOption, QuietOption

__all__ = ["doctor"]


def doctor(*, as_json: JsonOption = False, quiet: QuietOption = False) -> int:
    """Tell what works on this machine, and what to do.

    Exit 0 when all is well, 4 when something is not.
    """
    from isocentra.services.diagnosis import diagnose

    return Console(as_json=as_json, quiet=quiet).checks(diagnose())
