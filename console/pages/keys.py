"""One's own keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.render import page
from console.visitor import Visitor, services_of, signed_in

router = APIRouter()


@router.get("/keys")
def keys(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """The keys of whoever is signed in. Says nothing about status (attacks X32)."""
    person = found.person
    mine = services_of(request).keys.of(person.id) if person else []
    return page(request, found, "keys.html", keys=mine)
