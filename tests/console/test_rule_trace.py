"""The words of a trace: each outcome, each need and each counter has its own, in both languages."""

import pytest

from audit_store.event import Phase
from audit_store.judged_again import JudgedAgain
from audit_store.replay import Recorded
from console.language import LANGUAGES, speech
from console.rule_trace import COUNTERS, EFFECTS, OUTCOMES, VERDICTS, need_words, rule_trace
from console.words import LEVELS
from policies.attributes import COUNTERS as COUNTED
from policies.document import Effect
from policies.explain import Outcome, explain
from policies.needs import Acknowledge, AllOf, AnyOf, Approval, Justify, Key, Need
from policies.request import Action, Counts, Level
from policies.rule import PolicyText, compiled
from tests.policies.acts import act

RULE = {"roles": "any", "actions": ["list", "export"], "resource": "client", "effect": "allow"}
ENGLISH = speech("en")


def judged(request, *rules, **members):
    policy = compiled([PolicyText.model_validate({"rules": [RULE | rule for rule in rules]})], "7")
    given = {"version": "7", "of_that_time": True, "unknown": frozenset()} | members
    recorded = Recorded(request, frozenset(), Action.LIST, Phase.RELEASED, (), (), (), "7", "event", 1)
    return JudgedAgain(recorded, explain(request, policy), **given)


def test_every_code_has_a_word():
    assert set(OUTCOMES) == set(Outcome)
    assert set(EFFECTS) == {effect.value for effect in Effect}
    assert set(VERDICTS) == {"allow", "challenge", "deny"}
    assert set(COUNTERS) == COUNTED
    assert set(LEVELS) == set(Level)


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (Key(), "a touch of the key"),
        (Key(300), "a touch of the key within 300 seconds"),
        (Approval(2, "owner"), "approval by 2 (Owner)"),
        (AllOf((Key(), Justify())), "a touch of the key and a reason in writing"),
        (
            AllOf((AnyOf((Key(), Approval())), Acknowledge())),
            "(a touch of the key or approval by 1 (Owner)) and the warning has to be read",
        ),
    ],
)
def test_a_need_is_a_phrase(need: Need, words: str):
    assert need_words(need, ENGLISH) == words


def test_what_had_a_say_comes_first_and_the_rest_says_why_not():
    request = act(Action.LIST, own=1, others=2, after=Counts(shown_day=1_234))
    deny = {"effect": "deny", "reason": "day_limit"}
    found = rule_trace(
        judged(
            request,
            {"id": "never", "when": "false"} | deny,
            {"id": "own", "where": "record.own", "about": "  Own\n clients. "},
            {"id": "strict", "levels": {"watched": deny}},
            {"id": "warns", "mode": "observe"} | deny,
        ),
        ENGLISH,
    )
    assert [(line.rule, line.outcome, line.more, line.had_a_say) for line in found.rules] == [
        ("own", "applied", "1 of the clients", True),
        ("strict", "applied", "as it is at level: departing and normal", True),
        ("warns", "would have acted, only warns", "", True),
        ("never", "condition not met", "", False),
    ]
    assert found.rules[0].about == "Own clients."
    assert (found.verdict, found.act, found.version) == ("allowed", "List of clients", "Rules of version 7, in force at that time.")
    numbers = dict(found.numbers)
    assert numbers["Clients asked for"] == "3, own: 1, of others: 2"
    assert numbers["shown, one day"] == "0 → 1,234"
    assert "exported, one day" not in numbers
    assert found.remarks == ()


def test_an_act_that_is_an_export_under_another_name_says_both():
    ids = tuple(f"own{number}" for number in range(300))
    found = rule_trace(judged(act(Action.LIST, own=300, clear_contact_ids=frozenset(ids)), {"id": "a"}), ENGLISH)
    assert found.act == "Export, called as: List of clients"


def test_what_the_reader_must_know_is_said():
    request = act(Action.LIST, own=None)
    found = rule_trace(
        judged(request, {"id": "a", "effect": "deny", "reason": "day_limit"}, of_that_time=False, unknown=frozenset({"record.countries"})),
        ENGLISH,
    )
    assert "not there any more" in found.version
    assert ["record.countries" in remark for remark in found.remarks] == [True, False]
    assert "ended otherwise" in found.remarks[1]
    assert dict(found.numbers)["Clients asked for"] == "not known yet: the CRM was not asked"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_id_of_a_client_is_in_a_trace(language: str):
    found = rule_trace(judged(act(Action.EXPORT, own=3, others=4), {"id": "a", "where": "record.own"}), speech(language))
    assert "own1" not in repr(found)
    assert "other1" not in repr(found)
