"""What a person did, line by line, for people: one line per act with its last phase; a run of ordinary reading is one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit_store.event import EventAction, Phase, decode_ids, reasons_of
from audit_store.log import Logged
from console.language import Speech
from console.words import ACTIONS, CUTS, ENDED, LEFT, N_, ROADS, STATUSES, UNREAD, field_words, word
from detectors.verdict import UNINSPECTABLE
from policies.request import Channel, ClientId

_MEANT = {"kind": CUTS, "why": ENDED}
"""What is said of an event beside its own words: codes, and their words."""
_OUTCOMES: dict[str, tuple[str, str, str]] = {
    "allowed": (N_("allowed"), "good", "out"),
    "released": (N_("delivered"), "good", "out"),
    "confirmed": (N_("confirmed with key"), "held", "waiting"),
    "held": (N_("held"), "held", "held"),
    "denied": (N_("stopped"), "stop", "stopped"),
    "not_confirmed": (N_("not confirmed"), "stop", "stopped"),
    "observed": (N_("seen"), "held", "out"),
    "put_aside": (N_("put aside"), "good", "stopped"),
    "put_back": (N_("given back"), "held", "out"),
}
"""Phase -> words, look of the chip, look of the line."""
_ON_A_STICK = (N_("on a stick"), "stop", "stopped")
_PLAIN: dict[str, str] = {
    EventAction.LOGIN: N_("Signed in to the CRM"),
    EventAction.LOGIN_FAILED: N_("Sign-in to the CRM failed"),
    EventAction.LOGOUT: N_("Signed out of the CRM"),
    EventAction.REFUSED: N_("Call refused"),
    EventAction.STATUS_CHANGED: N_("Status changed"),
    EventAction.STATUS_PLANNED: N_("Status planned"),
    EventAction.STATUS_PLAN_ENDED: N_("Planned status dropped"),
    EventAction.PERSON_CHANGED: N_("Person changed"),
    EventAction.ROLES_CHANGED: N_("Roles changed"),
    EventAction.LEAVE_CHANGED: N_("Leave changed"),
    EventAction.ACCOUNT_BOUND: N_("Account given"),
    EventAction.ACCOUNT_UNBOUND: N_("Account taken away"),
    EventAction.SESSION_CUT: N_("Cut"),
    EventAction.CUT_TRIED: N_("What was cut was tried"),
    EventAction.PERSON_FROZEN: N_("Access frozen"),
    EventAction.PERSON_UNFROZEN: N_("Freeze lifted"),
    EventAction.AGENT_REFUSED: N_("Message of an agent refused"),
    EventAction.ORDER_REFUSED: N_("Order refused by an agent"),
    EventAction.FILE_QUARANTINED: N_("Putting a file aside"),
    EventAction.FILE_RELEASED: N_("Giving a file back"),
    EventAction.QUARANTINE_ORDERED: N_("File is to be put aside"),
    EventAction.RELEASE_ORDERED: N_("File released"),
    EventAction.KEY_ENROLLED: N_("Key registered"),
    EventAction.KEY_REFUSED: N_("Key refused"),
    EventAction.KEY_LOCKED: N_("Key locked"),
    EventAction.STEP_UP_REFUSED: N_("Confirmation refused"),
    EventAction.STEP_UP_CONFIRMED: N_("Confirmed"),
    EventAction.STEP_UP_ENDED: N_("Not confirmed"),
}
_OF_FILES: dict[str, str] = {
    EventAction.FILE_QUARANTINED: N_("left where it was"),
    EventAction.FILE_RELEASED: N_("not given back yet"),
}
"""What a machine says of an order; where it was carried out, the act itself says so."""
_WITH_THE_ACT = frozenset({EventAction.REFUSED, EventAction.QUARANTINE_ORDERED})
_ROUTINE = frozenset({"system", "login", "search"})
_QUIET = frozenset({"list", "read", "search"})
"""Delivered reading of which a run becomes one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline. Texts are in the reader's language."""

    at: datetime
    act_id: str | None
    what: str
    more: str
    outcome: str
    chip: str
    kind: str
    road: str = ""
    asked: int = 0
    shown: int = 0
    reasons: tuple[str, ...] = ()
    rules: str = ""
    fields: str = ""
    route: str = ""
    sequence: int = 0


def trace(events: Iterable[Logged], speech: Speech) -> list[Line]:
    """Every event of an act, with reasons for a reviewer."""
    return [_line(logged, speech) for logged in events]


def timeline(events: Iterable[Logged], speech: Speech) -> list[Line]:
    """The acts of a day: the last phase of each, in the order of their beginning; ordinary reading in a row is drawn together."""
    last: dict[str, Logged] = {}
    for logged in events:
        document = logged.document
        action = document["event"]["action"]
        if action == EventAction.ACCESS and document["torwart"]["act"]["action"] not in _ROUTINE:
            last[document["torwart"]["act"]["id"]] = logged
        elif action in _OF_FILES and document["event"]["outcome"] == "success":
            continue
        elif action in _PLAIN and action not in _WITH_THE_ACT:
            last[document["event"]["id"]] = logged
    lines: list[Line] = []
    run: list[Logged] = []
    for logged in last.values():
        if _is_quiet(logged.document):
            run.append(logged)
            continue
        lines += _drawn_together(run, speech)
        run = []
        lines.append(_line(logged, speech))
    return lines + _drawn_together(run, speech)


def _is_quiet(document: dict[str, Any]) -> bool:
    act = document["torwart"].get("act", {})
    return act.get("action") in _QUIET and act.get("phase") in ("allowed", "released") and "reasons" not in _notable(document)


