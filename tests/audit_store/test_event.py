"""Events: ECS names, no place for a client's value, bytes that do not change."""

import csv
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_store.ecs import CATEGORIES
from audit_store.event import (
    Content,
    Event,
    EventAction,
    ExportLink,
    Phase,
    access_event,
    decode_ids,
    file_event,
    phase_event,
    plain_event,
    reasons_of,
    refused_event,
)
from policies.decision import Allow, Challenge, Decision, Deny, FieldMask, Obligations
from policies.masks import HIDE
from policies.needs import Key
from policies.reasons import EXPORT_NEEDS_KEY, NOT_FOR_YOU, UNREADABLE, Because
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
from tests.audit_store.acts import NOW, access, plain, request

FAMILIES = {
    "keyword": (str,),
    "wildcard": (str,),
    "text": (str,),
    "match_only_text": (str,),
    "date": (str,),
    "long": (int,),
    "boolean": (bool,),
    "ip": (str,),
}
COUNTERS = len(fields(Counts))
CONTENT = Content(12_345, "a" * 64, "zip", (ExportLink("7F3A", "act-1", 40, marked=True),))
DECISIONS: list[Decision] = [
    Allow(
        (Because(EXPORT_NEEDS_KEY, {"asked": 3, "allowed": 2}),),
        Obligations(notify=True),
        rules=("v7:export", "v7:share"),
        observed=("v7:try-out",),
    ),
    Challenge((Because(EXPORT_NEEDS_KEY, {"asked": 3, "allowed": 2}),), Key(), asked=3, allowed=2, rules=("v7:export",)),
    Deny((Because(NOT_FOR_YOU),)),
    Deny((Because(NOT_FOR_YOU),), ("v7:stick",), quarantine=True),
]


def ecs_fields() -> dict[str, dict[str, str]]:
    with (Path(__file__).parents[1] / "data" / "ecs_9.5.0_flat.csv").open(newline="") as file:
        return {row["field"]: row for row in csv.DictReader(file)}


