"""The act that a case describes, and how a difference reads."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.attributes import RECORD
from policies.case_run import CLOCK, described, differences, judge, request_of
from policies.case_text import ExpectText, GivenText
from policies.decision import Allow, Challenge, Deny, FieldMask, Obligations
from policies.masks import HIDE, Mask, MaskKind
from policies.needs import AllOf, Approval, Justify, Key
from policies.reasons import ALLOWED, NOT_FOR_YOU, Because
from policies.request import Action, Channel, Level, Status
from policies.rule import PolicyText, compiled

EXPORT = {"id": "x", "roles": "any", "actions": ["export"], "resource": "client", "effect": "allow", "reason": "export_needs_key"}


def policy(**rule):
    return compiled([PolicyText.model_validate({"rules": [EXPORT | rule]})], "1")


def given(**members):
    return GivenText.model_validate({"roles": ["manager"], **members})


def test_everything_that_a_case_says_is_in_the_act():
    what = {"own": 2, "others": 1, "resource": "content", "base": 40, "today": {"sent_day": 3}, "unread": "encrypted"}
    where = {"channel": "webmail", "destination": "mail.example", "other_site": True, "at": "2026-05-12 22:30 Europe/Berlin"}
    who = {
        "person": "anna",
        "status": "notice_given",
        "team": "south",
        "territory": "DE-BY",
        "device": "d1",
        "language": "en",
        "on_leave": True,
    }
    who |= {"language": "en", "on_leave": True, "book": 20}
    proof = {"justified": True, "acknowledged": True, "proven_at": "2026-05-12 22:29 Europe/Berlin"}
    request = request_of(given(**who, **what, **where, **proof), Action.UPLOAD)
    who, where = request.principal, request.context
    assert (who.id, who.status, who.language) == ("anna", Status.NOTICE_GIVEN, "en")
    assert (who.team, who.territory, who.device, who.on_leave) == ("south", "DE-BY", "d1", True)
    assert where.at == datetime(2026, 5, 12, 20, 30, tzinfo=UTC)
    assert (where.channel, where.destination, where.origin_trusted) == (Channel.WEBMAIL, "mail.example", False)
    assert where.at - who.proven_at == timedelta(minutes=1)
    assert (request.resource.ids, request.resource.own) == (("own-0", "own-1", "other-0"), {"own-0", "own-1"})
    assert (request.usage.base, request.usage.book, request.usage.before.sent_day) == (40, 20, 3)
    assert (request.findings[0].detector, request.justified, request.acknowledged) == ("encrypted", True, True)


def test_a_case_that_says_no_time_happens_at_the_same_time_always():
    assert request_of(given(), Action.READ).context.at == CLOCK


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({}, Level.NORMAL),
        ({"status": "talk_planned"}, Level.DEPARTING),
        ({"status": "last_day"}, Level.DEPARTING),
        ({"level": "watched"}, Level.WATCHED),
        ({"status": "notice_given", "level": "normal"}, Level.NORMAL),
    ],
)
def test_who_is_about_to_leave_is_departing_unless_the_case_says_otherwise(said, level):
    assert request_of(given(**said), Action.READ).principal.level is level


def test_groups_of_clients_lie_in_their_order_with_one_value_each_for_every_attribute():
    groups = [{"count": 1, "countries": ["DE"]}, {"count": 2, "own": True, "language": "fr"}, {"count": 1, "active": False}]
    resource = request_of(given(clients=groups), Action.LIST).resource
    assert resource.ids == ("other-0", "own-0", "own-1", "other-1")
    assert resource.own == {"own-0", "own-1"}
    assert set(resource.records) == set(RECORD) - {"own"}
    assert {len(column) for column in resource.records.values()} == {4}
    assert resource.records["countries"] == [("DE",), (), (), ()]
    assert resource.records["language"] == [None, "fr", "fr", None]
    assert resource.records["active"] == [True, True, True, False]


def test_a_rule_about_some_clients_is_tried_with_clients_of_both_kinds():
    groups = [{"count": 3, "own": True, "countries": ["AT"]}, {"count": 2, "countries": ["DE", "AT"]}, {"count": 4, "countries": ["DE"]}]
    said = described(judge(given(clients=groups), Action.EXPORT, policy(where='"AT" in record.countries')))
    assert (said["decision"], said["kept"]) == ("allow", 5)
    own = described(judge(given(clients=groups), Action.EXPORT, policy(where='"AT" in record.countries && record.own')))
    assert (own["decision"], own["kept"]) == ("allow", 3)


def test_clients_that_are_only_counted_have_attributes_too():
    assert request_of(given(own=1, others=1), Action.LIST).resource.records["active"] == [True, True]
    nobody = request_of(given(own=0), Action.LIST).resource
    assert (nobody.ids, nobody.records) == ((), {})


@pytest.mark.parametrize(
    ("action", "counter", "count"),
    [
        (Action.LIST, "shown_day", 3),
        (Action.LIST, "foreign_shown_day", 2),
        (Action.LIST, "taken_minute", 3),
        (Action.UPDATE, "changed_day", 3),
        (Action.REASSIGN, "changed_month", 3),
        (Action.DELETE, "deleted_day", 3),
        (Action.LIST, "changed_day", None),
        (Action.DELETE, "shown_day", None),
        (Action.EXPORT, "exported_day", 3),
        (Action.REPORT, "exported_month", 3),
        (Action.LIST, "exported_day", None),
    ],
)
def test_an_act_adds_to_the_counters_that_the_gateway_adds_it_to(action, counter, count):
    """`count`: what one act on three clients adds, None: nothing."""

    def stopped(number):
        reach = {"reaches": {"counter": counter, "count": number}, "reason": "day_limit"}
        rules = [EXPORT | {"actions": [action], "reason": None}, EXPORT | {"id": "stop", "actions": [action], "effect": "deny"} | reach]
        return isinstance(
            judge(given(own=1, others=2), action, compiled([PolicyText.model_validate({"rules": rules})], "1")),
            Deny,
        )

    assert [number for number in (1, 2, 3, 4) if stopped(number)] == list(range(1, (count or 0) + 1))


def test_a_list_that_is_an_export_by_its_effect_is_counted_as_one():
    reading = EXPORT | {"id": "read", "actions": ["list", "export"], "reason": None}
    stop = EXPORT | {"id": "stop", "effect": "deny", "reaches": {"counter": "exported_day", "count": 3}, "reason": "day_limit"}
    for least, verdict in ((2, Deny), (3, Allow)):
        rules = compiled([PolicyText.model_validate({"export_threshold": {"answer": least}, "rules": [reading, stop]})], "1")
        assert isinstance(judge(given(own=1, others=2), Action.LIST, rules), verdict)


def test_a_touch_is_over_the_act_unless_it_says_over_what():
    assert isinstance(judge(given(own=3, touch={}), Action.EXPORT, policy(require="key")), Allow)
    assert isinstance(judge(given(own=3, touch={"own": 2}), Action.EXPORT, policy(require="key")), Challenge)
    assert isinstance(judge(given(own=3, touch={"fields": ["name"]}), Action.EXPORT, policy(require="key")), Challenge)
    assert isinstance(judge(given(own=3, touch={"verified": False}), Action.EXPORT, policy(require="key")), Challenge)


@pytest.mark.parametrize(
    ("approval", "verdict"),
    [
        ({"by": "olga", "roles": ["owner"]}, Allow),
        ({"by": "olga", "roles": ["owner"], "minutes_ago": 61}, Challenge),
        ({"by": "olga", "roles": ["manager"]}, Challenge),
        ({"by": "anna", "roles": ["owner"]}, Challenge),
        ({"by": "olga", "roles": ["owner"], "own": 1}, Challenge),
        ({"by": "olga", "roles": ["owner"], "verified": False}, Challenge),
    ],
    ids=["the owner", "an old one", "another role", "his own", "over fewer", "without PIN"],
)
def test_an_approval_is_another_persons_over_the_act(approval, verdict):
    rule = policy(require={"approval": {"role": "owner"}})
    assert isinstance(judge(given(person="anna", own=2, approvals=[approval]), Action.EXPORT, rule), verdict)


def test_a_recent_touch_a_word_and_a_warning_that_was_read_count():
    fresh = policy(require={"key": {"fresh": 300}})
    assert isinstance(judge(given(own=1, proven_at="2026-05-12T08:56Z"), Action.EXPORT, fresh), Allow)
    assert isinstance(judge(given(own=1, proven_at="2026-05-12T08:54Z"), Action.EXPORT, fresh), Challenge)
    assert isinstance(judge(given(own=1, justified=True), Action.EXPORT, policy(require="justify")), Allow)
    assert isinstance(judge(given(own=1, acknowledged=True), Action.EXPORT, policy(require="acknowledge")), Allow)


def test_a_difference_is_said_in_the_words_of_a_file():
    need = AllOf((Key(), Approval(2, "owner", 600), Justify()))
    challenge = Challenge((Because(ALLOWED),), need, 5, 4, Obligations(keep=frozenset({"a"})), observed=("1:quiet",))
    expect = ExpectText.model_validate(
        {"decision": "allow", "needs": "key", "kept": "all", "masks": {"phone": {"last": 3}}, "observed": [], "reasons": ["day_limit"]}
    )
    assert differences(expect, challenge) == (
        "decision: expected allow, got challenge",
        "reasons: expected day_limit, got allowed",
        "needs: expected key, got {all: [key, {approval: {count: 2, role: owner, expires: 600}}, justify]}",
        "kept: expected all, got 1",
        "masks: expected phone {last: 3}, got none",
        "observed: expected none, got quiet",
    )
    assert differences(ExpectText(decision="allow", needs=Key()), Allow((Because(ALLOWED),)))[0] == "needs: expected key, got none"


def test_a_denial_has_neither_masks_nor_numbers():
    wanted = ExpectText(decision="deny", asked=3, masks={"phone": "hide"})
    assert differences(wanted, Deny((Because(NOT_FOR_YOU),))) == ("asked: expected 3, got none", "masks: expected phone hide, got none")


def test_duties_and_a_file_that_is_put_aside_can_be_expected():
    expect = ExpectText.model_validate({"decision": "allow", "notify": True, "watermark": False, "quarantine": True})
    duties = Obligations(notify=True, watermark=True)
    assert differences(expect, Allow((Because(ALLOWED),), duties)) == (
        "watermark: expected false, got true",
        "quarantine: expected true, got false",
    )
    aside = differences(expect, Deny((Because(NOT_FOR_YOU),), quarantine=True))
    assert aside == ("decision: expected allow, got deny", "notify: expected true, got false")


def test_of_several_masks_that_one_counts_which_a_client_gets():
    last = Mask(MaskKind.LAST, 3)
    masks = (FieldMask("phone", last, frozenset({"a", "b"})), FieldMask("phone", HIDE, frozenset({"b"})))
    assert masks_of(masks) == {"phone": {last, HIDE}}
    assert masks_of((*masks, FieldMask("phone", HIDE, frozenset({"a"})))) == {"phone": {HIDE}}


def masks_of(masks):
    return described(Allow((Because(ALLOWED),), Obligations(masks=masks)))["masks"]
