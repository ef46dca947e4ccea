"""What the REST interface writes into addresses."""

import pytest

from gateway.crm.profile import UnreadableError
from gateway.crm.protocols.rest import decode, encode, number, records


def test_a_parameter_is_read_back() -> None:
    domain = [["name", "ilike", "%Müller?>%"]]
    assert decode(encode(domain)) == domain


@pytest.mark.parametrize("value", ["W10", "W1", "!", "W10=x", "W10 ", "e30===", "eyJhIjoxLCJhIjoyfQ==", "/w=="])
def test_a_parameter_with_a_second_reading_is_refused(value: str) -> None:
    with pytest.raises(UnreadableError):
        decode(value)


@pytest.mark.parametrize(("header", "page"), [("records=0-1000", (0, 1000)), ("records=5-", (5, None)), (" records=7-7 ", (7, 0))])
def test_a_range_of_records_is_a_page(header: str, page: tuple[int, int | None]) -> None:
    assert records(header) == page


@pytest.mark.parametrize(
    "header", ["bytes=0-9", "records=-5", "records=0-1,5-9", "records=9-1", "records=a-b", "Records=0-1", "records", ""]
)
def test_any_other_range_is_refused(header: str) -> None:
    with pytest.raises(UnreadableError):
        records(header)


@pytest.mark.parametrize("value", ["-1", "+1", "01", "1e3", "1.0", " 1", "", "٣", "9999999999"])
def test_a_number_has_one_spelling(value: str) -> None:
    with pytest.raises(UnreadableError):
        number(value)
