"""Fixtures for tests that build, install and start the real thing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from clinic import Clinic, make_clinic

ROOT = Path(__file__).parents[2]


Run = Callable[..., str]


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs a command, which must end with 0, and returns its stdout."""

    def started(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    return started


@pytest.fixture(scope="session")
def bare_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a new user: no Python path, no active environment, a new home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache" / "pip")
    home = tmp_path_factory.mktemp("home")
    return {**kept, "HOME": str(home), "PIP_CACHE_DIR": cache, "PATH": os.defpath}


@pytest.fixture(scope="session")
def source_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project's files without anything that git ignores."""
    listing = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    tree = tmp_path_factory.mktemp("source")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture(scope="session")
def wheel(run: Run, source_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel built from `source_tree`."""
    folder = tmp_path_factory.mktemp("wheel")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", folder, source_tree, cwd=folder, env=env)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Return the series and structures of a digital ball."""
    return make_clinic(tmp_path_factory.mktemp("clinic"))
