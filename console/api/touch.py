"""The ceremony before something that gives authority: the own key touches once more, and the sign-in goes on under a new id."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from auth.own_touch import OwnTouch, What
from auth.tables import Person
from console.services import Services
from console.visitor import Visitor, holds_csrf, renew_session, services_of, set_session, signed_in

router = APIRouter(prefix="/api/touch")
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
    """A fresh challenge for the visitor's own keys."""
    person = _intending(found, intent)
    try:
        options, state = _touch(services_of(request)).begin(person.id, What.AGAIN)
    except KeyRefusedError:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"options": options, "state": state})


@router.post("/complete")
def complete(request: Request, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the touch; the answer has the token that forms of this sign-in carry from now on."""
    person, services = _intending(found, answer), services_of(request)
    try:
        key_id = _touch(services).complete(person.id, What.AGAIN, answer.state, answer.response)
    except KeyRefusedError:
        return JSONResponse(_REFUSED, 403)
    fresh = renew_session(request, Response(), person.id, key_id)
    renewed = services.console_sessions.find(fresh) if fresh is not None else None
    if fresh is None or renewed is None:
        return JSONResponse(_REFUSED, 403)
    told = JSONResponse({"csrf": renewed[0].csrf})
    set_session(told, fresh, https=services.https)
    return told


def _touch(services: Services) -> OwnTouch:
    return OwnTouch(services.engine, services.spool.append, services.keys)


def _intending(found: Visitor, intent: Intent) -> Person:
    if found.person is None or not holds_csrf(found, intent.csrf):
        raise HTTPException(403)
    return found.person