def members(value: Any, path: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Path, value and whether it stood in a list, of every leaf."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from members(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from ((inner, leaf, True) for inner, leaf, _ in members(item, path))
    else:
        yield path, value, False


def way_out_event(content: Content = CONTENT, destination: str = "cloud.example") -> Event:
    asked = request(action=Action.UPLOAD)
    asked = replace(
        asked,
        context=replace(asked.context, channel=Channel.CLOUD, destination=destination),
        findings=(Finding("uninspectable", "encrypted", 0, 1.0, "body"),),
    )
    return access_event(
        request=asked,
        decision=DECISIONS[2],
        phase=Phase.DENIED,
        shown=frozenset(),
        taken=frozenset(),
        rows=0,
        fields=(),
        route="upload",
        content=content,
        manifest="7F3A",
        device="agent-1",
    )


def act_with_everything() -> AccessRequest:
    """Every member that rules can see is not as usual."""
    asked = request(action=Action.EXPORT, ids=("1", "2", "3"))
    signed = frozenset({"1", "2"}), frozenset({"name"})
    return replace(
        asked,
        principal=replace(
            asked.principal,
            level=Level.WATCHED,
            proven_at=NOW - timedelta(seconds=40),
            proven_with=KeyClass.VERIFIED,
            frozen=True,
            on_leave=True,
        ),
        resource=replace(
            asked.resource,
            own=frozenset({"1", "2", "3"}),
            clear_contact_ids=frozenset({"3"}),
            contact_fields=frozenset({"phone"}),
            questioned_fields=frozenset({"email", "name"}),
            questioned_contact_fields=frozenset({"email"}),
            written_fields=frozenset({"phone", "name"}),
            mask_written_fields=frozenset({"phone"}),
            filter_digest="0" * 64,
            limit=50,
        ),
        context=Context(NOW, Channel.DOWNLOAD, destination="cloud.example", origin_trusted=False),
        usage=Usage(Counts(*range(COUNTERS)), Counts(*range(1, COUNTERS + 1)), 3000, 400),
        findings=(Finding("clients", "client_index", 3, 0.75, "body"), Finding("uninspectable", "encrypted", 0, 1.0, "")),
        proof=KeyProof("act-1", "0" * 64, NOW, True, *signed, key_class=KeyClass.VERIFIED),
        approvals=(
            ApprovalProof("person-2", frozenset({"owner"}), NOW - timedelta(seconds=9), True, *signed),
            ApprovalProof(
                "person-3", frozenset({"admin"}), NOW - timedelta(seconds=8), False, frozenset({"1", "2", "3"}), frozenset(), alone=True
            ),
        ),
        justified=True,
        acknowledged=True,
        named=Action.LIST,
    )


def every_kind_of_event() -> Iterator[Event]:
    for asked in (act_with_everything(), request(ids=None)):
        yield access_event(
            request=asked,
            decision=DECISIONS[0],
            phase=Phase.RELEASED,
            shown=frozenset(),
            taken=frozenset(),
            rows=0,
            fields=["code"],
            route="rpc x",
            at=NOW + timedelta(seconds=5),
        )
    for decision, phase, action in product(DECISIONS, Phase, Action):
        yield access_event(
            request=replace(request(action=action), findings=(Finding("iban", "iban", 2, 0.9, "row 1"),)),
            decision=decision,
            phase=phase,
            shown=frozenset({"1"}),
            taken=frozenset({"2"}),
            rows=2,
            fields=["name"],
            route="rpc x",
            bytes_out=5,
            digest="0" * 64,
            http_status=200,
            method="POST",
        )
    yield way_out_event()
    yield file_event(
        at=NOW,
        pseudonym="P-1",
        device="agent-1",
        channel=Channel.REMOVABLE,
        content=CONTENT,
        suspected={1, 1 << 63},
        unread=["encrypted"],
        marks=["AAAA-BBBB-CCCC-DDDD"],
    )
    for action in EventAction:
        yield plain_event(action, at=NOW, pseudonym="P-1", subject="P-2", numbers={"a": 1, "b": "c"}, act_id="act-1")
    yield plain_event(EventAction.STATUS_CHANGED, at=NOW, subject="P-2", sealed={"key": "0" * 16, "text": "c2VhbGVk"})
    yield plain_event(EventAction.EVENTS_REMOVED, at=NOW, subject="the record", removed=[3, 5])
    yield refused_event(
        at=NOW, reason=Because(UNREADABLE, {"what": "duplicate member"}), route="/", pseudonym="P-1", act_id="a", http_status=400
    )


def test_every_member_is_a_field_of_ecs_with_its_type_or_stands_under_our_own_prefix() -> None:
    known = ecs_fields()
    seen = set()
    for event in every_kind_of_event():
        for path, value, listed in members(orjson.loads(event.canonical())):
            seen.add(path)
            if path.startswith("torwart."):
                continue
            field = known[path]
            assert isinstance(value, FAMILIES[field["type"]]), path
            assert listed == (field["array"] == "True"), path
            if field["allowed_values"]:
                assert value in field["allowed_values"].split("|"), path
    assert {"@timestamp", "event.reason", "http.response.status_code", "rule.id", "torwart.clients.shown", "user.roles"} <= seen


def test_no_member_is_a_number_in_one_event_and_a_word_in_another() -> None:
    types: dict[str, set[type]] = {}
    for event in every_kind_of_event():
        for path, value, _ in members(orjson.loads(event.canonical())):
            types.setdefault(path, set()).add(float if isinstance(value, int) and not isinstance(value, bool) else type(value))
    assert {path: found for path, found in types.items() if len(found) > 1} == {}


def test_every_action_has_its_place_in_ecs() -> None:
    assert set(CATEGORIES) == set(EventAction)


def test_where_somebody_sits_is_not_in_an_event() -> None:
    for event in every_kind_of_event():
        roots = set(orjson.loads(event.canonical()))
        assert roots <= {"@timestamp", "destination", "ecs", "event", "file", "http", "rule", "torwart", "user"}


def test_an_access_event_says_who_what_how_many_and_why() -> None:
    usage = Usage(after=Counts(shown_day=300, taken_day=2), base=3000, book=400)
    event = access_event(
        request=replace(request(action=Action.EXPORT, ids=("1", "2", "3")), usage=usage),
        decision=DECISIONS[1],
        phase=Phase.HELD,
        shown=frozenset(),
        taken=frozenset(),
        rows=0,
        fields={"phone", "name"},
        route="rpc model.party.party.export_data",
    )
    document = event.document
    ours = document["torwart"]
    assert document["@timestamp"] == "2026-05-12T09:30:00.000Z"
    assert document["event"]["outcome"] == "unknown"
    assert document["event"]["reason"] == "export_needs_key"
    assert document["user"] == {"id": "P-00000001", "roles": ("manager",)}
    assert document["rule"] == {"id": "v7:export", "name": "export"}
    assert ours["policy"] == {"version": "v7"}
    assert ours["act"] == {"id": "act-1", "phase": "held", "action": "export"}
    assert decode_ids(ours["clients"]["asked"]) == {"1", "2", "3"}
    assert (ours["clients"]["asked_count"], ours["clients"]["shown_count"], ours["clients"]["allowed_count"]) == (3, 0, 2)
    assert ours["fields"] == ("name", "phone")
    assert ours["usage"]["shown_day"] == 300
    assert ours["usage"]["share_of_base"] == 10.0
    assert reasons_of(document) == (Because(EXPORT_NEEDS_KEY, {"asked": 3, "allowed": 2}),)


@pytest.mark.parametrize(
    ("phase", "outcome", "kind"),
    [
        (Phase.ALLOWED, "success", "allowed"),
        (Phase.RELEASED, "success", "allowed"),
        (Phase.CONFIRMED, "success", "allowed"),
        (Phase.HELD, "unknown", "info"),
        (Phase.DENIED, "failure", "denied"),
        (Phase.NOT_CONFIRMED, "failure", "denied"),
    ],
)
def test_the_phase_says_how_it_ended(phase: Phase, outcome: str, kind: str) -> None:
    event = access(phase=phase).document["event"]
    assert event["outcome"] == outcome
    assert kind in event["type"]


def test_the_act_keeps_its_id_and_every_event_has_its_own() -> None:
    first, second = access(), access()
    assert first.act_id == second.act_id == "act-1"
    assert first.id != second.id
    assert first.document["event"]["id"] == first.id


def test_times_are_utc_with_milliseconds_whatever_the_zone() -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=2)))
    assert access(at=berlin).document["@timestamp"] == access(at=NOW).document["@timestamp"]
    for year in (1970, 2100):
        assert plain(at=datetime(year, 1, 1, tzinfo=UTC)).document["@timestamp"] == f"{year}-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        access(at=NOW.replace(tzinfo=None))


