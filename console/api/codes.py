"""What makes or takes away one's own codes: each after a touch of the own key for exactly that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from auth.own_touch import What
from auth.tables import Person
from auth.totp import CodeRefusedError
from console.services import Services
from console.visitor import Visitor, holds_csrf, services_of, signed_in

router = APIRouter(prefix="/api/codes")
_REFUSED = {"error": "refused"}
"""One answer for every cause."""
_HERE = (What.TOTP, What.TOTP_REMOVAL, What.CODES)


class Intent(BaseModel):
    """The token of the sign-in."""

    model_config = ConfigDict(extra="forbid")

    csrf: str = Field(max_length=200)


class Answer(Intent):
    """What the browser's key interface gave."""

    state: str = Field(max_length=200)
    response: dict[str, Any]


class First(Intent):
    """The first code that the app shows."""

    code: str = Field(max_length=64)


@router.post("/{what}/begin")
def begin(request: Request, what: What, intent: Intent, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge for the own key."""
    person = _intending(found, intent, what)
    try:
        options, state = services_of(request).codes.touch.begin(person.id, what)
    except KeyRefusedError:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"options": options, "state": state})


@router.post("/{what}/complete")
def complete(request: Request, what: What, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the touch and do it. What it makes is in this answer and nowhere else."""
    person, services = _intending(found, answer, what), services_of(request)
    try:
        services.codes.touch.complete(person.id, what, answer.state, answer.response)
        made = _do(services, person, what)
    except (KeyRefusedError, PermissionError):
        return JSONResponse(_REFUSED, 403)
    return JSONResponse(made)


@router.post("/totp/confirm")
def confirm(request: Request, first: First, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """The app has taken over the seed: its first code says so."""
    person = _intending(found, first, What.TOTP)
    try:
        services_of(request).codes.totp.confirm(person.id, first.code, request.client.host if request.client else None)
    except CodeRefusedError:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"state": "ready"})


def _do(services: Services, person: Person, what: What) -> dict[str, Any]:
    if what is What.TOTP:
        enrolled = services.codes.totp.begin(person.id)
        return {"seed": enrolled.seed, "address": enrolled.address, "picture": f"/codes/picture/{enrolled.picture}"}
    if what is What.TOTP_REMOVAL:
        return {"removed": services.codes.totp.remove(person.id, person.id)}
    return {"codes": services.codes.recovery_codes.issue(person.id, person.id)}


def _intending(found: Visitor, intent: Intent, what: What) -> Person:
    if found.person is None or what not in _HERE or not holds_csrf(found, intent.csrf):
        raise HTTPException(403)
    return found.person
