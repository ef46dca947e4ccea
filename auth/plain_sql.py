"""Statements that are compiled once and go straight to the driver.

A touch asks and writes a handful of rows. Through the mapper that took twenty times the processor time of its signature; written like this
it takes about as much as the signature. The statements are still those of SQLAlchemy, and so fit the tables and both databases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import JSON, Connection, Dialect, Engine, Executable, Select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from audit_store.engines import write_lock


@contextmanager
def plain_writing(engine: Engine) -> Iterator[tuple[Connection, DBAPICursor]]:
    """A transaction under the write lock, as `auth.storage.writing`: its cursor, and its connection for what takes the ordinary road.

    Raises SQLAlchemyError, and the driver's own errors for what went straight to it.
    """
    with engine.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(write_lock(engine))
        yield connection, cursor


class PlainStatement:
    """One statement with named parameters, for one kind of database."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        """`statement`: of Core, its parameters by `bindparam`; no lists among them."""
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined] # every statement of Core can be compiled
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only a question or a change can be compiled once")
        self._sql = compiled.string
        self._order = compiled.positiontup
        self._fixed = {name: one.value for name, one in compiled.binds.items() if not one.required}
        self._put = {name: put for name, one in compiled.binds.items() if (put := one.type.dialect_impl(dialect).bind_processor(dialect))}
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        gets = ((at, _reader(column.type, dialect)) for at, column in enumerate(columns))
        self._gets = [(at, get) for at, get in gets if get is not None]

    def run(self, cursor: DBAPICursor, **parameters: object) -> None:
        """Execute it in the transaction of the cursor."""
        values: dict[str, Any] = self._fixed | parameters
        for name, put in self._put.items():
            values[name] = put(values[name])
        cursor.execute(self._sql, [values[name] for name in self._order] if self._order is not None else values)

    def first(self, cursor: DBAPICursor, **parameters: object) -> Sequence[Any] | None:
        """Execute it; the first row, with the values that the mapper would have given. None if there is none."""
        self.run(cursor, **parameters)
        found = cursor.fetchone()
        if found is None:
            return None
        row = list(found)
        for at, get in self._gets:
            row[at] = get(row[at])
        return row


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """What makes of the driver's value what the mapper would have given; None where it is that already."""
    get = kind.dialect_impl(dialect).result_processor(dialect, None)
    return _read_json if get is not None and isinstance(kind, JSON) else get


def _read_json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # what only the slower one reads stands in no row of ours, and its seal will say so
        return json.loads(text)
