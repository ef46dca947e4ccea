"""Reads a table of people: what each cell says, and everything that is wrong with it at once, by line and column.

A cell is text, whatever a spreadsheet would make of it: `=1+1` is four characters. Only UTF-8 and, by its mark, UTF-16 are read: guessing
an older encoding would put wrong letters into names.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from auth.person_values import PersonChange, account_fault, cleaned, faults
from policies.request import Status

MAX_BYTES = 4 * 1024 * 1024
MAX_ROWS = 20_000
EMAIL, PSEUDONYM, MANAGER, ACCOUNTS, STATUS, ROLES = "email", "pseudonym", "manager", "accounts", "status", "roles"
COLUMNS: Final = (EMAIL, PSEUDONYM, "name", ROLES, "language", "team", "territory", MANAGER, ACCOUNTS, STATUS)
"""`email` must be there; a column that is not there changes nothing."""
_FILLED: Final = frozenset({EMAIL, "name", ROLES, "language"})
"""Columns whose cells may not be empty."""
_SEPARATORS = ";,\t"
_SHOWN = 40
"""Characters of a cell that an error repeats."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong."""

    line: int
    column: int
    """From 1; 0: the whole line."""
    text: str
    header: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}" if self.column else f"{self.line}"
        return f"{place}: {f'{self.header}: ' if self.header else ''}{self.text}"


class PeopleTableError(Exception):
    """A table cannot be taken over; `faults` are all of them, in their order. Nothing of it was taken over."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Row:
    """What one line says of a person."""

    line: int
    places: Mapping[str, int]
    """Header -> number of its column."""
    email: str
    pseudonym: str | None = None
    values: PersonChange = field(default_factory=PersonChange)
    """Without the manager, who may stand farther down."""
    manager: str | None = None
    """An e-mail address, an account or a pseudonym; empty: nobody; None: not said."""
    accounts: tuple[str, ...] | None = None
    status: Status | None = None

    def fault(self, header: str, text: str) -> Fault:
        """Something that is wrong with a cell of this line."""
        return Fault(self.line, self.places.get(header, 0), text, header)


def read_people(data: bytes) -> tuple[list[Row], list[Fault]]:
    """The rows that can be read and every fault of the others. Raises PeopleTableError when it is no table at all."""
    if len(data) > MAX_BYTES:
        raise PeopleTableError([Fault(1, 0, f"larger than {MAX_BYTES // 1024**2} MiB: split the table")])
    table = _lines(data)
    line, header = next(table, (1, []))
    names = [name.strip().lower() for name in header]
    _check_header(line, names)
    places = {name: number for number, name in enumerate(names, 1)}
    rows: list[Row] = []
    found: list[Fault] = []
    for line, cells in table:
        if len(cells) != len(names):
            found.append(Fault(line, 0, f"{len(cells)} cells instead of {len(names)}"))
        elif len(rows) >= MAX_ROWS:
            raise PeopleTableError([Fault(line, 0, f"more than {MAX_ROWS} people: split the table")])
        else:
            row, wrong = _row(line, places, {name: cell.strip() for name, cell in zip(names, cells, strict=True)})
            rows.append(row)
            found += wrong
    return rows, found


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _text(data)
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        text = f"no cells can be made out here ({error}): look at the quotation marks"
        raise PeopleTableError([Fault(reader.line_num, 0, text)]) from None


def _text(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise PeopleTableError([Fault(1, 0, "begins as UTF-16 and is not: save it as CSV UTF-8")]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PeopleTableError(_undecodable(data)) from None


def _undecodable(data: bytes) -> Iterator[Fault]:
    lines = data.removeprefix(codecs.BOM_UTF8).splitlines()
    separator = max(_SEPARATORS.encode(), key=lambda one: lines[0].count(bytes([one])))
    for number, line in enumerate(lines, 1):
        for place, cell in enumerate(line.split(bytes([separator])), 1):
            try:
                cell.decode("utf-8")
            except UnicodeDecodeError:
                yield Fault(number, place, f"is not UTF-8 ({cell[:_SHOWN]!r}): save the table as CSV UTF-8")


def _check_header(line: int, names: list[str]) -> None:
    placed = list(enumerate(names, 1))
    known = ", ".join(COLUMNS)
    unknown = [Fault(line, place, f"there is no such column: {known}", name) for place, name in placed if name not in COLUMNS]
    twice = [Fault(line, place, "stands there twice", name) for place, name in placed if name in names[: place - 1]]
    none = [] if EMAIL in names else [Fault(line, 0, f"the first line names the columns, at least {EMAIL}: {known}")]
    if found := [*unknown, *twice, *none]:
        raise PeopleTableError(found)


def _row(line: int, places: Mapping[str, int], cells: Mapping[str, str]) -> tuple[Row, list[Fault]]:
    values = PersonChange(email=cells[EMAIL])
    if "name" in cells:
        values["name"] = cells["name"]
    if ROLES in cells:
        values["roles"] = cells[ROLES].replace("|", " ").replace(",", " ").split()
    if "language" in cells:
        values["language"] = cells["language"]
    if "team" in cells:
        values["team"] = cells["team"]
    if "territory" in cells:
        values["territory"] = cells["territory"]
    values = cleaned(values)
    found = [Fault(line, places[name], "must not be empty", name) for name in cells if name in _FILLED and not cells[name]]
    found += [Fault(line, places[name], text, name) for name, text in faults(values).items() if cells[name]]
    accounts = tuple(dict.fromkeys(one.strip() for one in cells[ACCOUNTS].split("|") if one.strip())) if ACCOUNTS in cells else None
    found += [Fault(line, places[ACCOUNTS], text, ACCOUNTS) for one in accounts or () if (text := account_fault(one)) is not None]
    status, said = None, cells.get(STATUS, "")
    if said:
        try:
            status = Status(said)
        except ValueError:
            found.append(Fault(line, places[STATUS], f"{said[:_SHOWN]!r} is none of {', '.join(Status)}", STATUS))
    row = Row(line, places, values["email"], cells.get(PSEUDONYM, "").upper() or None, values, cells.get(MANAGER), accounts, status)
    return row, found
