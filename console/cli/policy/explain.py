"""`torwart policy explain`: why an act was decided as it was, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Annotated, Any

import typer

from audit_store.differences import said_then
from audit_store.event import EventAction, reasons_of
from audit_store.judged_again import JudgedAgain, judged_again
from audit_store.log import Log, Logged
from audit_store.looks import asked_for
from audit_store.replay import NOBODY_ASKED, deciding, recorded_act
from audit_store.request_record import NotReplayableError
from audit_store.search import search
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.house import print_table
from console.cli.policy.output import refuse, store_of
from console.cli.policy.people import People, people_of
from console.cli.record import open_record, printable
from console.language import speech
from console.rule_trace import RuleTrace, rule_trace
from console.timeline import Line, trace
from policies.compare import need_in_words, verdict
from policies.decision import Challenge, Decision
from policies.problems import PolicyErrors
from policies.request import AccessRequest, Counts
from policies.versions import Versions

EVENTS_SHOWN = 100
_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_ENGLISH = speech("en")
_NOT_AGAIN = {
    NOBODY_ASKED: "This was seen on a machine, where nothing decides: no rule was asked.",
    "older_release": "An older release recorded it, without what the rules saw: it cannot be judged again.",
}


def explain(
    word: Annotated[str, typer.Argument(metavar="ID", help="Of an act, as every refusal shows it, or of an event.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """The whole trace of an act: what it was, every rule that could apply, the numbers they looked at. That somebody looked is recorded."""
    people = people_of(config)
    versions = store_of(config).versions
    with open_record(config, looked_at=asked_for(act=word)) as record:
        events = _found(record.log, word)
        record.saw(events)
    if not events:
        fail(f"nothing is recorded under {printable(word)!r}: give the whole number, as the page or the message shows it")
    judged, fault = _judged(events, versions, people, as_json)
    if as_json:
        print_json(_as_json(events, judged, fault, people))
        return
    _print_events(events, people)
    if judged is None:
        say(fault)
    else:
        _print_trace(rule_trace(judged, _ENGLISH))


def _found(log: Log, word: str) -> list[Logged]:
    """All events of the act, or the one event. An event has no column of its own: the whole record is gone through."""
    found = [row for row in search(log, act=word, limit=EVENTS_SHOWN) if row.document]
    if not found and _EVENT_ID.fullmatch(word):
        found = log.where("instr(canonical, CAST(? AS BLOB)) AND action IS NOT NULL", (f'"id":"{word}"',), limit=1)
    return found


def _judged(events: Sequence[Logged], versions: Versions, people: People, as_json: bool) -> tuple[JudgedAgain | None, str]:
    act = deciding(events)
    if act is None:
        return None, "It was refused before there was an act to judge: no rule was asked."
    try:
        return judged_again(recorded_act(act, people.seats), versions), ""
    except NotReplayableError as error:
        return None, _NOT_AGAIN.get(error.cause, "The record does not hold what the rules saw: it cannot be judged again.")
    except PolicyErrors as errors:
        refuse(errors, as_json)


def _print_events(events: Sequence[Logged], people: People) -> None:
    for logged, line in zip(events, trace(events, _ENGLISH), strict=True):
        who = logged.document.get("user", {}).get("id")
        said = [f"{line.at.astimezone():%Y-%m-%d %H:%M:%S}", people.called(who) if who else "–", line.what, line.outcome, line.more]
        say(printable("  ".join(said)))
        for text in _about(line):
            say(printable(f"    {text}"))


def _about(line: Line) -> list[str]:
    return [*line.reasons, *([f"rules: {line.rules}"] if line.rules else []), f"road: {line.route}; number in the record: {line.sequence}"]


def _print_trace(found: RuleTrace) -> None:
    say(f"\n{found.version}")
    for remark in found.remarks:
        say(printable(remark))
    say(printable(f"{found.act}: {found.verdict}. {' '.join(found.reasons)}"))
    say("")
    rows = ((line.rule, line.effect, line.outcome, "\n".join(filter(None, (line.about, line.more)))) for line in found.rules)
    print_table(("rule", "", "outcome", "what it is for"), rows)
    say("")
    print_table(("what they looked at", ""), ((name, printable(value)) for name, value in found.numbers))


def _as_json(events: Sequence[Logged], judged: JudgedAgain | None, fault: str, people: People) -> dict[str, Any]:
    first = events[0].document
    pseudonym = first.get("user", {}).get("id")
    return {
        "act_id": first["torwart"].get("act", {}).get("id"),
        "person": pseudonym,
        **({"name": people.names[pseudonym]} if pseudonym in people.names else {}),
        "events": [_event_json(logged) for logged in events],
        "not_judged": fault or None,
        "judged": None if judged is None else _judged_json(judged),
    }


def _event_json(logged: Logged) -> dict[str, Any]:
    document = logged.document
    access = document["event"]["action"] == EventAction.ACCESS
    return {
        "id": document["event"]["id"],
        "sequence": logged.sequence,
        "at": document["@timestamp"],
        "phase": document["torwart"]["act"]["phase"] if access else document["event"]["action"],
        "reasons": [{"code": because.reason.code, "text": because.for_reviewer("en")} for because in reasons_of(document)],
        "rules": document["torwart"].get("rules", []),
    }


def _judged_json(judged: JudgedAgain) -> dict[str, Any]:
    act, explanation = judged.act, judged.explanation
    return {
        "event_id": act.event_id,
        "action": explanation.action.value,
        "named": act.request.action.value,
        "said_then": said_then(act.phase),
        "version": judged.version,
        "of_that_time": judged.of_that_time,
        "differs": judged.differs,
        "unknown": sorted(judged.unknown),
        "decision": _decision_json(explanation.decision),
        "rules": [
            {
                "rule": step.rule,
                "effect": step.effect,
                "outcome": step.outcome.value,
                "about": " ".join(step.about.split()),
                "records": step.records,
                "failed": step.failed,
                "levels": [level.value for level in step.levels],
            }
            for step in explanation.steps
        ],
        "numbers": _numbers_json(act.request),
    }


def _decision_json(decision: Decision) -> dict[str, Any]:
    said = {
        "verdict": verdict(decision),
        "reasons": [
            {"code": because.reason.code, "text": because.for_reviewer("en"), "values": dict(because.values)}
            for because in decision.reasons
        ],
        "rules": list(decision.rules),
        "observed": list(decision.observed),
    }
    return said | ({"needs": need_in_words(decision.need)} if isinstance(decision, Challenge) else {})


def _numbers_json(request: AccessRequest) -> dict[str, Any]:
    resource, principal, usage = request.resource, request.principal, request.usage
    return {
        "known": resource.ids is not None,
        "asked": len(resource.ids or ()),
        "own": len(resource.own),
        "clear_contacts": len(resource.clear_contact_ids),
        "fields": sorted(resource.fields),
        "questioned_fields": sorted(resource.questioned_fields),
        "written_fields": sorted(resource.written_fields),
        "channel": request.context.channel.value,
        "destination": request.context.destination,
        "findings": [asdict(found) for found in request.findings],
        "roles": sorted(principal.roles),
        "status": principal.status.value,
        "level": principal.level.value,
        "usage": {
            field.name: {"before": getattr(usage.before, field.name), "after": getattr(usage.after, field.name)} for field in fields(Counts)
        },
        "base": usage.base,
        "book": usage.book,
        "signed": None if request.proof is None else len(request.proof.ids),
        "approvals": len(request.approvals),
    }
