"""Opens an installation for a command: configuration, rights, database, the command line's own spool. Faults are one clear line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from audit_store.alerts import Alerts
from audit_store.database import DatabaseError
from audit_store.event import Event
from audit_store.looks import looks
from audit_store.pseudonyms import Pseudonyms, SecretError, secret
from audit_store.spool import SpoolError
from audit_store.statements import StatementsError
from audit_store.witnessed import WitnessedSpool
from auth.agent_alarms import AgentAlarms
from auth.agents import Agents
from auth.assignments import Assignments
from auth.command_line import fail, out
from auth.installation import ConfigError, Installation, check_rights, load_installation
from auth.keys import Keys
from auth.levels import Levels
from auth.orders import Orders
from auth.outside import open_spool
from auth.people import People
from auth.plans import Plans
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from auth.tables import Person
from auth.template import MANY_PEOPLE

_NAMES: ContextVar[str] = ContextVar("names", default="pseudonyms")
"""`names` of the installation that the command has opened."""
Who = Annotated[str, typer.Argument(metavar="PERSON", help="A person: CRM account, e-mail address, pseudonym or id.")]
By = Annotated[str | None, typer.Option("--by", help="The person who does it: CRM account, e-mail address, pseudonym or id.")]


@dataclass(frozen=True, slots=True)
class House:
    """What commands about people and keys work with."""

    installation: Installation
    people: People
    levels: Levels
    plans: Plans
    sessions: Sessions
    assignments: Assignments
    keys: Keys
    agents: Agents
    orders: Orders
    alerts: Alerts
    engine: Engine
    pseudonyms: Pseudonyms
    credential_key: bytes = field(repr=False)
    """For the hashes of credentials."""
    record: Callable[[Event], object]
    spool: WitnessedSpool

    def person(self, word: str) -> Person:
        """The person that a word on the command line means; ends the command if it means nobody."""
        found = self.people.find(word)
        return found if found is not None else fail(f"nobody is called {word!r} here: `torwart people list` names all")

    def by(self, word: str | None) -> str | None:
        """The id of the person that `--by` names; None for the command line."""
        return self.person(word).id if word is not None else None

    def looked_at(self, what: str, about: Iterable[str] = ()) -> None:
        """Record that somebody looked at what is stored about people, before it is shown. Raises SpoolError."""
        for event in looks(datetime.now(UTC), None, what, about):
            self.record(event)


@contextmanager
def open_house(config: Path) -> Iterator[House]:
    """Everything of one installation. What cannot be used or recorded ends the command with exit code 2."""
    os.umask(0o077)
    try:
        installation, _ = load_installation(config)
        _NAMES.set(installation.names)
        check_rights(installation.state)
        engine = open_sealed(installation.database, installation.state)
        spool = open_spool(installation, "cli")
        pseudonyms = Pseudonyms(secret(installation.state / "keys", "pseudonym.key"))
        credential_key = secret(installation.state / "keys", "credential.key")
        record = spool.append
        try:
            yield House(
                installation=installation,
                people=People(engine, record, pseudonyms),
                levels=Levels(engine, record, pseudonyms),
                plans=Plans(engine, record, pseudonyms),
                sessions=Sessions(engine, record, credential_key),
                assignments=Assignments(engine, record),
                keys=Keys(engine, record, installation.rp_id, installation.origin, RowSeal.of(installation.state), installation.keys),
                agents=Agents(engine, record, AgentAlarms(record), installation.origin),
                orders=Orders(engine, record),
                alerts=Alerts(engine, record),
                engine=engine,
                pseudonyms=pseudonyms,
                credential_key=credential_key,
                record=record,
                spool=spool,
            )
        finally:
            spool.close()
            engine.dispose()
    except ConfigError as error:
        fail(*error.errors)
    except SpoolError as error:
        fail(f"it could not be recorded, therefore nothing was changed: {error}")
    except (DatabaseError, SecretError, StatementsError) as error:
        fail(str(error))
    except OperationalError as error:
        fail(f"the database cannot be used: {error.orig}")


def named(word: str) -> str | None:
    """What would say who somebody is (a name, an address, an account); None where names are not shown (law 11)."""
    return word if _NAMES.get() == "shown" else None


def advice_on_names(house: House) -> str | None:
    """What is told, and not changed, when a firm has grown; None where it is small, or names are hidden already."""
    number = len(house.people.all())
    if house.installation.names != "shown" or number <= MANY_PEOPLE:
        return None
    return f"{number} people work here: pages should show pseudonyms (`names: pseudonyms` in torwart.yaml, docs/privacy.md)."


def called(person: Person) -> str:
    """How a command calls somebody."""
    return f"{person.name} ({person.pseudonym})" if _NAMES.get() == "shown" else person.pseudonym


def print_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Rows under headings, as text: nothing in them is markup."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    out.print(table)
