"""The ceremony before a form that gives authority: the own key touches for exactly this form, and the sign-in goes on under a new id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from auth.own_touch import What
from console.api.own_touch import REFUSED, Answer, Intent, begun, intending, own_touch
from console.visitor import Visitor, renew_session, services_of, set_session, signed_in

router = APIRouter(prefix="/api/touch")
type FormDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FormIntent(Intent):
    """For which form: its digest, as the page has it (`console.sent_form`)."""

    form: FormDigest


class FormAnswer(Answer):
    """The touch for it."""

    form: FormDigest


@router.post("/begin")
def begin(request: Request, intent: FormIntent, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge for the visitor's own keys."""
    return begun(request, intent, found, What.AGAIN, intent.form)


@router.post("/complete")
def complete(request: Request, answer: FormAnswer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the touch; the answer has the token that forms of this sign-in carry from now on."""
    person, services = intending(found, answer), services_of(request)
    try:
        key_id = own_touch(services).complete(person.id, What.AGAIN, answer.state, answer.response, answer.form)
    except KeyRefusedError:
        return JSONResponse(REFUSED, 403)
    fresh = renew_session(request, Response(), person.id, key_id, answer.form)
    renewed = services.console_sessions.find(fresh) if fresh is not None else None
    if fresh is None or renewed is None:
        return JSONResponse(REFUSED, 403)
    told = JSONResponse({"csrf": renewed[0].csrf})
    set_session(told, fresh, https=services.https)
    return told
