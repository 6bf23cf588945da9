"""Fixtures for the tests of the doors: the command line in this process, and a small clinic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from clinic import Clinic, Outcome, make_clinic

from isocentra.services.cli.main import run


@pytest.fixture
def isocentra(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run one command line in this process."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Return the ball's series and structures."""
    return make_clinic(tmp_path_factory.mktemp("clinic"))
