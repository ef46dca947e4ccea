"""One's own codes: the authenticator app, and the recovery codes on paper."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.qr import picture
from console.render import page
from console.visitor import Visitor, services_of, signed_in

router = APIRouter(prefix="/codes")


@router.get("")
def codes(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """How the own app and codes stand. No code and no seed is on this page: they are shown once, after the touch that makes them."""
    services = services_of(request)
    if found.person is None:
        raise HTTPException(403)
    state, left = services.codes.totp.state(found.person.id), services.codes.recovery_codes.left(found.person.id)
    waiting = services.codes.recoveries.open_ones(found.person.id)
    return page(request, found, "codes.html", app=state.value, left=left, demo=services.demo, recovery=waiting[0] if waiting else None)


@router.get("/picture/{word}")
def app_picture(request: Request, word: str, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """The picture for the app: to whoever is enrolling it, once."""
    text = services_of(request).codes.totp.picture(found.person.id, word[:100]) if found.person is not None else None
    if text is None:
        raise HTTPException(404)
    return Response(picture(text), media_type="image/svg+xml")
