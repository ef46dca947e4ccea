"""The ceremony of an administrator who enrols a colleague's key in person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.enrolment import TokenError
from auth.keys import KeyRefusedError
from auth.tables import Person
from auth.witness import SecondNeededError
from console.visitor import Visitor, administrator, holds_csrf, renew_session, services_of
from console.words import N_

router = APIRouter(prefix="/api/people/{person_id}/witness")
_REFUSED = {"error": "refused"}
"""One answer for every other cause."""
_SECOND = N_("A second person has to agree to a key for this person. Issue a one-time link: it asks for that.")


class Intent(BaseModel):
    """The token of the administrator's sign-in."""

    model_config = ConfigDict(extra="forbid")

    csrf: str = Field(max_length=200)


class Answer(Intent):
    """What the browser's key interface gave."""

    state: str = Field(max_length=200)
    response: dict[str, Any]


@router.post("/begin")
def begin(request: Request, person_id: str, intent: Intent, found: Annotated[Visitor, Depends(administrator)]) -> Response:
    """A fresh challenge for the administrator's own key."""
    viewer = _intending(found, intent)
    try:
        options, state = services_of(request).witness.begin(viewer.id, person_id[:64])
    except SecondNeededError:
        return JSONResponse({**_REFUSED, "words": found.speech.say(_SECOND)}, 403)
    except (KeyRefusedError, TokenError):
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"options": options, "state": state})


@router.post("/complete")
def complete(request: Request, person_id: str, answer: Answer, found: Annotated[Visitor, Depends(administrator)]) -> Response:
    """Check the touch and give a token for the colleague's key."""
    viewer = _intending(found, answer)
    try:
        witnessed = services_of(request).witness.complete(viewer.id, person_id[:64], answer.state, answer.response)
    except (KeyRefusedError, TokenError):
        return JSONResponse(_REFUSED, 403)
    response = JSONResponse({"token": witnessed.token})
    renew_session(request, response, viewer.id, witnessed.key_id)
    return response


def _intending(found: Visitor, intent: Intent) -> Person:
    if found.person is None or not holds_csrf(found, intent.csrf):
        raise HTTPException(403)
    return found.person
