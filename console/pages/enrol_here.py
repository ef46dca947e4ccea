"""Registering a colleague's key in person, on the administrator's machine."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.render import page
from console.visitor import Visitor, administrator, services_of

router = APIRouter(prefix="/people/{person_id}/key")


@router.get("")
def enrol_here(request: Request, person_id: str, found: Annotated[Visitor, Depends(administrator)]) -> Response:
    """The page with the two touches: the administrator's, then the colleague's. Nobody enrols a key for themselves (attacks X2)."""
    services = services_of(request)
    subject = services.people.by_id(person_id)
    if subject is None:
        raise HTTPException(404)
    if found.person is None or found.person.id == subject.id:
        raise HTTPException(403)
    services.viewed(found.person, subject.pseudonym)
    who = services.who(subject)
    return page(request, found, "enrol_here.html", person=subject, who=who.name or who.pseudonym, demo=services.demo)
