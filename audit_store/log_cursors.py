"""How far the central log has each producer."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from audit_store.chain import FIRST_EPOCH, epoch_start
from audit_store.log_file import Cursor
from audit_store.log_tables import CURSOR, producer


def cursor_of(connection: Connection, name: str) -> Cursor:
    """Where the log stands with a producer; before its first event, what that one must follow."""
    row = connection.execute(select(*CURSOR).where(producer.c.name == name)).one_or_none()
    return Cursor(*row) if row else Cursor(0, FIRST_EPOCH, epoch_start(name, FIRST_EPOCH))


def put_cursor(connection: Connection, name: str, cursor: Cursor) -> None:
    """Remember where the log stands with a producer. The caller is the only writer."""
    connection.execute(delete(producer).where(producer.c.name == name))
    place = {"sequence": cursor.sequence, "epoch": cursor.epoch, "hash": cursor.hash, "stopped": cursor.stopped}
    connection.execute(insert(producer).values(name=name, **place))
