"""Rows as Tryton's exports and its CSV download give them: no ids of themselves, so the gateway adds a column and takes it out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from detectors.client_index.identifier import Identifier
from gateway.crm.profile import UninspectableError, UnreadableError
from gateway.crm.profiles.tryton_fields import CONTACT, MODELS, NEUTRAL_LEAVES, PARTY, Field, Model
from gateway.crm.profiles.tryton_identifying import Fresh, mark, of_column, of_record
from gateway.crm.profiles.tryton_masks import Masks
from policies.request import ClientId

_PART = re.compile(r"[a-z][a-z0-9_]{0,63}(?:\.translated|:lang=[a-z]{2}(?:_[A-Z]{2})?)?")
_MAX_HOPS = 5
_DIGITS = re.compile(r"[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller asked for."""

    path: str
    """As asked, with slashes."""
    known: Field | None
    """None: not known, so not sent upstream and delivered empty."""

    @property
    def name(self) -> str:
        """The dotted name, the same as in any other road."""
        return self.path.replace("/", ".")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of an export, with those that the gateway adds in front: whose the row is and, where named, the owner."""

    columns: tuple[Column, ...]
    lead: tuple[str, ...]

    def upstream(self) -> list[str]:
        """The paths that are asked of the CRM."""
        return [*self.lead, *(column.path for column in self.columns if column.known is not None)]

    def asked(self) -> set[str]:
        """The dotted names that the caller asked for and gets."""
        return {column.name for column in self.columns if column.known is not None}

    def contact(self) -> set[str]:
        """Those of `asked` that carry contact values."""
        return {column.name for column in self.columns if column.known is not None and column.known.contact}


def sheet(model: Model, paths: list[Any], owner_field: str | None) -> Sheet:
    """Read the columns of an export. Raises UnreadableError."""
    if not paths:
        raise UnreadableError("export without a field")
    columns = tuple(Column(path, _known(model, path)) for path in paths if _is_path(path))
    lead: tuple[str, ...] = ("id",) if model.link == "id" else (f"{model.link}/id",)
    if owner_field is not None and model.name == PARTY:
        lead = (*lead, owner_field.replace(".", "/"))
    return Sheet(columns, lead)


def _is_path(path: Any) -> bool:
    if not isinstance(path, str) or not all(_PART.fullmatch(part) for part in path.split("/")) or path.count("/") >= _MAX_HOPS:
        raise UnreadableError("column of an export")
    return True


def _known(model: Model, path: str) -> Field | None:
    """The last field of a path; None unless every cell is sure to belong to the client of the row."""
    *hops, last = _parts(path)
    holder: Model | None = model
    for hop in hops:
        relation = holder.fields.get(hop) if holder is not None else None
        if relation is None or relation.target is None or holder is None:
            return None
        if relation.target in MODELS and not relation.own and hop != holder.link:
            return None
        holder = MODELS.get(relation.target)
    if holder is None:
        return Field() if last in NEUTRAL_LEAVES and not last.startswith("_") else None
    known = holder.fields.get(last)
    if known is None or (known.target == PARTY and last != holder.link):
        return None
    # A path that ends at a relation gives the names of the related records, and a contact's name is its value.
    return replace(known, contact=True) if known.target == CONTACT else known


class Rows:
    """The rows of one answer."""

    def __init__(self, sheet: Sheet, rows: list[Any], *, header: bool) -> None:
        """Find out whose each row is. Raises UninspectableError."""
        width = len(sheet.upstream())
        if any(not isinstance(row, list) or len(row) != width for row in rows):
            raise UninspectableError("row of another width than asked")
        self._sheet = sheet
        self._header = rows[:1] if header else []
        if header and not rows:
            raise UninspectableError("table without its header")
        self._rows = rows[1:] if header else rows
        self._places = _places(sheet)
        self._contact = [place for place, column in self._places if column.known is not None and column.known.contact]
        self.clients: dict[ClientId, bool] = {}
        self.owners: dict[ClientId, str | None] = {}
        for who, row in self._owned():
            self.clients[who] = self.clients.get(who, False) or any(row[place] for place in self._contact)
            if len(sheet.lead) > 1 and row[1] != "":
                self.owners[who] = str(row[1])

    @property
    def heads(self) -> int:
        """Rows of what goes out that are a header: one or none."""
        return len(self._header)

    @property
    def fields(self) -> frozenset[str]:
        """Dotted names of the fields in the answer, without those that only the gateway asked for."""
        return frozenset(self._sheet.asked())

    def identifiers(self, fresh: Fresh | None) -> list[Identifier]:
        """The values that identify clients, as the CRM gave them; without those of rows that `fresh` has seen. Ask before `release`."""
        places = tuple((place, kind) for place, column in self._places for known, kind in (of_column(column.path),) if known)
        found: list[Identifier] = []
        for who, rows in self._records() if places else ():
            for row in rows:
                cells = dict(enumerate(row))
                if fresh is None or fresh((mark(who, cells, places),)):
                    found += of_record(who, cells, places)
        return found

    def release(self, masks: Masks) -> tuple[list[list[Any]], dict[ClientId, bool]]:
        """What goes out, the header first: the rows, and their clients (True: with a clear contact value)."""
        out = [self._shape(self._header[0], header=True)] if self._header else []
        delivered: dict[ClientId, bool] = {}
        text = [place for place, column in self._places if column.known is not None and not column.known.contact]
        paths = [(place, _parts(column.path), column.known) for place, column in self._places if column.known is not None]
        coverings = [masks.covering(suit, paths, is_sheet=True) for suit in masks.suits]
        names = {place: path[-1] for place, path, _ in paths}
        related = {place for place, path, _ in paths if len(path) > 1}
        for who, rows in self._records():
            if masks.keep is not None and who not in masks.keep:
                continue
            for row in rows:
                if who not in masks.masked:
                    delivered[who] = delivered.get(who, False) or any(row[place] for place in self._contact)
                    continue
                covering = coverings[masks.worn_by(who)]
                # A further row is empty where the row above has the client's value, and stays so. Of a field of something that hangs on the
                # client nobody can tell whether it has no value or there is nothing that could have one, so it is masked either way.
                is_first = row[0] != ""
                for place, instead in covering.constant:
                    if is_first or place in related or row[place] != "":
                        masks.note(names[place], row[place])
                        row[place] = "" if instead is None else instead
                for place, mask, takes_text in covering.worked:
                    if is_first or place in related or row[place] != "":
                        masks.note(names[place], row[place])
                        shown = masks.shown(mask, row[place], takes_text)
                        row[place] = "" if shown is None else shown
                masks.watch(row, text)
                delivered[who] = delivered.get(who, False) or any(row[place] for place in covering.clear)
            masks.finish()
            out += [self._shape(row, header=False) for row in rows]
        return out, delivered

    def line(self, text: str) -> list[str]:
        """A row of the same width that says this in its first cell: a cell of a sheet takes any text, whatever its column is of."""
        return [text, *[""] * (len(self._sheet.columns) - 1)]

    def _records(self) -> Iterator[tuple[ClientId, list[list[Any]]]]:
        """The rows of each record together: its first row has the id, further rows have an empty cell there."""
        who, rows = "", []
        for row in self._rows:
            if row[0] == "":
                rows.append(row)
                continue
            if rows:
                yield who, rows
            who, rows = _client(row[0]), [row]
        if rows:
            yield who, rows

    def _owned(self) -> Iterator[tuple[ClientId, list[Any]]]:
        if self._rows and self._rows[0][0] == "":
            raise UninspectableError("row without its client")
        for who, rows in self._records():
            for row in rows:
                yield who, row

    def _shape(self, row: list[Any], *, header: bool) -> list[Any]:
        """The row as the caller asked for it: without the leading columns, with empty ones for what is not known."""
        cells = iter(row[len(self._sheet.lead) :])
        return [next(cells) if column.known is not None else column.path if header else "" for column in self._sheet.columns]


def _parts(path: str) -> list[str]:
    """The fields of a path, without what translates them."""
    return [part.partition(".")[0].partition(":")[0] for part in path.split("/")]


def _places(sheet: Sheet) -> list[tuple[int, Column]]:
    known = [column for column in sheet.columns if column.known is not None]
    return [(len(sheet.lead) + at, column) for at, column in enumerate(known)]


def _client(cell: Any) -> ClientId:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, str) and _DIGITS.fullmatch(cell):
        return cell
    raise UninspectableError("row without its client")
