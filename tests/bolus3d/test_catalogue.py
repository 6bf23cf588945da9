"""Printers and materials are data: shipped ones are whole, a site's own are taken or refused."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from isocentra.bolus3d.catalogue import material, materials, printer, printers
from isocentra.errors import ReadingError

OWN = """
name = "cellar"
title = "The printer in the cellar"
process = "filament"
bed_mm = [200, 200, 180.5]
nozzle_mm = 0.6
min_wall_mm = 1.2
layer_mm = 0.3
flow_mm3_s = 9.0
layer_s = 2
unit = "mm, mm³/s, s"
source = "measured"
licence = "ours"
"""


def test_the_shipped_names_are_those_of_the_contract() -> None:
    assert [p.name for p in printers()] == ["raise3d-pro2", "sla-generic", "ultimaker-2-plus"]
    assert [m.name for m in materials()] == ["petg", "pla", "resin", "silicone", "tpu-95a"]


def test_the_known_beds_and_densities_are_there() -> None:
    assert printer("ultimaker-2-plus").bed_mm == (223, 223, 205)
    assert printer("raise3d-pro2").bed_mm == (305, 305, 300)
    assert printer("Ultimaker-2-Plus").min_wall_mm == pytest.approx(0.8)
    assert material("pla").density_g_cm3 == pytest.approx(1.24)
    assert all(e.source and e.licence and e.unit for e in (*printers(), *materials()))
    assert all(m.hu_low <= m.hu <= m.hu_high for m in materials())
    assert all(p.source and p.infill_percent <= 100 for m in materials() for p in m.infill)


def test_hu_is_interpolated_between_measured_infills_and_nowhere_else() -> None:
    pla = material("pla")
    assert pla.hu_at(75) == pytest.approx(-185)
    assert pla.hu_at(85) == pytest.approx(-68)
    assert pla.hu_at(97) is None
    assert pla.hu_at(20) is None
    assert pla.hu_at(100) == pla.hu
    assert material("tpu-95a").hu_at(12.5) == pytest.approx(-569)


def test_a_site_s_own_file_is_taken_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "cellar.toml"
    path.write_text(OWN, encoding="utf-8")
    assert printer(str(path)).bed_mm == (200, 200, 180.5)
    shipped = resources.files("isocentra.bolus3d") / "data" / "materials" / "pla.toml"
    copy = tmp_path / "own.TOML"
    copy.write_bytes(shipped.read_bytes())
    assert material(str(copy)) == material("pla")


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("nozzle_mm", "nozle_mm", "nozle_mm"),
        ("layer_s = 2", 'layer_s = "2"', "layer_s"),
        ("nozzle_mm = 0.6", "nozzle_mm = nan", "nozzle_mm"),
        ("nozzle_mm = 0.6", "nozzle_mm = -0.6", "nozzle_mm"),
        ("[200, 200, 180.5]", "[200, 200]", "bed_mm"),
        ('"filament"', '"magic"', "process"),
        ('name = "cellar"', 'name = "Cellar/../x"', "name"),
        ('source = "measured"\n', "", "source"),
        ("nozzle_mm = 0.6", "nozzle_mm = ", "TOML"),
        ("nozzle_mm = 0.6", "nozzle_mm = true", "nozzle_mm"),
    ],
)
def test_a_wrong_key_or_value_is_refused_and_named(
    old: str, new: str, names: str, tmp_path: Path
) -> None:
    path = tmp_path / "cellar.toml"
    path.write_text(OWN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ReadingError, match=names) as caught:
        printer(str(path))
    assert caught.value.reason == "BAD_VALUE"
    assert caught.value.where.file == "cellar.toml"


def test_an_unknown_name_is_refused_with_the_names_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match=r"sla-generic") as caught:
        printer("prusa")
    assert caught.value.reason == "BAD_VALUE"
    with pytest.raises(ReadingError, match="silicone"):
        material("wood")
    with pytest.raises(ReadingError, match="cannot be opened"):
        material(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReadingError, match="no TOML"):
        material(str(tmp_path / "binary.toml"))
