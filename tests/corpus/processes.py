"""The command line as users start it: a process of its own, with the terminal a test wants."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from clinic import Outcome

START = (sys.executable, "-c", "from isocentra.services.cli.main import main; main()")


def start(*arguments: object, env: Mapping[str, str] | None = None) -> Outcome:
    """Run one command to its end; UTF-8 is what it is expected to write."""
    done = subprocess.run(
        [*START, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True, slots=True)
class Watched:
    """A running command and the terminal that shows its stderr."""

    process: subprocess.Popen[bytes]
    terminal: int

    def shown(self, until: str | None = None, timeout_s: float = 120.0) -> str:
        """Return what the terminal shows until a text, or the end of the process."""
        seen = ""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and (until is None or until not in seen):
            ready, _, _ = select.select([self.terminal], [], [], 0.1)
            if not ready:
                if self.process.poll() is not None:
                    break
                continue
            try:
                seen += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # the last writer has closed it
                break
        return seen


@contextmanager
def watched(*arguments: object) -> Iterator[Watched]:
    """Start a command whose stderr is a terminal."""
    here, there = pty.openpty()
    process = subprocess.Popen(
        [*START, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=there, stdin=there
    )
    os.close(there)
    try:
        yield Watched(process, here)
    finally:
        process.kill()
        process.wait()
        os.close(here)
