"""Why an act was held or refused: a sentence for the employee, the whole trace for a reviewer."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from audit_store.ecs import SEEN
from audit_store.event import EventAction, reasons_of
from audit_store.judged_again import judged_again
from audit_store.log import Logged
from audit_store.pseudonyms import SecretError
from audit_store.replay import NOBODY_ASKED, deciding, recorded_act
from audit_store.request_record import NotReplayableError, Seat
from audit_store.search import search
from auth.act import Summary
from console.language import Speech
from console.render import page
from console.rule_trace import RuleTrace, rule_trace
from console.services import Services
from console.timeline import Line, trace
from console.visitor import Visitor, services_of, visitor
from console.words import N_
from policies.problems import PolicyErrors

router = APIRouter()
EVENTS_SHOWN = 100
_ACT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADINGS = {
    "denied": N_("This was stopped"),
    "held": N_("This is being held"),
    "confirmed": N_("This was confirmed"),
    "released": N_("This was delivered"),
    "allowed": N_("This was allowed"),
    "not_confirmed": N_("This was not confirmed"),
    "observed": N_("This was seen"),
    "put_aside": N_("This was put aside"),
    "put_back": N_("This was given back"),
}
_NOT_RECORDED = N_("What the rules saw of this act is not in the record, so it cannot be judged again.")
_NOT_AGAIN = {NOBODY_ASKED: N_("This was seen on a machine, where nothing decides: no rule was asked.")}
_NO_RULES = N_("The rules cannot be used: “torwart policy versions” says why.")
_UNKNOWN = N_("Nothing is known about this act")
_NOT_YET = N_("Torwart has not recorded it yet, or the number is not complete. Try again in a few seconds.")


@router.get("/why/{act_id}")
def why(request: Request, act_id: str, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The explanation. Without a sign-in it says no more than the refusal itself did; nobody's status can be read from it (attacks X32).

    What an agent saw was refused to nobody, so nobody but a reviewer has a question about it: that such an act is there says that a file
    holds clients, which would be an answer about every number that somebody copies (attacks X11).
    """
    services, speech = services_of(request), found.speech
    events = search(services.log, act=act_id, limit=EVENTS_SHOWN, after=0) if _ACT_ID.fullmatch(act_id) else []
    last = next((logged for logged in reversed(events) if _phase(logged)), None)
    lines, who = _for_reviewer(services, found, act_id, events) if found.is_reviewer and last is not None else ([], None)
    rules, no_rules = _rules(services, events, speech) if lines else (None, "")
    if last is None or (_phase(last) in SEEN and not lines):
        return page(
            request,
            found,
            "why.html",
            404,
            heading=speech.say(_UNKNOWN),
            words=speech.say(_NOT_YET),
            act_id=act_id,
            told=None,
            trace=[],
            who=None,
            rules=None,
            no_rules="",
            said=None,
        )
    return page(
        request,
        found,
        "why.html",
        heading=speech.say(_HEADINGS.get(_phase(last), _UNKNOWN)),
        words=_for_employee(last, speech),
        act_id=act_id,
        told=_told(last, speech),
        trace=lines,
        who=who,
        rules=rules,
        no_rules=no_rules,
        said=_said(services, act_id) if lines else None,
    )


def _for_reviewer(services: Services, found: Visitor, act_id: str, events: list[Logged]) -> tuple[list[Line], object]:
    pseudonym = next((logged.document["user"]["id"] for logged in events if "user" in logged.document), "")
    if found.person is None or pseudonym == found.person.pseudonym:
        return [], None  # of their own acts a reviewer reads what any employee reads
    services.viewed(found.person, pseudonym or act_id, act_id=act_id)
    return trace(events, found.speech), services.who(services.people.by_pseudonym(pseudonym), pseudonym) if pseudonym else None


def _rules(services: Services, events: list[Logged], speech: Speech) -> tuple[RuleTrace | None, str]:
    """What the rules made of the act; else why that cannot be said."""
    act = deciding(events)
    if act is None:
        return None, ""  # refused before there was an act to judge
    pseudonym = act.document.get("user", {}).get("id", "")
    person = services.people.by_pseudonym(pseudonym)
    seats = {pseudonym: Seat(person.team, person.territory, person.language)} if person is not None else {}
    try:
        return rule_trace(judged_again(recorded_act(act, seats), services.policy_versions()), speech), ""
    except NotReplayableError as error:
        return None, speech.say(_NOT_AGAIN.get(error.cause, _NOT_RECORDED))
    except (PolicyErrors, SecretError, OSError):
        return None, speech.say(_NO_RULES)


def _said(services: Services, act_id: str) -> str | None:
    """The reason that the person wrote and signed, where a rule asked for one; it is kept with the act, never in the record."""
    act = services.stepup.get(act_id)
    return None if act is None or act.confirmed_at is None else Summary.of(act).said


def _for_employee(logged: Logged, speech: Speech) -> str:
    said = reasons_of(logged.document)
    return said[0].for_employee(speech.language) if said else ""


def _told(logged: Logged, speech: Speech) -> Line:
    """Time, kind and outcome only: no counts, no rule, no road."""
    return trace([logged], speech)[0]


def _phase(logged: Logged) -> str:
    document = logged.document
    if document["event"]["action"] not in (EventAction.ACCESS, EventAction.REFUSED):
        return ""
    phase: str = document["torwart"].get("act", {}).get("phase", "")
    return phase
