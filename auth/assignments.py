"""Whose a client is, where the CRM itself does not say: by a table that is imported, by creation, by what CRM answers name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.storage import grow, reading, writing
from auth.tables import Assignment, CrmAccount, Person
from policies.request import ClientId

ASSIGNMENTS = "assignments"
"""Kind of rows in `revisions`."""
SETTLING = timedelta(days=30)
"""A created or gained client counts in book and base only after this time, so that nobody moves the yardstick (attacks X7)."""
_COLUMNS = ("client_id", "person")
_MAX_CSV_BYTES = 256 * 1024 * 1024
_CHUNK = 500


class TableError(Exception):
    """A table cannot be imported; `errors` holds every fault as `file:line: what is wrong`. Nothing of it was taken over."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    rows: int
    changed: int
    """Clients that are new or have another owner now."""
    people: int
    """Distinct owners in the table."""


class Assignments:
    """The table of owners."""

    def __init__(self, engine: Engine, record: Callable[[Event], object]) -> None:
        self._engine = engine
        self._record = record

    def import_csv(self, path: Path, *, by: str | None = None) -> Imported:
        """Take over a table with the columns `client_id,person` (person: CRM account, e-mail or person id; empty: nobody's).

        It should name every client of the firm: the table is also what limits are shares of. Clients that it does not name stay as they
        are. `by` is the pseudonym of who imports, None for the command line. Raises TableError, and then nothing is taken over.
        """
        rows = _read(path)
        with writing(self._engine) as session:
            owners = _resolve(session, path, rows)
            now = datetime.now(UTC)
            changed = _put(session, owners, now, now, "import")
            people = len({owner for owner in owners.values() if owner is not None})
            numbers = {"clients": len(owners), "changed": changed, "people": people}
            self._record(plain_event(EventAction.ASSIGNMENTS_IMPORTED, at=now, pseudonym=by, numbers=numbers))
        return Imported(len(owners), changed, people)

    def created(self, client_ids: Iterable[ClientId], person_id: str, at: datetime) -> None:
        """New clients belong to who created them, at once, and count after 30 days.

        A client that the table knows already (a field of the CRM named its owner first) keeps its owner and counts after 30 days too.
        """
        with writing(self._engine) as session:
            ids = list(dict.fromkeys(client_ids))
            known = {row.client_id: row for row in _rows(session, ids) if row.origin != "deleted"}
            if known:
                revision = grow(session, ASSIGNMENTS)
                for row in known.values():
                    row.counts_from, row.revision = max(row.counts_from, at + SETTLING), revision
            _put(session, {client: person_id for client in ids if client not in known}, at, at + SETTLING, "created")

    def seen_owner(self, owners: Mapping[ClientId, str | None]) -> None:
        """Owners (person ids) as a field of the CRM names them. The first sight of a client counts at once, a change after 30 days."""
        if not owners:
            return
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            known = {row.client_id for row in _rows(session, list(owners))}
            _put(session, {client: owner for client, owner in owners.items() if client not in known}, now, now, "crm_field")
            _put(session, {client: owner for client, owner in owners.items() if client in known}, now, now + SETTLING, "crm_field")

    def removed(self, client_ids: Iterable[ClientId]) -> None:
        """Deleted clients are nobody's and no part of the base."""
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            known = [row.client_id for row in _rows(session, list(dict.fromkeys(client_ids))) if row.origin != "deleted"]
            _put(session, dict.fromkeys(known), now, now, "deleted")

    def count(self) -> int:
        """Clients in the table that are not deleted."""
        with reading(self._engine) as session:
            return len(list(session.scalars(select(Assignment.client_id).where(Assignment.origin != "deleted"))))


def _put(session: Session, owners: Mapping[ClientId, str | None], at: datetime, counts_from: datetime, origin: str) -> int:
    """Write owners that are new or different; how many."""
    known = {row.client_id: row for row in _rows(session, list(owners))}
    fresh, changed = [], []
    for client, owner in owners.items():
        row = known.get(client)
        values = {"client_id": client, "person_id": owner, "since": at, "counts_from": counts_from, "origin": origin}
        if row is None:
            fresh.append(values)
        elif row.person_id != owner or (row.origin == "deleted") != (origin == "deleted"):
            changed.append(values)
    if not fresh and not changed:
        return 0
    revision = grow(session, ASSIGNMENTS)
    if fresh:
        session.execute(insert(Assignment), [{**values, "revision": revision} for values in fresh])
    if changed:
        session.execute(update(Assignment), [{**values, "revision": revision} for values in changed])
    return len(fresh) + len(changed)


def _rows(session: Session, ids: list[ClientId]) -> list[Assignment]:
    found: list[Assignment] = []
    for start in range(0, len(ids), _CHUNK):  # SQLite limits the variables of one statement
        found.extend(session.scalars(select(Assignment).where(Assignment.client_id.in_(ids[start : start + _CHUNK]))))
    return found


def _read(path: Path) -> list[tuple[int, str, str]]:
    """Line number, client id and person of every row."""
    try:
        if path.stat().st_size > _MAX_CSV_BYTES:
            raise TableError([f"{path}: larger than {_MAX_CSV_BYTES // 1024**2} MiB: split the table"])
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TableError([f"{path}: cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise TableError([f"{path}: is not UTF-8 (byte {error.start}): save it as CSV UTF-8"]) from error
    lines = text.splitlines(keepends=True)
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    table = csv.reader(lines, delimiter=separator, strict=True)
    errors: list[str] = []
    rows: list[tuple[int, str, str]] = []
    try:
        header = [name.strip().lower() for name in next(table, [])]
        missing = [name for name in _COLUMNS if name not in header]
        if missing or len(set(header)) != len(header):
            raise TableError([f"{path}:1: the first line must name the columns client_id and person once each"])
        client_at, person_at = header.index("client_id"), header.index("person")
        for cells in table:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                errors.append(f"{path}:{table.line_num}: {len(cells)} cells instead of {len(header)}")
                continue
            rows.append((table.line_num, cells[client_at].strip(), cells[person_at].strip()))
    except csv.Error as error:
        errors.append(f"{path}:{table.line_num}: {error}")
    if errors:
        raise TableError(errors)
    return rows


def _resolve(session: Session, path: Path, rows: list[tuple[int, str, str]]) -> dict[ClientId, str | None]:
    people = {row.account: row.person_id for row in session.scalars(select(CrmAccount)) if row.genuine}
    for person in session.scalars(select(Person)):
        if person.genuine:
            people[person.email] = people[person.id] = person.id
    owners: dict[ClientId, str | None] = {}
    first: dict[ClientId, int] = {}
    errors: list[str] = []
    for line, client, word in rows:
        owner = people.get(word) or people.get(word.lower())
        if not client or len(client) > 64 or not client.isprintable():
            errors.append(f"{path}:{line}: the client's id must have 1 to 64 printable characters")
        elif client in first:
            errors.append(f"{path}:{line}: this client stands in line {first[client]} already")
        elif word and owner is None:
            errors.append(f"{path}:{line}: no such person: name a CRM account, an e-mail address or a person id that Torwart knows")
        else:
            owners[client], first[client] = owner, line
    if errors:
        raise TableError(errors)
    return owners
