"""One recorded act judged again, by the rules of its time, with the whole trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit_store.differences import said_then
from audit_store.replay import Recorded
from policies.compare import verdict
from policies.explain import Explanation, explain
from policies.load import load_contents
from policies.names import NamesUsed
from policies.problems import PolicyErrors
from policies.rule import Policy
from policies.versions import Versions


@dataclass(frozen=True, slots=True)
class JudgedAgain:
    """An act with its trace."""

    act: Recorded
    explanation: Explanation
    version: str
    """Of the rules that were asked."""
    of_that_time: bool
    """False: those of that time are not there any more, and these are the ones in force."""
    unknown: frozenset[str]
    """Names that these rules look at and that the record does not hold: what they make of them is not what they made of them then."""

    @property
    def differs(self) -> bool:
        """The act ended otherwise than these rules would have it: by other rules, or by what is no rule (the CRM did not answer)."""
        return verdict(self.explanation.decision) != said_then(self.act.phase)


def judged_again(act: Recorded, versions: Versions) -> JudgedAgain:
    """Judge an act by the rules of its time, else by those in force. Raises PolicyErrors if neither can be used."""
    policy = _of_that_time(act, versions)
    known = policy is not None
    if policy is None:
        newest = versions.newest()
        policy = load_contents(newest.rules, str(newest.number))
    unknown = NamesUsed(policy).by(act.request) & act.missing
    return JudgedAgain(act, explain(act.request, policy), policy.version, known, unknown)


def _of_that_time(act: Recorded, versions: Versions) -> Policy | None:
    try:
        number = int(act.version) if act.version is not None else _number_at(act.at, versions)
        if number is None:
            return None
        return load_contents(versions.version(number).rules, str(number))
    except (ValueError, PolicyErrors):
        return None


def _number_at(at: datetime, versions: Versions) -> int | None:
    """The version in force at a time: a decision that no rule made names none."""
    for number in reversed(versions.numbers()):
        if versions.statement(number).at <= at:
            return number
    return None
