"""Promises of every rule, and every rule's own cases, told in real events."""

from string import Formatter

import pytest

from audit_store.event import Event, Phase
from detectors.base import LANGUAGES, SEVERITIES, Rule, Signal, rules, sentence
from detectors.cases import Case, Expected, Step, events
from detectors.deed import deed_of
from detectors.view import View
from policies import reasons
from policies.request import Action

RULES = list(rules().values())
CASES = [pytest.param(rule, case, id=f"{rule.id}: {case.description}") for rule in RULES for case in rule.cases]


def judged(rule: Rule, steps: tuple[Step, ...]) -> list[Signal | None]:
    """What the rule says to each step of a story."""
    return said_of(rule, events(steps))


def said_of(rule: Rule, story: list[Event]) -> list[Signal | None]:
    view, found = View(), []
    for event in story:
        deed = deed_of(event.document)
        if deed is None:
            found.append(rule.hears(event.document))
            continue
        view.apply(deed)
        found.append(rule.judge(deed, view))
    return found


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_case_ends_as_its_author_says(rule: Rule, case: Case):
    signals = judged(rule, case.steps)
    if case.expected is None:
        assert signals == [None] * len(case.steps)
        return
    signal = signals[-1]
    assert signal is not None
    assert (signal.reason, signal.severity) == (case.expected.code, case.expected.severity)
    assert {name: signal.numbers.get(name) for name in case.expected.numbers} == dict(case.expected.numbers)


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_signal_names_its_rule_its_person_and_its_event(rule: Rule, case: Case):
    story = events(case.steps)
    for event, signal in zip(story, said_of(rule, story), strict=True):
        if signal is not None:
            assert signal.rule == rule.id
            assert signal.pseudonym == event.pseudonym
            assert signal.event_ids[-1] == event.id
            assert set(signal.event_ids) <= {told.id for told in story}
            assert signal.reason in rule.reasons
            assert SEVERITIES.index(signal.severity) <= SEVERITIES.index(rule.severity)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_cases_for_and_against_it_and_every_reason_is_in_one(rule: Rule):
    expected = [case.expected for case in rule.cases]
    assert None in expected
    assert {found.code for found in expected if isinstance(found, Expected)} == set(rule.reasons)
    descriptions = [case.description for case in rule.cases]
    assert len(descriptions) == len(set(descriptions))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_all_its_texts_in_both_languages(rule: Rule):
    for texts in (rule.title, rule.runbook, rule.false_positives):
        assert set(texts) == set(LANGUAGES)
        assert all(text.strip() for text in texts.values())
    for text in rule.runbook.values():
        assert text.startswith("1. ")
    assert rule.severity in SEVERITIES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_reason_says_the_same_numbers_in_both_languages(rule: Rule):
    for wording in rule.reasons.values():
        numbers = dict.fromkeys(wording.parts, 1)
        german, english = (
            sorted(name for _, name, _, _ in Formatter().parse(wording.template(numbers, language)) if name) for language in LANGUAGES
        )
        assert german == english
        assert german


@pytest.mark.parametrize(("rule", "case"), [param for param in CASES if param.values[1].expected is not None])
def test_a_signal_is_said_without_a_gap(rule: Rule, case: Case):
    signal = judged(rule, case.steps)[-1]
    assert signal is not None
    for language in LANGUAGES:
        said = sentence(rule.id, signal.reason, signal.numbers, language)
        assert "–" not in said
        assert "{" not in said
        assert said.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_with_thresholds_holds_them_as_shares(rule: Rule):
    for name, value in rule.shares.items():
        assert 0 < value <= 100, name


def test_a_firm_with_a_tenth_of_the_clients_has_the_same_alerts():
    """Law 7: the same share of a base of 300 gives the same reason and severity as of one of 3,000."""
    for rule in RULES:
        for asked in (5, 20, 40, 200, 290):
            small = (Step(Action.EXPORT, Phase.HELD, range(asked), reasons.EXPORT_NEEDS_KEY, base=300, book=50),)
            large = (Step(Action.EXPORT, Phase.HELD, range(10 * asked), reasons.EXPORT_NEEDS_KEY, base=3_000, book=500),)
            (one,), (ten,) = judged(rule, small), judged(rule, large)
            assert (one and (one.reason, one.severity, one.numbers.get("share"))) == (
                ten and (ten.reason, ten.severity, ten.numbers.get("share"))
            )


def test_every_action_and_phase_passes_through_every_rule():
    """No combination that the record can hold makes a rule raise."""
    for rule in RULES:
        for action in Action:
            for phase in Phase:
                judged(rule, (Step(action, phase, range(3), book=0, base=1), Step(action, phase)))
