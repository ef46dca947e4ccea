"""Registering a key with a one-time link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.render import page
from console.visitor import Visitor, services_of, visitor

router = APIRouter()


@router.get("/enrol/{token}")
def enrol(request: Request, token: str, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The page of a link. Opening it uses nothing up: a mail scanner may look at it (promises F90)."""
    services = services_of(request)
    person = services.keys.enrolment.person_of(token[:200])
    if person is not None and found.person is not None and found.person.id != person.id:
        services.viewed(found.person, person.pseudonym)
    who = services.who(person)
    named = (who.name or who.pseudonym) if person else None
    return page(request, found, "enrol.html", 200 if person else 404, who=named, token=token, demo=services.demo)