VALUES = st.one_of(
    st.from_regex(r"\+49 1[567][0-9] [0-9]{7}", fullmatch=True),
    st.from_regex(r"[a-z]{3,8}\.[a-z]{3,8}@[a-z]{4,8}\.example", fullmatch=True),
    st.from_regex(r"[A-ZÄÖÜ][a-zäöüß]{3,9} [A-ZÄÖÜ][a-zäöüß]{3,9}", fullmatch=True),
    st.from_regex(r"\$argon2id\$[A-Za-z0-9+/]{22}", fullmatch=True),
)
"""What a client is called or reached by, and a secret, in forms that no name of ours has."""


@st.composite
def hostile_requests(draw: st.DrawFn) -> tuple[AccessRequest, list[str]]:
    planted: list[str] = []

    def value() -> str:
        planted.append(draw(VALUES))
        return planted[-1]

    def values() -> frozenset[str]:
        return frozenset({value(), value()})

    principal = Principal(value(), "P-00000001", values(), Status.ACTIVE, False, value(), value(), value(), value(), value())
    resource = Resource(
        type=value(),
        model=value(),
        ids=(value(), "12"),
        clear_contact_ids=values(),
        own=values(),
        fields=values(),
        contact_fields=values(),
        questioned_fields=values(),
        questioned_contact_fields=values(),
        written_fields=values(),
        mask_written_fields=values(),
        filter_digest=value(),
        records={value(): [value(), [value()]], "cities": [[value()], []]},
    )
    finding = Finding(value(), value(), 1, 0.5, value())
    proof = KeyProof(value(), value(), NOW, True, values(), values(), key_class=KeyClass.SYNCED)
    approval = ApprovalProof(value(), values(), NOW, True, values(), values())
    context = Context(NOW, Channel.WEB, value(), value())
    action = draw(st.sampled_from(Action))
    usage = Usage(Counts(shown_day=1), Counts(shown_day=2))
    return AccessRequest("act-1", principal, action, resource, context, usage, (finding,), proof, (approval,)), planted


