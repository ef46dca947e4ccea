"""What a behaviour rule is, where the rules are found, and how their reasons are said.

A rule is data and one pure function: it looks at one deed and the person's days and gives a signal or nothing. What is a signal, and of
which weight, is written as shares of the base or of the own book (law 7), so that a firm with 300 clients is protected as one with 30,000.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from string import Formatter
from types import ModuleType
from typing import Any

from audit_store.alerts import Signal
from detectors.cases import Case
from detectors.deed import Deed
from detectors.view import View
from policies.reasons import grouped

__all__ = [
    "RULE_FAILED",
    "Judge",
    "Piece",
    "Rule",
    "RuleError",
    "Signal",
    "Wording",
    "above",
    "load_rules",
    "percent",
    "pieces",
    "rules",
    "sentence",
]

RULE_FAILED = "rule_failed"
"""Reason of any rule that could not judge an act: not inspectable is a verdict (law 4)."""
LANGUAGES = ("de", "en")
SEVERITIES = ("low", "medium", "high")
_FAILED = {
    "de": "Die Regel „{title}“ ließ sich für diesen Vorgang nicht auswerten: Sehen Sie ihn selbst an.",
    "en": "The rule “{title}” could not be evaluated for this act: look at it yourself.",
}
_DECIMAL = re.compile(r"\d+\.\d+")


class RuleError(Exception):
    """A file of the folder is no rule, or two rules have one name: nothing may start with half its rules."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a reason is said: `str.format` templates over its numbers."""

    de: str
    en: str
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Number -> (German, English) clause that is added only when this number is known."""

    def template(self, numbers: Mapping[str, int | str], language: str) -> str:
        """The template with the clauses whose numbers are known."""
        german = language == "de"
        clauses = (texts[0] if german else texts[1] for name, texts in self.parts.items() if name in numbers)
        return (self.de if german else self.en) + "".join(clauses) + "."


type Judge = Callable[[Deed, View], Signal | None]
type Hearing = Callable[[Mapping[str, Any]], Signal | None]


def _deaf(_document: Mapping[str, Any]) -> Signal | None:
    """Most rules are about what people do on the CRM and on the ways out."""
    return None


@dataclass(frozen=True, slots=True)
class Rule:
    """A behaviour rule: what a reviewer needs to know of it, and the function that judges."""

    id: str
    title: Mapping[str, str]
    """Language -> a few words, the headline of its alerts."""
    severity: str
    """The highest that it gives."""
    runbook: Mapping[str, str]
    """Language -> what the reviewer does now."""
    false_positives: Mapping[str, str]
    """Language -> ordinary work that looks the same."""
    shares: Mapping[str, int]
    """Thresholds by name, in percent, or a smallest number below which a share says nothing."""
    reasons: Mapping[str, Wording]
    judge: Judge
    """Called for every deed of a person, after the deed was added to the view. Pure."""
    cases: tuple[Case, ...]
    hears: Hearing = _deaf
    """Called for every event that is no deed. Pure."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence; a page makes each number a link to its events."""

    text: str
    number: bool


def load_rules(package: ModuleType) -> Mapping[str, Rule]:
    """All rules of a folder by id. Raises RuleError for a module without a rule and for a name that is there twice."""
    found: dict[str, Rule] = {}
    for module in iter_modules(package.__path__, package.__name__ + "."):
        rule = getattr(import_module(module.name), "RULE", None)
        if not isinstance(rule, Rule):
            raise RuleError(f"{module.name} has no RULE: write one, or move the file out of the folder of rules")
        if rule.id in found:
            raise RuleError(f"two rules are named {rule.id!r}, one of them in {module.name}: rename one")
        found[rule.id] = rule
    if not found:
        raise RuleError(f"{package.__name__} holds no rule: a watch without rules sees nothing")
    return found


@cache
def rules() -> Mapping[str, Rule]:
    """The rules of this installation by id."""
    return load_rules(import_module("detectors.behaviour"))


def sentence(rule_id: str, code: str, numbers: Mapping[str, int | str], language: str) -> str:
    """A reason in words with its numbers. What an older release called otherwise is named by its code."""
    return "".join(piece.text for piece in pieces(rule_id, code, numbers, language))


def pieces(rule_id: str, code: str, numbers: Mapping[str, int | str], language: str) -> list[Piece]:
    """`sentence` in pieces, its numbers apart."""
    rule = rules().get(rule_id)
    wording = rule.reasons.get(code) if rule else None
    if rule is not None and code == RULE_FAILED:
        return [Piece(_FAILED[language].format(title=rule.title[language]), False)]
    if wording is None:
        known = ", ".join(f"{name} {_said(value, language)}" for name, value in sorted(numbers.items()))
        return [Piece(f"{rule_id}: {code}" + (f" ({known})." if known else "."), False)]
    found = []
    for text, name, _, _ in Formatter().parse(wording.template(numbers, language)):
        if text:
            found.append(Piece(text, False))
        if name is not None:
            found.append(Piece(_said(numbers[name], language), True) if name in numbers else Piece("–", False))
    return found


def above(part: int, share: int, whole: int) -> bool:
    """True when `part` is more than `share` percent of `whole`; exact, without floating point."""
    return 100 * part > share * whole


def percent(part: int, whole: int) -> int | str:
    """A share in percent, rounded down: whole from 10 % on, with one decimal below (`1.3`). Never says 100 for less than all."""
    tenths = 1_000 * part // max(whole, 1)
    return tenths // 10 if tenths >= 100 or tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"


def _said(value: int | str, language: str) -> str:
    if isinstance(value, int):
        return grouped(value, language)
    return value.replace(".", ",") if language == "de" and _DECIMAL.fullmatch(value) else value
