"""An act can be judged again from its event: what rules can see comes back, or the event says that it cannot."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_store.event import Phase, access_event
from audit_store.request_record import NEVER_RECORDED, OF_THE_DIRECTORY, NotReplayableError, Seat, request_of
from policies.attributes import PLACES, ROOTS, Facts, Type
from policies.decision import Allow
from policies.engine import decide
from policies.load import load
from policies.request import (
    AccessRequest,
    Action,
    ApprovalProof,
    Channel,
    Context,
    Counts,
    Finding,
    KeyClass,
    KeyProof,
    Level,
    Principal,
    Resource,
    Status,
    Usage,
)
from policies.store import SHIPPED
from tests.audit_store.acts import NOW, request
from tests.audit_store.test_event import act_with_everything

SHIPPED_POLICY = load(SHIPPED)


def stored(asked: AccessRequest, told: tuple[str, ...] = ("name",), later: int = 0) -> dict[str, Any]:
    """The document as the log gives it back."""
    event = access_event(
        request=asked,
        decision=Allow(()),
        phase=Phase.RELEASED,
        shown=frozenset(),
        taken=frozenset(),
        rows=0,
        fields=told,
        route="rpc x",
        at=asked.context.at + timedelta(seconds=later),
    )
    found: dict[str, Any] = orjson.loads(event.canonical())
    return found


def paths(kind: Type, path: str) -> list[str]:
    """Every name that a condition may use; of a list of records the list itself."""
    if kind.members is None:
        return [path]
    return [inner for name, member in kind.members.items() for inner in paths(member.type, f"{path}.{name}")]


SEEN = [path for root, kind in ROOTS.items() if root != "record" for path in paths(kind, root)]


def seen(asked: AccessRequest) -> dict[str, Any]:
    """What conditions see of an act."""
    facts, found = Facts(asked, asked.action), {}
    for path in SEEN:
        value: Any = facts
        for name in PLACES.get(path, path).split("."):
            value = getattr(value, name)
        found[path] = value
    return found


def test_every_name_that_a_rule_can_use_comes_back_or_is_named_as_missing() -> None:
    asked = act_with_everything()
    here, back = seen(asked), seen(request_of(stored(asked, later=5)))
    for path in SEEN:
        if path not in NEVER_RECORDED | OF_THE_DIRECTORY | {"act", "context.by_effect"}:  # both are found again from the effect
            assert back[path] == here[path], path
    assert (NEVER_RECORDED | OF_THE_DIRECTORY) - {path for path in NEVER_RECORDED if path.startswith("record.")} <= set(SEEN)


def test_what_needs_and_limits_look_at_comes_back_too() -> None:
    asked = act_with_everything()
    back = request_of(stored(asked))
    assert back.action is Action.LIST  # by its name; its class is found again from its effect
    assert set(back.resource.ids or ()) == {"1", "2", "3"}
    assert (back.resource.own, back.resource.clear_contact_ids) == (asked.resource.own, asked.resource.clear_contact_ids)
    assert back.resource.mask_written_fields == {"phone"}
    assert back.principal.proven_at == asked.principal.proven_at
    assert back.principal.proven_with is asked.principal.proven_with
    assert back.proof is not None
    assert (back.proof.ids, back.proof.fields, back.proof.user_verified) == ({"1", "2"}, {"name"}, True)
    assert back.proof.key_class is KeyClass.VERIFIED
    assert [(one.roles, one.at, one.user_verified, one.ids) for one in back.approvals] == [
        (one.roles, one.at, one.user_verified, one.ids) for one in asked.approvals
    ]
    assert len({one.approver for one in back.approvals} | {back.principal.id}) == 3
    assert (back.proof.justified, back.proof.acknowledged, back.context.at) == (True, True, NOW)


def test_one_who_approved_twice_is_one_and_nobody_approves_an_act_of_their_own() -> None:
    approval = ApprovalProof("person-2", frozenset({"owner"}), NOW, True, frozenset({"1", "2"}), frozenset())
    own = replace(approval, approver="person-1")
    back = request_of(stored(replace(request(), approvals=(approval, own, approval))))
    assert len(back.approvals) == 2
    assert len({one.approver for one in back.approvals}) == 1


def test_one_who_approves_alone_by_the_rule_of_the_house_still_counts() -> None:
    alone = ApprovalProof("person-1", frozenset({"owner"}), NOW, True, frozenset({"1", "2"}), frozenset(), alone=True)
    (back,) = request_of(stored(replace(request(), approvals=(alone,)))).approvals
    assert (back.alone, back.roles, back.ids) == (True, alone.roles, alone.ids)


def test_an_ordinary_act_costs_a_few_bytes() -> None:
    asked = request(ids=tuple(map(str, range(40))))
    own = frozenset(asked.resource.ids or ())
    asked = replace(asked, resource=replace(asked.resource, own=own, clear_contact_ids=own, contact_fields=frozenset({"phone"})))
    assert orjson.dumps(stored(asked, ("name", "phone"))["torwart"]["question"]) == b'{"clear":"=","contact_fields":["phone"],"own":"="}'


def test_an_act_whose_clients_are_not_known_is_not_one_of_no_clients() -> None:
    assert request_of(stored(request(ids=None))).resource.ids is None
    assert request_of(stored(request(ids=()))).resource.ids == ()


def test_team_territory_and_language_are_those_of_today() -> None:
    back = request_of(stored(request()), Seat("north", "T1", "en")).principal
    assert (back.team, back.territory, back.language) == ("north", "T1", "en")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"torwart": {"schema": 1}}, "older_release"),
        ({"torwart": {"clients": {"asked_count": 3}}}, "cut"),
        ({"torwart": {"question": {"contact_fields": ["(unreadable)"]}}}, "cut"),
        ({"user": {"roles": ["(unreadable)"]}}, "cut"),
        ({"torwart": {"channel": "of tomorrow"}}, "unreadable"),
        ({"torwart": {"clients": {"asked": "x9:1:"}}}, "unreadable"),
        ({"torwart": {"usage": {"shown_day": None}}}, None),
        ({"@timestamp": "yesterday"}, "unreadable"),
        ({"torwart": {"clients": None}}, "unreadable"),
    ],
)
def test_what_cannot_be_judged_again_says_why(change: dict[str, Any], cause: str | None) -> None:
    document = merged(stored(request()), change)
    if cause is None:
        request_of(document)
        return
    with pytest.raises(NotReplayableError) as error:
        request_of(document)
    assert error.value.cause == cause


def test_furniture_of_the_crm_can_be_judged_again_from_old_events_too() -> None:
    asked = request(action=Action.SYSTEM, ids=None)
    document = stored(replace(asked, resource=replace(asked.resource, type="system")))
    document["torwart"]["schema"] = 1
    assert request_of(document).action is Action.SYSTEM


def merged(document: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    for name, value in change.items():
        document[name] = merged(document.get(name, {}), value) if isinstance(value, dict) else value
    return document


CLIENTS = st.frozensets(st.integers(0, 400).map(str), max_size=40)
FIELDS = st.frozensets(st.sampled_from(["name", "phone", "email", "addresses.city", "code"]), max_size=5)
COUNTS = st.builds(Counts, **{field.name: st.integers(0, 600) for field in fields(Counts)})


@st.composite
def acts(draw: st.DrawFn) -> AccessRequest:
    asked = draw(st.none() | CLIENTS)
    some = CLIENTS.map(lambda found: found & (asked or frozenset()))
    signed = draw(FIELDS)
    resource = Resource(
        type=draw(st.sampled_from(["client", "content", "system", "other"])),
        model="party.party",
        ids=None if asked is None else tuple(sorted(asked)),
        clear_contact_ids=draw(some),
        own=draw(some | st.just(asked or frozenset())),
        fields=draw(FIELDS),
        contact_fields=draw(FIELDS),
        questioned_fields=draw(FIELDS),
        questioned_contact_fields=draw(FIELDS),
        written_fields=draw(FIELDS),
        mask_written_fields=draw(FIELDS),
        limit=draw(st.none() | st.integers(-1, 1000)),
    )
    role = draw(st.sampled_from(["manager", "head_of_sales", "owner", "accountant", "admin"]))
    before = draw(COUNTS)
    proven = draw(st.none() | st.integers(0, 900_000))
    return AccessRequest(
        act_id="act-1",
        principal=Principal(
            "person-1",
            "P-00000001",
            frozenset({role}),
            draw(st.sampled_from(Status)),
            frozen=draw(st.booleans()),
            level=draw(st.sampled_from(Level)),
            proven_at=None if proven is None else NOW - timedelta(milliseconds=proven),
            proven_with=None if proven is None else draw(st.sampled_from(KeyClass)),
        ),
        action=draw(st.sampled_from(Action)),
        resource=resource,
        context=Context(NOW, draw(st.sampled_from(Channel)), destination=draw(st.none() | st.just("cloud.example"))),
        usage=Usage(before, draw(st.just(before) | COUNTS), draw(st.integers(1, 3000)), draw(st.integers(0, 500))),
        findings=draw(st.just(()) | st.just((Finding("clients", "client_index", 3, 0.5, "body"),))),
        proof=draw(
            st.none()
            | st.builds(
                KeyProof,
                st.just("a"),
                st.just("b"),
                st.just(NOW),
                st.booleans(),
                CLIENTS,
                st.just(signed),
                key_class=st.sampled_from(KeyClass),
            )
        ),
    )


@settings(max_examples=300, deadline=None)
@given(acts(), FIELDS)
def test_the_shipped_rules_decide_the_same_from_the_event(asked: AccessRequest, told: frozenset[str]) -> None:
    """Also where the act was judged with a proof, over a limit, or before its clients were known."""
    if asked.action in (Action.SYSTEM, Action.LOGIN):  # nothing is counted in these
        asked = replace(asked, usage=Usage())
    here, back = decide(asked, SHIPPED_POLICY), decide(request_of(stored(asked, tuple(told))), SHIPPED_POLICY)
    assert type(back) is type(here)
    assert (back.rules, [reason.reason for reason in back.reasons]) == (here.rules, [reason.reason for reason in here.reasons])
    assert [dict(reason.values) for reason in back.reasons] == [dict(reason.values) for reason in here.reasons]
    if isinstance(here, Allow) and isinstance(back, Allow):
        kept = [None if one.obligations.keep is None else len(one.obligations.keep) for one in (here, back)]
        assert kept[0] == kept[1]
        assert back.obligations.masks == here.obligations.masks


READ_BACK: dict[type, set[str]] = {
    AccessRequest: {
        *("act_id", "principal", "action", "resource", "context", "usage", "findings", "proof", "approvals"),
        *("justified", "acknowledged", "named"),
    },
    Principal: {"pseudonym", "roles", "status", "frozen", "level", "on_leave", "proven_at", "proven_with"},
    Resource: {
        *("type", "model", "ids", "own", "clear_contact_ids", "fields", "contact_fields", "questioned_fields"),
        *("questioned_contact_fields", "written_fields", "mask_written_fields", "filter_digest", "limit"),
    },
    Context: {"at", "channel", "destination", "origin_trusted"},
    Usage: {"before", "after", "base", "book"},
    Finding: {"kind", "detector", "clients", "confidence", "where"},
    KeyProof: {"user_verified", "ids", "fields", "key_class", "justified", "acknowledged"},
    ApprovalProof: {"roles", "at", "user_verified", "ids", "fields", "alone"},
}
LEFT_OUT: dict[type, set[str]] = {
    Principal: {"id", "team", "territory", "device", "language", "session_id"},
    Resource: {"records"},
    Context: {"source_ip"},
    KeyProof: {"grant_id", "act_digest", "confirmed_at"},
    ApprovalProof: {"approver"},
}
"""On purpose: a value of a client, what says who somebody is, or what no decision looks at."""


@pytest.mark.parametrize("kind", READ_BACK, ids=lambda kind: kind.__name__)
def test_a_new_member_of_an_act_is_recorded_or_left_out_on_purpose(kind: type) -> None:
    assert {field.name for field in fields(kind)} == READ_BACK[kind] | LEFT_OUT.get(kind, set())
