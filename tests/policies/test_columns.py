"""A condition asked of whole columns says for each record what it says when that record is judged by itself."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.attributes import BOOL, DOUBLE, INT, RECORD, STRING, TIMESTAMP, Facts, Member, Type
from policies.columns import Columns
from policies.expression import compile_condition
from policies.operators import EVALUATION_ERRORS
from policies.program import program
from policies.request import UNREAD, Action
from policies.where import Conditions
from tests.policies.acts import NOON, act, on_records

SCHEMA = RECORD | {
    "score": Member(INT),
    "rate": Member(DOUBLE, optional=True),
    "city": Member(STRING, optional=True),
    "owner": Member(STRING),
    "vip": Member(BOOL),
    "signed": Member(TIMESTAMP, optional=True),
    "tags": Member(Type("list", element=STRING)),
}
WORDS = ["", "Berlin", "Bern", "Wien", "south", "person-1"]
VALUES = {
    "score": st.integers(-3, 3),
    "rate": st.none() | st.sampled_from([0.0, 0.5, 2.5]),
    "city": st.none() | st.sampled_from(WORDS),
    "owner": st.sampled_from(WORDS),
    "vip": st.booleans(),
    "signed": st.none() | st.sampled_from([NOON, NOON - timedelta(days=400)]),
    "tags": st.lists(st.sampled_from(WORDS), max_size=3),
}
LEAVES = [
    "true",
    "false",
    "record.own",
    "record.vip",
    "record.vip == false",
    "record.own != record.vip",
    "has(record.city)",
    "has(record.signed)",
    "record.score > 0",
    "1 >= record.score",
    "record.score == 2",
    "record.score * 2 < 3",
    "10 / record.score > 3",
    "record.score > 0.5",
    "record.rate >= 0.5",
    'record.city == "Berlin"',
    'record.city != "Berlin"',
    'record.city in ["Berlin", "Wien"]',
    'record.city.startsWith("Ber")',
    'record.city.matches("^B.*n$")',
    "record.owner == record.city",
    "record.owner == principal.team",
    "principal.team in record.tags",
    'principal.territory == "south"',
    "size(record.tags) == 0",
    "size(record.tags) > 1",
    '"Wien" in record.tags',
    'record.tags.exists(t, t == "Wien" || t.startsWith("Ber"))',
    'record.tags.all(t, t != "Wien")',
    "record.tags.exists(t, t == record.city)",
    "record.signed == record.signed",
    "1 / 0 > 1",
    "resource.asked > 3",
]
CONDITIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda part: f"!({part})")
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})")
    ),
    max_leaves=6,
)


@st.composite
def acts(draw):
    count = draw(st.integers(0, 12))
    ids = tuple(f"c{n}" for n in range(count))
    records = {name: draw(st.lists(values, min_size=count, max_size=count)) for name, values in VALUES.items()}
    own = frozenset(draw(st.sets(st.sampled_from(ids)))) if ids else frozenset()
    team = draw(st.sampled_from([None, "south", "Berlin"]))
    return on_records(act(Action.LIST, principal={"team": team, "territory": "south"}), ids, own, records)


def one_by_one(condition, request):
    """The outcome for each record, judged by itself: the slow road that nobody can get wrong."""
    facts = Facts(request, request.action)
    test = compile_condition(condition, SCHEMA)
    for place, client in enumerate(request.resource.ids):
        columns = {name: column[place] for name, column in request.resource.records.items()}
        facts.record = SimpleNamespace(own=client in request.resource.own, **columns)
        try:
            yield test.holds(facts)
        except EVALUATION_ERRORS:
            yield None


def all_at_once(condition, request, schema=SCHEMA):
    columns = Columns(Facts(request, request.action), schema)
    where = Conditions(schema).where(condition)
    sets, places, broken = columns.judge(program([where]))
    holds, failed = sets[places[where]], broken.get(where, 0)
    assert not holds & failed
    for true, broke in zip(columns.flags(holds), columns.flags(failed), strict=True):
        yield None if broke else bool(true)


@settings(max_examples=400, deadline=None)
@given(CONDITIONS, acts())
def test_a_column_says_what_its_records_say(condition, request):
    assert list(all_at_once(condition, request)) == list(one_by_one(condition, request))


@settings(max_examples=200, deadline=None)
@given(st.lists(CONDITIONS, min_size=2, max_size=6), acts())
def test_several_conditions_together_say_what_each_says_alone(sources, request):
    conditions = Conditions(SCHEMA)
    wheres = [conditions.where(source) for source in sources]
    columns = Columns(Facts(request, request.action), SCHEMA)
    asked = program(wheres)
    for _ in range(2):  # what the steps keep of the first time changes nothing
        sets, places, failed = columns.judge(asked)
        for where, source in zip(wheres, sources, strict=True):
            flags = zip(columns.flags(sets[places[where]]), columns.flags(failed.get(where, 0)), strict=True)
            assert [None if broke else bool(true) for true, broke in flags] == list(one_by_one(source, request))


@pytest.mark.parametrize("values", [1, 2, 15, 16, 17, 255, 256, 257])
def test_however_many_values_a_column_has(values):
    ids = tuple(f"c{n}" for n in range(300))
    records = {"score": [n % values for n in range(300)], "rate": [None if n % 7 == 0 else float(n % values) for n in range(300)]}
    request = on_records(act(Action.LIST), ids, records=records)
    for condition in ("record.score > 7", "record.score % 3 == 1", "record.rate >= 7.0", "record.score * 2 > 9 || record.rate < 3.0"):
        assert list(all_at_once(condition, request)) == list(one_by_one(condition, request)), condition


def test_more_values_than_a_byte_can_name():
    count = 700
    ids = tuple(f"c{n}" for n in range(count))
    records = {
        "score": [n % 600 - 10 for n in range(count)],
        "owner": [f"o{n}" for n in range(count)],
        "city": [None if n % 9 == 0 else f"t{n}" for n in range(count)],
        "vip": [n % 2 == 0 for n in range(count)],
    }
    request = on_records(act(Action.LIST), ids, frozenset(ids[::3]), records)
    for condition in ("record.score > 100", "1000 / record.score > 2", 'record.city == "t8"', 'record.owner.endsWith("7") == record.vip'):
        assert list(all_at_once(condition, request)) == list(one_by_one(condition, request)), condition


def test_what_is_missing_or_of_another_type_fails_for_that_record():
    def asked(condition, column):
        ids = tuple(f"c{n}" for n in range(3))
        return list(all_at_once(condition, on_records(act(Action.LIST), ids, records=column)))

    assert asked("record.score > 0", {}) == [None, None, None]
    assert asked("record.score > 0", {"score": [1, 2]}) == [None, None, None]
    assert asked("has(record.city)", {}) == [None, None, None]
    assert asked("record.score > 0", {"score": [1, None, "3"]}) == [True, None, None]
    assert asked("record.score == 1", {"score": [1, True, 1.0]}) == [True, None, None]
    assert asked("record.vip", {"vip": [True, 1, None]}) == [True, None, None]
    assert asked("record.rate < 1.0", {"rate": [0, 0.5, float("nan")]}) == [True, True, None]
    assert asked("has(record.city)", {"city": ["x", None, 7]}) == [True, False, None]
    assert asked("size(record.tags) > 0", {"tags": [["a"], "a", ["a", 1]]}) == [True, None, None]
    late = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), None]  # noqa: DTZ001 # a time of nowhere is meant
    assert asked("has(record.signed)", {"signed": late}) == [True, None, False]


def test_a_decided_side_needs_no_column():
    request = on_records(act(Action.LIST), ("a", "b"), frozenset({"a"}))
    assert list(all_at_once("record.own || record.vip", request)) == [True, None]
    assert list(all_at_once("record.own && record.vip", request)) == [None, False]
    assert list(all_at_once('record.own ? principal.status == "active" : record.vip', request)) == [True, None]


@pytest.mark.parametrize("schema", [RECORD, SCHEMA])
def test_every_attribute_of_a_schema_can_be_asked(schema):
    request = on_records(act(Action.LIST), ("a",))
    for name, member in schema.items():
        condition = f"has(record.{name})" if member.optional else f"size(record.{name}) == 0" if member.type.element else None
        if condition:
            assert list(all_at_once(condition, request, schema)) == [None]


@pytest.mark.parametrize(
    "condition", ["has(record.city)", "!has(record.city)", 'has(record.city) && record.city == "Wien"', "size(record.tags) > 0"]
)
def test_what_could_not_be_read_is_neither_there_nor_missing(condition: str) -> None:
    request = on_records(act(Action.LIST), ("1", "2"), records={"city": [UNREAD, "Bern"], "tags": [UNREAD, ("south",)]})
    assert [found is None for found in all_at_once(condition, request)] == [True, False]
