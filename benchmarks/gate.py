"""Time and peak memory of the gate: one slice, a series of 200, the hostile corpus, the extremes.

``python benchmarks/gate.py`` prints CPU seconds, the peak above idle and the ratio to the goal.
Every case runs in a process of its own, so that peaks do not mix; idle is the same process after
its imports.
"""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "corpus"))

import dicom_builder as b  # noqa: E402
import hostile  # noqa: E402

from isocentra.dicom import read_bytes, read_file, read_series  # noqa: E402
from isocentra.errors import ReadingError  # noqa: E402

MIB = 1 << 20
GOAL_S, GOAL_MIB = 2.0, 256.0


def peak_kib() -> int:
    """Peak of the resident set since the last reset (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


def extreme_files() -> dict[str, Callable[[], bytes]]:
    """Return the largest and slowest files that the limits let in."""

    def enhanced() -> bytes:
        fields = b.enhanced_fields(frames=420)
        fields |= {0x00280010: ("US", b.us(512)), 0x00280011: ("US", b.us(512))}
        fields[0x7FE00010] = ("OW", bytes(420 * 512 * 512 * 2))
        return b.file_of(fields)

    def rle() -> bytes:
        plane = b"\x00\x01" * (1 << 20)  # one literal byte a run: the slowest there is
        frame = struct.pack("<16I", 2, 64, 64 + len(plane), *[0] * 13) + plane * 2
        large = {0x00280010: ("US", b.us(1024)), 0x00280011: ("US", b.us(1024))}
        return b.rle_slice(b.encapsulated([frame]), large)

    def contours() -> bytes:
        points = b"\\".join([b"-123.45\\-123.45\\12.5"] * 1_600_000)
        return b.contour_file(points, b"1600000")

    def items() -> bytes:
        reference = [{0x00081155: ("UI", b"1.2.3")}] * 47_000
        return b.changed({0x00081140: ("SQ", reference)})

    def elements() -> bytes:
        items_of = [{0x00081150: ("UI", b"1.2"), 0x00081155: ("UI", b"1.2.3")}] * 20
        return b.changed({0x00081140: ("SQ", items_of * 2300)})

    return {
        "Enhanced CT, 420 frames, 210 MiB": enhanced,
        "RLE of 2 million runs": rle,
        "contour of 1.6 million points": contours,
        "47,000 items": items,
        "46,000 items of two": elements,
    }


def measure(name: str, path: Path) -> dict[str, object]:
    """Read one file in this process."""
    read_bytes(b.ct_slice(), "warm.dcm")
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    idle = peak_kib()
    started = time.process_time()
    try:
        read_file(path)
        answer = "READ"
    except ReadingError as error:
        answer = error.reason
    seconds = time.process_time() - started
    return {
        "name": name,
        "answer": answer,
        "seconds": seconds,
        "mib": (peak_kib() - idle) / 1024,
    }


def series_of(folder: Path, count: int) -> float:
    """Return the CPU seconds for a series of `count` slices of 512 × 512."""
    pixels = os.urandom(512 * 512 * 2)
    size = {0x00280010: ("US", b.us(512)), 0x00280011: ("US", b.us(512))}
    for k in range(count):
        data = b.changed({**size, 0x7FE00010: ("OW", pixels)}, k=k)
        (folder / f"{k}.dcm").write_bytes(data)
    started = time.process_time()
    image = read_series(folder)
    assert image.grid.shape == (count, 512, 512)
    return time.process_time() - started


def in_a_process(name: str, data: bytes, folder: Path) -> dict[str, object]:
    """Measure one file in a fresh process."""
    path = folder / "case.dcm"
    path.write_bytes(data)
    command = [sys.executable, __file__, "--one", name, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def main() -> None:
    """Print all figures."""
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        series = folder / "series"
        series.mkdir()
        seconds = series_of(series, 200)
        print(f"series of 200 slices of 512 × 512: {seconds:.2f} CPU s (goal 3)")
        rows = [in_a_process(case, make(), folder) for case, make in extreme_files().items()]
        for row in rows:
            print(f"{row['name']}: {row['answer']} {row['seconds']:.2f} s, {row['mib']:.0f} MiB")
        rows += [in_a_process(case, found.data, folder) for case, found in hostile.cases().items()]
    slowest = max(rows, key=lambda row: row["seconds"])
    largest = max(rows, key=lambda row: row["mib"])
    print(f"{len(rows)} files; slowest {slowest['name']}: {slowest['seconds']:.2f} CPU s,")
    print(f"  {slowest['seconds'] / GOAL_S:.2f} of the goal; largest {largest['name']}:")
    print(f"  {largest['mib']:.0f} MiB above idle, {largest['mib'] / GOAL_MIB:.2f} of the goal")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
