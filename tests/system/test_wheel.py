"""The wheel holds all of the product and nothing else, and harms no environment it enters."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_its_top_level_is_isocentra_alone(names: list[str]) -> None:
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"isocentra"}
    assert "isocentra/__init__.py" not in names


def test_it_holds_every_file_of_the_packages_once(names: list[str], source_tree: Path) -> None:
    owed = {
        path.relative_to(room.parent).as_posix()
        for room in source_tree.glob("*/isocentra")
        for path in room.rglob("*")
        if path.is_file() and room.parent.name != "proto"
    }
    assert sorted(owed - set(names)) == []
    kernels = {n for n in names if n.endswith(".so")}
    assert kernels
    assert all(Path(n).parent.as_posix() == "isocentra/gpu_kernels" for n in kernels)
    product = {n for n in names if n.startswith("isocentra/")}
    assert sorted(product - owed - kernels) == []
    assert len(names) == len(set(names))


def test_it_carries_licence_and_notice(names: list[str]) -> None:
    held = {Path(name).name for name in names if ".dist-info/" in name}
    assert {"LICENSE", "NOTICE", "METADATA"} <= held


def test_it_serves_every_python_of_this_platform(wheel: Path) -> None:
    assert "-py3-none-" in wheel.name


def digest(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder, compiled Python left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_it_overwrites_nothing_and_starts_from_an_empty_folder(
    wheel: Path, tmp_path: Path, bare_env: dict[str, str], run: Callable[..., str]
) -> None:
    """`adaptive` and `proto-plus` own names that rooms of this project have as folders."""
    empty = tmp_path / "empty"
    empty.mkdir()
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=empty, env=bare_env)
    program = tmp_path / "venv" / "bin"
    pip = [program / "pip", "install", "--quiet"]
    others = subprocess.run(
        [*pip, "adaptive", "proto-plus"], env=bare_env, capture_output=True, text=True, check=False
    )
    if others.returncode != 0:
        pytest.skip(f"adaptive and proto-plus cannot be installed here: {others.stderr[-200:]}")
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    before = [digest(site / name) for name in ("adaptive", "proto")]
    assert all(before)

    run(*pip, "--constraint", ROOT / "requirements.lock", wheel, cwd=empty, env=bare_env)

    assert [digest(site / name) for name in ("adaptive", "proto")] == before
    shown = run(program / "isocentra", "--version", cwd=empty, env=bare_env)
    assert shown.split() == ["isocentra", wheel.name.split("-")[1]]
    assert "demo" in run(program / "isocentra", "--help", cwd=empty, env=bare_env)
    assert "--out" in run(program / "isocentra", "demo", "--help", cwd=empty, env=bare_env)
    use = "import adaptive, proto; proto.Message; adaptive.Learner1D"
    run(program / "python", "-c", use, cwd=empty, env=bare_env)
    assert list(empty.iterdir()) == []
