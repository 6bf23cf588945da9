"""The pages tell the truth: links lead somewhere, commands exist, generated pages are current."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("docs/**/*.md")})
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def script(name: str) -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "scripts" / name))


def shell_lines(page: Path) -> list[str]:
    """Return the command lines of a page's ``sh`` blocks, comments left out."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def isocentra_verbs() -> list[list[str]]:
    """Return the verbs that some page shows, such as ``["bolus", "design"]``."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = re.findall(r"(?:`|bin/|^|\s)isocentra((?: [a-z]+)+)", text, flags=re.MULTILINE)
    groups = {"bolus", "distortion", "dose", "adaptive", "study", "job", "token"}
    later = {"serve", "study", "job", "token", "distortion", "dose", "adaptive"}
    verbs = set()
    for words in shown:
        first, *rest = words.split()
        if first in {"demo", "doctor", "selftest", *groups} - later:
            verbs.add((first, *rest[:1]) if first in groups else (first,))
    return [list(verb) for verb in sorted(verbs)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [target for target in targets if target and "://" not in target]
    assert [t for t in local if not (page.parent / t).exists()] == []


def test_no_page_and_no_code_names_a_place_on_one_machine() -> None:
    places = re.compile(r"(?<![\w.~$}])/(work|home|root|Users|mnt)/\w")
    texts = {".py", ".md", ".toml", ".json", ".cfg", ".yaml", ".cff", ".cu", ".h", ".cpp", ".lock"}
    folders = ("core", "gpu_kernels", "bolus3d", "services", "docs", "benchmarks", "tests")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    paths += [path for path in ROOT.iterdir() if path.is_file()]
    found = [
        name_of(path)
        for path in paths
        if path.suffix in texts
        and path != Path(__file__)
        and places.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_build_names_no_package_host() -> None:
    for name in (".ci/run", "Dockerfile", "README.md", "requirements.lock", "pyproject.toml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"pypi\.|pythonhosted|--index-url|https?://", text), name


def test_the_readme_shows_what_the_program_is_in_its_first_screen() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:20]
    first = "\n".join(lines)
    for owed in ("# Isocentra", "Not a medical device", "![", "isocentra demo", "pytest"):
        assert owed in first


def test_the_readme_installs_and_starts_only_what_the_project_declares() -> None:
    programs = {*PROJECT["scripts"], "pip", "pytest"}
    for line in shell_lines(ROOT / "README.md"):
        for command in line.split("&&"):
            program, *arguments = shlex.split(command)
            assert program in {"python3"} | {f".venv/bin/{p}" for p in programs}, command
            for extra in re.findall(r"\[(\w+)\]", " ".join(arguments)):
                assert extra in PROJECT["optional-dependencies"]


@pytest.mark.parametrize("verb", isocentra_verbs(), ids=" ".join)
def test_every_command_that_a_page_shows_exists(verb: list[str]) -> None:
    call = "import sys; from isocentra.services.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", call, *verb, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert f"isocentra {' '.join(verb)}" in shown.stdout


def test_the_page_of_errors_is_current() -> None:
    made = script("errors_page.py")
    there = made["PAGE"].read_text(encoding="utf-8")
    assert there == made["page"](), "run: python docs/scripts/errors_page.py"


def test_every_reason_that_this_version_raises_is_explained() -> None:
    quoted = "\n".join(
        path.read_text(encoding="utf-8")
        for path in ROOT.glob("*/isocentra/**/*.py")
        if path.name != "errors.py"
    )
    reasons = runpy.run_path(str(ROOT / "core" / "isocentra" / "errors.py"))["REASONS"]
    explained = tomllib.loads((ROOT / "docs/reference/errors.toml").read_text(encoding="utf-8"))
    raised = {reason for reason in reasons if f'"{reason}"' in quoted}
    assert sorted(raised - explained.keys()) == []
    assert [r for r, text in explained.items() if set(text) != {"when", "do"}] == []


def installed_from_the_lock() -> bool:
    try:
        return all(
            version(name) == locked for name, locked in script("licences.py")["locked"]().items()
        )
    except PackageNotFoundError:
        return False


def test_the_page_of_licences_is_current() -> None:
    if not installed_from_the_lock():
        pytest.skip("this environment was not installed from requirements.lock")
    made = script("licences.py")
    there = made["PAGE"].read_text(encoding="utf-8")
    assert there == made["page"](), "run: python docs/scripts/licences.py"


def test_the_product_needs_nothing_under_a_licence_that_contradicts_its_own() -> None:
    page = (ROOT / "docs" / "reference" / "licences.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    product = {row[0]: row[2] for row in rows if len(row) == 5 and row[3] == "product"}
    assert {"numpy", "pydicom", "typer"} <= product.keys()
    contradicting = re.compile(r"\bA?GPL|Proprietary|Non-?Commercial", flags=re.IGNORECASE)
    assert {n: text for n, text in product.items() if contradicting.search(text)} == {}


def test_every_dependency_is_locked() -> None:
    locked = script("licences.py")["locked"]()
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["test"], *extras["docs"]]
    names = {re.split(r"[<>=\[; ]", line)[0].lower().replace("_", "-") for line in wanted}
    assert sorted(names - locked.keys()) == []


def test_the_version_is_one() -> None:
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {PROJECT['version']}\n" in cited
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_contributing_stays_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 100
    for page in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) <= 60, page.name
