"""The trace of an act in words, for reviewers and admins: every rule that was asked, what became of it, and the numbers it looked at.

It holds counts, names of fields and the words of the rules; never an id or a value of a client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import assert_never

from audit_store.judged_again import JudgedAgain
from console.language import Speech
from console.words import ACTIONS, LEVELS, N_, ROADS, STATUSES, field_words, role_words, word
from policies.compare import verdict
from policies.decision import Challenge
from policies.explain import Outcome, Step
from policies.needs import Acknowledge, AllOf, AnyOf, Approval, Code, Justify, Key, Need
from policies.request import AccessRequest, Counts, KeyClass

EFFECTS: Mapping[str, str] = {
    "allow": N_("allows"),
    "deny": N_("denies"),
    "require": N_("asks for proof"),
    "oblige": N_("obliges"),
}
OUTCOMES: Mapping[str, tuple[str, str]] = {
    Outcome.MATCHED: (N_("applied"), "info"),
    Outcome.FAILED: (N_("could not be evaluated"), "stop"),
    Outcome.OBSERVED: (N_("would have acted, only warns"), "held"),
    Outcome.NO_RECORD: (N_("about none of these clients"), "plain"),
    Outcome.CONDITION_FALSE: (N_("condition not met"), "plain"),
    Outcome.NOT_REACHED: (N_("number not reached"), "plain"),
    Outcome.OTHER_CHANNEL: (N_("other road"), "plain"),
    Outcome.OTHER_STATUS: (N_("other status"), "plain"),
}
"""Outcome -> words, look of the chip; what had a say comes first."""
_TOUCH: Mapping[KeyClass, str] = {
    KeyClass.SYNCED: N_("a touch of any key"),
    KeyClass.HARDWARE: N_("a touch of the key"),
    KeyClass.VERIFIED: N_("a touch of a verified key"),
}
"""The weakest key that is enough -> words."""
VERDICTS: Mapping[str, tuple[str, str]] = {
    "allow": (N_("allowed"), "good"),
    "challenge": (N_("held"), "held"),
    "deny": (N_("stopped"), "stop"),
}
COUNTERS: Mapping[str, str] = {
    "shown_hour": N_("shown, one hour"),
    "shown_day": N_("shown, one day"),
    "shown_month": N_("shown, 30 days"),
    "taken_minute": N_("contact details given, one minute"),
    "taken_hour": N_("contact details given, one hour"),
    "taken_day": N_("contact details given, one day"),
    "taken_month": N_("contact details given, 30 days"),
    "foreign_shown_day": N_("of others shown, one day"),
    "exported_hour": N_("exported, one hour"),
    "exported_day": N_("exported, one day"),
    "exported_month": N_("exported, 30 days"),
    "deleted_day": N_("deleted, one day"),
    "deleted_month": N_("deleted, 30 days"),
    "changed_day": N_("changed, one day"),
    "changed_month": N_("changed, 30 days"),
    "sent_day": N_("sent out, one day"),
    "sent_month": N_("sent out, 30 days"),
    "paced_cards": N_("cards opened at the pace of a program"),
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the walk."""

    rule: str
    """Its id as it is written."""
    effect: str
    outcome: str
    chip: str
    about: str
    """What the rule is for, as whoever wrote it says."""
    more: str
    """Of how many clients, at which levels."""
    had_a_say: bool


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """The whole trace. Texts are in the reader's language."""

    act: str
    """What it was by its effect, and by its name where that is another."""
    verdict: str
    chip: str
    reasons: tuple[str, ...]
    version: str
    """By whose rules."""
    remarks: tuple[str, ...]
    """What the reader must know to believe it."""
    rules: tuple[RuleLine, ...]
    """What had a say comes first."""
    numbers: tuple[tuple[str, str], ...]
    """Name and value."""


def rule_trace(judged: JudgedAgain, speech: Speech) -> RuleTrace:
    """A judged act in words."""
    decision = judged.explanation.decision
    said, chip = VERDICTS[verdict(decision)]
    reasons = [because.for_reviewer(speech.language) for because in decision.reasons]
    if isinstance(decision, Challenge):
        reasons.append(speech.say("Still missing: %(need)s.", need=need_words(decision.need, speech)))
    order = list(OUTCOMES)
    steps = sorted(judged.explanation.steps, key=lambda step: order.index(step.outcome))
    return RuleTrace(
        act=_act(judged, speech),
        verdict=speech.say(said),
        chip=chip,
        reasons=tuple(reasons),
        version=_version(judged, speech),
        remarks=tuple(_remarks(judged, speech)),
        rules=tuple(_line(step, speech) for step in steps),
        numbers=tuple(_numbers(judged.act.request, speech)),
    )


