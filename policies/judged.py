"""A folder of rules with its cases, judged as a whole: everything that is wrong with any file comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from policies.case_run import Question, Result, run
from policies.cases import questions
from policies.load import RulePlace, load
from policies.problems import PolicyError, PolicyErrors
from policies.rule import Policy


@dataclass(frozen=True, slots=True)
class Judged:
    """Rules without an error, their cases, and how these came out."""

    policy: Policy
    questions: tuple[Question, ...]
    results: tuple[Result, ...]
    places: Mapping[str, RulePlace]
    """Rule id -> where it stands."""


def judged(source: Path) -> Judged:
    """Read the rules and the cases of a folder, or of one file, and run the cases. Raises PolicyErrors with all errors of all files."""
    errors: list[PolicyError] = []
    places: dict[str, RulePlace] = {}
    policy = asked = None
    try:
        policy = load(source, places=places)
    except PolicyErrors as found:
        errors.extend(found.errors)
    try:
        asked = questions(source)
    except PolicyErrors as found:
        errors.extend(found.errors)
    if policy is None or asked is None:
        raise PolicyErrors(errors)
    return Judged(policy, tuple(asked), tuple(run(question, policy) for question in asked), places)
