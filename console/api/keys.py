"""The ceremony before a further key of one's own: a touch of one that is registered (attacks X2)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.own_touch import OwnTouch, What
from auth.tables import Person
from console.services import Services
from console.visitor import Visitor, holds_csrf, renew_session, services_of, signed_in

router = APIRouter(prefix="/api/keys")
_REFUSED = {"error": "refused"}
"""One answer for every cause."""


class Intent(BaseModel):
    """The token of the sign-in."""

    model_config = ConfigDict(extra="forbid")

    csrf: str = Field(max_length=200)


class Answer(Intent):
    """What the browser's key interface gave."""

    state: str = Field(max_length=200)
    response: dict[str, Any]


@router.post("/begin")
def begin(request: Request, intent: Intent, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge for a key that the person has."""
    person = _intending(found, intent)
    try:
        options, state = _touch(services_of(request)).begin(person.id, What.KEY)
    except KeyRefusedError:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"options": options, "state": state})


@router.post("/complete")
def complete(request: Request, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the touch and give a one-time token: what it lets in is of no higher class than the key that was touched."""
    person, services = _intending(found, answer), services_of(request)
    try:
        key_id = _touch(services).complete(person.id, What.KEY, answer.state, answer.response)
        touched = next(key for key in services.keys.of(person.id) if key.id == key_id)
        token = services.keys.enrolment.issue_own(person.id, services.keys.class_of(touched), touched.lent_until)
    except (KeyRefusedError, TokenError, StopIteration):
        return JSONResponse(_REFUSED, 403)
    response = JSONResponse({"token": token})
    renew_session(request, response, person.id, key_id)
    return response


def _touch(services: Services) -> OwnTouch:
    return OwnTouch(services.engine, services.spool.append, services.keys)


def _intending(found: Visitor, intent: Intent) -> Person:
    if found.person is None or not holds_csrf(found, intent.csrf):
        raise HTTPException(403)
    return found.person