def need_words(need: Need, speech: Speech) -> str:
    """What is asked for, as a phrase."""
    match need:
        case Key(fresh, least):
            touch = speech.say(_TOUCH[least])
            return speech.say("%(touch)s within %(seconds)s seconds", touch=touch, seconds=speech.number(fresh)) if fresh else touch
        case Code():
            return speech.say("a code of the app")
        case Approval(count, role, _):
            return speech.say("approval by %(count)s (%(role)s)", count=speech.number(count), role=role_words([role], speech))
        case Justify():
            return speech.say("a reason in writing")
        case Acknowledge():
            return speech.say("the warning has to be read")
        case AllOf(parts):
            return f" {speech.say('and')} ".join(_bracketed(part, speech) for part in parts)
        case AnyOf(parts):
            return f" {speech.say('or')} ".join(_bracketed(part, speech) for part in parts)
    assert_never(need)


def _bracketed(need: Need, speech: Speech) -> str:
    said = need_words(need, speech)
    return f"({said})" if isinstance(need, AllOf | AnyOf) else said


def _act(judged: JudgedAgain, speech: Speech) -> str:
    named, effect = judged.act.request.action, judged.explanation.action
    said = word(ACTIONS, effect, speech)
    if named is effect:
        return said
    return speech.say("%(effect)s, called as: %(name)s", effect=said, name=word(ACTIONS, named, speech))


def _version(judged: JudgedAgain, speech: Speech) -> str:
    if judged.of_that_time:
        return speech.say("Rules of version %(version)s, in force at that time.", version=judged.version)
    return speech.say(
        "The rules of that time are not there any more; these are of version %(version)s, in force now.", version=judged.version
    )


def _remarks(judged: JudgedAgain, speech: Speech) -> Iterator[str]:
    if judged.unknown:
        names = speech.listed(sorted(judged.unknown))
        yield speech.say("Rules look at %(names)s, which is not recorded: what they say here may differ from what they said.", names=names)
    if judged.differs:
        yield speech.say("It ended otherwise then: by other rules, or by something that is no rule.")


def _line(step: Step, speech: Speech) -> RuleLine:
    said, chip = OUTCOMES[step.outcome]
    more = []
    if step.records is not None:
        more.append(speech.say_many("%(number)s of the clients", "%(number)s of the clients", step.records))
    if step.failed:
        more.append(speech.say_many("could not be asked of %(number)s client", "could not be asked of %(number)s clients", step.failed))
    if step.levels:
        more.append(
            speech.say("as it is at level: %(levels)s", levels=speech.listed([word(LEVELS, level, speech) for level in step.levels]))
        )
    return RuleLine(
        rule=step.rule.rpartition(":")[2],
        effect=word(EFFECTS, step.effect, speech),
        outcome=speech.say(said),
        chip=chip,
        about=" ".join(step.about.split()),
        more=" · ".join(more),
        had_a_say=step.outcome in (Outcome.MATCHED, Outcome.FAILED, Outcome.OBSERVED),
    )


def _numbers(request: AccessRequest, speech: Speech) -> Iterator[tuple[str, str]]:
    resource, principal, usage = request.resource, request.principal, request.usage
    if resource.ids is None:
        yield speech.say("Clients asked for"), speech.say("not known yet: the CRM was not asked")
    else:
        asked, own = len(resource.ids), len(resource.own)
        counts = {"asked": speech.number(asked), "own": speech.number(own), "others": speech.number(asked - own)}
        counted = speech.say("%(asked)s, own: %(own)s, of others: %(others)s", **counts)
        yield speech.say("Clients asked for"), counted
        if resource.clear_contact_ids:
            yield speech.say("Clear contact details of"), speech.number(len(resource.clear_contact_ids))
    if resource.fields:
        yield speech.say("Fields"), field_words(sorted(resource.fields), speech)
    if resource.questioned_fields:
        yield speech.say("Searched or sorted by"), field_words(sorted(resource.questioned_fields), speech)
    if resource.written_fields:
        yield speech.say("Fields written"), field_words(sorted(resource.written_fields), speech)
    yield speech.say("Road"), word(ROADS, request.context.channel, speech)
    if request.context.destination is not None:
        yield speech.say("Destination"), request.context.destination
    for found in request.findings:
        yield speech.say("Found in it"), f"{found.kind} ({found.detector}): {speech.number(found.clients)}"
    for field in fields(Counts):
        before, after = getattr(usage.before, field.name), getattr(usage.after, field.name)
        if before or after:
            counted = speech.number(after) if before == after else f"{speech.number(before)} → {speech.number(after)}"
            yield word(COUNTERS, field.name, speech), counted
    if usage.base > 1:
        yield speech.say("Clients of the firm"), speech.number(usage.base)
        yield speech.say("Own clients"), speech.number(usage.book)
    yield speech.say("Status"), word(STATUSES, principal.status, speech)
    yield speech.say("Level"), word(LEVELS, principal.level, speech)
    if request.proof is not None:
        yield speech.say("Signed with the key"), speech.say_many("%(number)s client", "%(number)s clients", len(request.proof.ids))
    if request.approvals:
        yield speech.say("Approvals"), speech.number(len(request.approvals))
