"""What new rules let go that the old ones did not: the situations of all cases, with every act, and recorded acts, asked of both.

They find what these ask, no more. What no case and no recorded act touches is named where the rules themselves say it (`loosened.py`,
`analysis.py`). Roles that stand in a rule but in no case are asked in every situation of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from policies.analysis import analyse
from policies.case_run import request_of
from policies.cases import GivenText, Question, judge
from policies.compare import Comparison, Kind, compare, verdict
from policies.document import Effect, RuleText
from policies.engine import decide
from policies.loosened import loosened
from policies.request import AccessRequest, Action, Level, Principal, Status
from policies.rule import Policy

type Traffic = Callable[[Policy, Policy], Iterable[AccessRequest]]
"""Old and new rules -> recorded acts that both can be asked about."""

_DIGITS = 12
"""Of a change's name: enough not to be met by chance, few enough to be typed."""


def no_traffic(old: Policy, new: Policy) -> Iterable[AccessRequest]:
    """Where there is no record."""
    return ()


@dataclass(frozen=True, slots=True)
class Widening:
    """One thing that would be wider."""

    place: str
    """File and line of the case, `recorded` for acts of the record, `rules` for what the rules themselves say."""
    who: str
    """Roles, status and level, or a pseudonym."""
    act: str
    """One, or several of which the same is true."""
    situation: str
    before: str
    after: str
    changes: tuple[str, ...]
    times: int = 1
    """How many recorded acts this is true of."""

    def __str__(self) -> str:
        times = f", {self.times} times" if self.times > 1 else ""
        verdicts = f"{self.before} -> {self.after}" if self.before not in ("", self.after) else self.after
        return f"{self.who}: {self.act}: {verdicts}: {'; '.join(self.changes)} ({self.situation}, {self.place}{times})"


@dataclass(frozen=True, slots=True)
class Widenings:
    """Everything that would be wider, and two names of the change from the old rules to the new ones."""

    lines: tuple[Widening, ...]
    digest: str
    """Short, to be typed."""
    change: str = ""
    """SHA-256, hexadecimal, whole: what others approve."""


class WideningError(Exception):
    """New rules are wider than those in force, and nobody has confirmed exactly this change."""

    def __init__(self, widenings: Widenings) -> None:
        self.widenings = widenings
        super().__init__(f"{len(widenings.lines)} things would be wider")


def widenings(old: Policy, new: Policy, asked: Iterable[Question], traffic: Traffic, change: str) -> Widenings:
    """Find what is wider. `asked` are the cases of both; `change` says from which rules to which, and becomes the digest."""
    lines: tuple[Widening, ...] = ()
    if old.threshold != new.threshold or _texts(old) != _texts(new):
        lines = (*_by_cases(old, new, list(asked)), *_by_record(old, new, traffic(old, new)), *_by_rules(old, new))
    return _named(lines, change)


def _named(lines: tuple[Widening, ...], change: str) -> Widenings:
    name = sha256(change.encode()).hexdigest()
    return Widenings(lines, name[:_DIGITS], name)


def incomparable(new: Policy, newest: int, content: str) -> Widenings:
    """All of the new rules, where no earlier version can be trusted or read. `newest`: the number that was in force."""
    words = f"there is nothing to compare with: version {newest} and those before it cannot be used"
    rules = {rule.text.id: rule.text for rule in new.rules if rule.text.effect is Effect.ALLOW}
    lines = [Widening("rules", *_about(text), f"rule {name}", "", text.effect.value, (words,)) for name, text in rules.items()]
    return _named(tuple(lines), f"{newest} {content}")


def with_gap(found: Widenings, compared: int, newest: int, change: str) -> Widenings:
    """What is wider than an earlier version, where the one in force cannot be used: how strict that was nobody knows any more."""
    words = f"version {newest} cannot be used and may have been stricter: compared with version {compared}"
    line = Widening("rules", "anybody", "every act", "versions", "", "unknown", (words,))
    return _named((line, *found.lines), f"{newest} {change}")


