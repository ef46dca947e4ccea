"""The ceremony of an act, for the popup's script. No sign-in: the id is unguessable and the key proves who is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import JSONResponse, Response

from auth.act import StepUpRefused
from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.stepup import REASON_LENGTH
from console.visitor import renew_session, services_of

router = APIRouter(prefix="/api/acts/{act_id}")
_REFUSED = {"error": "refused"}
"""One answer for every cause: the page says one neutral sentence."""


class Answer(BaseModel):
    """What the browser's key interface gave."""

    model_config = ConfigDict(extra="forbid")

    response: dict[str, Any]


class Nothing(BaseModel):
    """An empty object: a form of another site cannot send it as JSON."""

    model_config = ConfigDict(extra="forbid")


@router.get("")
def state(request: Request, act_id: str) -> Response:
    """Where the act stands."""
    act = services_of(request).stepup.get(act_id[:64])
    if act is None:
        raise HTTPException(404)
    return JSONResponse({"state": act.state})


class Said(BaseModel):
    """What the person says before the touch, where the act asks for it."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(max_length=REASON_LENGTH)] | None = None
    read: bool = False


@router.post("/begin")
def begin(request: Request, act_id: str, said: Said) -> Response:
    """A fresh challenge, bound to what was shown and to what the person says."""
    try:
        return JSONResponse({"options": services_of(request).stepup.begin(act_id[:64], said.reason, read=said.read)})
    except StepUpRefused:
        return JSONResponse(_REFUSED, 403)


@router.post("/complete")
def complete(request: Request, act_id: str, answer: Answer) -> Response:
    """Check the key's answer and confirm the act, or ask others to approve it where they have to."""
    services = services_of(request)
    try:
        act = services.stepup.complete(act_id[:64], answer.response)
        if act.state == "asked" and services.approvals.open(act.act_id, act.said) is None:
            return JSONResponse(_REFUSED, 403)
    except (StepUpRefused, TooManyOpenError, ReasonMissingError, PermissionError):
        return JSONResponse(_REFUSED, 403)
    response = JSONResponse({"state": act.state})
    renew_session(request, response, act.person_id, act.key_id)
    return response


class Typed(Said):
    """A code of the person's app, with what the person says."""

    code: Annotated[str, StringConstraints(max_length=64)]


@router.post("/code")
def by_code(request: Request, act_id: str, typed: Typed) -> Response:
    """Confirm the act with a code of the app, where its rule offers that."""
    services, source = services_of(request), request.client.host if request.client else None

    def use(person_id: str) -> int:
        return services.codes.totp.use(person_id, typed.code, source)

    try:
        act = services.stepup.confirm_by_code(act_id[:64], typed.reason, read=typed.read, use=use)
    except StepUpRefused:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"state": act.state})


@router.post("/second")
def second(request: Request, act_id: str, _nothing: Nothing) -> Response:
    """A short code that leads to this act on another device of its person; an earlier one is void."""
    try:
        offered = services_of(request).codes.roads.offer(act_id[:64])
    except StepUpRefused:
        return JSONResponse(_REFUSED, 403)
    return JSONResponse({"code": offered.code})


@router.post("/cancel")
def cancel(request: Request, act_id: str, _nothing: Nothing) -> Response:
    """Turn the act down."""
    stepup = services_of(request).stepup
    act = stepup.get(act_id[:64])
    if act is None or act.state != "open" or not stepup.cancel(act.id):
        return JSONResponse(_REFUSED, 409)
    return JSONResponse({"state": "cancelled"})
