"""The ceremony of a sign-in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from console.device import seat
from console.pages.signin import safe_target
from console.visitor import REVIEWERS, services_of, session_cookie, set_session

router = APIRouter(prefix="/api/signin")


class Nothing(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What the browser's key interface gave."""

    model_config = ConfigDict(extra="forbid")

    state: str = Field(max_length=200)
    response: dict[str, Any]
    to: str = Field(default="", max_length=300)


@router.post("/begin")
def begin(request: Request, _nothing: Nothing) -> Response:
    """A fresh challenge for whoever has a key."""
    options, state = services_of(request).sign_in.begin()
    return JSONResponse({"options": options, "state": state})


@router.post("/complete")
def complete(request: Request, answer: Answer) -> Response:
    """Check the key's answer and sign the person in, under a new id. One answer for every cause of a refusal."""
    services = services_of(request)
    before = request.cookies.get(session_cookie(services.https))
    try:
        token = services.sign_in.complete(answer.state, answer.response, seat(request), replaces=before)
    except (KeyRefusedError, PermissionError):
        return JSONResponse({"error": "refused"}, 403)
    found = services.console_sessions.find(token)
    reviews = found is not None and not REVIEWERS.isdisjoint(found[1].roles)
    response = JSONResponse({"to": safe_target(answer.to, reviews)})
    set_session(response, token, https=services.https)
    return response