def _texts(policy: Policy) -> dict[object, RuleText]:
    return {(rule.text.id, rule.levels): rule.text for rule in policy.rules}


def _by_cases(old: Policy, new: Policy, asked: list[Question]) -> Iterator[Widening]:
    seen: set[str] = set()
    situations = [*asked, *_for_roles_without_case(new, asked)]
    for question in situations:
        given = question.given.model_copy(update={"action": None})
        key = given.model_dump_json(warnings=False)
        if key in seen:
            continue
        seen.add(key)
        alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for action in Action:
            before, after = judge(given, action, old), judge(given, action, new)
            found = compare(before, after, request_of(given, action))
            if found.widens:
                alike.setdefault((verdict(before), verdict(after), _words(found)), []).append(action.value)
        place = f"{question.file}:{question.line}"
        for (before_word, after_word, words), acts in alike.items():
            yield Widening(place, _given(given), ", ".join(acts), question.name, before_word, after_word, words)


def _for_roles_without_case(policy: Policy, asked: list[Question]) -> Iterator[Question]:
    known = {role for question in asked for role in question.given.roles or ()}
    named = {role for rule in policy.rules for role in rule.roles or ()}
    for role in sorted(named - known):
        for question in asked:
            given = question.given.model_copy(update={"roles": frozenset({role}), "person": None})
            yield Question(question.file, question.line, f"{question.name}, as {role}", given, question.action, question.expect)


def _by_record(old: Policy, new: Policy, requests: Iterable[AccessRequest]) -> Iterator[Widening]:
    counted: dict[Widening, int] = {}
    for request in requests:
        before, after = decide(request, old), decide(request, new)
        found = compare(before, after, request)
        if found.widens:
            who = f"{request.principal.pseudonym} ({_person(request.principal)})"
            said = (verdict(before), verdict(after), _words(found))
            line = Widening("recorded", who, request.action.value, "an act of the record", *said)
            counted[line] = counted.get(line, 0) + 1
    for line, times in sorted(counted.items(), key=lambda pair: (pair[0].who, pair[0].act, pair[0].changes)):
        yield Widening(line.place, line.who, line.act, line.situation, line.before, line.after, line.changes, times)


def _by_rules(old: Policy, new: Policy) -> Iterator[Widening]:
    if new.threshold.answer > old.threshold.answer or new.threshold.minute > old.threshold.minute:
        words = "more clients may be taken before it counts as an export"
        yield Widening("rules", "anybody", "every act", "export_threshold", "", "allow", (words,))
    known = {(remark.rule, remark.code) for remark in analyse(old)}
    named: set[str] = set()
    for remark in analyse(new):
        if remark.widens and (remark.rule, remark.code) not in known:
            named.add(remark.rule)
            rule = next(rule.text for rule in new.rules if rule.text.id == remark.rule)
            yield Widening("rules", *_about(rule), f"rule {remark.rule}", "", remark.message, (remark.hint,))
    for one in loosened(old, new):
        if one.text.id not in named:
            yield Widening("rules", *_about(one.text), f"rule {one.text.id}", "", one.text.effect.value, (one.words,))


def _about(rule: RuleText) -> tuple[str, str]:
    """Whom a rule is about, and which acts."""
    who = "anybody" if isinstance(rule.roles, str) else ", ".join(sorted(rule.roles))
    return who, "every act" if isinstance(rule.actions, str) else ", ".join(sorted(rule.actions))


def _words(found: Comparison) -> tuple[str, ...]:
    return tuple(str(change) for change in found.changes if change.kind is not Kind.OTHER)


def _given(given: GivenText) -> str:
    status = [] if given.status is Status.ACTIVE else [given.status.value]
    level = [given.level.value] if given.level is not None and given.level is not Level.NORMAL else []
    return ", ".join([*sorted(given.roles or ()), *status, *level])


def _person(principal: Principal) -> str:
    status = [] if principal.status is Status.ACTIVE else [principal.status.value]
    level = [] if principal.level is Level.NORMAL else [principal.level.value]
    return ", ".join([*sorted(principal.roles), *status, *level])
