"""A lost key, for administrators: begin it for a colleague, and stop one; the person may stop the own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from auth.recovery import RecoveryError
from console.fresh_touch import need_touch
from console.render import page
from console.visitor import Visitor, administrator, administrator_intends, intended, services_of
from console.words import N_

router = APIRouter()


@router.get("/people/{person_id}/recovery")
def begin(request: Request, person_id: str, found: Annotated[Visitor, Depends(administrator)]) -> Response:
    """All keys of the person, to say which are lost, and how the person comes to a new one."""
    services = services_of(request)
    subject = services.people.by_id(person_id)
    if subject is None or found.person is None:
        raise HTTPException(404)
    if found.person.id == subject.id:
        raise HTTPException(403)
    services.viewed(found.person, subject.pseudonym)
    keys = [key for key in services.keys.of(subject.id) if key.locked_at is None]
    waiting = services.codes.recoveries.open_ones(subject.id)
    who = services.who(subject)
    settings = services.installation.recovery
    hours = (round(settings.delay_hours), round(settings.in_person_delay_hours))
    shown: dict[str, Any] = {
        "subject": subject,
        "who": who.name or who.pseudonym,
        "keys": keys,
        "recovery": waiting[0] if waiting else None,
    }
    return page(request, found, "recovery_begin.html", **shown, hours=hours, link=None, refused=None)


@router.post("/people/{person_id}/recovery")
def opened(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(administrator_intends)],
    lost: Annotated[list[str] | None, Form()] = None,
    here: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Begin it; the link is for the person. The administrator's own yes is a touch on the page Approvals, as anybody else's."""
    services = services_of(request)
    subject = services.people.by_id(person_id)
    if subject is None or found.person is None:
        raise HTTPException(404)
    need_touch(request, found, N_("Key lost"))
    services.viewed(found.person, subject.pseudonym)
    recoveries = services.codes.recoveries
    try:
        word = recoveries.open_for(subject.id, found.person.id, tuple(lost or ())[:50], in_person=here == "yes")
        for recovery in recoveries.open_ones(subject.id):
            recoveries.standing(recovery.id)  # others are asked at once
    except RecoveryError:
        raise HTTPException(403) from None
    who = services.who(subject)
    link = f"{services.installation.torwart_url}/recover/{word}"
    shown: dict[str, Any] = {"subject": subject, "who": who.name or who.pseudonym, "keys": [], "recovery": None, "hours": (0, 0)}
    return page(request, found, "recovery_begin.html", **shown, link=link, refused=None)


@router.post("/recovery/{recovery_id}/cancel")
def cancel(request: Request, recovery_id: str, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """Stop it: the person's own, or a reviewer any."""
    services = services_of(request)
    mine = [recovery for recovery in services.codes.recoveries.open_ones() if recovery.id == recovery_id]
    if found.person is None or not mine or not (found.is_reviewer or mine[0].person_id == found.person.id):
        raise HTTPException(403)
    services.codes.recoveries.cancel(recovery_id, found.person.id)
    return RedirectResponse("/codes" if mine[0].person_id == found.person.id else f"/people/{mine[0].person_id}", 303)
