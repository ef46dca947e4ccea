"""The first start after the upgrade seals what is there, once in the life of an installation (attacks X12, decision 0020)."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from audit_store.database import Server, open_database
from audit_store.pseudonyms import Pseudonyms
from auth.people import People
from auth.sealed_database import LIST_MARK, MARK, open_sealed
from auth.storage import reading, writing
from auth.tables import CrmAccount, Person
from tests.services.house import Events
from tests.services.postgres import BOTH


def people(engine: Engine) -> People:
    return People(engine, Events(), Pseudonyms(bytes(32)))


@pytest.fixture
def old(place: Path | Server) -> Path | Server:
    """A database with people of before there were seals."""
    engine = open_database(place)
    people(engine).add("Anna Feldmann", "anna@firma.example", ["manager"], accounts=["anna"])
    sql(engine, "UPDATE people SET belongings = NULL")
    engine.dispose()
    return place


def sql(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def believed(place: Path | Server, state: Path) -> dict[str, bool]:
    engine = open_sealed(place, state)
    found = {person.email: person.genuine for person in people(engine).all()}
    engine.dispose()
    return found


def accounts(place: Path | Server, state: Path) -> dict[str, bool]:
    engine = open_sealed(place, state)
    with reading(engine) as session:
        found = {row.account: row.genuine for row in session.scalars(select(CrmAccount))}
    engine.dispose()
    return found


@pytest.fixture
def unlisted(old: Path | Server, tmp_path: Path) -> Path | Server:
    """A database of when there were seals and no lists: of two people, one with a row that somebody forged."""
    engine = open_sealed(old, tmp_path / "firm")
    people(engine).add("Boris Hartwig", "boris@firma.example", ["manager"], accounts=["boris"])
    (tmp_path / "firm" / "keys" / LIST_MARK).unlink()
    with writing(engine) as session:
        for row in session.scalars(select(Person)):
            row.belongings = None
    sql(engine, "UPDATE people SET team = 'north' WHERE email = 'boris@firma.example'")
    sql(engine, "INSERT INTO crm_accounts (account, person_id, kind) SELECT 'thief', id, 'login' FROM people WHERE team IS NULL")
    engine.dispose()
    return old


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_what_belongs_to_people_of_before_is_listed_by_the_first_start(unlisted: Path | Server, tmp_path: Path) -> None:
    state = tmp_path / "firm"
    assert believed(unlisted, state) == {"anna@firma.example": True, "boris@firma.example": False}
    assert accounts(unlisted, state) == {"anna": True, "boris": False, "thief": False}
    assert (state / "keys" / LIST_MARK).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_nothing_is_listed_a_second_time(unlisted: Path | Server, tmp_path: Path) -> None:
    """Not by whoever takes the lists away, nor by a machine that joins."""
    believed(unlisted, tmp_path / "firm")
    engine = open_database(unlisted)
    sql(engine, "DELETE FROM crm_accounts WHERE account = 'anna'")
    engine.dispose()
    (tmp_path / "firm" / "keys" / LIST_MARK).unlink()
    assert believed(unlisted, tmp_path / "firm") == {"anna@firma.example": False, "boris@firma.example": False}
    engine = open_database(unlisted)
    sql(engine, "UPDATE people SET belongings = NULL")
    engine.dispose()
    assert believed(unlisted, tmp_path / "firm") == {"anna@firma.example": False, "boris@firma.example": False}


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_people_of_before_are_sealed_by_the_first_start(old: Path | Server, tmp_path: Path) -> None:
    assert believed(old, tmp_path / "firm") == {"anna@firma.example": True}
    assert (tmp_path / "firm" / "keys" / MARK).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", BOTH, indirect=True)
def test_x12_nothing_is_sealed_a_second_time(old: Path | Server, tmp_path: Path) -> None:
    """Not by whoever takes all seals away so that it looks like the first start."""
    believed(old, tmp_path / "firm")
    engine = open_database(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE people SET seal = NULL, team = 'north'"))
        connection.execute(text("UPDATE crm_accounts SET seal = NULL"))
    engine.dispose()
    assert believed(old, tmp_path / "firm") == {"anna@firma.example": False}


def test_x12_a_machine_that_joins_seals_nothing_where_there_are_seals(old: Path | Server, tmp_path: Path) -> None:
    believed(old, tmp_path / "firm")
    engine = open_database(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE people SET seal = NULL"))
    engine.dispose()
    joined = tmp_path / "joined"
    (joined / "keys").mkdir(parents=True, mode=0o700)
    (joined / "keys" / "seal.key").write_bytes((tmp_path / "firm" / "keys" / "seal.key").read_bytes())
    (joined / "keys" / "seal.key").chmod(0o600)
    assert believed(old, joined) == {"anna@firma.example": False}


def test_a_new_installation_has_had_its_first_start(place: Path | Server, tmp_path: Path) -> None:
    open_sealed(place, tmp_path / "firm").dispose()
    engine = open_database(place)
    people(engine).add("Anna Feldmann", "anna@firma.example", ["manager"])
    engine.dispose()
    assert believed(place, tmp_path / "firm") == {"anna@firma.example": False}
