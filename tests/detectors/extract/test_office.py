"""Office Open XML."""

import pytest

from detectors.budget import Budget, Limits
from detectors.extract.office import FORMAT
from detectors.verdict import Unread
from tests.detectors.documents import docx, package, paragraph, sheet, table, xlsx


def parts(content: bytes) -> list[object]:
    assert FORMAT.recognises(content, None)
    return list(FORMAT.open(content, None, Budget(Limits(), len(content))))


def text(content: bytes) -> str:
    return "\n".join(part for part in parts(content) if isinstance(part, str))


def test_a_row_is_a_line_with_its_shared_strings() -> None:
    assert "Meier\t49301234567\tmeier@a.example\n" in text(table([["Meier", "49301234567", "meier@a.example"], ["Schulz", "1", "x"]]))


def test_runs_are_joined_and_paragraphs_are_not() -> None:
    body = "<w:p><w:r><w:t>mei</w:t></w:r><w:r><w:t>er@a</w:t></w:r><w:r><w:tab/><w:t>b</w:t></w:r></w:p>" + paragraph("next")
    assert "meier@a\tb\nnext\n" in text(docx(body))


@pytest.mark.parametrize(
    ("written", "read"),
    [("4.9301234567E+10", "49301234567"), ("49301234567", "49301234567"), ("1.5", "1.5"), ("not one", "not one"), ("1E+400", "1E+400")],
)
def test_numbers_are_written_as_people_see_them(written: str, read: str) -> None:
    assert f"{read}\n" in text(xlsx({"worksheets/sheet1.xml": sheet(f"<row><c><v>{written}</v></c></row>")}))


def test_a_string_that_is_not_in_the_table_keeps_its_number() -> None:
    assert "99\n" in text(xlsx({"worksheets/sheet1.xml": sheet('<row><c t="s"><v>99</v></c></row>')}))


def test_nothing_in_a_sheet_is_left_out() -> None:
    row = '<row><c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c><c t="str"><f>F1</f><v>c</v></c><x>odd</x></row>'
    assert "ab\tc\tF1" in text(xlsx({"worksheets/sheet1.xml": sheet(row)}))
    found = text(xlsx({"worksheets/sheet1.xml": sheet(row, '<hyperlinks><hyperlink location="beside the rows"/></hyperlinks>')}))
    assert "odd" in found
    assert "beside the rows" in found
    broken = parts(xlsx({"worksheets/sheet1.xml": '<!DOCTYPE a [<!ENTITY b "b">]>' + sheet(row)}))
    assert Unread.DAMAGED in broken


def test_phonetic_hints_stand_beside_the_strings() -> None:
    strings = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Meier</t><rPh><t>hint</t></rPh></si></sst>'
    found = text(xlsx({"sharedStrings.xml": strings, "worksheets/sheet1.xml": sheet('<row><c t="s"><v>0</v></c></row>')}))
    assert "Meier\nhint" in found
    assert "Meierhint" not in found


def test_a_binary_workbook_is_a_cause_and_its_parts_are_given() -> None:
    found = parts(xlsx({"worksheets/sheet1.bin": b"\x01\x02numbers"}))
    assert Unread.UNKNOWN_FORMAT in found
    assert b"\x01\x02numbers" in found


def test_a_large_sheet_is_read_in_pieces() -> None:
    rows = "".join(f'<row><c t="inlineStr"><is><t>value {n}</t></is></c></row>' for n in range(40_000))
    whole = text(xlsx({"worksheets/sheet1.xml": sheet(rows)}))
    assert all(f"value {n}\n" in whole for n in range(0, 40_000, 777))


def test_what_is_no_xml_is_damaged_and_given_as_it_is() -> None:
    found = parts(package({"word/document.xml": "<a>broken<b></a>"}))
    assert Unread.DAMAGED in found
    assert b"<a>broken<b></a>" in found
