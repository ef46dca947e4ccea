"""A house of its own per test: a real database file, people, sessions and a list that takes the place of the spool."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

import auth.tables  # noqa: F401 # makes the tables known
from audit_store.database import open_database
from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.assignments import Assignments
from auth.console_sessions import ConsoleSessions
from auth.directory import Directory
from auth.people import People
from auth.sessions import Sessions
from auth.tables import Person

CREDENTIAL_KEY = bytes(range(32))


@dataclass
class Events:
    """Keeps what was recorded, in order."""

    seen: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.seen.append(event)

    def of(self, action: EventAction) -> list[Event]:
        return [event for event in self.seen if event.action is action]


@dataclass
class House:
    """Everything of `auth` that needs no key."""

    engine: Engine
    events: Events
    pseudonyms: Pseudonyms
    people: People
    sessions: Sessions
    console: ConsoleSessions
    assignments: Assignments

    def directory(self) -> Directory:
        return Directory(self.engine, self.pseudonyms, CREDENTIAL_KEY)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    engine = open_database(tmp_path / "state" / "torwart.db")
    events = Events()
    pseudonyms = Pseudonyms(bytes(reversed(range(32))))
    yield House(
        engine=engine,
        events=events,
        pseudonyms=pseudonyms,
        people=People(engine, events, pseudonyms),
        sessions=Sessions(engine, events, CREDENTIAL_KEY),
        console=ConsoleSessions(engine, events, CREDENTIAL_KEY),
        assignments=Assignments(engine, events),
    )
    engine.dispose()


@pytest.fixture
def anna(house: House) -> Person:
    return house.people.add("Anna Feldmann", "anna@firma.example", ["manager"], "de", ["anna"])


@pytest.fixture
def boris(house: House) -> Person:
    return house.people.add("Boris Hartwig", "boris@firma.example", ["manager"], "de", ["boris"])
