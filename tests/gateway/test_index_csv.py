"""Clients from a table."""

from pathlib import Path

import pytest

from detectors.client_index.identifier import Identifier, Kind
from gateway.index_csv import TableError, columns_of, read_table


def read(path: Path, data: str | bytes, **named: str) -> list[Identifier]:
    path = path / "clients.csv"
    path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return [one for rows in read_table(path, {heading: what for what, heading in named.items()}) for one in rows.identifiers]


def faults(path: Path, data: str | bytes) -> list[str]:
    with pytest.raises(TableError) as raised:
        read(path, data)
    return [fault.replace(f"{path / 'clients.csv'}:", "") for fault in raised.value.errors]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        (["id", "name", "phone", "email", "tax"], ["id", "name", "phone", "email", "tax"]),
        (["Kundennr.", "Firma", "Telefon", "E-Mail", "USt-IdNr."], ["id", "name", "phone", "email", "tax"]),
        (["Kunden-Nr", "Vorname", "Nachname", "Mobil", "Mailadresse", "Steuernummer"], ["id", "name", "name", "phone", "email", "tax"]),
        (["client_id", "Company", "Tel. 1", "Tel. 2", "Company e-mail", "VAT no"], ["id", "name", "phone", "phone", "email", "tax"]),
        ([" ID ", "Ort", "PHONE"], ["id", None, "phone"]),
    ],
)
def test_headings_are_guessed(heading: list[str], expected: list[str | None]) -> None:
    found = columns_of(heading, {})
    assert [found.get(place) for place in range(len(heading))] == expected


def test_rows_become_identifiers(tmp_path: Path) -> None:
    heading = "\ufeffid;Vorname;Nachname;Telefon;Mobil;E-Mail;Ort"
    found = read(tmp_path, f'{heading}\r\n7;Anna;Müller;030 1;;"a@x.example";Köln\r\n\r\n8;;;;0151 2;;\r\n')
    assert found == [
        Identifier("7", Kind.NAME, "Anna Müller"),
        Identifier("7", Kind.PHONE, "030 1"),
        Identifier("7", Kind.EMAIL, "a@x.example"),
        Identifier("8", Kind.PHONE, "0151 2"),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_that_of_the_heading(tmp_path: Path, separator: str) -> None:
    assert len(read(tmp_path, f"id{separator}phone\n7{separator}030 1\n")) == 1


def test_a_column_can_be_named(tmp_path: Path) -> None:
    assert read(tmp_path, "Schlüssel;Rückruf\n7;030 1\n", id="Schlüssel", phone="rückruf") == [Identifier("7", Kind.PHONE, "030 1")]


def test_all_faults_come_at_once_with_their_lines(tmp_path: Path) -> None:
    rows = [b"id;phone", b"7;030 1234567", b";030 7654321", b"8;030;1", b"9;M\xfcller", b"10", b"11;040 1"]
    found = faults(tmp_path, b"\n".join(rows))
    assert [fault.split(":")[0] for fault in found] == ["3", "4", "5", "6"]
    assert not any("1234567" in fault or "7654321" in fault for fault in found)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "the table is empty"),
        ("7;Müller;+49 89 1234567\n", "the first line holds values, not headings"),
        ("7;info@mueller.example\n", "the first line holds values, not headings"),
        ("phone\n030 1\n", "--column id=HEADING"),
        ("id;Ort\n7;Köln\n", "--column phone=HEADING"),
        ('id;phone\n7;"030 1\n', "quotes"),
        ("id;phone\n7;030\0 1\n", "UTF-8"),
    ],
)
def test_a_table_that_is_none_says_what_to_do(tmp_path: Path, table: str, words: str) -> None:
    assert words in faults(tmp_path, table)[0]


def test_many_faults_are_counted_not_listed(tmp_path: Path) -> None:
    found = faults(tmp_path, "id;phone\n" + ";1\n" * 1000)
    assert len(found) == 101
    assert "900 more" in found[-1]


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        list(read_table(tmp_path / "none.csv", {}))


def test_the_first_row_of_a_table_without_headings_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text("7;Müller;+49 89 1234567\n", encoding="utf-8")
    with pytest.raises(TableError) as refused:
        list(read_table(tmp_path / "clients.csv", {"Telefon": "phone"}))
    assert "Müller" not in str(refused.value)


def test_of_a_first_line_that_cannot_be_read_nothing_else_is_said(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "id;phone\n7;030 1\n".encode("utf-16"))) == 1
