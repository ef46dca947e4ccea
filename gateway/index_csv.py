"""Reads the clients from a table: the way to an index where no profile reads the CRM, and to try Torwart with an export at hand."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from detectors.client_index.identifier import Identifier, Kind

BATCH_ROWS = 2_000
MOST_FAULTS = 100
"""Faults that are named; more of the same help nobody."""
ID = "id"
KINDS: Mapping[str, Kind | None] = {ID: None, "name": Kind.NAME, "phone": Kind.PHONE, "email": Kind.EMAIL, "tax": Kind.TAX}
"""What a column can be."""
_GUESSES: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"mail"),
    "phone": re.compile(r"phone|telefon|\btel\b|mobil|handy|\bfax\b|телефон"),
    "tax": re.compile(r"\btax|\bvat|\bust|umsatzsteuer|steuer|\buid\b|инн"),
    ID: re.compile(r"^(id|(client|customer|party|kunden?|crm)[ _-]*(id|no|nr|nummer|number|code)\.?|nr\.?|nummer|number|code)$"),
    "name": re.compile(r"name|firma|company|^kunde$|^client$|^customer$"),
}
"""First match wins: `company e-mail` is an e-mail address."""


_VALUE = re.compile(r"@|\d(?:\W*\d){5}")
"""In no heading: an e-mail address, or as many digits as a phone number has."""


class TableError(Exception):
    """The table cannot be used; `errors` holds every fault as `file:line: what is wrong — what to do`, without any value of a client."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(slots=True)
class Rows:
    """Some rows of the table."""

    identifiers: list[Identifier] = field(default_factory=list, repr=False)
    clients: int = 0
    """Rows."""
    bytes_read: int = 0
    """How far the file was read."""


def columns_of(heading: Sequence[str], named: Mapping[str, str]) -> dict[int, str]:
    """Place of a column -> what it is. `named` says it for headings that are not guessed right (heading -> `id`, `phone` ...).

    Raises ValueError that names what is wrong with the heading.
    """
    if any(_VALUE.search(title) for title in heading):  # they are not named: they are clients'
        raise ValueError("the first line holds values, not headings — write a line above it with a heading for each column: id;name;phone")
    plain = [title.strip().casefold() for title in heading]
    found: dict[int, str] = {}
    for title, what in named.items():
        if title.strip().casefold() not in plain:
            raise ValueError(f"there is no column {title!r} — the columns are: {', '.join(heading)}")
        found[plain.index(title.strip().casefold())] = what
    for place, title in enumerate(plain):
        guess = next((what for what, pattern in _GUESSES.items() if pattern.search(title)), None)
        if place not in found and guess is not None and (guess != ID or ID not in found.values()):
            found[place] = guess
    if ID not in found.values():
        raise ValueError("no column holds the client's number — the first line must be headings; name it with --column id=HEADING")
    if list(found.values()).count(ID) > 1:
        raise ValueError("two columns are the client's number — name one with --column id=HEADING")
    if not {"phone", "email", "tax"} & set(found.values()):
        raise ValueError("no column holds a phone number, e-mail address or tax number — name one with --column phone=HEADING")
    return found


def read_table(path: Path, named: Mapping[str, str]) -> Iterator[Rows]:
    """The rows in batches. Raises TableError, with all faults at once, at the end of the file: take nothing over before."""
    faults: list[str] = []
    try:
        with path.open("rb") as file:
            yield from _rows(path, file, named, faults)
    except OSError as error:
        raise TableError([f"{path}: cannot be read ({error.strerror})"]) from None
    if faults:
        more = [f"{path}: and {len(faults) - MOST_FAULTS} more faults"] if len(faults) > MOST_FAULTS else []
        raise TableError(faults[:MOST_FAULTS] + more)


def _rows(path: Path, file: IO[bytes], named: Mapping[str, str], faults: list[str]) -> Iterator[Rows]:
    lines = _Lines(path, file, faults)
    first = next(lines, "")
    if faults:  # it cannot be read: what it lacks is not known
        return
    if not lines.bytes_read:
        faults.append(f"{path}:1: the table is empty")
        return
    separator = max(";,\t|", key=first.count)
    heading = next(csv.reader([first], delimiter=separator), [])
    try:
        columns = columns_of(heading, named)
    except ValueError as error:
        faults.append(f"{path}:1: {error}")
        return
    table = csv.reader(lines, delimiter=separator, strict=True)
    rows = Rows()
    try:
        for row in table:
            if row:
                _take(row, columns, len(heading), f"{path}:{lines.number}", rows, faults)
            if rows.clients >= BATCH_ROWS:
                rows.bytes_read = lines.bytes_read
                yield rows
                rows = Rows()
    except csv.Error as error:
        faults.append(f"{path}:{lines.number}: not CSV ({error}) — check quotes around this line")
    rows.bytes_read = lines.bytes_read
    yield rows


def _take(row: list[str], columns: Mapping[int, str], width: int, where: str, rows: Rows, faults: list[str]) -> None:
    if len(row) != width:
        faults.append(f"{where}: {len(row)} cells, but {width} columns — a separator within a value needs quotes around it")
        return
    client = next(row[place].strip() for place, what in columns.items() if what == ID)
    if not client:
        faults.append(f"{where}: the client's number is missing")
        return
    rows.clients += 1
    name = " ".join(row[place].strip() for place, what in sorted(columns.items()) if what == "name").strip()
    if name:
        rows.identifiers.append(Identifier(client, Kind.NAME, name))
    for place, what in columns.items():
        kind, value = KINDS[what], row[place].strip()
        if kind is not None and kind is not Kind.NAME and value:
            rows.identifiers.append(Identifier(client, kind, value))


class _Lines:
    """Lines as text, with their number; one that is not UTF-8 is a fault and reads as empty."""

    def __init__(self, path: Path, file: IO[bytes], faults: list[str]) -> None:
        self._path = path
        self._file = file
        self._faults = faults
        self.number = 0
        self.bytes_read = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline()
        if not raw:
            raise StopIteration
        self.number += 1
        self.bytes_read += len(raw)
        try:
            text = raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            self._faults.append(f"{self._path}:{self.number}: not UTF-8 — save the table as CSV in UTF-8")
            return "\n"
        if "\0" in text:
            self._faults.append(f"{self._path}:{self.number}: not text — save the table as CSV in UTF-8")
            return "\n"
        return text
