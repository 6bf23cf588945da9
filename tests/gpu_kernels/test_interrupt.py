"""A launch that a signal interrupts ends in the signal's exception, not in a crash."""

from __future__ import annotations

import subprocess
import sys

INTERRUPT = """
import signal
import numpy as np
from isocentra.gpu_kernels import Compute, signed_distance

class Stop(BaseException):
    pass

def stop(number, frame):
    raise Stop

signal.signal(signal.SIGALRM, stop)
mask = np.zeros((90, 200, 200), dtype=np.uint8)
mask[30:60, 70:130, 70:130] = 1
stopped = 0
for n in range(40):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.0005 * n)
        for _ in range(100):
            signed_distance(mask.copy(), (1.0, 1.0, 1.0), compute=Compute(threads=3))
    except Stop:
        stopped += 1
print(stopped)
"""


def test_an_interrupted_launch_does_not_pull_the_arrays_from_under_its_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "40\n"), done.stderr
