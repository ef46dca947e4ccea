"""Seals of rows: what one of our processes wrote holds, in every column that gives authority; what anybody else wrote does not (X12)."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import JSON, inspect, select, update

from audit_store.event import EventAction
from auth.row_seal import RowSeal, tampered
from auth.storage import reading, writing
from auth.tables import Act, Key, Person
from tests.services.house import Ceremonies, House

SEAL = RowSeal(bytes(range(32)))
NOT_SEALED = {
    Act: {"seal", "ended_at", "ended_why", "challenge_used_at", "language", "repeats", "told_at", "address"},
    Key: {"seal", "sign_count", "transports", "label", "last_used_at", "locked_why"},
}
"""What gives nobody anything."""


def sealed(house: House, act: Act) -> None:
    with writing(house.engine) as session:
        SEAL.put(session.get_one(Act, act.id))


def holds(house: House, act: Act) -> bool:
    with reading(house.engine) as session:
        return SEAL.holds(session.get_one(Act, act.id))


def test_a_seal_holds_after_the_row_went_through_the_database(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.hold(anna, ids=("1", "2", "30"))
    sealed(ceremonies.house, act)
    assert holds(ceremonies.house, act)


@pytest.mark.parametrize("table", [Act, Key])
def test_every_column_is_sealed_or_named_here(table: type[Act] | type[Key]) -> None:
    columns = {column.key for column in inspect(table).columns}
    assert set(table.SEALED) <= columns
    later = set(getattr(table, "SEALED_IF_SET", ()))
    assert columns - set(table.SEALED) - later <= NOT_SEALED[table] | {"key_class", "attestation", "model"}


def test_a_column_that_came_later_breaks_no_older_seal_and_cannot_be_taken_away(ceremonies: Ceremonies, anna: Person) -> None:
    ceremonies.enrol(anna)
    key = ceremonies.key_of(anna)
    SEAL.put(key)
    assert SEAL.holds(key)
    key.lent_until = key.created_at
    assert not SEAL.holds(key)
    SEAL.put(key)
    key.lent_until = None
    assert not SEAL.holds(key), "a key of some hours is made no lasting one in the database"


@pytest.mark.parametrize("name", sorted(set(Act.SEALED) - {"id", "key_id", "person_id"}))
def test_a_change_in_any_sealed_column_breaks_it(ceremonies: Ceremonies, anna: Person, name: str) -> None:
    act = ceremonies.hold(anna)
    sealed(ceremonies.house, act)
    other = changed(getattr(act, name), Act, name)
    with writing(ceremonies.house.engine) as session:
        session.execute(update(Act).where(Act.id == act.id).values({name: other}))
    assert not holds(ceremonies.house, act)


def changed(value: object, table: type[Act], name: str) -> object:
    """Something else of the same kind."""
    match value:
        case str():
            return value[:-1] + ("x" if not value.endswith("x") else "y") if value else "x"
        case list():
            return [*value, "x"]
        case dict():
            return {**value, "asked": 3_000}
        case datetime():
            return value + timedelta(microseconds=1)
    column = inspect(table).columns[name]
    kinds = {"Moment": datetime(2026, 1, 1, tzinfo=UTC), "LargeBinary": b"x"}
    return {} if isinstance(column.type, JSON) else kinds.get(type(column.type).__name__, "x")


def test_the_seal_of_another_row_or_under_another_key_is_none(ceremonies: Ceremonies, anna: Person) -> None:
    one, other = ceremonies.hold(anna), ceremonies.hold(anna, ids=("9",))
    sealed(ceremonies.house, one)
    with writing(ceremonies.house.engine) as session:
        seal = session.scalar(select(Act.seal).where(Act.id == one.id))
        session.execute(update(Act).where(Act.id == other.id).values(seal=seal))
    assert holds(ceremonies.house, one)
    assert not holds(ceremonies.house, other)
    with reading(ceremonies.house.engine) as session:
        assert not RowSeal(bytes(32)).holds(session.get_one(Act, one.id))


def test_a_row_without_a_seal_does_not_hold(ceremonies: Ceremonies, anna: Person) -> None:
    act = ceremonies.hold(anna)
    with writing(ceremonies.house.engine) as session:
        session.execute(update(Act).where(Act.id == act.id).values(seal=None))
    assert not holds(ceremonies.house, act)


def test_the_alarm_names_the_table_and_a_code_only() -> None:
    event = tampered("acts", "act-1", pseudonym="P-00000001", cause="seal", act_id="act-1")
    assert event.action is EventAction.AUTHORITY_ALARM
    assert event.document["event"]["outcome"] == "failure"
    assert event.document["torwart"]["words"] == {"table": "acts", "cause": "seal"}
