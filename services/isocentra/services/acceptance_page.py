"""The acceptance as pages to sign: how much of each limit is used, machine, versions, checks.

AcceptanceResult ──► acceptance_report ──► Report ──► report_pdf
"""

from __future__ import annotations

from typing import Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from isocentra.report.document import (
    Paragraph,
    Picture,
    Provenance,
    Report,
    Row,
    Section,
    SignLines,
)
from isocentra.report.sheet import DPI, FONT, INK, SMALL_PT, png_of
from isocentra.report.wording import check_title
from isocentra.services.acceptance import AcceptanceResult
from isocentra.verdict import Check, Status

__all__ = ["acceptance_report", "share_of_limit"]

MM_PER_INCH: Final = 25.4
WIDTH_MM: Final = 174.0
ROW_MM: Final = 3.9
COLOURS: Final = {Status.PASS: "#2f6f9f", Status.FAIL: "#b3261e"}
MOST: Final = 1.25
"""Longest bar; one beyond its limit ends here whatever it is."""

NOT_CHECKED: Final = (
    "The scanner, the planning system and the printer: only tests with them can do that.",
    "Inputs of this clinic: run cases of your own and compare them with what you know.",
    "Parts of the program that this version does not have.",
)


def acceptance_report(result: AcceptanceResult) -> Report:
    """Build the pages that a physicist signs after an installation or an update."""
    machine, software = result.machine, result.software
    failed = sum(check.status is not Status.PASS for check in result.checks)
    total = len(result.checks)
    rows = (
        ("Machine", machine.name),
        ("System", machine.system),
        ("Processor", machine.processor),
        ("Python", machine.python),
        ("Isocentra", software.version),
        ("Device", software.device),
        ("Kernels", software.kernels),
    )
    return Report(
        title="Acceptance of this installation",
        subtitle=f"{total - failed} of {total} known answers found",
        subject=f"Isocentra {software.version} on {machine.name}",
        status=result.status,
        checks=result.checks,
        identity=tuple(Row(label=label, text=text) for label, text in rows),
        lead=_bars(result.checks),
        sections=(Section(title="What this is", blocks=(Paragraph(text=_WHAT),)),),
        provenance=Provenance(
            inputs=result.inputs,
            outputs=result.outputs,
            software=software,
            stages=result.stages,
        ),
        not_checked=NOT_CHECKED,
        warnings=result.warnings,
        program=f"Isocentra {software.version}",
        sign=SignLines(roles=("Carried out by", "Accepted by")),
    )


_WHAT: Final = (
    "Every check is an answer that is known by formula or by construction, worked out again on this"
    " machine with the installed program: kernels, geometry, DICOM written and read back, meshes,"
    " and a bolus on a digital ball of 30 mm radius scanned with 1 mm voxels and 15 HU of noise."
    " Repeat it after every update of the program, of Python or of the machine."
)


def share_of_limit(check: Check) -> float:
    """Return how much of its limit a check uses: 1 is at the limit, above is beyond it."""
    if check.value is None or check.limit is None:
        return 0.0
    if check.limit == 0:
        return 0.0 if check.value == 0 else MOST
    share = abs(check.value / check.limit)
    if (check.status is Status.PASS) == (share <= 1):  # a limit from above
        return min(share, MOST)
    return min(1 / share, MOST) if share else MOST


def _bars(checks: tuple[Check, ...]) -> Picture:
    height_mm = ROW_MM * len(checks) + 12
    figure = Figure(figsize=(WIDTH_MM / MM_PER_INCH, height_mm / MM_PER_INCH), dpi=DPI)
    FigureCanvasAgg(figure)
    low = 9 / height_mm
    axes = figure.add_axes((0.26, low, 0.70, 1 - low - 1 / height_mm))
    rows = range(len(checks))
    axes.barh(
        rows,
        [share_of_limit(check) for check in checks],
        color=[COLOURS.get(check.status, INK) for check in checks],
        height=0.62,
    )
    axes.axvline(1.0, color=INK, linewidth=1.0, linestyle="--")
    axes.set_xlim(0, MOST)
    axes.set_ylim(len(checks) - 0.4, -0.6)
    axes.set_yticks(rows, [check_title(check.name) for check in checks])
    axes.set_xlabel("share of the limit that is used", fontsize=SMALL_PT + 0.5, fontfamily=FONT)
    axes.tick_params(labelsize=SMALL_PT, labelfontfamily=FONT, colors=INK, length=2.5)
    axes.spines[["top", "right"]].set_visible(False)
    most = max(checks, key=share_of_limit)
    return Picture(
        png=png_of(figure),
        caption="How much of its limit each check uses; the dashed line is the limit."
        " Counts that must be zero, and are, have no bar.",
        alt=f"Bars of {len(checks)} checks; the longest is {check_title(most.name)} with"
        f" {100 * share_of_limit(most):.0f} % of its limit.",
        width_mm=WIDTH_MM,
    )
