"""A lost key, for its person: the recovery code opens it, the page says what it waits for, and leads to the new key when all is there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from auth.enrolment import TokenError
from auth.recovery import Lacks, RecoveryError
from auth.totp import CodeRefusedError
from console.render import page
from console.services import Services
from console.visitor import Visitor, services_of, visitor

router = APIRouter(prefix="/recover")


@router.get("")
def recover(request: Request, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Where address and code are typed. Needs no sign-in: the key is what is lost."""
    return page(request, found, "recover.html", refused=False)


@router.post("")
def open_recovery(
    request: Request,
    found: Annotated[Visitor, Depends(visitor)],
    email: Annotated[str, Form(max_length=320)] = "",
    code: Annotated[str, Form(max_length=100)] = "",
    keep: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Begin. `keep`: no key is to be locked."""
    source = request.client.host if request.client else None
    try:
        word = services_of(request).codes.recoveries.open_by_code(email, code, source, lost=keep != "yes")
    except CodeRefusedError:
        return page(request, found, "recover.html", 403, refused=True)
    return RedirectResponse(f"/recover/{word}", 303)


@router.get("/{word}")
def standing(request: Request, word: str, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """How it stands. Asks the second person, if nobody was asked yet."""
    known = _standing(services_of(request), word[:100])
    return page(request, found, "recovery.html", 200 if known else 404, word=word[:100], **(known or {"state": None}))


@router.post("/{word}")
def finish(request: Request, word: str, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """To the registration of the new key, if nothing is missing."""
    services = services_of(request)
    try:
        token = services.codes.recoveries.finish(word[:100])
    except (RecoveryError, TokenError):
        known = _standing(services, word[:100])
        return page(request, found, "recovery.html", 409 if known else 404, word=word[:100], **(known or {"state": None}))
    return RedirectResponse(f"/enrol/{token}", 303)


def _standing(services: Services, word: str) -> dict[str, Any] | None:
    recovery = services.codes.recoveries.of_word(word)
    if recovery is None:
        return None
    said: dict[str, Any] = {"state": recovery.state, "ready_at": recovery.ready_at, "delay": False, "approval": False, "people": 1}
    said["nobody"] = False
    try:
        standing = services.codes.recoveries.standing(recovery.id)
    except RecoveryError:
        return said | {"state": "expired" if recovery.state == "open" else recovery.state}
    lacks = standing.lacks
    return said | {
        "delay": Lacks.DELAY in lacks,
        "approval": Lacks.APPROVAL in lacks,
        "people": standing.people,
        "nobody": standing.nobody,
    }
