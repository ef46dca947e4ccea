"""The ceremony of a registration."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from console.visitor import services_of

router = APIRouter(prefix="/api/enrol")


class Token(BaseModel):
    """The one-time token of the link."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=200)


class Answer(Token):
    """What the browser's key interface gave."""

    state: str = Field(max_length=200)
    response: dict[str, Any]
    label: str = Field(default="", max_length=100)


@router.post("/begin")
def begin(request: Request, token: Token) -> Response:
    """A fresh challenge for the person of the token."""
    try:
        options, state = services_of(request).keys.begin_registration(token.token)
    except KeyRefusedError:
        return JSONResponse({"error": "refused"}, 403)
    return JSONResponse({"options": options, "state": state})


@router.post("/complete")
def complete(request: Request, answer: Answer) -> Response:
    """Check the key's answer and register it."""
    try:
        services_of(request).keys.complete_registration(answer.token, answer.response, answer.label)
    except KeyRefusedError:
        return JSONResponse({"error": "refused"}, 403)
    return JSONResponse({"state": "registered"})
