"""What ceremonies of a signed-in visitor with the own key share: who means it, and the challenge."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from auth.keys import KeyRefusedError
from auth.own_touch import OwnTouch, What
from auth.tables import Person
from console.services import Services
from console.visitor import Visitor, holds_csrf, services_of

REFUSED = {"error": "refused"}
"""One answer for every cause."""


class Intent(BaseModel):
    """The token of the sign-in."""

    model_config = ConfigDict(extra="forbid")

    csrf: str = Field(max_length=200)


class Answer(Intent):
    """What the browser's key interface gave."""

    state: str = Field(max_length=200)
    response: dict[str, Any]


def intending(found: Visitor, intent: Intent) -> Person:
    """The visitor, whose own page sent this. Raises HTTPException 403 for anybody else."""
    if found.person is None or not holds_csrf(found, intent.csrf):
        raise HTTPException(403)
    return found.person


def begun(request: Request, intent: Intent, found: Visitor, what: What, about: str = "") -> Response:
    """A fresh challenge for the visitor's own keys. Raises HTTPException as `intending`."""
    person = intending(found, intent)
    try:
        options, state = own_touch(services_of(request)).begin(person.id, what, about)
    except KeyRefusedError:
        return JSONResponse(REFUSED, 403)
    return JSONResponse({"options": options, "state": state})


def own_touch(services: Services) -> OwnTouch:
    """The ceremonies of this installation."""
    return OwnTouch(services.engine, services.spool.append, services.keys)
