"""isocentra bolus …: from a CT to a part that fits the skin."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from isocentra.services.cli.console import Console
from isocentra.services.cli.options import (
    DeviceOption,
    JsonOption,
    OutOption,
    OverwriteOption,
    QuietOption,
    ThreadsOption,
    check_out,
    compute_of,
    triple,
)

if TYPE_CHECKING:
    from isocentra.image import Image
    from isocentra.structures.model import StructureSet

__all__ = ["app"]

app = typer.Typer(
    help="Design and check 3D printed bolus.", no_args_is_help=True, rich_markup_mode=None
)


class RimChoice(StrEnum):
    """How the border of a bolus ends; `isocentra.bolus3d.Rim` without what that imports."""

    ROUND = "round"
    TAPER = "taper"


@app.command()
def design(  # noqa: PLR0913  # one parameter per option of the contract
    ct: Annotated[Path, typer.Argument(metavar="CT_DIR", help="Folder or zip of the CT series.")],
    *,
    thickness_mm: Annotated[float, typer.Option(help="Distance of the outer face to the skin.")],
    out: OutOption,
    series_uid: Annotated[
        str | None, typer.Option(metavar="UID", help="Series to use where CT_DIR holds several.")
    ] = None,
    structures: Annotated[Path | None, typer.Option(help="RTSTRUCT drawn on this CT.")] = None,
    target: Annotated[str | None, typer.Option(help="ROI to cover, by its name.")] = None,
    region: Annotated[str | None, typer.Option(help="ROI drawn across the skin.")] = None,
    distance_mm: Annotated[
        float | None, typer.Option(help="Cover the skin within this distance of --near.")
    ] = None,
    near: Annotated[str | None, typer.Option(metavar="X,Y,Z", help="A point, LPS mm.")] = None,
    margin_mm: Annotated[
        float | None, typer.Option(help="Grow the region; default 10 for --target, else 0.")
    ] = None,
    beam_direction: Annotated[
        str | None, typer.Option(metavar="X,Y,Z", help="Direction of travel, source to patient.")
    ] = None,
    clearance_mm: Annotated[float, typer.Option(help="Gap left under the inner face.")] = 0.0,
    rim: Annotated[RimChoice, typer.Option(help="How the border ends.")] = RimChoice.ROUND,
    exclude: Annotated[
        list[str] | None, typer.Option(help="ROI on the CT but not on the skin; may be repeated.")
    ] = None,
    printer: Annotated[
        str, typer.Option(help="Printer of the catalogue, or a TOML file.")
    ] = "ultimaker-2-plus",
    material: Annotated[
        str, typer.Option(help="Material of the catalogue, or a TOML file.")
    ] = "pla",
    name: Annotated[str, typer.Option(help="Name of the new ROI.")] = "BOLUS",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> int:
    """Design a bolus: mesh, BOLUS structure and report.

    Say where it goes by one of --target, --region, or --distance-mm with --near. Lengths are in mm;
    X,Y,Z are DICOM patient coordinates (LPS: left, posterior and superior count up).
    """
    check_out(out, overwrite=overwrite, inputs=[path for path in (ct, structures) if path])
    compute = compute_of(device, threads)
    near_mm, direction = triple(near, "--near"), triple(beam_direction, "--beam-direction")
    from isocentra.bolus3d import BolusRequest, Rim, design_bolus

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress() as progress:
        progress("reading", 0.0)
        image, structure_set = _read(ct, series_uid, structures)
        request = BolusRequest(
            ct=image,
            structures=structure_set,
            target=target,
            region=region,
            distance_mm=distance_mm,
            near_mm=near_mm,
            thickness_mm=thickness_mm,
            margin_mm=margin_mm,
            beam_direction=direction,
            clearance_mm=clearance_mm,
            rim=Rim(rim.value),
            exclude=tuple(exclude or ()),
            printer=printer,
            material=material,
            name=name,
        )
        bolus = design_bolus(request, progress=progress, compute=compute)
        progress("writing", 0.97)
        bolus.write(out)
    console.say(f"written to {out}: bolus.stl, bolus.3mf, bolus.dcm, skin.ply, report.html")
    return console.result(bolus.result)


def _read(
    ct: Path, series_uid: str | None, structures: Path | None
) -> tuple[Image, StructureSet | None]:
    from isocentra import dicom

    image = dicom.read_series(ct, series_uid=series_uid)
    return image, None if structures is None else dicom.read_structures(structures, image=image)


@app.command()
def inspect(
    mesh: Annotated[Path, typer.Argument(metavar="MESH", help="STL, 3MF, PLY or OBJ file.")],
    *,
    printer: Annotated[str, typer.Option(help="Printer of the catalogue, or a TOML file.")] = (
        "ultimaker-2-plus"
    ),
    parts: Annotated[
        int, typer.Option(min=1, help="How many parts the file is meant to hold.")
    ] = 1,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Check whether a mesh can be printed: thirteen named checks."""
    from isocentra.bolus3d import inspect_file

    console = Console(as_json=as_json, quiet=quiet)
    return console.result(inspect_file(mesh, printer=printer, parts=parts))


@app.command()
def printers(*, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the printers of the catalogue."""
    from isocentra.bolus3d import catalogue

    table = Table("name", "room x × y × z [mm]", "nozzle [mm]", "least wall [mm]")
    for entry in catalogue.printers():
        room = " × ".join(f"{v:g}" for v in entry.bed_mm)
        table.add_row(entry.name, room, f"{entry.nozzle_mm:g}", f"{entry.min_wall_mm:g}")
    Console(as_json=as_json, quiet=quiet).entries("printers", catalogue.printers(), table)


@app.command()
def materials(*, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the materials of the catalogue."""
    from isocentra.bolus3d import catalogue

    table = Table("name", "density [g/cm³]", "HU, solid")
    for entry in catalogue.materials():
        table.add_row(entry.name, f"{entry.density_g_cm3:g}", f"{entry.hu:g}")
    Console(as_json=as_json, quiet=quiet).entries("materials", catalogue.materials(), table)
