"""What an event is found by."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_store.client_sets import encode_ids
from audit_store.event import Phase
from audit_store.mapping import EVENT_MEMBERS
from audit_store.search_marks import (
    FACET_MEMBERS,
    TEXT_MEMBERS,
    VALUE_MAX,
    WORDS_MAX,
    Marks,
    _worked_out,
    clients_json,
    milliseconds,
    said_in,
)
from tests.audit_store.acts import NOW, access
from tests.audit_store.test_event import every_kind_of_event, members

PATHS = sorted({*TEXT_MEMBERS, *(path for paths in FACET_MEMBERS.values() for path in paths), "torwart.clients.shown", "@timestamp"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "code", "asked", "clients", "a"]), inner, max_size=3)
    ),
)


def placed(path: str, value: Any) -> dict[str, Any]:
    """A document with one member."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def found_by(document: dict[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Facets and words of an event, its clients aside."""
    said, act = said_in(document)
    return said.facets if act is None else said.facets | {act}, said.words


def test_every_member_that_is_looked_at_is_one_of_the_event_model() -> None:
    assert not {*TEXT_MEMBERS, *(path for paths in FACET_MEMBERS.values() for path in paths)} - set(EVENT_MEMBERS)


def test_every_text_of_every_event_can_be_found_or_is_known_to_be_asked_for_otherwise() -> None:
    known = {*TEXT_MEMBERS, *(path for paths in FACET_MEMBERS.values() for path in paths)}
    otherwise = (
        "@timestamp",
        "ecs.",
        "event.id",
        "event.kind",
        "event.category",
        "event.type",
        "torwart.act.digest",
        "http.request.method",
    )
    otherwise = (
        *otherwise,
        "torwart.clients.",
        "torwart.suspected",
        "torwart.resource.filter_digest",
        "torwart.question.",
        "torwart.marks",
        "torwart.removed",
        "torwart.sealed.",
    )
    texts = {path for event in every_kind_of_event() for path, value, _ in members(event.document) if isinstance(value, str)}
    assert not {path for path in texts if not path.startswith((*known, *otherwise))}


def test_a_client_stands_where_the_most_of_it_was_delivered() -> None:
    event = access(("1", "2", "3", "4"), shown=frozenset({"2", "3", "4"}), taken=frozenset({"4"}))
    assert Marks(event.document).clients == (frozenset({"1"}), frozenset({"2", "3"}), frozenset({"4"}))
    equal = access(("1", "2"), shown=frozenset({"1", "2"}), taken=frozenset({"1", "2"}))
    assert Marks(equal.document).clients == (frozenset(), frozenset(), frozenset({"1", "2"}))
    refused = access(("1", "2"), shown=frozenset(), phase=Phase.DENIED)
    assert Marks(refused.document).clients == (frozenset({"1", "2"}), frozenset(), frozenset())


SETS = st.one_of(
    st.just(""),
    st.frozensets(st.integers(0, 1 << 66).map(str), max_size=6).map(encode_ids),
    st.frozensets(st.sampled_from(["1", "2", "3", "10", "a", "b" * (VALUE_MAX + 1)]), max_size=4).map(encode_ids),
    st.sampled_from(["n1:5:AAA=", "n1:-3:AQ==", f"n1:{'9' * 600}:AQ==", "n1:x:AQ==", "n9:1:AQ==", "z1:1:AQ==", ":AQ==", "n1:1:A"]),
)


@given(SETS, SETS, SETS)
@example("n1:9:AQ==", "n1:9:AQ==", "")
@example("n1:9:AQ==", "n1:9:AQ==", "n1:9:AQ==")
def test_clients_are_passed_on_as_they_are_found(asked: str, shown: str, taken: str) -> None:
    document = {"torwart": {"clients": {"asked": asked, "shown": shown, "taken": taken}}}
    found, arrays = Marks(document).clients, clients_json(document)
    if found is None or arrays is None:
        assert found is arrays
    else:
        lists = [orjson.loads(array) if array else [] for array in arrays]
        assert [sorted(ids) for ids in found] == [sorted(ids) for ids in lists]


