"""A whole gateway without its listener: the real parts of `gateway.assemble` over a state folder of its own; the test plays the CRM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest_asyncio

from auth.assignments import Assignments
from auth.installation import Installation
from auth.people import People
from auth.sessions import Sessions
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from gateway.assemble import Assembled, assemble
from gateway.exchange import Forward, Headers, Reply, Request, Response, Step
from gateway.settings import CrmSettings
from tests.services.tryton_calls import BROWSER, TOKEN, result, rpc

TORWART = "http://torwart.localhost:8401"


@dataclass
class Gate:
    """The gateway's route, a manager with a book, and a key in the manager's hand."""

    assembled: Assembled
    people: People
    assignments: Assignments
    boris: Person
    key: SoftwareKey
    reached: list[Request] = field(default_factory=list)
    """What was sent to the CRM."""

    async def ask(self, request: Request, crm: Callable[[Request], Response]) -> Response:
        """One exchange, with `crm` in the place of the CRM."""
        step: Step | Response = await self.assembled.handler.before(request)
        while isinstance(step, Forward):
            self.reached.append(step.request)
            step = await self.assembled.handler.after(step.state, crm(step.request))
        return step.response if isinstance(step, Reply) else step

    def own(self, *clients: int, of: int = 1_000) -> None:
        """These clients are the manager's; the firm has clients 1 to `of`."""
        theirs = {str(number): None for number in range(1, of + 1)} | {str(number): self.boris.id for number in clients}
        self.assignments.seen_owner(theirs)

    def listen(self) -> None:
        """A page of the manager's session listens for held acts, as the web client does."""
        session = self.assembled.handler.directory.session(TOKEN)
        assert session is not None
        loop = asyncio.get_running_loop()
        self._poll = loop.create_task(self.assembled.handler.touch.holds.poll(session.id, "", 0.01))

    async def held(self, number: int = 1, *, besides: str | None = None) -> list[str]:
        """Ids of the open acts, as soon as there are so many, not counting one that is known."""
        stepup = self.assembled.handler.touch.stepup
        session = self.assembled.handler.directory.session(TOKEN)
        assert session is not None
        while len(acts := [act for act in stepup.open_of(self.boris.id, session.id) if act.id != besides]) < number:  # noqa: ASYNC110 -- what is waited for is a row of the database
            await asyncio.sleep(0.005)
        return [act.id for act in acts]

    def touch(self, act_id: str) -> None:
        """The manager confirms an act with the key."""
        stepup = self.assembled.handler.touch.stepup
        stepup.complete(act_id, self.key.get(stepup.begin(act_id), TORWART))

    def events(self) -> list[Mapping[str, Any]]:
        """Everything that was recorded, in order."""
        rows = self.assembled.spool.read(0, 10_000)
        return [orjson.loads(row.canonical) for row in rows]


def call(method: str, *params: Any, headers: Headers = (), **about: Any) -> Request:
    """An RPC call of the manager's browser."""
    cookie = (("cookie", f"tryton_session=boris:3:{TOKEN}"), *BROWSER)
    return rpc(method, *params, headers=(*cookie, *headers), **about)


def told(response: Response) -> str:
    """Title of the refusal that the web client shows; empty for a result."""
    body = orjson.loads(response.body)
    return str(body["error"][1][0]) if "error" in body else ""


def answers(value: Any) -> Callable[[Request], Response]:
    """A CRM that answers every call with this result."""
    return lambda _request: result(value)


@pytest_asyncio.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    installation = Installation(state, TORWART, "http://crm.localhost:8400")
    settings = CrmSettings.model_validate({"url": installation.crm_url, "upstream": "http://127.0.0.1:1"})
    assembled = assemble(installation, settings)
    handler, engine = assembled.handler, assembled.engine
    people = People(engine, assembled.spool.append, handler.directory._pseudonyms)
    boris = people.add("Boris Hartwig", "boris@firma.example", ["manager"], "de", ["boris"])
    sessions: Sessions = handler.signin.sessions
    sessions.bind(TOKEN, "session", boris.id, "boris")
    keys = handler.touch.stepup._keys
    token = keys.issue_token(boris.id, None)
    key = SoftwareKey()
    options, _ = keys.begin_registration(token)
    keys.complete_registration(token, key.create(options, TORWART))
    handler.directory.refresh()
    try:
        yield Gate(assembled, people, handler.books.assignments, boris, key)
    finally:
        assembled.close()
