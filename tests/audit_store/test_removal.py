"""What counts as a removal: by whom, of how much, after how long."""

from typing import Any

import orjson
import pytest

from audit_store.event import Event
from audit_store.removal import DAY_MS, ENTRIES_MAX, Allowed, Removal, removal_event, removal_of
from audit_store.retention import LEAST_DAYS, Kept
from tests.audit_store.acts import NOW, access

DAYS = LEAST_DAYS[Kept.READING]
RECEIVED = 1_000 * DAY_MS


def read(event: Event, *, producer: str = "console", sequence: int = 500) -> Removal | None:
    return removal_of(sequence, RECEIVED, producer, event.canonical())


def test_it_names_exactly_what_it_takes_out() -> None:
    entries = [3, 5, 6, 499]
    found = read(removal_event(Kept.READING, DAYS, entries, NOW))
    assert found == Removal(500, RECEIVED, "console", Kept.READING, DAYS, frozenset(entries))
    assert found.until == RECEIVED - DAYS * DAY_MS


@pytest.mark.parametrize("producer", ["agent-1", "gateway", "log", "consoles", "proxy-nord", "clientele"])
def test_nobody_else_takes_anything_out(producer: str) -> None:
    event = removal_event(Kept.READING, DAYS, [3], NOW)
    assert read(event, producer=producer) is None
    assert read(event, producer="console-nord") is not None
    assert read(event, producer="cli") is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ours: ours["numbers"].update(days=DAYS - 1),
        lambda ours: ours["numbers"].update(count=2),
        lambda ours: ours["numbers"].pop("days"),
        lambda ours: ours["words"].update({"class": "everything"}),
        lambda ours: ours.update(removed="n1:500:"),
        lambda ours: ours.update(removed="t:what"),
        lambda ours: ours.pop("removed"),
    ],
    ids=["too young", "another count", "no days", "no class of ours", "itself", "no set", "nothing"],
)
def test_what_is_not_whole_takes_nothing_out(spoil: Any) -> None:
    document = orjson.loads(removal_event(Kept.READING, DAYS, [3], NOW).canonical())
    spoil(document["torwart"])
    assert removal_of(500, RECEIVED, "console", orjson.dumps(document)) is None


def test_other_events_are_none() -> None:
    assert read(access()) is None
    assert removal_of(1, RECEIVED, "console", None) is None
    assert removal_of(1, RECEIVED, "console", b"events-removed") is None


def test_one_event_names_neither_nothing_nor_too_much() -> None:
    for entries in ([], range(1, ENTRIES_MAX + 2)):
        with pytest.raises(ValueError, match="cannot be named"):
            removal_event(Kept.READING, DAYS, entries, NOW)


def test_only_what_was_old_enough_may_be_gone() -> None:
    one = Removal(500, RECEIVED, "console", Kept.READING, DAYS, frozenset({3, 7}))
    allowed = Allowed([one])
    assert allowed.may_be_gone(3, one.until)
    assert allowed.may_be_gone(7, 1)
    assert not allowed.may_be_gone(7, one.until + 1)
    assert [number for number in range(600) if allowed.names(number)] == [3, 7]
    assert not Allowed([]).names(1)
