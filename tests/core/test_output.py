"""A folder or file of a result appears whole or not at all, whatever happens to the writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from isocentra.errors import ServiceError
from isocentra.output import folder_is_free, write_file, write_folder

FILES = {"result.json": b"{}", "image/a.dcm": b"one", "image/b.dcm": b"two"}

SLOW_WRITER = """
import sys, time
from pathlib import Path
from isocentra.output import write_folder

class Slow(dict):
    def items(self):
        yield "first.bin", b"1"
        print("half", flush=True)
        time.sleep(60)
        yield "second.bin", b"2"

write_folder(Path(sys.argv[1]), Slow())
"""


WRITER_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from isocentra.errors import ServiceError
from isocentra.output import write_folder

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_folder(Path(sys.argv[1]), {"a": b"1", "b": bytes(5000)})
except ServiceError as error:
    print(error.reason)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Interrupted(Mapping[str, bytes]):
    """Files whose writer is interrupted after the first."""

    @override
    def __getitem__(self, name: str) -> bytes:
        return b"1"

    @override
    def __len__(self) -> int:
        return 2

    @override
    def __iter__(self) -> Iterator[str]:
        yield "first"
        raise KeyboardInterrupt


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that is half way through writing ``out``."""
    command = [sys.executable, "-c", SLOW_WRITER, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        yield process
        process.kill()


def test_a_folder_holds_all_files_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "deep" / "out", FILES)
    assert contents(tmp_path / "deep" / "out") == FILES
    assert names(tmp_path / "deep") == ["out"]


def test_an_empty_folder_is_filled_and_a_full_one_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert folder_is_free(tmp_path / "out")
    write_folder(tmp_path / "out", {"old": b"old"})
    assert not folder_is_free(tmp_path / "out")
    write_folder(tmp_path / "out", FILES)
    assert contents(tmp_path) == {f"out/{name}": data for name, data in FILES.items()}


def test_the_folder_a_link_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "link", FILES)
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == FILES


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", {"old": b"old"})
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "out", Interrupted())
    assert contents(tmp_path) == {"out/old": b"old"}
    assert names(tmp_path) == ["out"]


def test_a_killed_writer_leaves_nothing_but_a_hidden_leftover_that_the_next_removes(
    tmp_path: Path, writer: subprocess.Popen[str]
) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".out.partial-")
    write_folder(tmp_path / "out", FILES)
    assert names(tmp_path) == ["out"]
    assert contents(tmp_path / "out") == FILES


def test_a_write_under_way_is_no_leftover(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    write_folder(tmp_path / "out", FILES)
    (other,) = (path for path in tmp_path.iterdir() if path.name != "out")
    assert contents(other) == {"first.bin": b"1"}
    assert writer.poll() is None


def test_leftovers_of_other_names_stay(tmp_path: Path) -> None:
    for name in (".output.partial-1", ".ou[t].partial-1", "out.partial-1"):
        (tmp_path / name).mkdir()
    (tmp_path / ".out.partial-file").write_text("a file of somebody")
    write_folder(tmp_path / "out", FILES)
    write_folder(tmp_path / "ou[t]", FILES)
    left = {".output.partial-1", "out.partial-1", ".out.partial-file", "out", "ou[t]"}
    assert set(names(tmp_path)) == left


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_bytes(b"old")
    write_file(tmp_path / "page.pdf", b"new")
    write_file(tmp_path / "deep" / "page.pdf", b"new")
    assert contents(tmp_path) == {"page.pdf": b"new", "deep/page.pdf": b"new"}
    assert names(tmp_path) == ["deep", "page.pdf"]


def test_a_disk_without_room_is_a_typed_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk."""
    command = [sys.executable, "-c", WRITER_WITHOUT_ROOM, str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "STORE_FULL"
    assert names(tmp_path) == []


def test_a_place_that_may_not_be_written_is_a_typed_error() -> None:
    """The kernel's own file system takes no folders, from anybody."""
    place = Path("/sys/kernel/isocentra-out")
    if not place.parent.is_dir():
        pytest.skip("no /sys on this machine")
    with pytest.raises(ServiceError) as caught:
        write_folder(place, FILES)
    assert caught.value.reason == "PERMISSION_DENIED"
    assert caught.value.where.file == "isocentra-out"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_folder(tmp_path / "out", FILES)
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
