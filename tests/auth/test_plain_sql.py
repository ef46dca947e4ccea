"""Statements that go straight to the driver say the same as those of the mapper, in both databases."""

import contextlib
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, bindparam, select, text, update

from audit_store.database import Server
from auth.plain_sql import PlainStatement, plain_writing
from auth.storage import reading, writing
from auth.tables import Person
from tests.services.house import House
from tests.services.postgres import BOTH

COLUMNS = ("id", "roles", "status_since", "frozen", "user_handle", "created_at", "version")


def of_anna(engine: Engine, anna: Person) -> PlainStatement:
    return PlainStatement(
        select(*(getattr(Person, name) for name in COLUMNS)).where(Person.id == bindparam("who")).where(Person.pseudonym == anna.pseudonym),
        engine.dialect,
    )


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_a_row_has_the_values_that_the_mapper_gives(house: House, anna: Person, place: Path | Server) -> None:
    asked = of_anna(house.engine, anna)
    with plain_writing(house.engine) as (_, cursor):
        row = asked.first(cursor, who=anna.id)
        assert asked.first(cursor, who="nobody") is None
    with reading(house.engine) as session:
        person = session.get_one(Person, anna.id)
    assert row == [getattr(person, name) for name in COLUMNS]


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_what_is_written_is_there_at_the_end_or_not_at_all(house: House, anna: Person, place: Path | Server) -> None:
    these = {"roles": bindparam("given"), "created_at": bindparam("at")}
    change = PlainStatement(update(Person).where(Person.id == bindparam("who")).values(these), house.engine.dialect)
    at = datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
    with contextlib.suppress(RuntimeError), plain_writing(house.engine) as (_, cursor):
        change.run(cursor, who=anna.id, given=["nothing"], at=at)
        raise RuntimeError
    with reading(house.engine) as session:
        assert session.get_one(Person, anna.id).roles == ["manager"]
    with plain_writing(house.engine) as (connection, cursor):
        change.run(cursor, who=anna.id, given=["auditor"], at=at)
        with reading(connection) as session:  # in the same transaction, which goes on
            assert session.scalar(select(Person.roles).where(Person.id == anna.id)) == ["auditor"]
        change.run(cursor, who=anna.id, given=["manager", "auditor"], at=at)
    with reading(house.engine) as session:
        person = session.get_one(Person, anna.id)
    assert (person.roles, person.created_at) == (["manager", "auditor"], at)


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_nobody_else_writes_meanwhile(house: House, place: Path | Server) -> None:
    with plain_writing(house.engine) as _, house.engine.connect() as other:
        if house.engine.dialect.name == "sqlite":
            other.exec_driver_sql("PRAGMA busy_timeout = 0")
            with pytest.raises(Exception, match="locked"):
                other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            held = other.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            assert held.scalar_one() == 1


@pytest.mark.parametrize(("written", "read"), [("[NaN]", math.isnan), ('["\\ud800"]', "\ud800".__eq__)])
def test_json_that_none_of_our_processes_wrote_is_read_as_the_mapper_does(house: House, anna: Person, written: str, read: object) -> None:
    with writing(house.engine) as session:
        session.execute(text("UPDATE people SET roles = :it"), {"it": written})
    with plain_writing(house.engine) as (_, cursor):
        row = of_anna(house.engine, anna).first(cursor, who=anna.id)
    assert row is not None
    assert callable(read)
    assert read(row[1][0])
