"""Statements that are compiled once and go straight to the driver.

A touch asks and writes a handful of rows. Through the mapper that took twenty times the processor time of its signature; written like this
it takes about as much as the signature. The statements are still those of SQLAlchemy, and so fit the tables and both databases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect, Executable, Select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler


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
        gets = ((at, column.type.dialect_impl(dialect).result_processor(dialect, None)) for at, column in enumerate(columns))
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
