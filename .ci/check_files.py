"""Check text files: TOML and JSON parse, Unix line ends, exactly one final newline, not too large.

python .ci/check_files.py FILE ...; without arguments, every file that git knows.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

LARGEST_BYTES = 500_000
MAY_BE_LARGE = {"three.iife.min.js"}
TEXT = {".py", ".md", ".toml", ".json", ".cu", ".h", ".cpp", ".txt", ".yaml", ".cff", ".js", ".css"}


def faults(path: Path) -> list[str]:
    """Return what is wrong with one file, in words."""
    content = path.read_bytes()
    found = []
    if len(content) > LARGEST_BYTES and path.name not in MAY_BE_LARGE:
        found.append(f"{len(content)} bytes")
    if path.suffix not in TEXT or path.name in MAY_BE_LARGE:
        return found
    text = content.decode("utf-8")
    if "\r" in text:
        found.append("a carriage return")
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        found.append("not exactly one final newline")
    try:
        if path.suffix == ".toml":
            tomllib.loads(text)
        elif path.suffix == ".json":
            json.loads(text)
    except ValueError as error:
        found.append(str(error))
    return found


def main(names: list[str]) -> int:
    """Check the files and return the exit code."""
    if not names:
        listing = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
        listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name]
    wrong = 0
    for path in map(Path, names):
        for fault in faults(path) if path.is_file() else []:
            sys.stderr.write(f"{path}: {fault}\n")
            wrong += 1
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