@given(hostile_requests(), st.data())
def test_no_value_of_a_client_and_no_secret_gets_into_an_event(hostile: tuple[AccessRequest, list[str]], data: st.DataObject) -> None:
    """promises G100: values are planted wherever a request could carry one."""
    asked, planted = hostile
    value = data.draw(VALUES)
    planted.append(value)
    masks = Obligations(frozenset({value}), (FieldMask(value, HIDE, frozenset({value})),), frozenset({value}))
    event = access_event(
        request=asked,
        decision=Allow((Because(NOT_FOR_YOU, {value: 1}),), masks),
        phase=data.draw(st.sampled_from(Phase)),
        shown=frozenset({value}),
        taken=frozenset({value, "12"}),
        rows=2,
        fields=[value],
        route="rpc x",
        digest=value,
        method=value,
    )
    ours = event.document["torwart"]
    question = ours["question"]
    sets = [ours["clients"][name] for name in ("asked", "shown", "taken")]
    sets += [question["own"], question["clear"], *(one["clients"] for one in question["proofs"])]
    everything = event.canonical().decode() + " ".join(" ".join(decode_ids(text)) for text in sets)
    for secret in planted:
        assert secret not in everything
    assert event.document["torwart"]["clients"]["taken_count"] == 2


def test_of_an_upload_the_event_says_where_to_how_large_and_from_which_export() -> None:
    document = way_out_event().document
    assert document["destination"] == {"domain": "cloud.example"}
    assert document["file"] == {"size": 12_345, "hash": {"sha256": "a" * 64}, "extension": "zip"}
    assert document["torwart"]["exports"] == [{"name": "7F3A", "act": "act-1", "clients": 40, "marked": True}]
    assert (document["torwart"]["manifest"], document["torwart"]["device"]) == ("7F3A", "agent-1")


def test_of_a_file_the_event_carries_hashes_that_only_the_server_can_tell_apart() -> None:
    event = file_event(
        at=NOW,
        pseudonym="P-1",
        device="agent-1",
        channel=Channel.FOLDER,
        content=CONTENT,
        suspected={7, 1 << 63},
        unread=("encrypted",),
        marks=["AAAA-BBBB-CCCC-DDDD"],
    )
    assert decode_ids(event.document["torwart"]["suspected"]) == {"7", str(1 << 63)}
    assert event.document["torwart"]["unread"] == ("encrypted",)
    assert event.document["torwart"]["marks"] == ["AAAA-BBBB-CCCC-DDDD"], "codes alone: the marks hold names"


def test_of_a_tiny_content_there_is_no_digest_and_of_a_strange_method_no_word() -> None:
    """The digest of a lone phone number is found by trying all numbers; a method is any word that a client sends."""
    tiny = way_out_event(Content(14, "a" * 64)).document
    assert tiny["file"] == {"size": 14}
    asked = request(action=Action.UPLOAD)
    event = access_event(
        request=asked,
        decision=DECISIONS[2],
        phase=Phase.DENIED,
        shown=frozenset(),
        taken=frozenset(),
        rows=0,
        fields=(),
        route="x",
        method="MUELLER",
    )
    assert event.document["http"]["request"]["method"] == "(other)"


@given(VALUES, VALUES)
def test_the_name_of_a_file_and_what_is_no_digest_stay_outside(first: str, second: str) -> None:
    content = Content(1, first, second, (ExportLink(first, "act-1", 1),))
    text = way_out_event(content).canonical().decode()
    text += (
        file_event(at=NOW, pseudonym="P-1", device=first, channel=Channel.FOLDER, content=content, suspected=(), unread=(first, second))
        .canonical()
        .decode()
    )
    assert first not in text
    assert second not in text


