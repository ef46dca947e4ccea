"""What each person has had."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_store.ecs import EventAction
from audit_store.event import Event, Phase, plain_event
from audit_store.history import REMEMBERED_IDS, Deed, History, deed
from audit_store.spool import Spool
from policies.decision import Deny
from policies.reasons import SCRIPT_PACE, Because
from policies.request import Action, Counts
from tests.audit_store.acts import NOW, access

ANNA, BERTA = "P-00000001", "P-00000002"
NONE: frozenset[str] = frozenset()


def ids(first: int, count: int) -> frozenset[str]:
    return frozenset(str(number) for number in range(first, first + count))


def before(history: History, now: datetime, *, who: str = ANNA, own: frozenset[str] = NONE) -> Counts:
    return history.usage(who, now, own=own, base=3000, book=0).before


def test_one_who_is_not_known_has_had_nothing() -> None:
    usage = History().usage(ANNA, NOW, own=NONE, base=0, book=0)
    assert usage.before == usage.after == Counts()
    assert usage.base == 1, "a denominator is never nothing"


def test_clients_are_counted_distinct_over_all_acts() -> None:
    history = History()
    history.note(ANNA, NOW, shown=ids(0, 10), taken=ids(0, 3))
    history.note(ANNA, NOW, shown=ids(5, 10), taken=ids(0, 3))
    history.note(BERTA, NOW, shown=ids(100, 1))
    found = before(history, NOW)
    assert (found.shown_hour, found.shown_day, found.shown_month) == (15, 15, 15)
    assert (found.taken_minute, found.taken_hour, found.taken_day, found.taken_month) == (3, 3, 3, 3)
    assert before(history, NOW, who=BERTA).shown_day == 1


@pytest.mark.parametrize(
    ("later", "shown", "taken"),
    [
        (timedelta(seconds=59), (10, 10, 10), (3, 3, 3, 3)),
        (timedelta(seconds=60), (10, 10, 10), (0, 3, 3, 3)),
        (timedelta(hours=1), (0, 10, 10), (0, 0, 3, 3)),
        (timedelta(hours=23, minutes=59), (0, 10, 10), (0, 0, 3, 3)),
        (timedelta(days=1), (0, 0, 10), (0, 0, 0, 3)),
        (timedelta(days=30), (0, 0, 0), (0, 0, 0, 0)),
    ],
)
def test_windows_slide(later: timedelta, shown: tuple[int, ...], taken: tuple[int, ...]) -> None:
    history = History()
    history.note(ANNA, NOW, shown=ids(0, 10), taken=ids(0, 3))
    found = before(history, NOW + later)
    assert (found.shown_hour, found.shown_day, found.shown_month) == shown
    assert (found.taken_minute, found.taken_hour, found.taken_day, found.taken_month) == taken


def test_midnight_gives_nobody_a_second_day() -> None:
    history, evening = History(), NOW.replace(hour=23, minute=50)
    history.note(ANNA, evening, shown=ids(0, 200))
    assert before(history, evening + timedelta(minutes=20)).shown_day == 200


def test_after_is_as_if_the_act_had_happened_and_before_is_not() -> None:
    history = History()
    history.note(ANNA, NOW - timedelta(hours=2), shown=ids(0, 10), taken=ids(0, 2), exported=ids(0, 2), deleted=ids(50, 1))
    usage = history.usage(
        ANNA, NOW, own=ids(0, 5), shown=ids(5, 10), taken=ids(1, 3), exported=ids(1, 3), deleted=ids(51, 2), base=3000, book=5
    )
    assert usage.before == Counts(
        shown_day=10,
        shown_month=10,
        taken_day=2,
        taken_month=2,
        foreign_shown_day=5,
        exported_day=2,
        exported_month=2,
        deleted_day=1,
        deleted_month=1,
    )
    assert usage.after == Counts(
        shown_hour=10,
        shown_day=15,
        shown_month=15,
        taken_minute=3,
        taken_hour=3,
        taken_day=4,
        taken_month=4,
        foreign_shown_day=10,
        exported_hour=3,
        exported_day=4,
        exported_month=4,
        deleted_day=3,
        deleted_month=3,
    )
    assert (usage.base, usage.book) == (3000, 5)
    assert before(history, NOW, own=ids(0, 5)) == usage.before


@pytest.mark.parametrize("action", [Action.UPDATE, Action.REASSIGN, Action.BULK])
def test_a_client_that_is_written_to_is_changed_once_a_window(action: Action) -> None:
    history = History()
    for start in (0, 2):
        done = deed(action, asked=ids(start, 3), shown=frozenset())
        history.note(ANNA, NOW, changed=done.changed)
    usage = history.usage(ANNA, NOW, own=ids(0, 5), changed=ids(4, 3), base=3000, book=5)
    assert (usage.before.changed_day, usage.after.changed_day, usage.after.changed_month) == (5, 7, 7)
    assert before(history, NOW + timedelta(days=2)).changed_day == 0
    assert before(history, NOW + timedelta(days=2)).changed_month == 5


ACTS = st.lists(st.tuples(st.integers(0, 50 * 3600), st.frozensets(st.integers(0, 9).map(str), max_size=4)), max_size=25)


@given(ACTS, st.frozensets(st.integers(0, 9).map(str)), st.frozensets(st.integers(0, 9).map(str)), st.lists(st.booleans(), max_size=25))
def test_foreign_clients_are_those_shown_that_are_not_in_the_book_now(
    acts: list[tuple[int, frozenset[str]]], first_book: frozenset[str], second_book: frozenset[str], asked: list[bool]
) -> None:
    history = History()
    now = NOW
    for place, (seconds, shown) in enumerate(acts):
        at = NOW + timedelta(seconds=seconds)
        now = max(now, at)
        history.note(ANNA, at, shown=shown)
        if place < len(asked):
            before(history, now, own=first_book if asked[place] else second_book)
    for book in (first_book, second_book, first_book):
        recent = {client for seconds, shown in acts for client in shown if NOW + timedelta(seconds=seconds) > now - timedelta(days=1)}
        assert before(history, now, own=book).foreign_shown_day == len(recent - book)
        usage = history.usage(ANNA, now, own=book, shown=frozenset("0123"), base=10, book=3)
        assert usage.after.foreign_shown_day == len((recent | set("0123")) - book)


def test_a_book_may_be_any_container() -> None:
    history = History()
    history.note(ANNA, NOW, shown=ids(0, 4))
    assert history.usage(ANNA, NOW, own=["0", "1"], shown=ids(3, 3), base=10, book=2).after.foreign_shown_day == 4


def test_an_event_is_applied_once() -> None:
    history, event = History(), access(("1", "2", "3"), taken=frozenset({"1"}))
    for _ in range(3):
        history.apply(event.document)
    assert (before(history, NOW).shown_day, before(history, NOW).taken_day) == (3, 1)


def test_what_was_noted_in_line_is_not_applied_again() -> None:
    history, event = History(), access(("1",), action=Action.READ)
    for number in range(29):
        history.note(ANNA, NOW + timedelta(seconds=5 * number), shown=frozenset({str(number)}), card=str(number))
    history.note(ANNA, NOW + timedelta(seconds=150), shown=frozenset({"x"}), event_id=event.id)
    history.apply(event.document)
    assert before(history, NOW + timedelta(seconds=151)).paced_cards == 0


def test_only_a_bounded_number_of_ids_is_remembered() -> None:
    history = History()
    for _ in range(REMEMBERED_IDS + 5):
        history.apply(access(("1",)).document)
    assert len(history._applied) == REMEMBERED_IDS


@pytest.mark.parametrize(
    ("phase", "counted"),
    [
        (Phase.ALLOWED, 2),
        (Phase.RELEASED, 2),
        (Phase.HELD, 0),
        (Phase.CONFIRMED, 0),
        (Phase.DENIED, 0),
        (Phase.NOT_CONFIRMED, 0),
    ],
)
def test_only_what_was_delivered_counts(phase: Phase, counted: int) -> None:
    history = History()
    history.apply(access(("1", "2"), phase=phase, shown=frozenset({"1", "2"})).document)
    assert before(history, NOW).shown_day == counted


def test_other_events_change_nothing() -> None:
    history = History()
    history.apply(plain_event(EventAction.PERSON_FROZEN, at=NOW, pseudonym=ANNA, subject=BERTA).document)
    assert before(history, NOW) == Counts()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.EXPORT, Deed(exported=frozenset({"1"}))),
        (Action.REPORT, Deed(exported=frozenset({"1"}))),
        (Action.PRINT, Deed(exported=frozenset({"1"}))),
        (Action.DELETE, Deed(deleted=frozenset({"1", "2"}))),
        (Action.READ, Deed(card="1")),
        (Action.LIST, Deed()),
        (Action.UPDATE, Deed(changed=frozenset({"1", "2"}))),
    ],
)
def test_every_act_counts_as_what_it_does(action: Action, expected: Deed) -> None:
    assert deed(action, asked=("1", "2"), shown=frozenset({"1"})) == expected
    history = History()
    history.apply(access(("1", "2"), action=action, shown=frozenset({"1"})).document)
    assert before(history, NOW).exported_day == len(expected.exported)
    assert before(history, NOW).deleted_day == len(expected.deleted)


def test_reading_several_clients_opens_no_card() -> None:
    assert deed(Action.READ, asked=("1", "2"), shown=frozenset({"1", "2"})) == Deed()


def test_script_like_paging_is_in_the_counts_before_the_thirtieth_card_goes_out() -> None:
    history = History()
    for number in range(29):
        at = NOW + timedelta(seconds=5 * number)
        usage = history.usage(ANNA, at, own=NONE, shown=frozenset({str(number)}), card=str(number), base=3000, book=0)
        assert usage.after.paced_cards == 0
        history.note(ANNA, at, shown=frozenset({str(number)}), card=str(number))
    at = NOW + timedelta(seconds=145)
    usage = history.usage(ANNA, at, own=NONE, shown=frozenset({"99"}), card="99", base=3000, book=0)
    assert (usage.before.paced_cards, usage.after.paced_cards) == (0, 30)


def test_a_pace_that_was_stopped_is_known_after_a_restart() -> None:
    history = History()
    stopped = access(("1",), action=Action.READ, phase=Phase.DENIED, shown=NONE, decision=Deny((Because(SCRIPT_PACE, {"count": 30}),)))
    history.apply(stopped.document)
    assert before(history, NOW + timedelta(minutes=9)).paced_cards == 30
    assert before(history, NOW + timedelta(minutes=10)).paced_cards == 0


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"event": {"action": "access", "id": "1"}, "torwart": {"act": {"phase": "allowed"}}},
        {"event": "access", "torwart": {}},
        {"event": {"action": "access", "id": "1"}, "torwart": []},
        {**access().document, "@timestamp": "yesterday"},
        {**access().document, "torwart": {**access().document["torwart"], "clients": {"shown": "x", "taken": ""}}},
        {**access().document, "torwart": {**access().document["torwart"], "act": {"phase": "allowed", "action": "of tomorrow"}}},
    ],
)
def test_an_event_that_cannot_be_read_is_said_and_stops_no_start(document: dict[str, Any]) -> None:
    history = History()
    with pytest.raises(ValueError):  # noqa: PT011 -- the cause is Python's own
        history.apply(document)
    readable = access(("1",))
    history.rebuild(Documents([document, readable.document]), now=NOW)
    assert history.unreadable == 1
    assert before(history, NOW).shown_day == 1


class Documents:
    """A log that gives these documents."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._documents = documents

    def deliveries(self, since: datetime) -> Iterable[Mapping[str, Any]]:
        return self._documents

    def cursor(self, producer: str) -> int:
        return 0


