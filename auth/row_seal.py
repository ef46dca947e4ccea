"""Rows that are authority carry a seal: a keyed hash that only processes of this installation can make (attacks X12, decision 0017).

It is made in the transaction in which the event of the row was recorded, after the record. So a row with its seal stands on an event; one
that somebody wrote or changed in the database has none that holds, gives no authority, and raises an alarm.

Acts, keys, tokens and recoveries are sealed by the code that changes them; people, accounts, sessions and approvals, which many places
change, whenever they are written (`auth.sealed_rows`).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import ClassVar, Protocol

import orjson
from sqlalchemy import inspect

from audit_store.event import Event, EventAction, plain_event
from audit_store.moments import microseconds
from audit_store.pseudonyms import secret

KEY_FILE = "seal.key"
"""Of the key, in `state/keys`; every machine of an installation has the same one."""
_PERSON = b"torwart-row-seal"


class Sealed(Protocol):
    """A row of a table with the column `seal`."""

    SEALED: ClassVar[tuple[str, ...]]
    """Its columns that give authority, the primary key among them; not those that grow by themselves, as counters do.

    A class may name more in `SEALED_IF_SET`: columns that came later and count where they say something, so that older seals hold.
    """
    seal: str | None


class RowSeal:
    """Makes and checks the seals of one installation. A copy of the database alone cannot make one."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 random bytes, of `KEY_FILE`."""
        self._key = key

    @classmethod
    def of(cls, state: Path) -> RowSeal:
        """The seal of an installation, by its state folder. Raises SecretError, OSError."""
        return cls(secret(state / "keys", KEY_FILE))

    def put(self, row: Sealed, model: type[Sealed] | None = None) -> None:
        """Seal a row as it stands. Only after its event was recorded, in the same transaction.

        `model`: of a row that no mapper made; its times may be numbers, as the tables keep them (`audit_store.moments`).
        """
        row.seal = self._of(row, model or type(row))

    def holds(self, row: Sealed, model: type[Sealed] | None = None) -> bool:
        """Whether the row is as one of our processes left it. `model`: as in `put`."""
        return row.seal is not None and hmac.compare_digest(row.seal.encode(), self._of(row, model or type(row)).encode())

    def _of(self, row: Sealed, model: type[Sealed]) -> str:
        table, sealed, later = _columns(model)
        said = [[name, value] for name in later if (value := getattr(row, name)) is not None]
        data = orjson.dumps([table, *sealed(row), *said], default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
        return blake2b(data, key=self._key, person=_PERSON, digest_size=32).hexdigest()


@cache
def _columns(model: type[Sealed]) -> tuple[str, Callable[[Sealed], tuple[object, ...]], tuple[str, ...]]:
    return inspect(model).local_table.name, attrgetter(*model.SEALED), getattr(model, "SEALED_IF_SET", ())


def tampered(what: str, row_id: str, *, pseudonym: str | None, cause: str, act_id: str | None = None) -> Event:
    """The alarm about a row that gives no authority: `what` is its table, `cause` a code."""
    facts = {"table": what, "cause": cause}
    return plain_event(
        EventAction.AUTHORITY_ALARM,
        at=datetime.now(UTC),
        subject=pseudonym or row_id,
        outcome="failure",
        numbers=facts,
        act_id=act_id,
        severity=99,
    )


def _plain(value: object) -> object:
    """A column's value that JSON cannot say, the same before it is stored and after it was read."""
    match value:
        case datetime():
            return microseconds(value)
        case bytes():
            return value.hex()
    raise TypeError(f"a column that is sealed holds a {type(value).__name__}")
