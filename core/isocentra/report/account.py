"""The last page's tables: what went in, what made it, how long it took, what came out."""

from __future__ import annotations

from isocentra.report.document import Align, Column, Provenance, Table
from isocentra.report.wording import MISSING, number

__all__ = ["account_tables"]


def account_tables(provenance: Provenance) -> tuple[Table, ...]:
    """Return the tables of inputs, outputs, software and stages; empty ones are left out."""
    software = provenance.software
    tables = (
        Table(
            caption="Inputs",
            columns=(
                Column(title="Kind", share=0.8),
                Column(title="UID", share=3.0),
                Column(title="SHA-256", share=3.6),
            ),
            rows=tuple((i.kind, i.uid or MISSING, i.sha256 or MISSING) for i in provenance.inputs),
        ),
        Table(
            caption="Outputs",
            columns=(
                Column(title="File", share=1.2),
                Column(title="Bytes", align=Align.RIGHT, share=0.8),
                Column(title="SHA-256", share=4.0),
            ),
            rows=tuple((o.name, number(o.bytes), o.sha256) for o in provenance.outputs),
        ),
        Table(
            caption="Software",
            columns=(Column(title="What", share=0.6), Column(title="Which", share=3.0)),
            rows=(
                ("Version", software.version),
                ("Device", software.device),
                ("Kernels", software.kernels),
                ("Seed", number(software.seed)),
            ),
        ),
        Table(
            caption="Stages",
            columns=(
                Column(title="Stage", share=3.0),
                Column(title="Wall time [s]", align=Align.RIGHT, share=1.0),
            ),
            rows=tuple((s.name, number(s.seconds, 2)) for s in provenance.stages),
        ),
    )
    return tuple(table for table in tables if table.rows)
