"""The mapping covers every member of every event that can be built, with types that fit, and nothing else."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from audit_store.event import Event, EventAction, Phase, access_event, plain_event
from audit_store.mapping import DEAD_LETTER_MEMBERS, EVENT_MEMBERS, PLACE, templates
from policies.decision import Deny
from policies.reasons import NOT_FOR_YOU, Because
from policies.request import Action
from tests.audit_store.acts import NOW, request
from tests.audit_store.test_event import every_kind_of_event

OPEN = ("torwart.numbers", "torwart.words", "torwart.reasons.numbers", "torwart.reasons.words")
FITS = {"keyword": str, "text": str, "date": str, "long": int, "float": (int, float), "boolean": bool, "flattened": dict}
SAME_FAMILY = {"wildcard": "keyword", "match_only_text": "text", "constant_keyword": "keyword", "scaled_float": "float"}


def every_event() -> Iterator[Event]:
    """Also with the members that are rarely there."""
    yield from every_kind_of_event()
    asked = request(action=Action.UPDATE)
    seldom = replace(
        asked.resource, limit=50, filter_digest="0" * 64, questioned_fields=frozenset({"email"}), written_fields=frozenset({"phone"})
    )
    yield access_event(
        request=replace(asked, resource=seldom),
        decision=Deny((Because(NOT_FOR_YOU),)),
        phase=Phase.DENIED,
        shown=frozenset(),
        taken=frozenset(),
        rows=0,
        fields=(),
        route="rpc x",
    )
    yield plain_event(EventAction.ALERT_OPENED, at=NOW, severity=70)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of every member, open maps as one."""
    if isinstance(value, dict) and path not in OPEN:
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, path)
    else:
        yield path, value


def test_every_member_of_every_event_is_in_the_mapping_with_a_type_that_fits() -> None:
    seen = set()
    for event in every_event():
        for path, value in leaves(orjson.loads(event.canonical())):
            seen.add(path)
            assert path in EVENT_MEMBERS, f"{path}: add it to audit_store/mapping.py, raise VERSION, run `make docs`"
            kind = EVENT_MEMBERS[path]["type"]
            assert isinstance(value, FITS[kind]), path
            assert not (kind == "long" and isinstance(value, bool)), path
    unused = {path for path in EVENT_MEMBERS if path not in seen and not path.startswith(PLACE)}
    assert unused == set(), "no event has these: does tests/audit_store/test_event.py build every kind?"


def test_members_of_ecs_have_the_types_of_ecs() -> None:
    with (Path(__file__).parents[1] / "data" / "ecs_9.5.0_flat.csv").open(newline="") as file:
        known = {row["field"]: SAME_FAMILY.get(row["type"], row["type"]) for row in csv.DictReader(file)}
    for members in (EVENT_MEMBERS, DEAD_LETTER_MEMBERS):
        ours = {path: kind["type"] for path, kind in members.items() if not path.startswith("torwart.")}
        assert ours == {path: known.get(path) for path in ours}


def test_unknown_members_are_refused_at_every_depth() -> None:
    def objects(mapping: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for part in mapping["properties"].values():
            if "properties" in part:
                yield part
                yield from objects(part)

    for template in templates().values():
        mappings = template["template"]["mappings"]
        assert mappings["dynamic"] == "strict"
        assert all("dynamic" not in part for part in objects(mappings)), "a part would open what the whole closes"


def test_what_questions_are_asked_by_is_the_same_in_both_streams() -> None:
    both = EVENT_MEMBERS.keys() & DEAD_LETTER_MEMBERS.keys()
    assert {"@timestamp", "user.id", "torwart.subject", "torwart.act.id", "torwart.act.phase", "event.action", f"{PLACE}.sequence"} <= both
    assert all(EVENT_MEMBERS[path] == DEAD_LETTER_MEMBERS[path] for path in both)
