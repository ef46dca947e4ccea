"""Rules about some of the records: who is taken out of a list, when a whole act is denied, whose duties hold for whom."""

from dataclasses import replace

import pytest

from policies.decision import Allow, Challenge, Deny, FieldMask
from policies.document import PolicyText
from policies.engine import decide, decide_many, sight
from policies.masks import HIDE, NULL
from policies.needs import Key
from policies.reasons import ALLOWED, EXPORT_LIMIT
from policies.request import Action, Counts
from policies.rule import compiled
from tests.policies.acts import act, on_records, touched

IDS = ("a", "b", "c", "d")
OWN = frozenset({"a", "b"})
RECORDS = {
    "language": ["de", "fr", "de", None],
    "categories": [["vip"], [], [], ["vip", "old"]],
    "active": [True, True, False, True],
}
RULE = {"id": "yes", "roles": "any", "actions": ["list", "read", "search", "export", "report", "update", "create"], "resource": "client"}
ALL = RULE | {"effect": "allow"}
MINE = ALL | {"id": "mine", "where": "record.own"}
GERMAN = ALL | {"id": "german", "where": 'has(record.language) && record.language == "de"'}
NO_VIP = RULE | {"id": "no-vip", "effect": "deny", "reason": "day_limit", "where": '"vip" in record.categories'}
FRAGILE = 'record.language == "de"'


def policy(*rules):
    return compiled([PolicyText.model_validate({"rules": list(rules)})], "1")


def asked(action=Action.LIST, ids=IDS, records=None, **given):
    count = len(ids)
    known = {name: column[:count] for name, column in RECORDS.items()} if records is None else records
    return on_records(act(action, **given), ids, OWN & frozenset(ids), known)


def kept(decision):
    assert isinstance(decision, Allow | Challenge)
    keep = decision.obligations.keep
    return "".join(i for i in IDS if keep is None or i in keep)


def codes(decision):
    return [because.reason.code for because in decision.reasons]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([ALL], "abcd"),
        ([MINE], "ab"),
        ([GERMAN], "ac"),
        ([MINE, GERMAN], "abc"),
        ([ALL, NO_VIP], "bc"),
        ([NO_VIP, MINE], "b"),
        ([ALL | {"where": "record.active"}, NO_VIP], "b"),
        ([ALL | {"where": FRAGILE}], "ac"),
        ([ALL, MINE | {"where": FRAGILE}], "abc"),
        ([ALL, NO_VIP | {"where": FRAGILE}], "b"),
        ([MINE | {"keep": "own"}, GERMAN], "abc"),
        ([MINE, GERMAN | {"keep": "own"}], "ab"),
    ],
)
def test_a_list_is_cut_to_the_records_that_are_allowed(rules, left):
    for order in (rules, rules[::-1]):
        decision = decide(asked(), policy(*order))
        assert isinstance(decision, Allow)
        assert kept(decision) == left
        assert [because.reason for because in decision.reasons] == [ALLOWED]


def test_the_list_function_says_the_same():
    many = decide_many(act(Action.LIST), list(IDS), OWN, RECORDS, policy(MINE, NO_VIP))
    assert many == decide(asked(), policy(MINE, NO_VIP))


@pytest.mark.parametrize(
    ("rules", "reasons", "names"),
    [
        ([ALL, NO_VIP | {"where": "record.active || !record.active"}], ["day_limit"], ("1:no-vip",)),
        ([ALL | {"where": "false"}], ["not_for_you"], ()),
        ([MINE, NO_VIP | {"where": "record.own"}], ["day_limit", "not_for_you"], ("1:no-vip",)),
        ([ALL | {"where": "1 / 0 > 1"}], ["rule_error"], ("1:yes",)),
    ],
)
def test_where_nothing_is_left_the_reasons_say_why(rules, reasons, names):
    decision = decide(asked(), policy(*rules))
    assert isinstance(decision, Deny)
    assert codes(decision) == reasons
    assert decision.rules == names


def test_a_rule_that_failed_for_a_record_is_named():
    decision = decide(asked(ids=("d",), records={"language": [None]}), policy(ALL | {"where": FRAGILE}))
    assert codes(decision) == ["rule_error"]
    assert decision.reasons[0].values == {"rule": "1:yes"}
    assert codes(decide(asked(records={}), policy(GERMAN))) == ["rule_error"]


def test_a_change_is_whole_or_not_at_all():
    assert kept(decide(asked(Action.UPDATE, ids=("a", "b")), policy(MINE))) == "ab"
    assert codes(decide(asked(Action.UPDATE), policy(MINE))) == ["not_for_you"]
    assert codes(decide(asked(Action.UPDATE), policy(ALL, NO_VIP))) == ["day_limit"]
    assert codes(decide(asked(Action.UPDATE), policy(ALL, NO_VIP | {"where": FRAGILE}))) == ["day_limit", "rule_error"]


def test_what_cannot_be_cut_goes_whole_or_not_at_all():
    whole = RULE | {"id": "whole", "effect": "oblige", "whole": True, "where": '"old" in record.categories'}
    assert codes(decide(asked(), policy(MINE, whole))) == ["not_for_you"]
    assert kept(decide(asked(ids=("a", "b", "c")), policy(MINE, whole))) == "ab"
    assert codes(decide(asked(ids=("a", "b", "c")), policy(MINE | {"whole": True}))) == ["not_for_you"]


