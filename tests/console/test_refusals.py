"""A flood of refused answers of keys and codes: a few events with the exact count, and nothing of others is counted with it (X20)."""

import json
from datetime import UTC, datetime

import pytest

from audit_store.event import Event, EventAction, plain_event
from audit_store.gathered import ALONE
from audit_store.spool import SpoolError
from console.refusals import Refusals
from tests.services.console import Pages

FLOOD = 400


def refusal(cause: str, pseudonym: str | None = None) -> Event:
    return plain_event(EventAction.CODE_REFUSED, at=datetime.now(UTC), pseudonym=pseudonym, outcome="failure", numbers={"cause": cause})


def times(event: Event) -> int:
    return int(event.document["torwart"].get("numbers", {}).get("times", 1))


def test_what_anybody_sends_without_end_is_a_few_events_with_the_exact_count(pages: Pages) -> None:
    client = pages.client(None)
    for _ in range(FLOOD):
        assert client.post("/api/acts/nothing/complete", json={"response": {}}).status_code == 403
    pages.services.refusals.count_out(all_of_them=True)
    stored = [json.loads(row.canonical) for row in pages.services.spool.read(0, 10_000)]
    events = [one for one in stored if one["event"]["action"] == EventAction.STEP_UP_REFUSED]
    assert len(events) == ALONE + 1
    assert sum(one["torwart"].get("numbers", {}).get("times", 1) for one in events) == FLOOD


def test_people_and_causes_are_told_apart_and_other_events_are_never_counted() -> None:
    recorded: list[Event] = []
    kept = Refusals(recorded.append)
    for _ in range(ALONE + 5):
        kept(refusal("wrong", "P-1"))
    kept(refusal("wrong", "P-2"))
    kept(refusal("too_many", "P-1"))
    for _ in range(ALONE + 5):
        kept(plain_event(EventAction.LOGOUT, at=datetime.now(UTC), pseudonym="P-1"))
    assert len(recorded) == ALONE + 2 + ALONE + 5
    kept.count_out(all_of_them=True)
    assert (recorded[-1].pseudonym, times(recorded[-1]), recorded[-1].action) == ("P-1", 5, EventAction.CODE_REFUSED)
    assert recorded[-1].document["torwart"]["words"] == {"cause": "wrong"}


def test_a_count_that_cannot_be_recorded_is_counted_on() -> None:
    recorded: list[Event] = []
    full = False

    def record(event: Event) -> None:
        if full:
            raise SpoolError("no room")
        recorded.append(event)

    kept = Refusals(record)
    for _ in range(ALONE + 7):
        kept(refusal("wrong"))
    full = True
    with pytest.raises(SpoolError):
        kept.count_out(all_of_them=True)
    full = False
    kept.count_out(all_of_them=True)
    assert sum(times(event) for event in recorded) == ALONE + 7
