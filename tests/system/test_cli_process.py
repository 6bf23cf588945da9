"""Real processes: exit codes, signals, pipes, locales, terminals."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clinic import FRONT, PATIENT, Clinic
from processes import START, start, watched

HERE = ("--distance-mm", "15", "--near", FRONT, "--thickness-mm", "5")

WITHOUT_SYSCONF = """
import os
del os.sysconf
from isocentra.services.cli.main import main
main()
"""
"""A fault at the edge: a platform that does not say how much memory it has."""


def test_help_takes_little_time() -> None:
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert start("bolus", "design", "--help").code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(taken) < 0.4


OLD_TERMINAL = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}


def test_json_is_utf_8_whatever_the_locale() -> None:
    listed = start("bolus", "materials", "--json", env=OLD_TERMINAL)
    assert (listed.code, listed.err) == (0, "")
    assert "g/cm³" in {unit for e in listed.json["materials"] for unit in e["unit"].split(", ")}


def test_a_table_is_shown_on_a_terminal_without_unicode() -> None:
    shown = start("bolus", "materials", env=OLD_TERMINAL)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.isascii()
    assert "g/cm?" in shown.out


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["table", "json"])
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...]) -> None:
    here, there = os.pipe()
    os.close(here)
    done = subprocess.run(
        [*START, "bolus", "materials", *arguments],
        stdout=there,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(there)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_streams_are_no_error() -> None:
    shell = 'exec "$@" >&- 2>&-'
    done = subprocess.run(["sh", "-c", shell, "sh", *START, "bolus", "printers"], check=False)
    assert done.returncode == 0


def test_a_defect_is_exit_1_with_a_file_that_holds_places_and_no_values(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SYSCONF, "doctor", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (written,) = tmp_path.iterdir()
    assert str(written) in done.stderr
    assert "Traceback" not in done.stderr
    text = written.read_text()
    assert "AttributeError" in text
    assert "diagnosis.py" in text
    assert "sysconf" not in text  # the message of an error may hold values


def test_a_refusal_in_a_process_of_its_own(clinic: Clinic, tmp_path: Path) -> None:
    outcome = start("bolus", "design", clinic.mr, *HERE, "--out", tmp_path / "out", "--json")
    assert outcome.reason == "WRONG_MODALITY"
    assert list(tmp_path.iterdir()) == []


def test_no_bar_is_drawn_where_nobody_watches(clinic: Clinic, tmp_path: Path) -> None:
    outcome = start("bolus", "design", clinic.mr, *HERE, "--out", tmp_path / "out")
    assert outcome.err.startswith("E: WRONG_MODALITY")
    assert "\x1b" not in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_with_130_and_nothing_left(
    clinic: Clinic, tmp_path: Path, number: signal.Signals
) -> None:
    with watched("bolus", "design", clinic.ct, *HERE, "--out", tmp_path / "out") as running:
        assert "finding the skin" in running.shown(until="finding the skin")
        running.process.send_signal(number)
        shown = running.shown()
        assert running.process.wait() == 130
    assert "E: interrupted" in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_killed_run_leaves_no_result_and_the_next_one_tidies_up(
    clinic: Clinic, tmp_path: Path
) -> None:
    place = (*HERE, "--out", tmp_path / "out")
    with watched("bolus", "design", clinic.ct, *place) as running:
        assert "shaping the bolus" in running.shown(until="shaping the bolus")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    assert not (tmp_path / "out").exists()
    (tmp_path / ".out.partial-killed").mkdir()
    outcome = start("bolus", "design", clinic.ct, *place, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "PASS\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_disk_without_room_is_refused_at_the_end_and_leaves_nothing(
    clinic: Clinic, tmp_path: Path
) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        [*START, "bolus", "design", str(clinic.ct), *HERE, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        preexec_fn=small_files,
        check=False,
    )
    assert done.returncode == 3
    assert "E: STORE_FULL: " in done.stderr
    assert PATIENT.partition("^")[0] not in done.stderr
    assert list(tmp_path.iterdir()) == []
