"""The ceremony before a further key of one's own: a touch of one that is registered (attacks X2)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.own_touch import What
from console.api.own_touch import REFUSED, Answer, Intent, begun, intending, own_touch
from console.visitor import Visitor, renew_session, services_of, signed_in

router = APIRouter(prefix="/api/keys")


@router.post("/begin")
def begin(request: Request, intent: Intent, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge for a key that the person has."""
    return begun(request, intent, found, What.KEY)


@router.post("/complete")
def complete(request: Request, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the touch and give a one-time token: what it lets in is of no higher class than the key that was touched."""
    person, services = intending(found, answer), services_of(request)
    try:
        key_id = own_touch(services).complete(person.id, What.KEY, answer.state, answer.response)
        touched = next(key for key in services.keys.of(person.id) if key.id == key_id)
        token = services.keys.enrolment.issue_own(person.id, services.keys.class_of(touched), touched.lent_until)
    except (KeyRefusedError, TokenError, StopIteration):
        return JSONResponse(REFUSED, 403)
    response = JSONResponse({"token": token})
    renew_session(request, response, person.id, key_id)
    return response
