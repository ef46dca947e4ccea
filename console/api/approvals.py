"""The ceremony of a yes or a no to somebody's request: of a signed-in person, with the form's token and the own key."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import JSONResponse, Response

from auth.approval_request import REASON_LENGTH, ApprovalRefused, ReasonMissingError, TooManyOpenError
from auth.tables import Person
from console.visitor import Visitor, renew_session, services_of, signed_in

router = APIRouter(prefix="/api/approvals/{request_id}")
_REFUSED = {"error": "refused"}
"""One answer for every cause: the page says one neutral sentence."""


class Token(BaseModel):
    """What every call carries."""

    model_config = ConfigDict(extra="forbid")

    csrf: Annotated[str, StringConstraints(max_length=200)]


class Verdict(Token):
    """What is about to be signed."""

    yes: bool
    why: Annotated[str, StringConstraints(max_length=REASON_LENGTH)] | None = None


class Answer(Token):
    """What the browser's key interface gave."""

    response: dict[str, Any]


@router.post("/begin")
def begin(request: Request, request_id: str, said: Verdict, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge, bound to all that the page showed and to the answer."""
    try:
        approvals = services_of(request).approvals
        return JSONResponse({"options": approvals.begin(request_id[:64], _who(found, said).id, yes=said.yes, why=said.why)})
    except ApprovalRefused:
        return JSONResponse(_REFUSED, 403)


@router.post("/complete")
def complete(request: Request, request_id: str, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the key's answer and take it as the person's."""
    who = _who(found, answer)
    try:
        done = services_of(request).approvals.complete(request_id[:64], who.id, answer.response)
    except ApprovalRefused:
        return JSONResponse(_REFUSED, 403)
    return _touched(request, who, done.state)


@router.post("/ask/begin")
def begin_asking(request: Request, request_id: str, said: Token, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """A fresh challenge for what the visitor has prepared and now asks for."""
    try:
        return JSONResponse({"options": services_of(request).approvals.begin_asking(request_id[:64], _who(found, said).id)})
    except ApprovalRefused:
        return JSONResponse(_REFUSED, 403)


@router.post("/ask/complete")
def complete_asking(request: Request, request_id: str, answer: Answer, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Check the key's answer: others hear of it from now on."""
    who = _who(found, answer)
    try:
        done = services_of(request).approvals.complete_asking(request_id[:64], who.id, answer.response)
    except (ApprovalRefused, TooManyOpenError, ReasonMissingError):
        return JSONResponse(_REFUSED, 403)
    return _touched(request, who, done.state)


def _touched(request: Request, who: Person, state: str) -> Response:
    """After the touch the sign-in has a new id, as after every other."""
    response = JSONResponse({"state": state})
    renew_session(request, response, who.id, None)
    return response


def _who(found: Visitor, said: Token) -> Person:
    if found.person is None or not found.csrf or not hmac.compare_digest(said.csrf.encode(), found.csrf.encode()):
        raise HTTPException(403)
    return found.person
