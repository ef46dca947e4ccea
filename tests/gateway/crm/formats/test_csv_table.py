"""Tables that are read exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crm.formats.csv_table import SEPARATORS, CsvError, read, write

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4), st.sampled_from(sorted(SEPARATORS)))
def test_what_is_written_is_read_back(rows: list[list[str]], separator: str) -> None:
    assert read(write(rows, separator), separator) == rows


@pytest.mark.parametrize(
    "table",
    [b'a,"b\r\n', b'"a"b,c\r\n', b"a,b\n", b"a,b", b'"a",b\r\n', b"a\x00b\r\n", b"\xff\r\n", b"a,b\rc,d\r\n", b'a,b"c\r\n'],
)
def test_a_table_with_a_second_reading_is_refused(table: bytes) -> None:
    with pytest.raises(CsvError):
        read(table, ",")


def test_a_table_is_read_with_the_separator_that_was_asked_for() -> None:
    assert read(b"a;b\r\n", ";") == [["a", "b"]]
    assert read(b"a;b\r\n", ",") == [["a;b"]]