class OnePast:
    """A log that has the first events of a spool."""

    def __init__(self, events: list[Event], cursor: int) -> None:
        self._events = events
        self._cursor = cursor

    def deliveries(self, since: datetime) -> Iterable[Mapping[str, Any]]:
        return [event.document for event in self._events if event.at >= since]

    def cursor(self, producer: str) -> int:
        return self._cursor if producer == "gateway" else 0


def test_a_restart_counts_what_the_log_has_and_what_only_the_spool_has(tmp_path: Path) -> None:
    events = [access((str(number),), at=NOW - timedelta(days=40 - number)) for number in range(41)]
    spool = Spool.open(tmp_path / "gateway", "gateway")
    for event in events:
        spool.append(event)
    history = History()
    history.rebuild(OnePast(events[:20], 20), spool, now=NOW)
    assert before(history, NOW).shown_month == 30
    alone = History()
    alone.rebuild(None, spool, now=NOW)
    assert before(alone, NOW) == before(history, NOW)
    spool.close()


def test_what_was_let_out_is_counted_by_day_and_month_and_is_not_shown_by_it() -> None:
    history = History()
    history.apply(access(("1", "2"), action=Action.UPLOAD, phase=Phase.ALLOWED, shown=NONE).document)
    history.note(ANNA, NOW + timedelta(days=2), sent=ids(2, 2))
    counts = before(history, NOW + timedelta(days=2))
    assert (counts.sent_day, counts.sent_month, counts.shown_month) == (2, 3, 0)


def test_an_upload_under_way_counts_on_top() -> None:
    history = History()
    history.note(ANNA, NOW, sent=ids(1, 28))
    usage = history.usage(ANNA, NOW, own=NONE, sent=ids(28, 2), base=3000, book=0)
    assert (usage.before.sent_day, usage.after.sent_day) == (28, 29)


def test_an_upload_that_was_stopped_did_not_go_out() -> None:
    history = History()
    history.apply(access(("1", "2"), action=Action.UPLOAD, phase=Phase.DENIED, shown=NONE).document)
    assert before(history, NOW).sent_day == 0