def test_masks_hold_for_the_records_that_the_rule_is_about():
    masks = RULE | {"id": "vip", "effect": "oblige", "masks": {"contact": "hide"}, "where": '"vip" in record.categories'}
    duties = decide(asked(), policy(ALL, masks)).obligations
    assert duties.masks == (FieldMask("contact", HIDE, frozenset("ad")),)
    duties = decide(asked(), policy(ALL, masks | {"for": "others"})).obligations
    assert duties.masks == (FieldMask("contact", HIDE, frozenset("d")),)
    more = RULE | {"id": "more", "effect": "oblige", "masks": {"contact": "hide", "margin": "null"}, "where": "!record.active"}
    duties = decide(asked(), policy(ALL, masks, more)).obligations
    assert duties.masks == (FieldMask("contact", HIDE, frozenset("acd")), FieldMask("margin", NULL, frozenset("c")))
    assert sight(asked(), policy(ALL, masks, more)).masks == duties.masks


def test_who_may_be_masked_is_masked():
    masks = RULE | {"id": "de", "effect": "oblige", "masks": {"contact": "hide"}, "where": FRAGILE}
    assert sight(asked(), policy(ALL, masks)).masked == frozenset("acd")
    decision = decide(asked(), policy(ALL, masks))
    assert kept(decision) == "abc"


def test_a_key_is_asked_for_only_where_its_records_go_out():
    key = RULE | {"id": "key", "effect": "require", "require": "key", "reason": "limit_needs_key", "where": '"vip" in record.categories'}
    decision = decide(asked(), policy(ALL, key))
    assert isinstance(decision, Challenge)
    assert (decision.need, decision.asked, decision.allowed, codes(decision)) == (Key(), 4, 4, ["limit_needs_key"])
    proof = replace(touched(0), ids=frozenset(IDS))
    assert isinstance(decide(asked(proof=proof), policy(ALL, key)), Allow)
    assert isinstance(decide(asked(ids=("b", "c"), records={"categories": [[], []]}), policy(ALL, key)), Allow)
    without = decide(asked(), policy(GERMAN | {"where": '!("vip" in record.categories)'}, key))
    assert isinstance(without, Allow), "that such a record was there is not to be read from a key that is asked for"
    assert kept(without) == "bc"


def test_of_some_records_at_most_so_many():
    three = {"counter": "exported_day", "count": 3, "reason": "export_limit"}
    limit = RULE | {"id": "few", "effect": "oblige", "limit": three | {"count": 1}, "where": "record.own"}
    assert kept(decide(asked(), policy(ALL, limit))) == "acd"
    assert kept(decide(asked(), policy(ALL, limit | {"limit": three}))) == "abcd"
    assert kept(decide(asked(before=Counts(exported_day=1)), policy(ALL, limit))) == "cd"
    both = [limit, RULE | {"id": "all", "effect": "oblige", "limit": three | {"count": 2}}]
    for order in (both, both[::-1]):
        assert kept(decide(asked(), policy(ALL, *order))) == "ac"
    gone = decide(asked(ids=("a",), before=Counts(exported_day=9)), policy(MINE, limit))
    assert codes(gone) == [EXPORT_LIMIT.code]


def test_before_the_answer_is_there_rules_about_records_wait():
    unknown = act(Action.LIST, own=None)
    key = RULE | {"id": "key", "effect": "require", "require": "key", "reason": "limit_needs_key", "where": "record.own"}
    decision = decide(unknown, policy(MINE, NO_VIP, key))
    assert isinstance(decision, Allow)
    assert decision.obligations.keep is None
    assert codes(decide(act(Action.CREATE, own=None), policy(MINE))) == ["not_for_you"], "it would be done before anybody had looked"
    assert codes(decide(asked(Action.CREATE, ids=()), policy(MINE))) == ["not_for_you"]
    assert isinstance(decide(act(Action.CREATE, own=None), policy(ALL, NO_VIP)), Allow)
    assert kept(decide(asked(Action.CREATE, ids=("a",)), policy(MINE))) == "a"


def test_an_empty_answer_is_one():
    assert isinstance(decide(asked(ids=()), policy(MINE, NO_VIP)), Allow)
    key = MINE | {"require": "key", "reason": "limit_needs_key"}
    assert isinstance(decide(asked(ids=()), policy(key)), Allow)
    assert isinstance(decide(asked(Action.UPDATE, ids=()), policy(key)), Challenge), "nothing is known of what would be changed"


def test_warn_only_acts_on_nothing_and_is_named():
    watched = [NO_VIP | {"mode": "observe"}, NO_VIP | {"id": "failing", "mode": "observe", "when": "1 / 0 > 1"}]
    decision = decide(asked(), policy(ALL, *watched, MINE | {"mode": "observe"}))
    assert kept(decision) == "abcd"
    assert decision.observed == ("1:no-vip", "1:failing")
    assert decide(asked(ids=("b",), records={"categories": [[]]}), policy(ALL, *watched[:1])).observed == ()
    cut = MINE | {"mode": "observe", "keep": "own", "where": "record.active"}
    assert decide(asked(), policy(ALL, cut)).observed == ("1:mine",)
    deny = decide(asked(), policy(ALL, NO_VIP | {"id": "all", "where": "true"}, *watched[:1]))
    assert isinstance(deny, Deny)
    assert deny.observed == ("1:no-vip",)


def test_what_the_answer_must_bring_is_known_beforehand():
    rules = policy(MINE, GERMAN, NO_VIP | {"actions": ["export"]}, ALL | {"id": "other", "roles": ["owner"], "where": "record.active"})
    manager = frozenset({"manager"})
    assert rules.attributes_needed(Action.LIST, "client", manager) == {"language", "categories"}
    assert rules.attributes_needed(Action.LIST, "client", frozenset({"owner"})) == {"language", "categories", "active"}
    assert rules.attributes_needed(Action.LIST, "other", manager) == frozenset()