@given(st.text(st.characters(), max_size=50), st.text(st.characters(), max_size=50))
def test_any_text_of_a_route_or_reason_is_stored_and_read_back(route: str, what: str) -> None:
    """promises G95: newline, NUL and lone surrogates."""
    event = refused_event(at=NOW, reason=Because(UNREADABLE, {"what": what}), route=route)
    stored = event.canonical()
    assert b"\n" not in stored
    assert b"\0" not in stored
    ours = orjson.loads(stored)["torwart"]
    if not any("\ud800" <= letter <= "\udfff" for letter in route + what):
        assert (ours["route"], ours["reasons"][0]["words"]["what"]) == (route, what)
    assert event.canonical() == stored


def test_a_lone_surrogate_becomes_its_escape() -> None:
    event = refused_event(at=NOW, reason=Because(UNREADABLE, {"what": "a\ud800b"}), route="\udfff")
    ours = orjson.loads(event.canonical())["torwart"]
    assert (ours["route"], ours["reasons"][0]["words"]["what"]) == ("\\udfff", "a\\ud800b")


def test_a_huge_text_is_cut_and_says_by_how_much() -> None:
    event = refused_event(at=NOW, reason=Because(UNREADABLE, {"what": "x" * 1_000_000}), route="y" * 1_000_000)
    assert len(event.canonical()) < 3_000
    assert event.document["torwart"]["route"].endswith("… (+999600)")


def test_thousands_of_numbers_and_numbers_beyond_64_bits_are_survived() -> None:
    event = plain_event(EventAction.SELF_TEST, at=NOW, numbers={**{f"n{number}": number for number in range(10_000)}})
    assert len(event.document["torwart"]["numbers"]) == 40
    huge = plain_event(EventAction.SELF_TEST, at=NOW, numbers={"huge": 2**70})
    assert orjson.loads(huge.canonical())["torwart"]["words"] == {"huge": str(2**70)}


def test_canonical_bytes_do_not_depend_on_the_order_of_making() -> None:
    event = access()
    turned = replace(event, document=dict(reversed(event.document.items())))
    assert turned.canonical() == event.canonical()


def test_what_is_delivered_is_counted_apart_from_what_was_asked() -> None:
    ours = access(("1", "2", "3"), shown=frozenset({"1", "2"}), taken=frozenset({"2"})).document["torwart"]["clients"]
    assert [decode_ids(ours[name]) for name in ("asked", "shown", "taken")] == [{"1", "2", "3"}, {"1", "2"}, {"2"}]


def test_an_unknown_reason_of_another_release_is_left_out_not_guessed() -> None:
    assert reasons_of({"torwart": {"reasons": [{"code": "of_tomorrow"}, {"code": "not_for_you"}]}}) == (Because(NOT_FOR_YOU),)
    assert reasons_of({}) == ()


def test_a_later_phase_of_an_act_is_all_that_the_act_was_with_its_own_id_time_and_outcome() -> None:
    first = way_out_event().document
    later = NOW + timedelta(seconds=3)
    for phase, outcome, kind in ((Phase.PUT_ASIDE, "failure", "denied"), (Phase.PUT_BACK, "success", "info")):
        event = phase_event(first, phase, later)
        document = event.document
        assert (event.act_id, event.pseudonym) == (first["torwart"]["act"]["id"], first["user"]["id"])
        assert (document["event"]["outcome"], document["event"]["type"][1]) == (outcome, kind)
        assert document["event"]["id"] != first["event"]["id"]
        assert document["@timestamp"] > first["@timestamp"]
        assert document["torwart"] == {**first["torwart"], "act": {**first["torwart"]["act"], "phase": phase.value}}
        assert document["file"] == first["file"]


def test_words_that_nobody_has_sealed_are_left_out() -> None:
    event = plain_event(EventAction.STATUS_CHANGED, at=NOW, subject="P-2", sealed={"key": "0" * 16, "text": "she copies at night"})
    assert event.document["torwart"]["sealed"] == {"key": "0" * 16}
    assert b"night" not in event.canonical()
