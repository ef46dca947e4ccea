"""A console with everything real: state folder, database, spool, log, pages; in the test's process, or on a free port for a browser."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI
from httpx import Request
from starlette.testclient import TestClient

from audit_store.event import Event, Phase, access_event
from audit_store.log import Logged
from auth.act import ONLY_THE_KEY, Summary, act_digest
from auth.installation import Installation
from auth.storage import database_now, writing
from auth.tables import Act, ConsoleSession, Person
from console.app import create_app
from console.sent_form import CSRF, digest_of
from console.server import server
from console.services import Services, open_services
from console.settings import TorwartSettings
from policies import reasons
from policies.decision import Allow, Challenge, Decision, Deny
from policies.needs import Key
from policies.reasons import Because, Reason
from policies.request import AccessRequest, Action, Channel, Context, Counts, Principal, Resource, Status, Usage

BASE = 3_000
BOOK = 480
NOBODY: frozenset[str] = frozenset()
FIELDS = ("name", "phone", "email", "addresses.city")


@dataclass
class Pages:
    """A console and what tests do to it."""

    services: Services
    app: FastAPI
    url: str

    def add(self, name: str, *roles: str, language: str = "de") -> Person:
        login = name.split()[0].lower()
        return self.services.people.add(name, f"{login}@firma.example", roles or ("manager",), language, [login])

    def client(self, person: Person | None = None, *, language: str = "de", touches: bool = True) -> TestClient:
        """A browser without a window: cookies, same-origin headers, signed in as this person, who `touches` the key for every form."""
        headers = {"accept-language": language, "sec-fetch-site": "same-origin", "origin": self.url}
        kept = {"torwart-language": language}
        client = TestClient(self.app, base_url=self.url, headers=headers, follow_redirects=False, cookies=kept)
        if touches:
            client.event_hooks["request"].append(lambda request: self._touch_for(client, request))
        if person is not None:
            client.cookies.set("torwart", self.services.console_sessions.open(person.id, None))
        return client

    def touched(self, token: str, form: str | None = None, seconds_ago: float = 0) -> None:
        """Have a key touch in this sign-in, for the form with that digest."""
        found = self.services.console_sessions.find(token)
        assert found is not None
        with writing(self.services.engine) as session:
            row = session.get_one(ConsoleSession, found[0].id)
            row.touched_at, row.touched_for = database_now(session) - timedelta(seconds=seconds_ago), form

    def _touch_for(self, client: TestClient, request: Request) -> None:
        """As the page does between a form and the same form with the touch."""
        token = client.cookies.get("torwart")
        if request.headers.get("content-type") != "application/x-www-form-urlencoded" or token is None:
            return
        if self.services.console_sessions.find(token) is not None:
            fields = parse_qsl(request.read().decode(), keep_blank_values=True)
            self.touched(token, digest_of(request.url.path, [field for field in fields if field[0] != CSRF]))

    def csrf(self, client: TestClient) -> str:
        found = self.services.console_sessions.find(client.cookies["torwart"])
        assert found is not None
        return found[0].csrf

    def record(self, *events: Event) -> list[Logged]:
        """Record as a gateway does, and take it into the log."""
        for event in events:
            self.services.spool.append(event)
        self.services.log.take(self.services.spool)
        return self.services.log.tail(len(events))

    def hold(self, person: Person, *, asked: int = 3_000, allowed: int = 300, act_id: str = "act-1", **changes: Any) -> Act:
        """An act that waits for the person's key."""
        ids = [str(number) for number in range(allowed)]
        summary = Summary(
            action=changes.pop("action", "export"),
            asked=asked,
            allowed=allowed,
            fields=changes.pop("fields", FIELDS),
            destination=changes.pop("destination", "download:export"),
            reason_code=changes.pop("reason", reasons.EXPORT_NEEDS_KEY).code,
            reason_values={"asked": asked, "allowed": allowed, "day_limit": 300},
            warnings=changes.pop("warnings", ()),
            filter=changes.pop("filter", ()),
        )
        digest = act_digest(person_id=person.id, action="export", ids=ids, fields=FIELDS, destination="download:export")
        asks = changes.pop("asks", ONLY_THE_KEY)
        return self.services.stepup.open(
            principal=_principal(person), digest=digest, summary=summary, ids=ids, fields=FIELDS, act_id=act_id, asks=asks
        )


def _principal(person: Person) -> Principal:
    return Principal(id=person.id, pseudonym=person.pseudonym, roles=frozenset(person.roles), status=Status(person.status), session_id="s1")


