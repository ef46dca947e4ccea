"""The sealed envelope: its code makes one person an administrator for some hours. Loud, once, and never before everything else failed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from auth.enrolment import TokenError
from auth.totp import CodeRefusedError
from console.render import page
from console.visitor import Visitor, services_of, visitor

router = APIRouter(prefix="/emergency")


@router.get("")
def emergency(request: Request, found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Where the code is typed. Says to nobody whether there is an envelope."""
    return page(request, found, "emergency.html", refused=False, token=None, until=None)


@router.post("")
def use(
    request: Request,
    found: Annotated[Visitor, Depends(visitor)],
    email: Annotated[str, Form(max_length=320)] = "",
    code: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Open the envelope for the person of this address."""
    source = request.client.host if request.client else None
    try:
        opened = services_of(request).codes.glasses.open(code, email, source)
    except (CodeRefusedError, TokenError):
        return page(request, found, "emergency.html", 403, refused=True, token=None, until=None)
    return page(request, found, "emergency.html", refused=False, token=opened.token, until=opened.until)
