"""The text of XML parts."""

import pytest

from detectors.budget import Budget, Limits, SpentError
from detectors.xml_text import XmlError, xml_text
from tests.detectors.documents import MAIN, WORD


def read(content: bytes) -> list[str]:
    return list(xml_text(content, Budget(Limits(), len(content))))


def word(body: str, more: str = "") -> bytes:
    return f'<w:document xmlns:w="{WORD}" {more}>{body}</w:document>'.encode()


def test_runs_are_joined_and_paragraphs_lines_and_cells_are_not() -> None:
    body = "<w:p><w:r><w:t>mei</w:t></w:r><w:r><w:t>er@a</w:t><w:br/><w:t>b</w:t></w:r></w:p><w:tc><w:p>c</w:p></w:tc>d"
    assert read(word(body))[0] == "meier@a\nb\nc\n\td"


def test_elements_of_other_namespaces_divide_values_before_and_behind() -> None:
    assert read(b"<a>1<b>2</b>3<c/>4</a>")[0].split("\n") == ["", "1", "2", "3", "", "4", ""]


def test_attributes_comments_and_instructions_stand_beside_the_text_once() -> None:
    beside = read(word('<w:t w:a="meier@a.example" b="short">x<!-- said --></w:t><?do it?><w:t w:a="meier@a.example"/>'))[1]
    assert beside.split("\n") == ["meier@a.example", " said ", "it"]


def test_a_comment_cuts_no_word_off() -> None:
    assert read(word("<w:t>meier<!-- -->@a.example</w:t>"))[0] == "meier@a.example"


def test_printed_headers_are_given_as_they_are_and_without_their_codes() -> None:
    found = read(f'<x xmlns="{MAIN}"><oddHeader>&amp;Lmeier&amp;R030 901820</oddHeader></x>'.encode())[0]
    assert "&Lmeier&R030 901820" in found
    assert " meier 030 901820" in found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_both_encodings_of_office_programs_are_read(encoding: str) -> None:
    assert read(word("<w:t>Müller 東京</w:t>").decode().encode(encoding))[0] == "Müller 東京"


@pytest.mark.parametrize(
    "content",
    [
        b"<a>broken<b></a>",
        b"<a/>behind",
        b"<x:a/>",
        b"<a>&unknown;</a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
        '<?xml version="1.0" encoding="shift_jis"?><a>日本</a>'.encode("shift_jis"),
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"<a>",
    ],
)
def test_what_an_office_program_does_not_write_is_an_error(content: bytes) -> None:
    with pytest.raises(XmlError):
        read(content)


def test_what_was_read_before_an_error_is_given() -> None:
    reading = xml_text(b"<a>meier@a.example<b></a>", Budget(Limits(), 100))
    assert "meier@a.example" in next(reading)
    assert next(reading) == ""
    with pytest.raises(XmlError):
        next(reading)


def test_a_large_part_is_given_in_pieces_and_none_cuts_a_value() -> None:
    values = [f"value {number:06}" for number in range(60_000)]
    found = read(word("".join(f"<w:p><w:r><w:t>{value[:4]}</w:t></w:r><w:r><w:t>{value[4:]}</w:t></w:r></w:p>" for value in values)))
    assert len(found) > 4
    assert all(len(part) < 600_000 for part in found)
    assert {line for part in found for line in part.split("\n")} >= set(values)


def test_many_attributes_are_given_in_pieces() -> None:
    found = read(word("".join(f'<w:t w:a="value {number:06}"/>' for number in range(50_000))))
    assert len(found) > 4
    assert {line for part in found for line in part.split("\n")} >= {f"value {number:06}" for number in range(50_000)}


def test_any_depth_is_read() -> None:
    assert "meier@a.example" in read(b"<a>" * 100_000 + b"meier@a.example" + b"</a>" * 100_000)[0]


def test_the_time_is_looked_at() -> None:
    ticks = iter(range(1_000))
    budget = Budget(Limits(seconds=2.0), 10, clock=lambda: float(next(ticks)))
    with pytest.raises(SpentError):
        list(xml_text(word("<w:t>x</w:t>" * 100_000), budget))
