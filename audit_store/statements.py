"""All statements that this installation has signed, and how far each place outside has them. Only ever added to.

    state/statements/statements.db

Several processes sign at once: one transaction takes the next number of its signer, signs, and is on disk before the statement is known.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.pseudonyms import SecretError
from audit_store.signing_key import SigningKey
from audit_store.sqlite_file import StoreError, connect, make_durable, own_folder, translated, version_of
from audit_store.statement import KEYS, TREES, Body, NewKey, Statement, StatementError, fingerprint, make, parse

FOLDER, FILE = "statements", "statements.db"
VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS statement (signer TEXT NOT NULL, number INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (signer, number));
CREATE TABLE IF NOT EXISTS sent (place TEXT NOT NULL, signer TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (place, signer))
"""


class StatementsError(StoreError):
    """Statements cannot be signed or kept now; the text says why."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a place has a signer's statements."""

    number: int
    at: datetime
    """When it took the newest."""


class Statements:
    """The statements of one installation. May be used from several threads and opened by several processes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        cursors: sqlite3.Connection,
        key: SigningKey,
        machine: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = named(KEYS, machine)
        self.trees = named(TREES, machine)
        """Signer of this machine's statements about the log."""
        self._connection = connection
        self._cursors = cursors
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        state: Path,
        *,
        machine: str | None = None,
        reading: bool = False,
        checked: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Those of the installation whose state folder this is, made if they are missing, and the key looked at.

        `machine` is its name among those that share a record. `reading`: they must be there and are never changed; without `checked` the
        key may be any, or missing. Raises StatementsError: also when the key is missing, readable by others, or not the one that signed
        before.
        """
        folder = state / FOLDER
        if not reading:
            own_folder(folder, StatementsError)
        with translated("the signed statements cannot be opened", StatementsError):
            connection, cursors = _connection(folder / FILE, make=not reading), _connection(folder / FILE, make=not reading)
            if not reading:
                cursors.execute("PRAGMA synchronous = 1")  # a cursor that is lost sends a statement twice, which harms nobody
        found = cls(connection, cursors, SigningKey(state / "keys"), machine, clock)
        if not reading and checked:
            try:
                found._first_key()
            except StatementsError:
                found.close()
                raise
        return found

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._connection.close()
            self._cursors.close()

    def sign(self, signer: str, body: Body) -> Statement:
        """The signer's next statement, on disk on return. Raises StatementsError: then nothing may be released."""
        with self._transaction():
            key = self._usable_key()
            return self._add(signer, body, [key])

    def change_key(self) -> Statement:
        """Sign with another key from now on: the old one says so, and the new one with it. The statement. Raises StatementsError."""
        return self._next_key(lost=False)

    def begin_key(self) -> Statement:
        """As `change_key`, where the old key is lost: only the new one says so, and every verification names it. Raises StatementsError."""
        return self._next_key(lost=True)

    def newest_key(self) -> Statement | None:
        """The newest statement about this machine's key. Raises StatementsError."""
        return self.newest(self._keys)

    def newest(self, signer: str) -> Statement | None:
        """The signer's newest statement. Raises StatementsError."""
        with self._reading():
            return self._newest(signer)

    def after(self, signer: str, number: int, limit: int) -> list[Statement]:
        """Up to `limit` statements of the signer above a number, in order. Raises StatementsError."""
        with self._reading():
            rows = self._connection.execute(
                "SELECT note FROM statement WHERE signer = ? AND number > ? ORDER BY number LIMIT ?", (signer, number, limit)
            ).fetchall()
            return [_kept(note) for (note,) in rows]

    def notes(self) -> list[str]:
        """The texts of all statements, as they lie on disk: whoever verifies reads them anew. Raises StatementsError."""
        with self._reading():
            return [str(note) for (note,) in self._connection.execute("SELECT note FROM statement ORDER BY signer, number")]

    def signers(self) -> list[str]:
        """Who has signed, by name. Raises StatementsError."""
        with self._reading():
            return [signer for (signer,) in self._connection.execute("SELECT DISTINCT signer FROM statement ORDER BY signer")]

    def sent(self, place: str) -> dict[str, Sent]:
        """How far a place has each signer's statements. Raises StatementsError."""
        with self._reading():
            rows = self._cursors.execute("SELECT signer, number, at FROM sent WHERE place = ?", (place,)).fetchall()
        return {signer: Sent(number, datetime.fromisoformat(at)) for signer, number, at in rows}

    def note_sent(self, place: str, signer: str, number: int) -> None:
        """Remember that the place has the signer's statements up to a number. Raises StatementsError."""
        with self._reading():
            self._cursors.execute(
                "INSERT INTO sent VALUES (?, ?, ?, ?) ON CONFLICT (place, signer) DO UPDATE SET number = excluded.number, at = excluded.at "
                "WHERE excluded.number > number",
                (place, signer, number, self._clock().isoformat()),
            )

    def forget_sent(self, place: str) -> None:
        """A place that is empty for a good reason is sent everything again. Raises StatementsError."""
        with self._reading():
            self._cursors.execute("DELETE FROM sent WHERE place = ?", (place,))

    def _first_key(self) -> None:
        with self._transaction():
            if self._newest(self._keys) is None:
                key = self._loaded(make=True)
                self._add(self._keys, NewKey(key.public_key().public_bytes_raw()), [key])
            else:
                self._usable_key()

    def _next_key(self, *, lost: bool) -> Statement:
        new = Ed25519PrivateKey.generate()
        public = new.public_key().public_bytes_raw()
        with translated("the new key cannot be kept", StatementsError):
            with self._transaction():
                signing = [new] if lost else [self._usable_key(), new]
                self._key.prepare(new)
                statement = self._add(self._keys, NewKey(public), signing)
            self._key.adopt(public)
        return statement

    def _usable_key(self) -> Ed25519PrivateKey:
        """The key, if it is the one that the statements name as the newest."""
        stated = self._newest(self._keys)
        expected = stated.body.public if stated is not None and isinstance(stated.body, NewKey) else b""
        with translated("the key that signs the record cannot be used", StatementsError):
            if self._key.exists and self._public() == expected:
                return self._loaded(make=False)
            self._key.adopt(expected)
        key = self._loaded(make=False)
        if (public := key.public_key().public_bytes_raw()) != expected:
            raise StatementsError(
                f"checkpoint.key ({fingerprint(public)}) is not the key that signed before ({fingerprint(expected)}): restore that one "
                "from a backup; if it is lost: torwart events key --lost"
            )
        return key

    def _public(self) -> bytes:
        return self._loaded(make=False).public_key().public_bytes_raw()

    def _loaded(self, *, make: bool) -> Ed25519PrivateKey:
        try:
            return self._key.load(make=make)
        except SecretError as error:
            raise StatementsError(str(error)) from error
        except OSError as error:
            raise StatementsError(f"the key that signs the record cannot be used: {error}") from error

    def _add(self, signer: str, body: Body, keys: list[Ed25519PrivateKey]) -> Statement:
        last = self._newest(signer)
        number, before = (last.number + 1, last.digest) if last else (1, None)
        statement = make(signer, number, self._clock(), before, body, keys)
        self._connection.execute("INSERT INTO statement VALUES (?, ?, ?)", (signer, number, statement.note()))
        return statement

    def _newest(self, signer: str) -> Statement | None:
        row = self._connection.execute("SELECT note FROM statement WHERE signer = ? ORDER BY number DESC LIMIT 1", (signer,)).fetchone()
        return _kept(row[0]) if row else None

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, translated("a statement about the record cannot be kept", StatementsError):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, translated("the signed statements cannot be read", StatementsError):
            yield


def named(signer: str, machine: str | None) -> str:
    """The name of a signer on one of several machines that share a record; on the only one it is the signer's own."""
    return f"{signer}-{machine}" if machine else signer


def _connection(path: Path, *, make: bool) -> sqlite3.Connection:
    connection = connect(path, make=make)
    try:
        version = version_of(connection, VERSION, StatementsError)
        if make:
            make_durable(connection, StatementsError)
            if version == 0:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("COMMIT")
    except (sqlite3.Error, StatementsError):
        connection.close()
        raise
    return connection


def _kept(note: str) -> Statement:
    """A statement from our own file; one that somebody has changed must not be continued."""
    try:
        return parse(note)
    except StatementError as error:
        raise StatementsError(f"a statement in {FILE} was changed ({error}): torwart events verify names what else was") from error
