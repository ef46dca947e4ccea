"""Every rule that ships is held by a case: whoever takes it out, turns it round or changes a number of it turns a case red."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policies.case_run import Question, run
from policies.cases import case_files, questions, run_cases
from policies.document import ANY, Effect, Mode, PolicyText, RuleText, ThresholdText
from policies.load import load, read_document, rule_files
from policies.masks import Mask
from policies.needs import AllOf, Approval, Key, Need
from policies.request import Action
from policies.rule import Policy, compiled
from tests.policies.acts import SHIPPED, texts

RULES = {rule.id: rule for text in texts() for rule in text.rules}
NO_DUTIES: dict[str, Any] = {"masks": None, "masked_for": None, "keep": "all", "whole": False, "limit": None, "require": None}
LITTLE = 0.1
"""Percent: three clients of the 3,000 that the firm of the cases has."""

type Change = tuple[str, dict[str, Any] | None]
"""What is different, for people; the members that change, None: the rule is gone."""


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_change_to_a_rule_turns_a_case_red(rule: RuleText) -> None:
    assert [what for what, change in changes(rule) if not noticed(rule, change)] == []


@pytest.mark.slow
@pytest.mark.parametrize("member", ThresholdText.model_fields)
@pytest.mark.parametrize("step", [-1, 1])
def test_a_change_to_what_is_an_export_turns_a_case_red(member: str, step: int) -> None:
    found = texts()
    threshold = next(text.export_threshold for text in found if text.export_threshold)
    other = threshold.model_copy(update={member: getattr(threshold, member) + step})
    changed = compiled([text.model_copy(update={"export_threshold": other if text.export_threshold else None}) for text in found], "1")
    assert any(not run(question, changed).green for question in asked())


def changes(rule: RuleText) -> Iterator[Change]:
    """Every small change to a rule after which it would do something else."""
    yield "taken out", None
    yield from _turned_round(rule)
    for name in ("roles", "actions", "status", "channels"):
        words = getattr(rule, name)
        if words not in (None, ANY):
            for word in sorted(words) if len(words) > 1 else ():
                yield f"{name} without {word}", {name: words - {word}}
    if rule.status is not None:
        yield "of any status", {"status": None}
    for name in ("when", "where", "reaches", "levels", "limit"):
        if getattr(rule, name) is not None:
            yield f"without {name}", {name: None}
    for number in re.finditer(r"\b[0-9]+\b", rule.when or ""):
        for step in (-1, 1):
            other = f"{abs(int(number[0]) + step):0{len(number[0])}}"
            when = rule.when[: number.start()] + other + rule.when[number.end() :]
            yield f"when {when}", {"when": when}
    if rule.mode is Mode.OBSERVE:
        yield "no longer warn only", {"mode": Mode.ENFORCE}
    if rule.keep == "own":
        yield "keep all", {"keep": "all"}
    if rule.whole:
        yield "not whole", {"whole": False}
    for name in ("reaches", "limit"):
        yield from _counted(rule, name)
    yield from _masked(rule)
    if rule.require is not None:
        for what, need in _needed(rule.require):
            yield what, {"require": need}
    for level in rule.levels or {}:
        for name in ("reaches", "limit"):
            for what, change in _counted(rule.levels[level], name):
                other = rule.levels[level].model_copy(update=change)
                yield f"at {level}: {what}", {"levels": {**rule.levels, level: other}}
        yield f"not at {level}", {"levels": {other: text for other, text in rule.levels.items() if other is not level} or None}


def _turned_round(rule: RuleText) -> Iterator[Change]:
    if rule.effect is not Effect.DENY:
        yield "a deny", {**NO_DUTIES, "levels": None, "effect": Effect.DENY, "reason": "not_for_you"}
    if rule.effect is Effect.ALLOW and rule.require is not None:
        yield "nothing required", {"require": None}
    if rule.effect is Effect.DENY:
        yield "an allow", {"effect": Effect.ALLOW}
    if rule.reason is not None and rule.mode is Mode.ENFORCE:  # a rule that only watches tells nobody why
        yield "another reason", {"reason": "internal_error"}


def _counted(rule: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    counted = getattr(rule, name)
    for member, step in (("percent", LITTLE), ("count", 1), ("at_least", 1)):
        number = getattr(counted, member, None)
        if number:
            for sign in (-1, 1):
                yield f"{name}: {member} {number + sign * step:g}", {name: counted.model_copy(update={member: number + sign * step})}


def _masked(rule: RuleText) -> Iterator[Change]:
    for name, mask in (rule.masks or {}).items():
        rest = {other: kind for other, kind in rule.masks.items() if other != name}
        yield f"{name} clear", {"masks": rest} if rest else {"masks": None, "masked_for": None}
        if mask.size:
            for step in (-1, 1):
                yield f"{name} {mask.size + step}", {"masks": rest | {name: Mask(mask.kind, mask.size + step)}}
    if rule.masks is not None:
        yield "masked for others and all turned round", {"masked_for": "all" if rule.masked_for == "others" else "others"}


def _needed(need: Need) -> Iterator[tuple[str, Need]]:
    match need:
        case Key(fresh):
            yield "key of an hour", Key(fresh + 3_600)
        case Approval(count, role, expires):
            yield "one approval more", Approval(count + 1, role, expires)
            yield "approval of another role", Approval(count, "manager", expires)
            for step in (-60, 60):
                yield f"approval of {expires + step} seconds", Approval(count, role, expires + step)
        case AllOf(needs):
            for place, part in enumerate(needs):
                rest = needs[:place] + needs[place + 1 :]
                yield f"without {part}", rest[0] if len(rest) == 1 else AllOf(rest)
                for what, other in _needed(part):
                    yield what, AllOf((*needs[:place], other, *needs[place + 1 :]))


def noticed(rule: RuleText, change: dict[str, Any] | None) -> bool:
    """Whether a case is red with the change."""
    other = None if change is None else rule.model_copy(update=change)
    changed = policy_with(rule.id, other)
    return any(not run(question, changed).green for question in asked() if concerns(rule, question))


def policy_with(name: str, other: RuleText | None) -> Policy:
    return compiled([text.model_copy(update={"rules": list(_exchanged(text, name, other))}) for text in texts()], "1")


def _exchanged(text: PolicyText, name: str, other: RuleText | None) -> Iterator[RuleText]:
    for rule in text.rules:
        if rule.id != name:
            yield rule
        elif other is not None:
            yield other


@cache
def asked() -> list[Question]:
    return questions(SHIPPED)


def concerns(rule: RuleText, question: Question) -> bool:
    """Whether the rule can have a say; any act may turn out to be an export."""
    given = question.given
    acts = rule.actions == ANY or question.action in rule.actions or Action.EXPORT in rule.actions
    asks_for_masked = rule.masks is not None and bool(given.questioned)
    return (rule.roles == ANY or bool(rule.roles & given.roles)) and ((rule.resource in (ANY, given.resource) and acts) or asks_for_masked)


def test_every_file_says_what_it_is_for_and_every_rule_too() -> None:
    for path in [*rule_files(SHIPPED), *case_files(SHIPPED)]:
        assert len(read_document(path).value["about"].split()) >= 4, path.name
        assert path.read_text("utf-8").startswith("about:"), path.name
    for name, rule in RULES.items():
        assert len(rule.about.split()) >= 5, name


def test_every_file_of_rules_has_its_cases_beside_it() -> None:
    beside = {path.name.removesuffix(".cases.yaml") for path in case_files(SHIPPED)}
    assert {path.name.removesuffix(".yaml") for path in rule_files(SHIPPED)} == beside - {"people", "together"}


@pytest.mark.parametrize("path", rule_files(SHIPPED), ids=lambda path: path.name)
def test_the_cases_of_a_file_are_green_with_this_file_alone(path: Path) -> None:
    """Whoever tries one file of the folder sees what it does, not what is missing."""
    found = run_cases(path, load(path))
    assert found
    assert [(result.title, result.wrong) for result in found if not result.green] == []
