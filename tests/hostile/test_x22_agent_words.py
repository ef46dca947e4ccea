"""X22: whatever an agent's key signs, no event of it stands still a consumer of the record or brings a value into it."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from audit_store.client_sets import encode_ids
from audit_store.event import EventAction, plain_event
from audit_store.manifests import Manifests
from audit_store.search import search
from audit_store.spool import SpoolReader
from console.confirm import STEP_SECONDS, Confirmations
from console.file_rules import FileRules
from detectors.client_index.desk import DeskFilter
from detectors.runner import Runner
from detectors.scanner import Scanner
from tests.console.api.test_intake import agent, edited, kept, send  # noqa: F401 -- `agent` is a fixture
from tests.services.agents import build_index, table
from tests.services.console import Pages
from tests.services.forger import Forger, chained, seen

_REST = b64encode(((1 << 64) - 1).to_bytes(8, "little")).decode()
TWISTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a digest that is no object": lambda d: d["file"].update(hash="0" * 64),
    "a digest that is a list": lambda d: d["file"].update(hash=["0" * 64]),
    "a digest that is a number": lambda d: d["file"].update(hash={"sha256": 5}),
    "more than a digest": lambda d: d["file"]["hash"].update(name="kunde7@haus-7.example"),
    "an ending that is a number": lambda d: d["file"].update(extension=5),
    "an ending that is an address": lambda d: d["file"].update(extension="kunde7@haus-7.example"),
    "a size below nothing": lambda d: d["file"].update(size=-1),
    "a size beyond all disks": lambda d: d["file"].update(size=(1 << 64) - 1),
    "hashes below nothing": lambda d: d["torwart"].update(suspected=encode_ids(["-5"])),
    "hashes beyond 64 bits": lambda d: d["torwart"].update(suspected=encode_ids([str(1 << 70)])),
    "hashes whose sum is beyond 64 bits": lambda d: d["torwart"].update(suspected=f"n8:{(1 << 64) - 1}:{_REST}"),
    "hashes that are words": lambda d: d["torwart"].update(suspected=encode_ids(["kunde7@haus-7.example"])),
    "hashes that are fractions": lambda d: d["torwart"].update(suspected="t:" + b64encode(zlib.compress(b"[1.5]")).decode()),
    "a count beyond all numbers": lambda d: d["torwart"].update(suspected_count=1 << 63),
    "a cause that is an object": lambda d: d["torwart"].update(unread=[{"kunde": 7}]),
    "a cause that is an address": lambda d: d["torwart"].update(unread=["kunde7@haus-7.example"]),
    "a thousand causes": lambda d: d["torwart"].update(unread=["encrypted"] * 1_000),
    "a word that is an address": lambda d: d["torwart"].update(words={"cause": "kunde7@haus-7.example"}),
    "words in a list": lambda d: d["torwart"].update(words=["cause"]),
    "a number that is an object": lambda d: d["torwart"].update(numbers={"late": {"kunde": 7}}),
    "a version that is an object": lambda d: d["torwart"].update(schema={"kunde": 7}),
    "another schema": lambda d: d.update(ecs={"version": "kunde7@haus-7.example"}),
    "no schema": lambda d: d.update(ecs="9.5.0"),
    "a time that sorts before all others": lambda d: d.update({"@timestamp": "0001-01-01T00:00:00+23:59"}),
    "a time that is none": lambda d: d.update({"@timestamp": "2026-13-45T00:00:00.000Z"}),
    "an outcome that is an object": lambda d: d["event"].update(outcome={"kunde": 7}),
    "a category of its own": lambda d: d["event"].update(category=["authentication"]),
    "a severity in words": lambda d: d["event"].update(severity="high"),
}


@pytest.mark.parametrize("what", TWISTS)
def test_x22_a_member_of_another_shape_is_refused(pages: Pages, agent: Forger, what: str) -> None:  # noqa: F811
    rows = agent.files(1)
    answer = send(pages, agent, [*rows, *chained(agent.producer, [edited(agent, TWISTS[what])], after=rows[-1])])
    assert (answer.status_code, answer.json()["head"]["sequence"]) == (409, 1)
    assert answer.json()["cause"] in ("event_odd", "event_unreadable")
    assert kept(pages, agent) == rows


def test_x22_what_honest_agents_say_is_taken(pages: Pages, agent: Forger) -> None:  # noqa: F811
    def said(action: EventAction, outcome: str = "success", **numbers: int | str) -> bytes:
        found = seen(agent.producer, agent.pseudonym)
        return plain_event(
            action, at=found.at, pseudonym=agent.pseudonym, subject=agent.producer, outcome=outcome, numbers=numbers
        ).canonical()

    words = [
        said(EventAction.AGENT_STARTED),
        said(EventAction.AGENT_LOSS, overflows=3, files_late=70_000),
        said(EventAction.AGENT_LOSS, error="FileNotFoundError"),
        said(EventAction.STORE_ALARM, "failure", cause="the end is missing: 7 events were stored, 5 are there", epoch=2, last_sequence=5),
        seen(agent.producer, agent.pseudonym, suspected=[0, (1 << 64) - 1], unread=["too_large", "timed_out"]).canonical(),
        said(EventAction.AGENT_STOPPED),
    ]
    assert send(pages, agent, chained(agent.producer, words)).json()["head"]["sequence"] == len(words)


def test_x22_behind_a_flood_of_suspicions_the_next_real_file_is_confirmed(pages: Pages, agent: Forger) -> None:  # noqa: F811
    services = pages.services
    build_index(services.installation.state, range(50))
    flood = [seen(agent.producer, agent.pseudonym, suspected=range(n << 40, (n << 40) + 30_000)) for n in range(3)]
    rows = agent.rows(*flood)
    assert send(pages, agent, rows).status_code == 200
    filter_file = services.installation.state.parent / "filter"
    filter_file.write_bytes(services.index.desk_filter())
    scanner = Scanner(DeskFilter(filter_file), workers=1)
    real = scanner.scan_blocking(table(range(12))).suspected
    scanner.close()
    send(pages, agent, agent.rows(seen(agent.producer, agent.pseudonym, suspected=real), after=rows[-1]))
    reader = SpoolReader.open(services.installation.state / "spool" / agent.producer)
    services.log.take(reader)
    reader.close()
    confirmations = Confirmations(
        engine=services.engine,
        log=services.log,
        own=services.spool,
        record=services.spool.append,
        index=services.index,
        manifests=Manifests(services.engine),
        people=services.people,
        directory=services.directory,
        rules=FileRules(services.installation.state, services.log, lambda: datetime.now(UTC)),
        orders=services.orders,
    )
    assert confirmations.step() == 4
    confirmations.close()
    services.log.take(services.spool)
    (act,) = search(services.log, action=EventAction.ACCESS)
    assert act.document["torwart"]["clients"]["asked_count"] == 12
    assert Runner(services.engine, services.log, services.alerts, services.spool.append).step()


def test_x22_a_desk_that_tells_of_very_many_files_leaves_time_for_the_rest(pages: Pages, agent: Forger) -> None:  # noqa: F811
    services, passed = pages.services, iter(range(10_000))
    send(pages, agent, agent.rows(*(seen(agent.producer, agent.pseudonym, suspected=[]) for _ in range(30))))
    reader = SpoolReader.open(services.installation.state / "spool" / agent.producer)
    services.log.take(reader)
    reader.close()
    confirmations = Confirmations(
        engine=services.engine,
        log=services.log,
        own=services.spool,
        record=services.spool.append,
        index=services.index,
        manifests=Manifests(services.engine),
        people=services.people,
        directory=services.directory,
        rules=FileRules(services.installation.state, services.log, lambda: datetime.now(UTC)),
        orders=services.orders,
        clock=lambda: next(passed) * STEP_SECONDS / 10,
    )
    assert [confirmations.step() for _ in range(4)] == [10, 10, 10, 0]
    confirmations.close()
