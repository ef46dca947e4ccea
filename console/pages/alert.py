"""One alert: what happened, why it is an alert, the day, the levers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from audit_store.alerts import AlertError
from audit_store.tables import Alert
from auth.suspicion import SERIOUS
from auth.tables import Person
from console.alert_view import alert_view, day_events, reason_sentence, reasons_of
from console.fresh_touch import need_touch
from console.levers import cut_lines, flash, status_choices
from console.render import page
from console.services import Services
from console.timeline import timeline, trace
from console.visitor import Visitor, reviewer, reviewer_intends, services_of
from console.words import N_

router = APIRouter(prefix="/alerts/{alert_id}")
EVENTS_SHOWN = 500
_NOT_FOR_YOU = N_("Not for you")
_ABOUT_YOU = N_("This alert is about you. Somebody else has to judge it.")


@router.get("")
def alert(request: Request, alert_id: str, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """The alert. Looking at it is recorded. About themselves a reviewer learns nothing: it may tell their status (attacks X32)."""
    services, viewer = services_of(request), _person(found)
    row = _known(services, alert_id)
    if row.pseudonym == viewer.pseudonym:
        return page(request, found, "error.html", 403, heading=found.speech.say(_NOT_FOR_YOU), words=found.speech.say(_ABOUT_YOU))
    services.viewed(viewer, row.pseudonym)
    events = day_events(services, row.pseudonym, row.opened_at)
    subject = services.people.by_pseudonym(row.pseudonym)
    return page(
        request,
        found,
        "alert.html",
        alert=row,
        view=alert_view(services, row, events, found.speech),
        timeline=timeline(events, found.speech),
        person=subject,
        statuses=status_choices(found.speech),
        cuts=cut_lines(services, subject, found.speech),
        back=f"/alerts/{row.id}",
        flash=flash(request, found.speech),
    )


@router.get("/events")
def events(request: Request, alert_id: str, found: Annotated[Visitor, Depends(reviewer)], reason: int = 0) -> Response:
    """The events behind the numbers of one reason."""
    services, viewer = services_of(request), _person(found)
    row = _somebody_elses(services, alert_id, viewer)
    reasons = reasons_of(row)
    if not 0 <= reason < len(reasons):
        raise HTTPException(404)
    services.viewed(viewer, row.pseudonym)
    wanted = frozenset(reasons[reason].event_ids)
    listed = [logged for logged in day_events(services, row.pseudonym, row.opened_at) if logged.document["event"]["id"] in wanted]
    return page(
        request,
        found,
        "alert_events.html",
        alert=row,
        sentence=reason_sentence(reasons[reason], found.speech),
        lines=trace(listed[:EVENTS_SHOWN], found.speech),
    )


@router.post("/look")
def look(request: Request, alert_id: str, found: Annotated[Visitor, Depends(reviewer_intends)]) -> Response:
    """Take the alert in hand, so that others see that somebody does."""
    services, viewer = services_of(request), _person(found)
    row = _somebody_elses(services, alert_id, viewer)
    try:
        services.alerts.look(row.id, viewer.pseudonym)
    except AlertError:
        return RedirectResponse(f"/alerts/{row.id}?done=refused", 303)
    return RedirectResponse(f"/alerts/{row.id}", 303)


@router.post("/close")
def close(
    request: Request,
    alert_id: str,
    found: Annotated[Visitor, Depends(reviewer_intends)],
    verdict: Annotated[str, Form(max_length=20)],
    note: Annotated[str, Form(max_length=1000, min_length=1)],
) -> Response:
    """Close with a verdict and a note. Nobody judges an alert about themselves (law 9).

    While a serious one is open, no single administrator gives the person a key (promises E87): to close it gives that back.
    """
    services, viewer = services_of(request), _person(found)
    row = _somebody_elses(services, alert_id, viewer)
    if row.severity == SERIOUS:
        need_touch(request, found, N_("Close the alert"))
    try:
        services.alerts.close(row.id, verdict, viewer.pseudonym, note.strip())
    except AlertError:  # closed by somebody else meanwhile, or no verdict
        return RedirectResponse(f"/alerts/{row.id}?done=refused", 303)
    return RedirectResponse(f"/alerts/{row.id}?done=closed", 303)


def _known(services: Services, alert_id: str) -> Alert:
    row = services.alerts.get(alert_id)
    if row is None:
        raise HTTPException(404)
    return row


def _somebody_elses(services: Services, alert_id: str, viewer: Person) -> Alert:
    row = _known(services, alert_id)
    if row.pseudonym == viewer.pseudonym:
        raise HTTPException(403)
    return row


def _person(found: Visitor) -> Person:
    if found.person is None:
        raise HTTPException(403)
    return found.person
