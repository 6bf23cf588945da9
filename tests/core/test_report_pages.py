"""The pages of a report: page 1 decides, hostile names stay text, equal reports are equal bytes."""

import html
import io
import re
import struct
import zlib
from dataclasses import replace

import pytest
from pypdf import PdfReader

from isocentra.progress import Stage
from isocentra.report.document import (
    Align,
    Beside,
    CheckTable,
    Column,
    Paragraph,
    Picture,
    Provenance,
    Report,
    Row,
    Section,
    SignLines,
    Table,
)
from isocentra.report.fonts import drawable, runs
from isocentra.report.html import report_html
from isocentra.report.pdf import report_pdf
from isocentra.result import Finding, InputRef, OutputRef, Software
from isocentra.verdict import Check, Status, at_most, verdict

HOSTILE = '<script>alert("x")</script>&amp;<b>bold</b>{{ 7*7 }}'


def png(width: int = 40, height: int = 30) -> bytes:
    """Make a grey picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def report(name: str = "PTV_Cheek", *checks: Check) -> Report:
    """Build a small report that holds `name` everywhere a name can stand."""
    found = checks or (
        at_most("gap_p95", 0.3004, 0.3, "mm", "The inner face follows the skin."),
        at_most("open_edges", 0, 0, "", "Every edge belongs to two triangles."),
    )
    table = Table(
        caption=f"Table of {name}",
        columns=(Column(title="What"), Column(title="mm", align=Align.RIGHT)),
        rows=((name, "1.5"), ("to fill in", "")),
    )
    picture = Picture(png=png(), caption=f"Picture of {name}", alt=f"Words for {name}")
    return Report(
        title="3D printed bolus",
        subtitle=name,
        subject=f"Müller^Jörg · {name}",
        status=verdict(found),
        checks=found,
        identity=(Row(label="Patient", text="Müller^Jörg"), Row(label="ROI", text=name)),
        lead=picture,
        sections=(
            Section(title=f"About {name}", blocks=(Paragraph(text=name), table, picture)),
            Section(
                title="Second",
                blocks=(
                    Beside(left=(table,), right=(table,)),
                    CheckTable(checks=found),
                    SignLines(roles=("Printed by", "Measured by")),
                ),
                new_page=True,
            ),
        ),
        provenance=Provenance(
            inputs=(InputRef(kind="CT", uid="1.2.3", sha256="ab" * 32),),
            outputs=(OutputRef(name="bolus.stl", media_type="model/stl", sha256="", bytes=12345),),
            software=Software(version="9.8.7", device="cpu", kernels="v3"),
            stages=(Stage(name="skin", seconds=1.25),),
        ),
        not_checked=(f"The dose in {name}.",),
        warnings=(Finding(code="OVERLAP", message=f"{name} overlaps."),),
        program="Isocentra 9.8.7",
    )


def pages(made: Report) -> list[str]:
    """Return the text of each page of the PDF, blanks made single."""
    reader = PdfReader(io.BytesIO(report_pdf(made)))
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]


def test_page_one_holds_verdict_worst_check_with_limit_identity_and_two_lines_to_sign() -> None:
    first, *_ = pages(report())
    assert "FAIL" in first
    assert "1 of 2 checks failed" in first
    assert "Worst check: Gap p95" in first
    assert "0.3004 mm (limit ≤ 0.3000 mm)" in first
    assert "Müller^Jörg" in first
    assert first.count("name, signature") == 2


def test_every_page_has_subject_program_and_its_number_of_all() -> None:
    made = pages(report())
    assert len(made) == 4
    for number, page in enumerate(made, start=1):
        assert "Müller^Jörg · PTV_Cheek" in page
        assert "Isocentra 9.8.7" in page
        assert f"Page {number}" in page
    reader = PdfReader(io.BytesIO(report_pdf(report())))
    forms = [page["/Resources"]["/XObject"] for page in reader.pages]
    total = {
        bytes(form.get_object().get_data())
        for f in forms
        for form in f.values()
        if form.get_object()["/Subtype"] == "/Form"
    }
    assert len(total) == 1


def test_the_last_page_accounts_for_inputs_software_stages_and_what_was_not_checked() -> None:
    *_, last = pages(report())
    for text in ("ab" * 10, "1.2.3", "9.8.7", "1.25", "The dose in PTV_Cheek.", "OVERLAP"):
        assert text in last


def test_html_and_pdf_say_the_same_in_the_same_order() -> None:
    made = report()
    page = re.sub(r"<style>.*?</style>", "", report_html(made).decode(), flags=re.DOTALL)
    screen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")
    pdf = " ".join(pages(made)).replace("\N{NO-BREAK SPACE}", " ")
    words = ("failed", "Patient", "Prepared by", "Every edge", "Table of", "Printed by", "Stages")
    for text in (screen, pdf):
        places = [text.index(word) for word in words]
        assert places == sorted(places)


def test_a_hostile_name_stays_text_in_html() -> None:
    page = report_html(report(HOSTILE)).decode()
    assert "<script" not in page
    assert "<b>bold" not in page
    assert "{{ 7*7 }}" in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;amp;" in page
    assert 'alt="Words for &lt;script' in page


def test_a_hostile_name_stays_text_in_pdf() -> None:
    text = " ".join(pages(report(HOSTILE)))
    assert '<script>alert("x")</script>&amp;<b>bold</b>{{ 7*7 }}' in text


def test_the_page_fetches_nothing_and_its_policy_allows_only_what_is_in_it() -> None:
    page = html.unescape(report_html(report()).decode())
    assert "default-src 'none'" in page
    assert "script-src 'none'" in page
    assert "unsafe" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.findall(r"url\(|@import", page)
    assert " style=" not in page


def test_every_picture_has_words_and_every_status_a_shape() -> None:
    page = report_html(report()).decode()
    assert page.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]+"', page))
    assert "✘" in page
    assert "✔" in page
    with pytest.raises(ValueError, match="words"):
        Picture(png=png(), caption="c", alt=" ")


def test_equal_reports_are_equal_bytes() -> None:
    assert report_pdf(report()) == report_pdf(report())
    assert report_html(report()) == report_html(report())


@pytest.mark.parametrize(
    "name", ["Łódź Ωμέγα Жук", "山田^太郎", "홍^길동", "שלום", "مرحبا", "日本 and Ж"]
)
def test_names_of_many_scripts_can_be_read_from_the_pdf(name: str) -> None:
    first = pages(report(name))[0]
    word = name.partition(" ")[0]
    assert word in first or word[::-1] in first


def test_a_character_no_font_draws_is_written_as_its_code_point() -> None:
    assert drawable("a\U0001f9ea山\x07") == "a\\U0001f9ea\\u5c71\\x07"
    assert runs("a\U0001f9ea") == (("DejaVuSans", "a"), ("DejaVuSans", "\\U0001f9ea"))
    assert "U0001f9ea" in pages(report("a\U0001f9ea"))[0]


def test_a_surrogate_from_a_broken_name_does_not_stop_the_report() -> None:
    made = report("bad\udcffname")
    assert b"udcff" in report_html(made)
    assert "udcff" in pages(made)[0]


def test_a_long_identity_leaves_page_one_whole() -> None:
    rows = tuple(Row(label=f"Label {n}", text="1.2.840." * 30) for n in range(30))
    made = pages(replace(report(), identity=rows))
    assert len(made) == 4
    assert "Label 29" in made[0]
    assert made[0].count("name, signature") == 2


def test_missing_figures_are_dashes() -> None:
    check = Check(
        name="wall", status=Status.INCOMPLETE, value=None, limit=0.8, unit="mm", message="No wall."
    )
    page = report_html(report("x", check)).decode()
    assert '<td class="right">–</td><td class="right">0.8</td>' in page
    assert "INCOMPLETE" in pages(report("x", check))[0]


def test_a_long_table_runs_over_pages_and_repeats_its_head() -> None:
    table = Table(
        caption="Long",
        columns=(Column(title="Ordinal"),),
        rows=tuple((str(n),) for n in range(120)),
    )
    made = pages(replace(report(), sections=(Section(title="S", blocks=(table,)),)))
    assert sum("Ordinal" in page for page in made) >= 3


def test_a_row_that_does_not_fit_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match="cells"):
        Table(caption="t", columns=(Column(title="a"),), rows=(("1", "2"),))