@pytest.mark.parametrize("clients", ["all", {"asked": "n9:1:"}, {"shown": 5}, {"taken": "t:AAAA"}, ["1"]])
def test_clients_that_cannot_be_read_may_be_any(clients: Any) -> None:
    marks = Marks({"torwart": {"clients": clients}})
    assert marks.clients is None
    assert "unread:clients" in marks.facets


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2026-05-12T09:30:00.123Z", 1_778_578_200_123),
        ("2026-05-12T11:30:00.123+02:00", 1_778_578_200_123),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-05-12T09:30:00", None),
        ("2026-05-12", None),
        ("yesterday", None),
        (5, None),
        (None, None),
    ],
)
def test_the_time_is_the_producers_and_needs_its_zone(stamp: Any, at: int | None) -> None:
    assert Marks({"@timestamp": stamp}).at == at


def test_a_time_is_rounded_down() -> None:
    assert milliseconds(datetime(2026, 5, 12, 9, 30, 0, 123_999, UTC)) == 1_778_578_200_123
    with pytest.raises(ValueError, match="zone"):
        milliseconds(datetime(2026, 5, 12))  # noqa: DTZ001 -- what is refused


def test_what_is_longer_than_anything_of_ours_is_not_found() -> None:
    kept, left_out = "a" * (VALUE_MAX - len("act:")), "a" * (VALUE_MAX + 1)
    assert Marks({"torwart": {"act": {"id": kept}}}).facets == {f"act:{kept}"}
    assert Marks({"torwart": {"act": {"id": left_out}}}).facets == frozenset()
    many = Marks({"torwart": {"route": " ".join(f"w{number}" for number in range(2 * WORDS_MAX))}})
    assert len(many.words) == WORDS_MAX
    assert Marks({"torwart": {"clients": {"shown": encode_ids(["1", left_out])}}}).clients == (frozenset(), frozenset({"1"}), frozenset())


def test_who_and_what_of_an_act_and_of_anything_else() -> None:
    assert (Marks(access().document).person, Marks(access().document).deed) == ("P-00000001", "list")
    assert (Marks({"event": {"action": "self-test"}}).person, Marks({"event": {"action": "self-test"}}).deed) == (None, "self-test")
    assert Marks({}).deed == ""


@given(st.sampled_from(PATHS), JSON)
def test_whatever_a_producer_writes_has_marks(path: str, value: Any) -> None:
    marks = Marks(orjson.loads(orjson.dumps(placed(path, value))))
    assert all(len(one) <= VALUE_MAX for one in marks.facets)
    assert all(word == word.casefold() for word in marks.words)
    assert marks.at is None or isinstance(marks.at, int)
    assert marks.person is None or f"person:{marks.person}" in marks.facets


def test_deep_nesting_ends_somewhere() -> None:
    value: Any = "deep"
    for _ in range(900):
        value = [value]
    assert Marks({"torwart": {"words": value, "route": value}}).words == frozenset()
    assert Marks({"torwart": {"words": {"a": ["found"]}}}).words == {"found"}
    assert str(NOW.year) in Marks({"torwart": {"words": {"a": NOW.isoformat()}}}).words


def test_what_was_worked_out_for_one_event_holds_for_the_next_one_like_it() -> None:
    for event in [*every_kind_of_event(), *every_kind_of_event()]:
        document = orjson.loads(event.canonical())
        assert found_by(document) == (_worked_out(document).facets, _worked_out(document).words)


@given(st.lists(st.tuples(st.sampled_from(PATHS), JSON), max_size=4))
def test_hostile_events_have_the_marks_that_are_worked_out(members_of_it: list[tuple[str, Any]]) -> None:
    document: dict[str, Any] = {}
    for path, value in members_of_it:
        place = document
        *above, last = path.split(".")
        for name in above:
            below = place.get(name)
            if not isinstance(below, dict):
                below = place[name] = {}
            place = below
        place[last] = value
    assert found_by(document) == (_worked_out(document).facets, _worked_out(document).words)


def test_two_acts_that_are_alike_keep_their_own_ids() -> None:
    first, second = (orjson.loads(access().canonical()) for _ in range(2))
    first["torwart"]["act"]["id"], second["torwart"]["act"]["id"] = "a-1", "a-2"
    assert Marks(first).facets ^ Marks(second).facets == {"act:a-1", "act:a-2"}
    assert said_in(first)[0].words_in_order == tuple(sorted(Marks(first).words))
    assert said_in(first)[0].facets_in_order == tuple(sorted(Marks(first).facets - {"act:a-1"}))
