"""Says which of the clients that an agent suspected are clients, and writes what happened as an act of the person.

One consumer of the log with a cursor of its own. The act's id follows from the place of the agent's event, and what the log has under it is
not written again: a crash between the act and the cursor leaves one act.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine

from audit_store.client_sets import decode_ids
from audit_store.consumer import position_of, put_position
from audit_store.event import Content, Event, EventAction, ExportLink, Phase, access_event
from audit_store.log import Log, Logged, Source
from audit_store.manifests import Manifests
from audit_store.search import search
from auth.directory import Directory
from auth.orders import Orders
from auth.people import People
from console.agent_event import SUSPECTED_MAX
from console.file_rules import FileRules
from detectors.client_index.index import ClientIndex
from detectors.knowledge import Matches
from detectors.marked import named_by_marks
from detectors.verdict import Unread, Verdict
from policies.request import AccessRequest, Action, Channel, ClientId, Context, Resource, Usage

CONSUMER = "confirm"
ROUTE = "agent"
PAST_DAYS, AHEAD_SECONDS = 30, 300
"""A desk's clock is believed within these bounds around the time of receipt; beyond them the act has the time of receipt (promises G98)."""
_BATCH = 100
STEP_SECONDS = 1.0
"""Of one step: intake and rules share its thread, and a desk that tells of a million files must not blind them."""


class Confirmations:
    """One per installation, one thread at a time."""

    def __init__(
        self,
        *,
        engine: Engine,
        log: Log,
        own: Source,
        record: Callable[[Event], object],
        index: ClientIndex,
        manifests: Manifests,
        people: People,
        directory: Callable[[], Directory],
        rules: FileRules,
        orders: Orders,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own` is the spool that `record` writes to. `directory` makes one for the thread that calls `step`. `rules` say what of it is put
        aside, `orders` hear of it.
        """
        self._engine = engine
        self._log = log
        self._own = own
        self._record = record
        self._index = index
        self._manifests = manifests
        self._people = people
        self._make_directory = directory
        self._rules = rules
        self._orders = orders
        self._clock = clock
        self._directory: Directory | None = None
        self._position: int | None = None

    def step(self) -> int:
        """Deal with what agents have seen since the last step, for a second at most; how many files that were.

        Raises what the log, the database, the spool and the index raise (KnowledgeError): then nothing is skipped.
        """
        done, end = 0, self._clock() + STEP_SECONDS
        if self._position is None:
            self._position = position_of(self._engine, CONSUMER)
        while batch := search(self._log, action=EventAction.FILE_SEEN, after=self._position, limit=_BATCH):
            if not done:
                self._log.take(self._own)  # what was written before a crash must be in the log before it is asked for
            for seen in batch:
                self._deal_with(seen)
                self._store(seen.sequence)
                done += 1
                if self._clock() >= end:
                    return done
        return done

    def close(self) -> None:
        """Give the connection back."""
        if self._directory is not None:
            self._directory.close()

    def _deal_with(self, seen: Logged) -> None:
        act_id = act_of(seen)
        if known := search(self._log, act=act_id, action=EventAction.ACCESS, limit=1):
            self._put_aside(seen, known[0].document)
            return
        try:
            suspected = frozenset(map(int, decode_ids(seen.document["torwart"]["suspected"], most=SUSPECTED_MAX)))
            unread = tuple(Unread(cause) for cause in seen.document["torwart"]["unread"] if cause in set(Unread))
            pseudonym, channel = seen.document["user"]["id"], Channel(seen.document["torwart"]["channel"])
            file = seen.document["file"]
            content = Content(file["size"], file.get("hash", {}).get("sha256"), file.get("extension"))
            marks = [str(code) for code in seen.document["torwart"].get("marks", ())]
        except (KeyError, TypeError, ValueError, AttributeError):
            return  # the intake lets no such event in
        found = self._index.confirm(suspected) if suspected else Matches()
        person = self._people.by_pseudonym(pseudonym)
        marked = self._manifests.of_marks(marks) if marks else {}
        if person is None or not (found.clients or unread or marked):
            return
        directory = self._people_now()
        at = time_of(seen)
        verdict = Verdict({client: frozenset(kinds) for client, kinds in found.clients.items()}, frozenset(found.keys), unread=unread)
        clients = tuple(sorted(found.clients))
        request = AccessRequest(
            act_id=act_id,
            principal=directory.person(person.id),
            action=Action.FILE_COPY,
            resource=Resource(type="content", ids=clients, own=frozenset(clients) & directory.book(person.id)),
            context=Context(at=at, channel=channel),
            usage=Usage(base=directory.base_size(at), book=directory.book_size(person.id, at)),
            findings=verdict.findings("file"),
        )
        exports = named_by_marks(marked.values(), clients, self._exports(frozenset(clients), found.keys, pseudonym, content.sha256))
        event = access_event(
            request=request,
            decision=self._rules.decide(request, directory),
            phase=Phase.OBSERVED,
            shown=frozenset(),
            taken=frozenset(),
            rows=0,
            fields=(),
            route=ROUTE,
            digest=content.sha256,
            content=Content(content.size, content.sha256, content.extension, exports),
            device=seen.document["torwart"]["device"],
        )
        self._record(event)
        self._put_aside(seen, event.document)

    def _put_aside(self, seen: Logged, act: Mapping[str, Any]) -> None:
        """Have the file put aside where the rules say so. After a crash in between the act is there, and it is ordered now."""
        if not act["torwart"].get("quarantine"):
            return
        digest = seen.document["file"].get("hash", {}).get("sha256")
        agent = seen.document["torwart"]["device"].removeprefix("agent-")
        act_id, event_id = act["torwart"]["act"]["id"], seen.document["event"]["id"]
        self._orders.put_aside(agent, act_id, event_id, digest, seen.document["user"]["id"])

    def _exports(self, clients: frozenset[ClientId], keys: set[int], pseudonym: str, digest: str | None) -> tuple[ExportLink, ...]:
        """The exports that the clients came from; first of all the one whose very bytes the file has."""
        if not clients:
            return ()
        links = [link.short() for link in self._manifests.explain(clients, keys, pseudonym=pseudonym)]
        same = self._manifests.of_digest(digest) if digest is not None else None
        if same is not None:
            exact = ExportLink(same.name, same.act_id, len(clients & decode_ids(same.clients)))
            links = [exact, *(link for link in links if link.name != same.name)]
        return tuple(links)

    def _people_now(self) -> Directory:
        if self._directory is None:
            self._directory = self._make_directory()
        self._directory.refresh()
        return self._directory

    def _store(self, position: int) -> None:
        put_position(self._engine, CONSUMER, position)
        self._position = position


def act_of(seen: Logged) -> str:
    """The id of the act that an agent's event becomes: the same whenever it is asked."""
    return "file-" + sha256(f"{seen.producer}\0{seen.epoch}\0{seen.producer_sequence}".encode()).hexdigest()[:27]


def time_of(seen: Logged) -> datetime:
    """When it happened: by the desk's clock, unless that cannot be right."""
    at = _time(seen.document)
    if at is None or not seen.received - timedelta(days=PAST_DAYS) <= at <= seen.received + timedelta(seconds=AHEAD_SECONDS):
        return seen.received
    return at


def _time(document: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(document["@timestamp"])
    except (KeyError, TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None
