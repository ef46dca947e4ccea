"""The saved searches and the dashboard for Kibana speak of members that events really have. No Kibana was run with them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit_store.ecs import CATEGORIES, EventAction, Phase
from audit_store.mapping import DEAD_LETTER_MEMBERS, DEAD_LETTERS, EVENT_MEMBERS, EVENTS
from policies.request import Action

FILE = Path(__file__).parents[2] / "deploy" / "elasticsearch" / "kibana.ndjson"
OBJECTS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
BY_ID = {one["id"]: one for one in OBJECTS}
MEMBERS = {EVENTS: EVENT_MEMBERS, DEAD_LETTERS: DEAD_LETTER_MEMBERS}
SEARCHED = [one for one in OBJECTS if one["type"] in ("search", "visualization")]
WORDS = {
    "event.action": {action.value for action in EventAction},
    "event.category": {category for _, categories, _ in CATEGORIES.values() for category in categories},
    "event.outcome": {"success", "failure", "unknown"},
    "torwart.act.action": {action.value for action in Action},
    "torwart.act.phase": {phase.value for phase in Phase},
}
"""Words that may stand where a query asks one of these members."""
_ASKED = re.compile(r'([@a-z_]+(?:\.[a-z_0-9]+)+) : (\*|"[^"]+"|\([^)]+\))')


def stream_of(one: dict[str, Any]) -> str:
    """The data stream that an object asks."""
    (view,) = (BY_ID[ref["id"]] for ref in one["references"] if ref["type"] == "index-pattern")
    found: str = view["attributes"]["title"]
    return found


def query_of(one: dict[str, Any]) -> str:
    source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["query"]["language"] == "kuery"
    found: str = source["query"]["query"]
    return found


def aggregations(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if one["type"] == "visualization":
        yield from json.loads(one["attributes"]["visState"])["aggs"]


def fields(one: dict[str, Any]) -> Iterator[str]:
    yield from one["attributes"].get("columns", ())
    yield from (name for name, _ in one["attributes"].get("sort", ()))
    yield from (name for name, _ in _ASKED.findall(query_of(one)))
    yield from (part["params"]["field"] for part in aggregations(one) if "field" in part["params"])


def test_every_object_has_an_id_of_its_own_and_says_what_it_is() -> None:
    assert len(BY_ID) == len(OBJECTS) > 10
    assert all(one["id"].startswith("torwart-") and one["attributes"]["title"] for one in OBJECTS)
    assert {one["type"] for one in OBJECTS} == {"index-pattern", "search", "visualization", "dashboard"}


def test_every_reference_leads_to_an_object_of_the_file_and_of_that_type() -> None:
    for one in OBJECTS:
        assert all(BY_ID[ref["id"]]["type"] == ref["type"] for ref in one["references"]), one["id"]


def test_the_views_are_our_data_streams() -> None:
    views = [one["attributes"] for one in OBJECTS if one["type"] == "index-pattern"]
    assert {view["title"] for view in views} == {EVENTS, DEAD_LETTERS}
    assert all(view["timeFieldName"] == "@timestamp" for view in views)


@pytest.mark.parametrize("one", SEARCHED, ids=lambda one: str(one["id"]))
def test_every_field_is_a_member_of_our_mapping(one: dict[str, Any]) -> None:
    members = MEMBERS[stream_of(one)]
    found = list(fields(one))
    assert found
    assert [name for name in found if name not in members] == []


@pytest.mark.parametrize("one", SEARCHED, ids=lambda one: str(one["id"]))
def test_every_query_is_read_whole_and_asks_for_words_that_events_hold(one: dict[str, Any]) -> None:
    query = query_of(one)
    left = _ASKED.sub("", query)
    assert re.fullmatch(r"[() ]*(?:(?:and|or)[() ]*)*", left), f"not read: {left!r}"
    for name, asked in _ASKED.findall(query):
        words = set(re.findall(r'"([^"]+)"', asked))
        assert words <= WORDS.get(name, words), f"{name}: {words}"


@pytest.mark.parametrize("one", SEARCHED, ids=lambda one: str(one["id"]))
def test_what_is_counted_or_summed_can_be(one: dict[str, Any]) -> None:
    """`terms` needs a word that is kept beside the index, `sum` a number."""
    members = MEMBERS[stream_of(one)]
    for part in aggregations(one):
        if part["type"] in ("terms", "sum", "date_histogram"):
            member = members[part["params"]["field"]]
            assert member["type"] == {"terms": "keyword", "sum": "long", "date_histogram": "date"}[part["type"]]
            assert member.get("doc_values", True)


def test_the_dashboard_shows_objects_of_the_file_and_no_two_panels_overlap() -> None:
    (board,) = (one for one in OBJECTS if one["type"] == "dashboard")
    panels = json.loads(board["attributes"]["panelsJSON"])
    names = {ref["name"] for ref in board["references"]}
    assert {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels} == names
    cells = [
        (panel["gridData"]["x"] + x, panel["gridData"]["y"] + y)
        for panel in panels
        for x in range(panel["gridData"]["w"])
        for y in range(panel["gridData"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 48
