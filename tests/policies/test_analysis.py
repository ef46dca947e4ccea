"""What is suspicious in rules without an error: listed where it is certain, and never where a rule still makes a difference."""

from pathlib import Path

import pytest

from policies.analysis import analyse
from policies.load import load
from policies.vocabulary import Vocabulary

ALLOW = "{id: reads, roles: [manager, owner], actions: [list, read], resource: client, effect: allow%s}"
TRYTON = Vocabulary(
    profile="tryton", fields=frozenset({"name", "phone"}), contact_fields=frozenset({"phone"}), record=frozenset({"own", "countries"})
)


@pytest.fixture
def remarks(tmp_path: Path):  # type: ignore[no-untyped-def]
    def of(*rules: str, **known: object) -> list[tuple[str, str]]:
        (tmp_path / "a.yaml").write_text("rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
        return [(remark.rule, remark.code) for remark in analyse(load(tmp_path), **known)]  # type: ignore[arg-type]

    return of


DENY = "{id: stop, roles: any, actions: %s, resource: any, effect: deny, reason: not_for_you%s}"


@pytest.mark.parametrize(
    ("rule", "deny", "found"),
    [
        (ALLOW % "", DENY % ("any", ""), True),
        (ALLOW % "", DENY % ("[list, read, export]", ""), True),
        (ALLOW % "", DENY % ("[list]", ""), False),
        (ALLOW % "", DENY % ("any", ", when: usage.base > 3"), False),
        (ALLOW % "", DENY % ("any", ", reaches: {counter: shown_day, count: 3}"), False),
        (ALLOW % "", DENY % ("any", ", status: [last_day]"), False),
        (ALLOW % ", status: [last_day]", DENY % ("any", ", status: [last_day, notice_given]"), True),
        (ALLOW % "", DENY % ("any", ", channels: [web]"), False),
        (ALLOW % ", channels: [web]", DENY % ("any", ", channels: [web, api]"), True),
        (ALLOW % "", DENY % ("any", ", mode: observe"), False),
        (ALLOW % "", DENY.replace("any, actions", "[manager], actions") % ("any", ""), False),
        (ALLOW % "", DENY % ("any", ", levels: {watched: {reason: frozen}}"), True),
        (ALLOW % ", levels: {watched: {effect: deny, reason: frozen}}", DENY % ("any", ""), False),
    ],
)
def test_an_allow_that_is_always_denied_is_unreachable(remarks, rule, deny, found):  # type: ignore[no-untyped-def]
    assert (("reads", "unreachable") in remarks(rule, deny)) is found
    assert (("reads", "unreachable") in remarks(deny, rule)) is found


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("{id: again, roles: [manager], actions: [read], resource: client, effect: allow}", [("again", "shadowed")]),
        ("{id: again, roles: [manager], actions: [read], resource: client, effect: allow, channels: [web]}", [("again", "shadowed")]),
        ("{id: again, roles: [manager, owner], actions: [list, read], resource: client, effect: allow}", [("again", "shadowed")]),
        ("{id: again, roles: [intern], actions: [read], resource: client, effect: allow}", []),
        ("{id: again, roles: [manager], actions: [read], resource: client, effect: allow, notify: true}", []),
        ("{id: again, roles: [manager], actions: [read], resource: client, effect: allow, masks: {phone: hide}, for: all}", []),
        ("{id: again, roles: [manager], actions: [read], resource: client, effect: allow, when: usage.base > 3}", []),
        ("{id: again, roles: any, actions: [list, read], resource: client, effect: allow}", [("reads", "shadowed")]),
    ],
)
def test_a_rule_that_another_says_already_is_shadowed_and_of_two_equal_ones_the_second(remarks, other, found):  # type: ignore[no-untyped-def]
    assert remarks(ALLOW % "", other) == found


def test_what_asks_something_of_an_act_that_nobody_allows_never_acts(remarks):  # type: ignore[no-untyped-def]
    key = "{id: key, roles: [%s], actions: [%s], resource: client, effect: require, require: key, reason: export_needs_key}"
    assert remarks(ALLOW % "", key % ("manager", "export")) == [("key", "nothing_to_ask")]
    assert remarks(ALLOW % "", key % ("intern", "read")) == [("key", "nothing_to_ask")]
    assert remarks(ALLOW % "", key % ("manager", "read")) == []


EXPORT = "{id: out, roles: [owner], actions: [list, export], resource: client, effect: allow%s}"
KEY = "{id: key, roles: any, actions: [export], resource: client, effect: require, require: key, reason: export_needs_key%s}"


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([EXPORT % ""], {"open_export"}),
        ([EXPORT % ", require: key, reason: export_needs_key"], set()),
        ([EXPORT % ", limit: {counter: exported_day, count: 5, reason: export_limit}"], set()),
        ([EXPORT % "", KEY % ""], set()),
        ([EXPORT % "", KEY % ", when: usage.base > 3"], {"open_export"}),
        ([EXPORT % "", KEY % ", mode: observe"], {"open_export"}),
        ([EXPORT % ", require: justify, reason: export_needs_key"], {"open_export"}),
        ([EXPORT % ", require: {any: [key, justify]}, reason: export_needs_key"], {"open_export"}),
        ([EXPORT % ", require: {all: [key, justify]}, reason: export_needs_key"], set()),
        ([EXPORT % ", require: {all: [key, approval]}, reason: export_needs_key"], set()),
        ([EXPORT.replace("[owner]", "any") % ", require: key, reason: export_needs_key"], {"export_by_anybody"}),
        ([EXPORT % ", mode: observe"], set()),
        ([EXPORT % "", DENY % ("[export]", ", reaches: {counter: exported_day, percent: 5}")], set()),
    ],
)
def test_an_export_that_nothing_stops_and_no_key_proves_is_named(remarks, rules, found):  # type: ignore[no-untyped-def]
    assert {code for _, code in remarks(*rules)} == found


