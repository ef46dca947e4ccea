"""No false negative: whatever was indexed is found in every usual spelling."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.client_index.desk import DeskFilter
from tests.detectors.client_index.clients import clients, email, find, index_of, name, phone, tax

DATA = Path(__file__).parents[2] / "data"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def groups(digits: str, between: str) -> str:
    """`0151 23 45 67 8` with another separator."""
    return between.join([digits[:4], *(digits[place : place + 2] for place in range(4, len(digits), 2))])


def in_other_digits(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(c)) if c.isdecimal() else c for c in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "spaced": lambda rest: groups("0" + rest, " "),
    "dotted": lambda rest: groups("0" + rest, "."),
    "slashed": lambda rest: f"0{rest[:3]}/{rest[3:]}",
    "in brackets": lambda rest: f"(0{rest[:3]}) {rest[3:]}",
    "with a plus": lambda rest: f"+49 {rest[:3]} {rest[3:]}",
    "with two zeros": lambda rest: f"0049{rest}",
    "with a zero in brackets": lambda rest: f"+49 (0){rest[:3]}-{rest[3:]}",
    "national": lambda rest: "0" + rest,
    "without the leading zero": lambda rest: rest,
    "in full width": lambda rest: in_other_digits(f"+49 {rest}", "０").replace("+", "＋"),
    "in Arabic-Indic digits": lambda rest: in_other_digits("0" + rest, "٠"),
    "with zero-width characters": lambda rest: "".join(c + ZERO_WIDTH[place % len(ZERO_WIDTH)] for place, c in enumerate("0" + rest)),
    "with no-break spaces": lambda rest: groups("0" + rest, "\u00a0"),
    "with thin spaces and en dashes": lambda rest: f"0{rest[:3]}\u2009–\u2009{groups(rest[3:], '\u202f')}",
    "with dots on the digits": lambda rest: "".join(c + "\u0307" for c in "0" + rest),
    "one by one": lambda rest: " ".join("0" + rest),
}
mobile = st.from_regex(r"1(5[0-9]{9}|6[0-9]{8}|7[0-9]{8})", fullmatch=True)
many = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("indexed", ["with a plus", "national", "with two zeros", "with a zero in brackets", "slashed", "in full width"])
@many
@given(rest=mobile)
def test_a_phone_number_is_found_in_every_spelling(indexed: str, rest: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = index_of(Path(folder), phone("7", SPELLINGS[indexed](rest)))
        (Path(folder) / "filter").write_bytes(index.desk_filter())
        desk = DeskFilter(Path(folder) / "filter")
        for spelling, spell in SPELLINGS.items():
            text = f"Tel. {spell(rest)}; 4711"
            assert clients(index, text) == {"7": {"phone"}}, spelling
            assert set(index.confirm(find(desk, text).suspected).clients) == {"7"}, spelling
        index.close()


@pytest.mark.parametrize("home", [None, "DE"])
def test_all_spellings_of_the_worlds_numbers_name_the_same_client(tmp_path: Path, home: str | None) -> None:
    numbers = json.loads((DATA / "phone_examples.json").read_text("utf-8"))["numbers"]
    # Abroad, a national spelling says nothing of its country, and one of less than 7 digits is no candidate.
    sources = ("E164", "INTERNATIONAL", "RFC3966") if home else ("E164", "INTERNATIONAL", "RFC3966", "NATIONAL")
    missed = []
    for region in sorted({one["region"] for one in numbers}):
        ones = [one for one in numbers if one["region"] == region]
        said = [phone(one["E164"] + source, one[source]) for one in ones for source in sources]
        index = index_of(tmp_path / region, *said, regions=(home or region,))
        for one in ones:
            for spelling in ("E164", "INTERNATIONAL", "RFC3966", "NATIONAL"):
                expected = {one["E164"] + source for source in sources}
                digits = sum(c.isdigit() for c in one[spelling])
                if (home is None or digits >= 7) and not expected <= set(find(index, f"Tel. {one[spelling]}, Fax").clients):
                    missed.append((region, spelling))
        index.close()
    assert len(numbers) == 917
    assert missed == []


def test_spellings_are_found_among_letters_of_other_scripts(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    for text in (
        "Телефон: 0151 2345678 звоните",
        "電話０１５１２３４５６７８です",
        "“0151–2345678”",
        "0151\u20112345678",
        "٠١٥١-٢٣٤٥٦٧٨ هاتف",
    ):
        assert clients(index, text) == {"7": {"phone"}}, text


@pytest.mark.parametrize(
    "text",
    [
        "anna.mueller@firma.example",
        "ANNA.MUELLER@FIRMA.EXAMPLE",
        "mailto:anna.mueller@firma.example?subject=x",
        "<anna.mueller@firma.example>,",
        '"anna.mueller@firma.example"',
        "anna.mueller@firma.example.",
        "anna.mueller@firma.example.Danke",
        "a\u200bnna.m\u00adueller@fir\u2060ma.example",
        "аnnа.mueller@firmа.example",  # Cyrillic
        "ａｎｎａ．ｍｕｅｌｌｅｒ＠ｆｉｒｍａ．ｅｘａｍｐｌｅ",
        "連絡先anna.mueller@firma.exampleです",
        "x=anna.mueller@firma.example&y",
        "n\u0307ame,anna.m\u0307ueller@firma.example",
        "***anna.mueller@firma.example***",
        "Kontakt_anna;anna.mueller@firma.example",
    ],
)
def test_an_address_is_found_in_every_spelling(tmp_path: Path, text: str) -> None:
    index = index_of(tmp_path, email("7", "Anna.Mueller@Firma.example"))
    assert clients(index, text) == {"7": {"email"}}


def test_addresses_that_are_alike_are_not_the_same(tmp_path: Path) -> None:
    index = index_of(tmp_path, email("7", "anna@firma.example"))
    assert clients(index, "hanna@firma.example anna@firma.example2 anna@firma anna@xfirma.example @firma.example anna@") == {}


def test_an_international_address_is_found_in_both_its_forms(tmp_path: Path) -> None:
    index = index_of(tmp_path, email("7", "info@müller.example"))
    assert clients(index, "info@xn--mller-kva.example") == {"7": {"email"}}
    assert clients(index, "Info@MÜLLER.example") == {"7": {"email"}}


def test_one_mailbox_of_gmail_is_found_under_its_aliases(tmp_path: Path) -> None:
    index = index_of(tmp_path, email("7", "a.b+crm@gmail.com"))
    assert clients(index, "AB@googlemail.com") == {"7": {"email"}}
    assert clients(index, "a.b+other@gmail.com") == {"7": {"email"}}


def test_several_addresses_and_numbers_in_one_field_are_all_found(tmp_path: Path) -> None:
    index = index_of(tmp_path, email("7", "Anna <a@firma.example>; b@firma.example"), phone("8", "089 123456 / 7, 0151 2345678"))
    assert clients(index, "b@firma.example") == clients(index, "a@firma.example") == {"7": {"email"}}
    assert clients(index, "089/123456") == clients(index, "+49 151 2345678") == {"8": {"phone"}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("DE123456789", "USt-IdNr.: DE 123 456 789"),
        ("DE 123456789", "de123456789"),
        ("ATU12345678", "ATU 1234 5678"),
        ("CHE-123.456.789 MWST", "CHE-123.456.789"),
        ("CHE-123.456.789", "CHE-123.456.789 MWST"),
        ("NL123456789B01", "NL 1234.56.789.B01"),
        ("ESB1234567X", "ES-B1234567X"),
        ("FR12345678901", "FR 12 345 678 901"),
        ("22AAAAA0000A1Z5", "GSTIN 22AAAAA0000A1Z5."),
        ("123/456/78901", "Steuernummer 123 456 78901"),
        ("HRB 123456", "hrb-123456"),
    ],
)
def test_an_official_number_is_found_in_every_spelling(tmp_path: Path, value: str, text: str) -> None:
    assert clients(index_of(tmp_path, tax("7", value)), text) == {"7": {"tax"}}


@pytest.mark.parametrize("written", ["Müller", "MUELLER", "Muller", "Mu\u0308ller", "Mül\u00adler"])
def test_a_name_is_the_same_in_every_spelling(tmp_path: Path, written: str) -> None:
    index = index_of(tmp_path, name("7", "Jürgen Müller"), phone("7", "0151 2345678"))
    assert clients(index, f"{written}, Juergen: 0151 2345678") == {"7": {"phone", "name"}}


@many
@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index = index_of(
            Path(folder), phone("7", "0151 2345678"), tax("7", "DE123456789"), email("7", text + "@x.example"), phone("8", text)
        )
        assert "7" in find(index, text + " 0151 2345678 \n").clients
        index.close()
