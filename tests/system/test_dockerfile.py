"""The Dockerfile does what it says: its steps, mirrored in a bare virtual environment.

No container engine runs here: COPY becomes a copy that honours .dockerignore, system packages are
taken as given, and the RUN lines that install are run with their paths moved.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instruction of the Dockerfile."""

    word: str
    rest: str


def stages() -> list[list[Step]]:
    """Return the instructions of each build stage."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    steps = [Step(word=w, rest=r) for w, r in (line.split(maxsplit=1) for line in joined)]
    starts = [n for n, step in enumerate(steps) if step.word == "FROM"]
    return [steps[a:b] for a, b in zip(starts, [*starts[1:], len(steps)], strict=True)]


BUILD, FINAL = stages()


def words(steps: list[Step], word: str) -> list[str]:
    return [step.rest for step in steps if step.word == word]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out: the last pattern that matches decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = path.split("/")
        deep = line.removeprefix("!").startswith("**/")
        places = parts if deep else parts[:1]
        if line and not line.startswith("#") and any(fnmatch.fnmatch(p, pattern) for p in places):
            ignored = not line.startswith("!")
    return ignored


def test_both_stages_stand_on_one_slim_python() -> None:
    bases = {words(stage, "FROM")[0].split()[0] for stage in (BUILD, FINAL)}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop())


def test_the_image_runs_as_an_ordinary_user() -> None:
    (user,) = words(FINAL, "USER")
    assert user not in {"root", "0"}
    assert f"useradd --uid 10001 --create-home {user}" in " ".join(words(FINAL, "RUN"))


def test_the_compiler_stays_behind() -> None:
    assert "g++" in " ".join(words(BUILD, "RUN"))
    assert "g++" not in " ".join(words(FINAL, "RUN"))


def test_the_command_is_chosen_by_argument() -> None:
    assert json.loads(words(FINAL, "ENTRYPOINT")[0]) == ["isocentra"]
    assert json.loads(words(FINAL, "CMD")[0]) == ["--help"]


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    for line in words(BUILD, "COPY"):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert not is_ignored(source), source
    assert is_ignored("tests/conftest.py")
    assert is_ignored("core/isocentra/__pycache__/errors.pyc")


def test_every_room_with_code_is_copied() -> None:
    copied = {source for line in words(BUILD, "COPY") for source in line.split()[:-1]}
    rooms = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/isocentra/*/*.py")}
    assert sorted(rooms - copied) == []


@pytest.mark.slow
def test_its_steps_make_a_program_that_starts(
    source_tree: Path, tmp_path: Path, bare_env: dict[str, str], run: Callable[..., str]
) -> None:
    context, prefix = tmp_path / "src", tmp_path / "opt"
    for line in words(BUILD, "COPY"):
        *sources, target = line.split()
        for source in sources:
            into = context / (source if target == "./" else target)
            into.parent.mkdir(parents=True, exist_ok=True)
            if (source_tree / source).is_dir():
                shutil.copytree(source_tree / source, into)
            else:
                shutil.copy(source_tree / source, into)
    installs = [line for line in words(BUILD, "RUN") if "apt-get" not in line]
    assert installs
    for command in installs:
        moved = command.replace("/opt/", f"{prefix}/")
        moved = moved.replace("python -m venv", f"{sys.executable} -m venv")
        moved = moved.replace("--no-cache-dir ", "")  # the same wheels, from this machine's cache
        run("bash", "-euc", moved, cwd=context, env=bare_env)

    data = tmp_path / "data"
    data.mkdir()
    start = [*json.loads(words(FINAL, "ENTRYPOINT")[0]), *json.loads(words(FINAL, "CMD")[0])]
    env = {"PATH": f"{prefix}/isocentra/bin:{bare_env['PATH']}", "HOME": bare_env["HOME"]}
    assert "demo" in run(*start, cwd=data, env=env)
    assert run("isocentra", "--version", cwd=data, env=env).startswith("isocentra ")
    assert list(data.iterdir()) == []
