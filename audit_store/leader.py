"""Which of the consoles that share a PostgreSQL watches: runs the rules, tells people, ships. The others hand in their machine's records.

The one that holds the server's advisory lock watches, for as long as its connection lives. What it does is written down by cursors in the
database, so that whoever comes after it goes on where it ended.
"""

from __future__ import annotations

import contextlib

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from audit_store.engines import WATCHING, is_sqlite, try_session_lock


class Leader:
    """This process's claim to watch. For one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: Connection | None = None

    def leads(self) -> bool:
        """Whether this process watches now; with SQLite there is only one. Raises SQLAlchemyError when the server cannot be asked."""
        if is_sqlite(self._engine):
            return True
        if self._held is not None:
            try:
                self._held.exec_driver_sql("SELECT 1")
            except SQLAlchemyError:
                self.close()
                raise
            return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if try_session_lock(connection, WATCHING):
                self._held = connection
        finally:
            if self._held is not connection:
                connection.close()
        return self._held is not None

    def close(self) -> None:
        """Let another one watch. May be called twice."""
        held, self._held = self._held, None
        if held is not None:
            held.detach()  # the lock is the connection's: it must not go back among those that are used again
            with contextlib.suppress(SQLAlchemyError):
                held.close()
