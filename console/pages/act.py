"""The touch popup: what is asked, of how many clients, where it goes, and the button. Needs no sign-in: the key says who is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from auth.act import BY_APP, OF_OTHERS, Summary
from auth.tables import Act
from auth.totp import AppState
from console.language import Speech
from console.render import page
from console.services import Services
from console.visitor import Visitor, services_of, visitor
from console.words import ACTIONS, CONFIRMATIONS, N_, PLACES, field_words, word
from policies.reasons import REASONS, Because
from policies.request import WRITES, Action

router = APIRouter()
_HEADING = N_("Confirm the act")
_ASK = N_("Ask others to approve this")
_OVER = N_("This act is over")


@router.get("/act/{act_id}")
def act_page(request: Request, act_id: str, found: Annotated[Visitor, Depends(visitor)], popup: bool = False, road: str = "") -> Response:
    """What would be signed. Opening the page confirms nothing. A `popup` of the CRM's page closes itself; any other leads back.

    `road` is the short code by which the person came here from another device, shown on both.
    """
    services = services_of(request)
    act = services.stepup.get(act_id[:64])
    if act is None:
        return page(request, found, "act.html", 404, act=None, heading=found.speech.say(_OVER), demo=False, popup=popup)
    if found.person is not None and found.person.id != act.person_id:  # who has not signed in is whoever holds the address
        services.viewed(found.person, services.pseudonyms.of(act.person_id), act.id)
    led = services.codes.roads.led_here(act.id, road[:20]) if road else None
    shown = _shown(services, act, found.speech)
    return page(request, found, "act.html", act=act, demo=services.demo, popup=popup, road=led, **shown)


def _shown(services: Services, act: Act, speech: Speech) -> dict[str, Any]:
    summary = Summary.of(act)
    who = services.who(services.people.by_id(act.person_id))
    channel, _, host = summary.destination.partition(":")
    outside = summary.action == Action.UPLOAD
    if (channel, summary.action) == ("web", "export"):  # the web client makes a file of what the CRM answers
        channel = "download"
    asked = services.approvals.get(act.id) if act.state == "asked" else None
    seconds = max(0, round((act.expires_at - datetime.now(UTC)).total_seconds()))
    of_others = OF_OTHERS in act.needs.split()
    heading = (_ASK if of_others else CONFIRMATIONS.get(summary.action, _HEADING)) if act.state == "open" else _OVER
    limit = summary.reason_values.get("day_limit", summary.limit_per_day)
    return {
        "summary": summary,
        "heading": speech.say(heading),
        "who": who.name or who.pseudonym,
        "what": word(ACTIONS, summary.action, speech),
        "fields": field_words(summary.fields, speech) if summary.fields else None,
        "filter": field_words(summary.filter, speech) if set(summary.filter) - {"id"} else None,
        "where": host if outside else None if summary.action in WRITES else word(PLACES, channel, speech),
        "asks": act.needs.split(),
        "whose": summary.reason_values.get("who", "") if of_others else "",
        "approval": asked.state if asked is not None else "",
        "by_app": BY_APP in act.needs.split() and services.codes.totp.state(act.person_id) is AppState.READY,
        "second": f"{services.installation.torwart_url}/second",
        "warnings": _warnings(act, summary, speech, counted=not outside),
        "outside": outside,  # nothing waits in the CRM: the person sends the same again
        "counted": not outside,  # how many were recognised would tell a masked number (attacks X11)
        "fewer": summary.allowed != summary.asked,
        "limit": limit if isinstance(limit, int) else None,
        "seconds": seconds,
        "clock": f"{speech.say('Time left')} {seconds // 60}:{seconds % 60:02d}",
        "go": f"{services.installation.crm_url}/.torwart/go/{act.id}",
    }


def _warnings(act: Act, summary: Summary, speech: Speech, *, counted: bool) -> list[str]:
    """What is to be read before going on, in the words of the rules that warn."""
    if "read" not in act.needs.split():
        return []
    values = {**summary.reason_values, "asked": summary.asked, "allowed": summary.allowed} if counted else summary.reason_values
    found = [REASONS[code] for code in summary.warnings or (summary.reason_code,) if code in REASONS]
    return [Because(reason, values).for_employee(speech.language) for reason in found]