def _notable(document: dict[str, Any]) -> frozenset[str]:
    """A read that was confirmed with the key is no ordinary reading."""
    codes = {reason["code"] for reason in document["torwart"].get("reasons", ())}
    return frozenset({"reasons"}) if "key_confirmed" in codes else frozenset()


def _drawn_together(run: Sequence[Logged], speech: Speech) -> list[Line]:
    if len(run) < 2:
        return [_line(logged, speech) for logged in run]
    shown: set[ClientId] = set()
    for logged in run:
        shown |= decode_ids(logged.document["torwart"]["clients"]["shown"])
    first = _line(run[0], speech)
    what = speech.say_many("%(number)s page of lists and cards", "%(number)s pages of lists and cards", len(run))
    until = speech.say("until %(time)s", time=speech.clock(_at(run[-1])))
    more = speech.say_many("%(number)s client shown", "%(number)s clients shown", len(shown))
    return [Line(first.at, None, what, f"{more} · {until}", speech.say("allowed"), "good", "out", shown=len(shown))]


def _at(logged: Logged) -> datetime:
    return datetime.fromisoformat(logged.document["@timestamp"])


def _line(logged: Logged, speech: Speech) -> Line:
    document = logged.document
    ours = document["torwart"]
    if document["event"]["action"] != EventAction.ACCESS:
        return _plain_line(logged, speech)
    act, clients = ours["act"], ours["clients"]
    outcome, chip, kind = _OUTCOMES.get(act["phase"], (act["phase"], "plain", ""))
    if act["phase"] == Phase.OBSERVED and ours["channel"] == Channel.REMOVABLE:
        outcome, chip, kind = _ON_A_STICK
    asked, shown = clients["asked_count"], clients["shown_count"]
    road = word(ROADS, ours["channel"], speech)
    counts = _content(document, asked, speech) if "file" in document else _delivery(act["phase"], asked, shown, speech)
    if "manifest" in ours:
        counts.append(speech.say("export %(name)s", name=ours["manifest"]))
    return Line(
        at=_at(logged),
        act_id=act.get("id"),
        what=word(ACTIONS, act["action"], speech),
        more=" · ".join((*counts, road)),
        outcome=speech.say(outcome),
        chip=chip,
        kind=kind,
        road=road,
        asked=asked,
        shown=shown,
        reasons=tuple(because.for_reviewer(speech.language) for because in reasons_of(document)),
        rules=", ".join(ours.get("rules", ())),
        fields=field_words(ours.get("fields", ()), speech) if ours.get("fields") else "",
        route=ours.get("route", ""),
        sequence=logged.sequence,
    )


def _delivery(phase: str, asked: int, shown: int, speech: Speech) -> list[str]:
    counts = []
    if asked:
        counts.append(speech.say_many("%(number)s client asked for", "%(number)s clients asked for", asked))
    if phase in ("allowed", "released") or asked:
        counts.append(speech.say_many("%(number)s delivered", "%(number)s delivered", shown))
    return counts


def _content(document: dict[str, Any], recognised: int, speech: Speech) -> list[str]:
    """What an upload or a file holds, where it came from and where it was to go."""
    ours = document["torwart"]
    said = [speech.say_many("%(number)s client recognised", "%(number)s clients recognised", recognised)] if recognised else []
    unread = [found["detector"] for found in ours.get("findings", ()) if found["kind"] == UNINSPECTABLE]
    if unread:
        causes = speech.listed([word(UNREAD, cause, speech) for cause in unread])
        said.append(speech.say("could not be inspected: %(causes)s", causes=causes))
    for link in ours.get("exports", ()):
        if link["clients"]:
            said.append(speech.say("from export %(name)s", name=link["name"]))
        if link.get("marked"):
            said.append(speech.say("with the mark of export %(name)s", name=link["name"]))
    said += [document["destination"]["domain"]] if "destination" in document else []
    return said


def _plain_line(logged: Logged, speech: Speech) -> Line:
    document = logged.document
    ours = document["torwart"]
    action = document["event"]["action"]
    good = document["event"]["outcome"] != "failure"
    words = {**ours.get("words", {}), **ours.get("numbers", {})}
    more = " · ".join(word(_MEANT[name], str(value), speech) for name, value in words.items() if name in _MEANT)
    if action in (EventAction.STATUS_PLANNED, EventAction.STATUS_PLAN_ENDED):
        known = "to" in words  # of a plan that somebody deleted it is not
        more = " · ".join((word(STATUSES, str(words["to"]), speech), str(words.get("on", "")))) if known else ""
    if action == EventAction.ROLES_CHANGED:
        more = " ".join(f"{sign}{role}" for sign, lot in (("+", "added"), ("-", "removed")) for role in str(words.get(lot, "")).split())
    if action == EventAction.CUT_TRIED:
        more = f"{words.get('refused', 0)}/{words.get('tried', 0)}"
    if action == EventAction.STATUS_CHANGED:
        more = " → ".join(word(STATUSES, str(words[name]), speech) for name in ("from", "to") if name in words)
    if action in _OF_FILES and "cause" in words:
        more = word(LEFT, str(words["cause"]), speech)
    bad = _OF_FILES.get(action, N_("refused"))
    return Line(
        at=_at(logged),
        act_id=ours.get("act", {}).get("id"),
        what=speech.say(_PLAIN[action]) if action in _PLAIN else action,
        more=more,
        outcome=speech.say("done") if good else speech.say(bad),
        chip="info" if good else "stop",
        kind="" if good else "stopped",
        reasons=tuple(because.for_reviewer(speech.language) for because in reasons_of(document)),
        route=ours.get("route", ""),
        sequence=logged.sequence,
    )
