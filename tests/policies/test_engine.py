"""The decision itself: deny wins, default deny, obligations and requirements add up, limits hold after a touch."""

from dataclasses import replace

import pytest

from policies.decision import Allow, Challenge, Deny, FieldMask
from policies.engine import decide, sight
from policies.masks import HIDE, NULL
from policies.needs import Key
from policies.reasons import EXPORT_LIMIT, EXPORT_NEEDS_KEY
from policies.request import Action, Channel, Counts, Level, Status
from policies.rule import PolicyText, compiled
from tests.policies.acts import act, clients, starter, touched

ALLOW = {"id": "yes", "roles": "any", "actions": ["read", "update", "delete"], "resource": "client", "effect": "allow"}


def policy(*rules):
    return compiled([PolicyText.model_validate({"rules": list(rules)})], "1")


def codes(decision):
    return [because.reason.code for because in decision.reasons]


def test_a_manager_sees_his_own_clients_clear_and_those_of_others_masked():
    decision = decide(act(Action.LIST, own=40, others=60), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.masks == (FieldMask("contact", HIDE, frozenset(f"other{i}" for i in range(60))),)
    assert decision.obligations.masked == {f"other{i}" for i in range(60)}
    assert decision.obligations.keep is None
    assert decision.rules == ("1:manager-reads",)


def test_an_export_waits_for_the_key_and_names_both_numbers():
    decision = decide(act(Action.EXPORT, own=480, others=2520, before=Counts(exported_day=40)), starter())
    assert isinstance(decision, Challenge)
    assert decision.need == Key()
    assert (decision.asked, decision.allowed) == (3000, 260)
    limit, key = decision.reasons
    assert limit.reason is EXPORT_LIMIT
    assert limit.values == {"asked": 3000, "limit": 260, "day_limit": 300, "share": 10}
    assert key.reason is EXPORT_NEEDS_KEY
    assert "3.000" in limit.for_employee("de")
    assert "260" in limit.for_employee("de")


def test_an_export_that_is_cut_keeps_the_first_own_clients_of_the_answer():
    ids = tuple(f"c{n}" for n in range(1000))
    own = frozenset(ids[1::2])
    request = act(Action.EXPORT, before=Counts(exported_day=290))
    decision = decide(_with(request, ids=ids, own=own), starter())
    assert isinstance(decision, Challenge)
    assert decision.obligations.keep == {f"c{n}" for n in range(1, 20, 2)}


def test_a_touch_over_exactly_these_clients_releases_them():
    decision = decide(act(Action.EXPORT, own=40, proof=touched(40)), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.keep == {f"own{i}" for i in range(40)}
    assert codes(decision) == ["key_confirmed"]


@pytest.mark.parametrize(
    "proof",
    [touched(39), touched(40, fields=frozenset({"name"})), touched(0, 40)],
    ids=["a client more", "a field more", "other clients"],
)
def test_what_was_not_signed_is_asked_again(proof):
    decision = decide(act(Action.EXPORT, own=40, proof=proof), starter())
    assert isinstance(decision, Challenge)
    assert codes(decision) == ["not_what_was_signed", "export_needs_key"]


def test_a_touch_without_user_verification_is_no_proof():
    assert isinstance(decide(act(Action.EXPORT, own=40, proof=touched(40, verified=False)), starter()), Challenge)


def test_a_written_field_that_was_not_signed_is_asked_again():
    change = ALLOW | {"require": "key", "reason": "limit_needs_key"}
    request = act(Action.UPDATE, own=1, written_fields=frozenset({"street"}), proof=touched(1))
    assert codes(decide(request, policy(change))) == ["not_what_was_signed", "limit_needs_key"]
    signed = replace(request, proof=touched(1, fields=frozenset({"name", "phone", "email", "street"})))
    assert isinstance(decide(signed, policy(change)), Allow)


def test_fewer_clients_than_signed_may_go():
    decision = decide(act(Action.EXPORT, own=39, proof=touched(40)), starter())
    assert isinstance(decision, Allow)


def test_the_limit_of_a_day_holds_after_a_touch():
    decision = decide(act(Action.EXPORT, own=40, before=Counts(exported_day=290), proof=touched(40)), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.keep == {f"own{i}" for i in range(10)}


def test_what_no_rule_allows_is_denied():
    decision = decide(act(Action.SHARE, own=1), starter())
    assert isinstance(decision, Deny)
    assert codes(decision) == ["not_for_you"]


def test_a_deny_wins_wherever_it_stands():
    no = ALLOW | {"id": "no", "effect": "deny", "reason": "day_limit"}
    for rules in ((ALLOW, no), (no, ALLOW)):
        decision = decide(act(Action.READ, own=1), policy(*rules))
        assert isinstance(decision, Deny)
        assert codes(decision) == ["day_limit"]
        assert decision.rules == ("1:no",)


def test_a_rule_that_fails_denies_and_is_named():
    broken = ALLOW | {"id": "broken", "effect": "deny", "reason": "day_limit", "when": "10 / (resource.asked - 1) > 3"}
    decision = decide(act(Action.READ, own=1), policy(ALLOW, broken))
    assert isinstance(decision, Deny)
    assert codes(decision) == ["rule_error"]
    assert decision.reasons[0].values == {"rule": "1:broken"}


def test_a_value_that_is_missing_denies():
    rule = ALLOW | {"when": 'principal.team == "south"'}
    assert codes(decide(act(Action.READ, own=1), policy(rule))) == ["rule_error"]
    assert isinstance(decide(act(Action.READ, own=1, principal={"team": "south"}), policy(rule)), Allow)


def test_a_requirement_allows_nothing_by_itself():
    require = ALLOW | {"effect": "require", "require": "key", "reason": "limit_needs_key"}
    assert isinstance(decide(act(Action.READ, own=1, proof=touched(1)), policy(require)), Deny)


def test_requirements_of_several_rules_are_all_named():
    one = ALLOW | {"id": "one", "effect": "require", "require": "key", "reason": "limit_needs_key"}
    two = ALLOW | {"id": "two", "effect": "require", "require": "key", "reason": "delete_needs_key"}
    decision = decide(act(Action.READ, own=1), policy(ALLOW, one, two))
    assert isinstance(decision, Challenge)
    assert codes(decision) == ["limit_needs_key", "delete_needs_key"]


def test_of_several_requirements_the_words_to_be_read_are_told_apart():
    asks = {"id": "key", "roles": "any", "actions": ["update"], "resource": "client", "effect": "require"}
    key = asks | {"require": "key", "reason": "changes_need_key"}
    warn = asks | {"id": "warn", "require": {"all": ["justify", "acknowledge"]}, "reason": "export_warned"}
    for rules in ([ALLOW, key, warn], [ALLOW, warn, key]):
        decision = decide(act(Action.UPDATE, own=3), policy(*rules))
        assert isinstance(decision, Challenge)
        assert [warning.reason.code for warning in decision.warnings] == ["export_warned"]
    decision = decide(act(Action.UPDATE, own=3), policy(ALLOW, key))
    assert isinstance(decision, Challenge)
    assert decision.warnings == ()


def test_masks_of_several_rules_add_up_and_the_stricter_holds():
    hide = ALLOW | {"id": "hide", "masks": {"contact": "hide"}, "for": "others"}
    null = ALLOW | {"id": "null", "masks": {"contact": "null", "margin": "hide"}, "for": "all"}
    for rules in ((ALLOW, hide, null), (null, hide, ALLOW)):
        duties = decide(act(Action.READ, own=1, others=1), policy(*rules)).obligations
        assert {duties.mask_of("contact", who) for who in ("own0", "other0")} == {NULL}
        assert {duties.mask_of("margin", who) for who in ("own0", "other0")} == {HIDE}
        assert duties.masked == {"own0", "other0"}


def test_a_second_role_never_takes_a_mask_or_a_limit_away():
    request = act(Action.LIST, own=1, others=1, principal={"roles": frozenset({"manager", "owner"})})
    assert decide(request, starter()).obligations.masked == {"other0"}


def test_before_the_answer_only_the_question_is_judged():
    decision = decide(act(Action.EXPORT, own=None), starter())
    assert isinstance(decision, Allow)
    assert decision.obligations.keep is None
    assert isinstance(decide(act(Action.SHARE, own=None), starter()), Deny)


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
def test_a_change_to_unknown_clients_is_denied_whatever_the_rules_say(action):
    assert codes(decide(act(action, own=None), policy(ALLOW))) == ["not_for_you"]


def test_a_deletion_is_challenged_before_it_is_sent_and_allowed_with_its_empty_answer():
    assert isinstance(decide(act(Action.DELETE, own=3), starter()), Challenge)
    assert isinstance(decide(act(Action.DELETE, own=3, proof=touched(3)), starter()), Allow)
    assert isinstance(decide(act(Action.DELETE, own=0, proof=touched(3)), starter()), Allow)
    assert isinstance(decide(act(Action.DELETE, own=0), starter()), Challenge)


def test_what_cannot_be_cut_goes_whole_or_not_at_all():
    assert codes(decide(act(Action.REPORT, own=4, others=1, proof=touched(4, 1)), starter())) == ["not_for_you"]
    over = decide(act(Action.REPORT, own=4, before=Counts(exported_day=297), proof=touched(4)), starter())
    assert codes(over) == ["export_limit"]
    assert over.reasons[0].values["limit"] == 3


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.NOTICE_GIVEN])
def test_the_frozen_get_nothing_even_from_a_rule_that_allows_all(status):
    decision = decide(act(Action.READ, own=1, status=status, principal={"frozen": True}), policy(ALLOW))
    assert codes(decision) == ["frozen"]


def test_who_is_gone_gets_nothing():
    assert codes(decide(act(Action.READ, own=1, status=Status.GONE), policy(ALLOW))) == ["frozen"]


def test_the_reason_for_a_limit_carries_its_numbers():
    after = Counts(foreign_shown_day=310)
    decision = decide(act(Action.LIST, others=50, before=Counts(foreign_shown_day=260), after=after), starter())
    assert isinstance(decision, Challenge)
    assert decision.reasons[0].values == {"count": 310, "share": 10, "limit": 10, "asked": 50, "allowed": 50}
    assert decision.obligations.masked == frozenset(clients(0, 50)[0])


def test_a_masked_question_is_denied_with_the_field_but_no_number_for_the_employee():
    request = act(Action.LIST, own=None, questioned_contact_fields=frozenset({"phone"}))
    decision = decide(request, starter())
    assert codes(decision) == ["masked_question"]
    assert decision.reasons[0].values == {"fields": "phone"}
    assert not any(character.isdigit() for character in decision.reasons[0].for_employee("de"))


def test_sight_does_not_depend_on_limits():
    request = act(Action.LIST, own=480, others=2520, after=Counts(foreign_shown_day=2520))
    assert isinstance(decide(request, starter()), Deny)
    assert len(sight(request, starter()).masked) == 2520


def test_a_written_mask_is_to_be_dropped():
    request = act(Action.UPDATE, own=1, written_fields=frozenset({"name", "phone"}))
    assert decide(request, starter()).obligations.drop_written == {"name", "phone"}


def test_clients_in_the_book_that_are_not_in_the_answer_make_nothing_clear():
    request = _with(act(Action.LIST, others=2), own=frozenset({"elsewhere"}))
    assert decide(request, starter()).obligations.masked >= {"other0", "other1"}


def _with(request, **resource):
    return replace(request, resource=replace(request.resource, **resource))


def test_a_deny_may_put_a_file_aside():
    no = {"id": "no", "roles": "any", "actions": ["file_copy"], "resource": "content", "effect": "deny", "reason": "clients_leave"}
    request = _with(act(Action.FILE_COPY, own=3), type="content")
    assert not decide(request, policy(no)).quarantine
    assert decide(request, policy(no, no | {"id": "aside", "quarantine": True})).quarantine


def test_a_rule_is_what_its_level_says():
    rule = ALLOW | {
        "levels": {"watched": {"require": "key", "reason": "limit_needs_key"}, "departing": {"effect": "deny", "reason": "day_limit"}}
    }
    found = {level: type(decide(act(Action.READ, own=1, principal={"level": level}), policy(rule))) for level in Level}
    assert found == {Level.NORMAL: Allow, Level.WATCHED: Challenge, Level.DEPARTING: Deny}


def test_a_rule_holds_on_its_roads_only():
    no = ALLOW | {"id": "no", "effect": "deny", "reason": "day_limit", "channels": ["rest", "download"]}
    for channel in (Channel.API, Channel.REST):
        request = act(Action.READ, own=1)
        decision = decide(replace(request, context=replace(request.context, channel=channel)), policy(ALLOW, no))
        assert isinstance(decision, Deny) == (channel is Channel.REST)


def test_words_are_no_touch():
    rule = ALLOW | {"require": {"any": ["key", "justify"]}, "reason": "limit_needs_key"}
    request = act(Action.READ, own=1)
    assert codes(decide(replace(request, justified=True), policy(rule))) == ["allowed"]
    assert codes(decide(replace(request, proof=touched(1)), policy(rule))) == ["key_confirmed"]
    both = ALLOW | {"require": {"all": ["key", "justify"]}, "reason": "limit_needs_key"}
    assert codes(decide(replace(request, proof=touched(1)), policy(both))) == ["limit_needs_key"]


def test_an_upload_that_names_nobody_still_needs_what_is_asked_for_and_a_read_of_nobody_does_not():
    asked = {"id": "asked", "roles": "any", "actions": ["upload", "list"], "resource": "any", "effect": "require"}
    asked |= {"require": "key", "reason": "limit_needs_key"}
    goes = {"id": "goes", "roles": "any", "actions": ["upload", "list"], "resource": "any", "effect": "allow"}
    goes = [goes | {"resource": "client"}, goes | {"id": "out", "resource": "content"}]
    upload = _with(act(Action.UPLOAD), type="content")
    assert isinstance(decide(upload, policy(*goes, asked)), Challenge)
    assert isinstance(decide(act(Action.LIST), policy(*goes, asked)), Allow)
    about_some = asked | {"resource": "content", "where": "record.own"}
    assert isinstance(decide(upload, policy(*goes, about_some)), Allow)
    assert isinstance(decide(_with(act(Action.UPLOAD, own=1), type="content"), policy(*goes, about_some)), Challenge)
