"""CSV, read exactly: a table is trimmed and masked only if writing what was read gives back the same bytes.

RFC 4180 with one separator and one quote character; anything that another program could read differently is refused.
"""

from __future__ import annotations

import csv
import io

SEPARATORS = frozenset(",;\t")
QUOTE = '"'
_LARGEST_CELL = 16 * 1024 * 1024
csv.field_size_limit(_LARGEST_CELL)


class CsvError(ValueError):
    """The table has more than one reading. `what` names the structure, never a value."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def read(table: bytes, separator: str) -> list[list[str]]:
    """The rows of a UTF-8 table. Raises CsvError unless `write` gives the same bytes back."""
    try:
        text = table.decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=QUOTE, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CsvError("CSV") from error
    if b"\x00" in table or write(rows, separator) != table:
        raise CsvError("CSV with a second reading")
    return rows


def write(rows: list[list[str]], separator: str) -> bytes:
    """The table as UTF-8 with CR LF line ends, quoted where needed."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quotechar=QUOTE).writerows(rows)
    return out.getvalue().encode("utf-8")
