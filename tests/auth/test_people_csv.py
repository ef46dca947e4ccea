"""A table of people is read cell by cell, and everything that is wrong with it is said at once."""

import codecs

import pytest

from auth.people_csv import MAX_BYTES, PeopleTableError, read_people
from policies.request import Status

TABLE = """\
email;name;roles;team;manager;accounts;status
Anna@Firma.example;Anna Feldmann;manager|head_of_sales;Nord;helga@firma.example;anna|anna.feldmann;notice_given

boris@firma.example;Боря Müller;manager;;;;
"""


def faults(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    try:
        return [str(fault) for fault in sorted(read_people(data)[1])]
    except PeopleTableError as error:
        return [str(fault) for fault in error.faults]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_separator_and_encoding_that_spreadsheets_write_gives_the_same(separator: str, encoding: str) -> None:
    rows, wrong = read_people(TABLE.replace(";", separator).replace("\n", "\r\n").encode(encoding))
    assert wrong == []
    anna, boris = rows
    assert (anna.line, anna.email, anna.manager, anna.status) == (2, "anna@firma.example", "helga@firma.example", Status.NOTICE_GIVEN)
    assert anna.accounts == ("anna", "anna.feldmann")
    assert anna.values == {
        "email": "anna@firma.example",
        "name": "Anna Feldmann",
        "roles": ["head_of_sales", "manager"],
        "team": "Nord",
    }
    assert (boris.line, boris.values["name"], boris.values["team"], boris.manager, boris.accounts, boris.status) == (
        *(4, "Боря Müller", None, "", ()),
        None,
    )


def test_what_has_no_column_is_not_said() -> None:
    (row,), _ = read_people(b"email\nanna@firma.example\n")
    assert (row.values, row.manager, row.accounts, row.status, row.pseudonym) == ({"email": "anna@firma.example"}, None, None, None, None)


def test_cells_that_a_spreadsheet_would_compute_stay_text() -> None:
    cells = ("=HYPERLINK(1)", "+49170", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0")
    rows, wrong = read_people(
        ("email;name;team\n" + "".join(f"a{n}@firma.example;{cell};{cell}\n" for n, cell in enumerate(cells))).encode()
    )
    assert wrong == []
    assert [row.values["name"] for row in rows] == [row.values["team"] for row in rows] == list(cells)


def test_every_bad_cell_is_named_with_its_line_and_column_at_once() -> None:
    found = faults("email;name;roles;language;status;accounts\n;;;;;\nno address;A\x07;Admin!;xx;left;" + "x" * 201 + "\na@b\n")
    assert found == [
        "3:1: email: the e-mail address must look like name@firma.example",
        "3:2: name: a name has 1 to 200 printable characters",
        "3:3: roles: roles are words of lower-case letters, digits and _, at least one, for example manager",
        "3:4: language: the language must be one of de, en, ru",
        "3:5: status: 'left' is none of active, talk_planned, notice_given, last_day, gone",
        "3:6: accounts: a CRM account has 1 to 200 printable characters",
        "4: 1 cells instead of 6",
    ]
    assert faults("email;name;roles\na@firma.example;;\n") == ["2:2: name: must not be empty", "2:3: roles: must not be empty"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the first line names the columns, at least email"),
        ("name;roles\n", "1: the first line names the columns, at least email"),
        ("email;nme\n", "1:2: nme: there is no such column"),
        ("email;name;name\n", "1:3: name: stands there twice"),
        ('email;name\na@firma.example;"A\n', "2: no cells can be made out here"),
        ("email;name\na@firma.example;\x00\n", "2:2: name"),
        ("email;name\na@firma.example;M\xfcller\n".encode("latin-1"), "2:2: is not UTF-8 (b'M\\xfcller'): save the table as CSV UTF-8"),
        (codecs.BOM_UTF16_LE + b"e", "1: begins as UTF-16 and is not"),
        (b"email\n" + b"x" * MAX_BYTES, "1: larger than 4 MiB"),
        ("email\n" + "".join(f"a{n}@b.example\n" for n in range(20_001)), "20002: more than 20000 people"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(text: str | bytes, expected: str) -> None:
    found = faults(text)
    assert [one[: len(expected)] for one in found] == [expected]
