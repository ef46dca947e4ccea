"""Recognising clients in text."""

import json
from pathlib import Path

from detectors.client_index.base_file import MOST_SHARED
from detectors.client_index.candidates import PIECE
from tests.detectors.client_index.clients import clients, email, index_of, name, phone, tax

DATA = Path(__file__).parents[2] / "data"


def test_each_kind_of_value_is_recognised(tmp_path: Path) -> None:
    index = index_of(
        tmp_path, phone("7", "0151 2345678"), email("8", "Info@Mueller.example"), tax("9", "DE 123456789"), tax("10", "12345678901")
    )
    assert clients(index, "call +49 151 2345678, write to info@mueller.example.") == {"7": {"phone"}, "8": {"email"}}
    assert clients(index, "USt-IdNr. DE-123.456.789, Steuernummer 12 345 678 901") == {"9": {"tax"}, "10": {"tax"}}


def test_ordinary_text_names_nobody(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), email("8", "info@mueller.example"), tax("9", "DE123456789"))
    assert clients(index, "Rechnung 2024-0815 vom 12.05.2024 über 1.234,56 €, IBAN DE89 3704 0044 0532 0130 00, 12:30-14:00") == {}


def test_a_number_beside_another_one_is_recognised(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), phone("8", "030 1234567"))
    assert clients(index, "4711 80331 030 1234567 0151 2345678 99") == {"7": {"phone"}, "8": {"phone"}}


def test_a_part_of_a_longer_number_is_nobody(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    assert clients(index, "90151234567801 015123456789") == {}


def test_the_name_counts_only_beside_a_value_of_the_same_client(tmp_path: Path) -> None:
    index = index_of(
        tmp_path, name("7", "Müller Maschinenbau GmbH"), phone("7", "0151 2345678"), name("8", "Erika Groß"), phone("8", "030 1234567")
    )
    assert clients(index, "Maschinenbau Mueller: 0151 2345678") == {"7": {"phone", "name"}}
    assert clients(index, "gross, erika (030) 1234567") == {"8": {"phone", "name"}}
    assert clients(index, "Erika Groß: 0151 2345678") == {"7": {"phone"}}
    assert clients(index, "Müller Maschinenbau GmbH") == {}


def test_a_value_of_very_many_clients_names_none_of_them(tmp_path: Path) -> None:
    many = [phone(str(number), "030 9999999") for number in range(MOST_SHARED + 1)]
    few = [phone(str(100 + number), "030 8888888") for number in range(MOST_SHARED)]
    index = index_of(tmp_path, *many, *few)
    assert clients(index, "030 9999999") == {}
    assert len(clients(index, "030 8888888")) == MOST_SHARED


def test_values_across_the_pieces_of_a_long_text_are_recognised(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "+49 (0) 151 / 234 56 78"), email("8", "info@mueller.example"), tax("9", "DE 123456789"))
    for shift in range(0, 40, 3):
        text = "x" * (PIECE - shift) + " +49 (0) 151 / 234 56 78; info@mueller.example; DE 123 456 789 " + "y" * 200
        assert clients(index, text) == {"7": {"phone"}, "8": {"email"}, "9": {"tax"}}


def test_half_a_number_at_the_end_of_a_piece_is_nobody(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    for shift in range(140):
        assert clients(index, "x" * (PIECE - shift) + "01512345678" + "9" + "y" * 300) == {}


def test_texts_of_the_phone_library_give_no_false_alarm(tmp_path: Path) -> None:
    sets = json.loads((DATA / "phone_matcher_cases.json").read_text("utf-8"))["sets"]
    index = index_of(tmp_path, phone("7", "0151 2345678"), phone("8", "030 1234567"))
    texts = [text for cases in sets.values() for text, _ in cases]
    assert len(texts) >= 70
    assert clients(index, *texts) == {}


def test_the_phone_librarys_valid_numbers_are_recognised_as_they_stand(tmp_path: Path) -> None:
    cases = json.loads((DATA / "phone_matcher_cases.json").read_text("utf-8"))["sets"]["VALID_CASES"]
    for place, (text, region) in enumerate(cases):
        index = index_of(tmp_path / str(place), phone("7", text), regions=(region,))
        assert clients(index, f"see {text} !") == {"7": {"phone"}}, text
        index.close()


def test_a_long_address_across_the_pieces_of_a_text_is_recognised(tmp_path: Path) -> None:
    long = "a" * 60 + "@" + "mail." * 45 + "example"
    index = index_of(tmp_path, email("7", long))
    for shift in range(0, len(long) + 10, 7):
        assert clients(index, "x" * (PIECE - shift) + " " + long + " " + "y" * 500) == {"7": {"email"}}
