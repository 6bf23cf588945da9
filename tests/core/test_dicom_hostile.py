"""Promise: every hostile or broken file gets its typed refusal, or is read rightly; no crash.

The corpus (tests/corpus/hostile.py) is made byte by byte, without the product.
"""

from __future__ import annotations

import time

import hostile
import pytest

from isocentra.dicom import GatedFile, read_bytes
from isocentra.errors import REASONS, ReadingError

CASES = hostile.cases()
LARGE_BYTES = 1_000_000


def answer(data: bytes) -> tuple[str, GatedFile | None]:
    try:
        return hostile.READ, read_bytes(data, "case.dcm")
    except ReadingError as error:
        refused = error
    assert refused.where.file == "case.dcm"
    assert refused.do.endswith(".")
    assert "Phantom" not in str(refused)
    return refused.reason, None


@pytest.mark.parametrize("name", CASES)
def test_each_hostile_file_has_a_right_answer_in_time(name: str) -> None:
    case = CASES[name]
    started = time.process_time()
    reason, _ = answer(case.data)
    assert reason in case.reasons
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    "name",
    [n for n, c in CASES.items() if hostile.READ in c.reasons and len(c.data) < LARGE_BYTES],
)
def test_what_is_read_can_be_used_without_an_error(name: str) -> None:
    reason, file = answer(CASES[name].data)
    if file is None:
        assert reason in REASONS
        return
    for element in file.dataset.iterall():
        assert element.tag.group % 2 == 0, "private elements are left out"
    assert str(file.dataset)


def test_the_corpus_is_large_enough_and_has_both_answers() -> None:
    refused = [case for case in CASES.values() if hostile.READ not in case.reasons]
    assert len(refused) >= 150
    assert len(CASES) - len(refused) >= 15


def test_every_reading_reason_is_provoked() -> None:
    provoked = {reason for case in CASES.values() for reason in case.reasons}
    # BAD_ARCHIVE belongs to folders: test_dicom_archive.py.
    assert ReadingError.reasons - provoked == {"BAD_ARCHIVE"}


def test_messages_escape_what_comes_from_the_file() -> None:
    data = hostile.b.changed({0x00080018: ("UI", b"1.2\x1b[31m\n<b>")})
    with pytest.raises(ReadingError) as caught:
        read_bytes(data, "evil\n\x1b[2J.dcm")
    text = str(caught.value)
    assert caught.value.reason == "BAD_UID"
    assert text.isprintable()
