"""The pages for users can be followed: their commands run, and say what the pages show."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from isocentra.bolus3d.catalogue import printer
from isocentra.bolus3d.inspect import inspect_mesh
from isocentra.mesh.model import Mesh

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorials" / "bolus-from-ct-to-print.md"
PYTHON = DOCS / "reference" / "python-bolus.md"
LARGEST_PICTURE_BYTES = 200_000


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a page's ``console`` blocks with the output shown under it."""
    for block in blocks(page, "console"):
        for part in block.split("$ ")[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield command, shown


def said(text: str) -> str:
    """Return a text without its numbers and its spaces: those may change with the version."""
    return re.sub(r"\s+", " ", re.sub(r"\d+(?:[.,]\d+)*", "#", text)).strip()


def is_said(line: str, output: str) -> bool:
    parts = [re.escape(said(part)) for part in line.split("…")]
    return re.search(".*".join(parts), said(output)) is not None


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment in which `isocentra` is this checkout's."""
    folder = tmp_path_factory.mktemp("bin")
    call = "import sys; from isocentra.services.cli.main import main; main()"
    program = folder / "isocentra"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{call}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    paths = os.pathsep.join(path for path in sys.path if path)
    return {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": paths,
        "COLUMNS": "200",
    }


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]) -> Path:
    """Folder in which `isocentra demo --out demo` was run."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        ["isocentra", "demo", "--out", "demo", "--quiet"], cwd=folder, env=shell, check=True
    )
    shutil.copy(folder / "demo" / "result" / "bolus.stl", folder / "bolus.stl")
    return folder


def follow(page: Path, folder: Path, shell: dict[str, str]) -> None:
    """Run a page's commands in one folder and compare what they say."""
    for command, shown in commands(page):
        program = command.split()[0]
        if shutil.which(program, path=shell["PATH"]) is None:
            continue  # a slicer or DICOM tool that this machine does not have
        run = subprocess.run(
            ["sh", "-c", command],
            cwd=folder, env=shell, capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = run.stdout + run.stderr
        assert run.returncode == 0, f"{command}\n{output}"
        assert [line for line in shown if not is_said(line, output)] == [], f"{command}\n{output}"


@pytest.mark.slow
def test_the_tutorial_runs_as_written(tmp_path: Path, shell: dict[str, str]) -> None:
    follow(TUTORIAL, tmp_path, shell)
    assert {"bolus.stl", "bolus.dcm", "report.pdf"} <= {p.name for p in tmp_path.glob("bolus/*")}


@pytest.mark.slow
def test_the_page_on_printers_and_materials_runs_as_written(
    demo: Path, shell: dict[str, str]
) -> None:
    page = DOCS / "how-to" / "add-a-printer-or-material.md"
    names = re.findall(r"^`(\S+\.toml)`:$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name, content in zip(names, blocks(page, "toml"), strict=True):
        (demo / name).write_text(content, encoding="utf-8")
    follow(page, demo, shell)


@pytest.mark.slow
def test_the_page_on_local_acceptance_runs_as_written(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    try:
        version("isocentra")
    except PackageNotFoundError:
        pytest.skip("Isocentra is not installed here: `isocentra doctor` says so and fails")
    follow(DOCS / "how-to" / "local-acceptance.md", tmp_path, shell)
    assert (tmp_path / "acceptance.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_the_python_of_the_reference_runs_as_written(demo: Path, shell: dict[str, str]) -> None:
    code = "\n".join(blocks(PYTHON, "python"))
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=demo, env=shell, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    for line in ("PASS", "THICKNESS_BELOW_NOZZLE 3"):
        assert line in run.stdout


def check_names() -> set[str]:
    """Names of all checks, from the code that makes them."""
    listed = (ROOT / "bolus3d" / "isocentra" / "bolus3d" / "checks.py").read_text(encoding="utf-8")
    made = re.findall(r'at_(?:most|least)\(\s*"([a-z_0-9]+)"', listed)
    corners = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    solid = Mesh(vertices_mm=corners, faces=faces)
    found = inspect_mesh(solid, printer=printer("ultimaker-2-plus"))
    return {*made, *(check.name for check in found.checks)}


def test_every_check_is_explained_and_no_other() -> None:
    page = (DOCS / "how-to" / "when-a-check-fails.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([a-z_0-9]+)` \|", page, flags=re.MULTILINE)
    assert sorted(explained) == sorted(check_names())


def test_the_limits_that_the_page_gives_are_the_programs() -> None:
    page = (DOCS / "how-to" / "when-a-check-fails.md").read_text(encoding="utf-8")
    limits = runpy.run_path(str(ROOT / "bolus3d" / "isocentra" / "bolus3d" / "checks.py"))
    for check, number in (
        ("thickness", f"P95 ≤ {limits['THICKNESS_P95_MM']:.2f} mm"),
        ("thickness_max", f"≤ {limits['THICKNESS_MAX_MM']:.2f} mm"),
        ("inner_face", f"P95 ≤ {limits['GAP_P95_MM']:.2f} mm"),
        ("covers_region", f"≥ {100 * limits['COVERED_SHARE']:.0f} %"),
        ("contours", f"P95 ≤ {limits['CONTOUR_P95_MM']:.2f} mm"),
        ("simplified", f"P95 ≤ {limits['ADDED_P95_MM']:.2f} mm"),
    ):
        assert re.search(rf"^\| `{check}` \| {re.escape(number)}", page, flags=re.MULTILINE), check


def test_the_page_of_results_is_current() -> None:
    made = runpy.run_path(str(DOCS / "scripts" / "results_page.py"))
    there = made["PAGE"].read_text(encoding="utf-8")
    assert there == made["page"](), "run: python docs/scripts/results_page.py"


def test_every_picture_is_made_by_the_script_shown_on_a_page_and_small() -> None:
    script = (DOCS / "scripts" / "pictures.py").read_text(encoding="utf-8")
    table = script.partition("PICTURES: Final")[2].partition("\n}")[0]
    made = set(re.findall(r'^    "([a-z-]+)":', table, flags=re.MULTILINE))
    there = {path.stem: path.stat().st_size for path in (DOCS / "images").glob("*.png")}
    pages = [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = set(re.findall(r"images/([a-z-]+)\.png", text))
    assert made == there.keys() == shown
    assert {name: size for name, size in there.items() if size > LARGEST_PICTURE_BYTES} == {}