def test_a_need_on_a_file_that_is_there_already_is_asked_of_nobody(remarks):  # type: ignore[no-untyped-def]
    copied = "{id: copied, roles: any, actions: [%s], resource: content, effect: allow, require: justify, reason: send_justified}"
    assert remarks(copied % "upload, file_copy") == [("copied", "need_not_asked")]
    assert remarks(copied % "upload") == []


def test_what_reaches_far_counts_as_widening_and_the_rest_does_not(tmp_path: Path) -> None:
    acts = "login, system, list, read, search, export, report, print, create, update, delete, reassign, share, copy, bulk, grant_access"
    every = f"{{id: all, roles: any, actions: [{acts}, upload, file_copy], resource: client, effect: allow, watermark: true}}"
    (tmp_path / "a.yaml").write_text(f"rules:\n  - {every}\n")
    found = {remark.code: remark.widens for remark in analyse(load(tmp_path))}
    assert found == {"every_act": True, "open_export": True, "export_by_anybody": True, "mark_without_export": False, "mark_denies": False}


def test_fields_attributes_and_roles_are_compared_with_what_there_is_if_that_is_known(remarks):  # type: ignore[no-untyped-def]
    masking = ALLOW % ", masks: {contact: hide, phon: hide, name: hide}, for: others"
    asks = 'record.language == "fr" || "FR" in record.countries'
    where = f"{{id: far, roles: any, actions: [list, read], resource: client, where: '{asks}', %s}}"
    denies = where % "effect: deny, reason: not_for_you"
    assert remarks(masking, denies) == []
    assert remarks(masking, denies, vocabulary=TRYTON, roles=frozenset({"manager"})) == [
        ("reads", "unknown_field"),
        ("far", "unknown_attribute"),
        ("reads", "nobody_has_role"),
    ]


def test_a_remark_says_what_was_meant(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules:\n  - " + ALLOW % ", masks: {phon: hide}, for: all" + "\n")
    (remark,) = analyse(load(tmp_path), TRYTON)
    assert (remark.message, remark.hint) == ("masks phon, which the profile tryton does not know", "did you mean phone?")


def test_a_role_that_nobody_has_is_named_once_for_all_rules_about_it(tmp_path: Path) -> None:
    texts = [
        ALLOW % "",
        (ALLOW % ", when: usage.base > 3").replace("reads", "more"),
        (ALLOW % ", when: usage.base > 4").replace("reads", "most"),
    ]
    (tmp_path / "a.yaml").write_text("rules:\n" + "".join(f"  - {text}\n" for text in texts))
    (remark,) = analyse(load(tmp_path), roles=frozenset({"managers", "owner"}))
    assert (remark.rule, remark.message) == ("reads", "is about manager, like 2 more rules: nobody has that role")
    assert remark.hint == "did you mean managers?"


AWAY = "{id: away, roles: [manager], actions: %s, resource: client, effect: deny, reason: not_for_you, where: record.active}"


@pytest.mark.parametrize(
    ("acts", "others", "found"),
    [
        ("[list, read]", [], False),
        ("[list]", [], True),
        ("[list, read]", ["{id: more, roles: [manager], actions: [search], resource: client, effect: allow}"], True),
        ("[list, read]", ["{id: more, roles: [manager], actions: [copy], resource: client, effect: allow}"], True),
        ("[list, read]", ["{id: more, roles: [manager], actions: [copy], resource: client, effect: allow, where: record.own}"], False),
        ("[list, read]", ["{id: more, roles: [owner], actions: [search], resource: client, effect: allow}"], False),
        ("[list]", [AWAY.replace("away", "cards") % "[read]"], False),
        ("any", [], False),
        ("[update]", [], False),
    ],
)
def test_clients_that_are_kept_away_from_some_ways_of_reading_only_are_listed(remarks, acts, others, found):  # type: ignore[no-untyped-def]
    assert (("away", "partly_kept_away") in remarks(ALLOW % "", AWAY % acts, *others)) is found


@pytest.mark.parametrize(
    ("actions", "found"),
    [("[file_copy]", False), ("any", False), ("[upload]", True), ("[file_copy, upload]", True), ("[export]", True)],
)
def test_only_a_file_that_lies_somewhere_can_be_put_aside(remarks, actions: str, *, found: bool) -> None:  # type: ignore[no-untyped-def]
    rule = f"{{id: aside, roles: any, actions: {actions}, resource: content, effect: deny, reason: clients_leave, quarantine: true}}"
    assert (("aside", "no_quarantine") in remarks(rule)) == found
