"""Marks of exports: found in whatever a scan reads, whole or broken; made by nobody without the key."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.budget import Limits
from detectors.frames import FrameError, read_verdict, verdict_head
from detectors.knowledge import KnowledgeError, Matches
from detectors.mark import MARKS_MAX, PERSON_MAX, PREFIX, Mark, Marker, find_marks, is_code, mark_of, marker
from detectors.scan import scan
from detectors.text import Text
from detectors.verdict import Verdict
from tests.detectors.documents import docx, paragraph, pdf, table, zipped

OURS, OTHERS = Marker(b"k" * 32), Marker(b"o" * 32)
AT = datetime(2026, 5, 12, 9, 14, 30, tzinfo=UTC)
MARK = OURS.make("7F3A", "Anna Feldmann", AT)


class Nobody:
    """Knows no client."""

    def find(self, text: str, into: Matches) -> None:
        """Nothing."""

    def passes_over(self, text: Text) -> bool:
        """Always: a mark is found all the same."""
        return True

    def add(self, news: bytes) -> None:
        """Nothing."""


def found(text: str | bytes) -> set[Mark]:
    into: set[Mark] = set()
    find_marks(text.encode() if isinstance(text, str) else text, into)
    return into


def test_a_mark_reads_as_people_read_it_in_utc() -> None:
    assert str(MARK) == f"Torwart-Export 7F3A | Anna Feldmann | 2026-05-12 09:14 UTC | {MARK.code}"
    assert is_code(MARK.code)
    assert OURS.make("7F3A", "Anna Feldmann", AT.astimezone(timezone(timedelta(hours=2)))) == MARK


@given(st.text(), st.sampled_from([",", ";", "\t"]))
def test_whatever_somebody_is_called_the_mark_is_one_cell_without_quotes_and_ours(name: str, separator: str) -> None:
    mark = OURS.make("7F3A", name, AT)
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerow([str(mark), ""])
    assert out.getvalue() == f"{mark}{separator}\r\n"
    assert len(mark.person) <= PERSON_MAX
    assert found(out.getvalue()) == {mark}
    assert OURS.made(mark)


@pytest.mark.parametrize(
    "content",
    [
        f"Name,Telefon\r\nKunde 1,030 2312\r\n{MARK},\r\n".encode(),
        f"Name;Telefon\r\n{MARK};\r\n".encode("utf-16"),
        f'"{MARK}"'.encode("latin-1"),
        table([["Name", "Telefon"], ["Kunde", "030"], [str(MARK), "-"]]),
        docx(paragraph(str(MARK))),
        pdf(["Kunde 1", str(MARK)]),
        zipped({"in/der/tiefe.csv": zipped({"a.csv": f"x\n{MARK}\n"})}),
    ],
    ids=["csv", "utf-16", "latin-1", "xlsx", "docx", "pdf", "zip in zip"],
)
def test_a_scan_finds_it_in_every_format(content: bytes) -> None:
    verdict = scan(content, Nobody(), Limits())
    assert (verdict.marks, verdict.unread, verdict.clean) == ((MARK,), (), False)


def test_line_ends_and_blanks_between_its_words_do_not_matter() -> None:
    assert found(str(MARK).replace(" ", "\n")) == {MARK}
    assert found(str(MARK).replace(" ", "\u00a0\u00a0")) == {MARK}
    assert found(str(MARK).replace("-", "-\r\n").replace(f"{PREFIX[:7]}-\r\n", f"{PREFIX[:7]}-").replace("-\r\n05-\r\n", "-05-")) == {MARK}


@pytest.mark.parametrize(
    "other",
    [
        str(MARK).replace("7F3A", "7F3B"),
        str(MARK).replace("Anna Feldmann", "Boris Hartwig"),
        str(MARK).replace("09:14", "09:15"),
        str(MARK)[:-1] + ("A" if MARK.code[-1] != "A" else "B"),
        str(OTHERS.make("7F3A", "Anna Feldmann", AT)),
    ],
    ids=["export", "person", "time", "code", "another key"],
)
def test_whoever_changes_a_letter_cannot_make_its_code(other: str) -> None:
    (mark,) = found(other)
    assert not OURS.made(mark)
    assert OURS.made(MARK)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        f"{PREFIX} 7F3A",
        f"{PREFIX} 7F3A | Anna | heute | {MARK.code}",
        str(MARK).replace("Anna Feldmann", " "),
        str(MARK)[:-6],
        str(MARK)[1:],
    ],
)
def test_what_only_begins_like_one_is_none(text: str) -> None:
    assert found(text) == set()


def test_a_file_full_of_marks_is_read_to_an_end() -> None:
    many = [OURS.make(f"{number:04X}", "Anna", AT) for number in range(MARKS_MAX + 9)]
    assert found("\n".join(map(str, many))) == set(many[:MARKS_MAX])
    assert found(f"{PREFIX} " * 1_001 + str(MARK)) == set()


@given(st.lists(st.sampled_from([*str(MARK), PREFIX, " | ", "\n", MARK.code, "7F3A"])).map("".join))
def test_no_text_breaks_it(text: str) -> None:
    for mark in found(text):
        assert mark_of(mark.parts) == mark


def test_it_passes_from_the_worker_to_its_parent_and_nothing_else_does() -> None:
    verdict = Verdict(marks=(MARK,), size=9)
    head = verdict_head(1, verdict)
    assert read_verdict({**head, "marks": [list(MARK.parts)]}, 1, 9) == verdict
    for other in ([["7F3A"]], [[*MARK.parts[:3], "x"]], ["7F3A"], [[*MARK.parts, ""]], 7, [["../x", *MARK.parts[1:]]], [[1, 2, 3, 4]]):
        with pytest.raises(FrameError):
            read_verdict({**head, "marks": other}, 1, 9)


def test_an_installation_has_one_key_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    assert marker(tmp_path).made(marker(tmp_path).make("7F3A", "Anna", AT))
    assert not marker(tmp_path / "other").made(marker(tmp_path).make("7F3A", "Anna", AT))
    assert "key" not in repr(marker(tmp_path))
    (tmp_path / "keys" / "watermark.key").write_bytes(b"short")
    with pytest.raises(KnowledgeError, match=r"watermark\.key is damaged"):
        marker(tmp_path)
