"""A house of its own per test: a real database file, people, sessions and a list that takes the place of the spool."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

import auth.tables  # noqa: F401 # makes the tables known
from audit_store.database import Server, open_database
from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.act import ONLY_THE_KEY, Summary, act_digest
from auth.assignments import Assignments
from auth.console_sessions import ConsoleSessions
from auth.directory import Directory
from auth.keys import Keys
from auth.people import People
from auth.row_seal import RowSeal
from auth.row_versions import RowVersions
from auth.sealed_rows import attach
from auth.sessions import Sessions
from auth.signin import SignIn
from auth.stepup import StepUp
from auth.tables import Act, Key, Person
from auth.used_acts import UsedActs
from deploy.demo.software_key import SoftwareKey
from policies.needs import RequirementKind
from policies.request import Principal, Status
from tests.services.postgres import Cluster

CREDENTIAL_KEY = bytes(range(32))
SEAL = RowSeal(bytes(range(1, 33)))


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
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Server:
    """Where the database of the house is: a file, or a server where a test is given `tests.services.postgres.BOTH`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return tmp_path / "state" / "torwart.db"
    cluster: Cluster = request.getfixturevalue("postgres")
    return cluster.migrated()


@pytest.fixture
def house(place: Path | Server, tmp_path: Path) -> Iterator[House]:
    engine = open_database(place)
    attach(engine, SEAL, RowVersions(tmp_path / "row-versions"))
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


TORWART = "http://torwart.localhost:8401"
RP_ID = "torwart.localhost"


@dataclass
class Ceremonies:
    """Keys and step-up over the same house."""

    house: House
    keys: Keys
    used: UsedActs
    stepup: StepUp = field(init=False)
    sign_in: SignIn = field(init=False)
    opened: int = 0

    def gateway(
        self,
        boot_id: str = "this boot",
        *,
        holder: str | None = None,
        keys: Keys | None = None,
        record: Callable[[Event], object] | None = None,
    ) -> StepUp:
        """The acts as another process of this machine has them."""
        house = self.house
        return StepUp(
            house.engine,
            record or house.events,
            keys or self.keys,
            house.pseudonyms,
            boot_id,
            seal=SEAL,
            used=self.used,
            holder=holder,
        )

    def enrol(self, person: Person, key: SoftwareKey | None = None) -> SoftwareKey:
        """A new software key, registered by the ordinary token."""
        key = key or SoftwareKey()
        token = self.keys.issue_token(person.id, None)
        options, _ = self.keys.begin_registration(token)
        self.keys.complete_registration(token, key.create(options, TORWART))
        return key

    def key_of(self, person: Person) -> Key:
        """The one registered key of a person, as it stands."""
        (key,) = self.keys.of(person.id)
        return key

    def hold(
        self,
        person: Person,
        *,
        ids: Iterable[str] = ("1", "2"),
        session_id: str = "s1",
        act_id: str | None = None,
        asks: frozenset[RequirementKind] = ONLY_THE_KEY,
    ) -> Act:
        """An export that waits for a touch."""
        self.opened += 1
        wanted = tuple(ids)
        return self.stepup.open(
            principal=Principal(person.id, person.pseudonym, frozenset(person.roles), Status(person.status), session_id=session_id),
            digest=digest_of(person, wanted),
            summary=Summary("export", len(wanted), len(wanted), ("name", "phone"), "download", "export_needs_key", {"asked": len(wanted)}),
            ids=wanted,
            fields=("name", "phone"),
            act_id=act_id or f"act{self.opened}",
            asks=asks,
        )

    def refusals(self) -> list[object]:
        """Causes of all refused keys and acts that were recorded, in order."""
        wanted = (EventAction.KEY_REFUSED, EventAction.STEP_UP_REFUSED)
        return [event.document["torwart"]["words"]["cause"] for event in self.house.events.seen if event.action in wanted]


def digest_of(person: Person, ids: Iterable[str]) -> str:
    """The digest of `Ceremonies.hold`."""
    return act_digest(person_id=person.id, action="export", ids=ids, fields=("name", "phone"), destination="download:export")


@pytest.fixture
def ceremonies(house: House, tmp_path: Path) -> Ceremonies:
    keys = Keys(house.engine, house.events, RP_ID, TORWART, SEAL)
    ceremonies = Ceremonies(house, keys, used=UsedActs(tmp_path / "used-acts"))
    ceremonies.stepup = ceremonies.gateway()
    ceremonies.sign_in = SignIn(house.engine, house.events, keys, house.console)
    return ceremonies