def deed(
    person: Person,
    action: Action,
    phase: Phase,
    clients: Iterable[int],
    *,
    at: datetime,
    act_id: str,
    because: Reason = reasons.ALLOWED,
    channel: Channel = Channel.WEB,
    shown: bool | None = None,
    paced: int = 0,
    **values: int | str,
) -> Event:
    """One event of an act, as the gateway writes it. What was allowed or released was delivered."""
    ids = tuple(str(number) for number in clients)
    went = frozenset(ids) if (phase in (Phase.ALLOWED, Phase.RELEASED) if shown is None else shown) else NOBODY
    said = (Because(because, {"asked": len(ids), "allowed": 0, **values}),)
    rules = ("2026-11-23:starter-export",)
    decision: Decision = Allow(said, rules=rules)
    if phase in (Phase.HELD, Phase.NOT_CONFIRMED):
        decision = Challenge(said, Key(), len(ids), 0, rules=rules)
    elif phase is Phase.DENIED:
        decision = Deny(said, rules)
    request = AccessRequest(
        act_id=act_id,
        principal=_principal(person),
        action=action,
        resource=Resource(type="client", model="party.party", ids=ids, fields=frozenset(FIELDS)),
        context=Context(at=at, channel=channel),
        usage=Usage(after=Counts(shown_day=len(ids), paced_cards=paced), base=BASE, book=BOOK),
    )
    return access_event(
        request=request,
        decision=decision,
        phase=phase,
        shown=went,
        taken=went,
        rows=len(went),
        fields=FIELDS,
        route="rpc model.party.party.read",
    )


def story(person: Person, start: datetime | None = None) -> list[Event]:
    """A day: a morning of reading, 40 exported with the key, all 3,000 tried three ways, cards paged through by a program."""
    at = start or datetime.now(UTC).replace(hour=8, minute=12, second=0, microsecond=0)

    def later(minutes: float) -> datetime:
        return at + timedelta(minutes=minutes)

    everybody = range(BASE)
    return [
        *(deed(person, Action.LIST, Phase.RELEASED, range(n, n + 40), at=later(n / 10), act_id=f"list-{n}") for n in range(0, 200, 40)),
        *(deed(person, Action.READ, Phase.RELEASED, [n], at=later(25 + n), act_id=f"card-{n}") for n in range(6)),
        deed(person, Action.EXPORT, Phase.HELD, range(40), at=later(60), act_id="mailing", because=reasons.EXPORT_NEEDS_KEY),
        deed(person, Action.EXPORT, Phase.RELEASED, range(40), at=later(61), act_id="mailing", because=reasons.KEY_CONFIRMED),
        deed(
            person,
            Action.EXPORT,
            Phase.HELD,
            everybody,
            at=later(95),
            act_id="everything",
            because=reasons.EXPORT_LIMIT,
            limit=260,
            share=10,
        ),
        deed(person, Action.EXPORT, Phase.NOT_CONFIRMED, everybody, at=later(97), act_id="everything", because=reasons.NOT_CONFIRMED),
        deed(
            person,
            Action.LIST,
            Phase.DENIED,
            everybody,
            at=later(101),
            act_id="search-read",
            because=reasons.EXPORT_LIMIT,
            channel=Channel.API,
        ),
        deed(
            person, Action.EXPORT, Phase.DENIED, everybody, at=later(104), act_id="rest", because=reasons.EXPORT_LIMIT, channel=Channel.REST
        ),
        *(deed(person, Action.READ, Phase.RELEASED, [400 + n], at=later(120 + n / 10), act_id=f"paged-{n}") for n in range(30)),
        deed(person, Action.READ, Phase.DENIED, [431], at=later(123.2), act_id="stop", because=reasons.SCRIPT_PACE, count=30, paced=30),
    ]


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """A console in the test's process."""
    made = _made(tmp_path, 8401)
    yield made
    made.services.close()


@pytest.fixture
def served_pages(tmp_path: Path) -> Iterator[Pages]:
    """A console on a free port, for a browser."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = _made(tmp_path, listening.getsockname()[1])
        web = server(made.app, TorwartSettings(url=made.url))
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield made
        web.should_exit = True
        thread.join(10)
        made.services.close()


def _made(folder: Path, port: int) -> Pages:
    url = f"http://torwart.localhost:{port}"
    services = open_services(Installation(folder / "state", url, f"http://crm.localhost:{port + 1}"))
    return Pages(services, create_app(services), url)


def with_names_hidden(made: Pages) -> Pages:
    """The same console where pages show pseudonyms only."""
    services = replace(made.services, installation=replace(made.services.installation, names="pseudonyms"))
    return Pages(services, create_app(services), made.url)


type Check = Callable[[Any], list[str]]
