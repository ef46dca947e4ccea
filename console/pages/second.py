"""The second road: on a device with the key, the short code of another screen leads to the act that waits there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from auth.totp import CodeRefusedError
from console.render import page
from console.visitor import Visitor, intended, services_of, signed_in

router = APIRouter(prefix="/second")


@router.get("")
def second(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Where the code is typed. Whoever has not signed in here with the key is asked to do so first."""
    return page(request, found, "second.html", refused=False)


@router.post("")
def follow(request: Request, found: Annotated[Visitor, Depends(intended)], code: Annotated[str, Form(max_length=100)] = "") -> Response:
    """To the act's own page, which shows the same words, and the code. Nothing is confirmed by that."""
    source = request.client.host if request.client else None
    try:
        act = services_of(request).codes.roads.find(found.person.id if found.person else "", code, source)
    except CodeRefusedError:
        return page(request, found, "second.html", 403, refused=True)
    return RedirectResponse(f"/act/{act.id}?road={_plain(code)}", 303)


def _plain(code: str) -> str:
    return "".join(sign for sign in code if sign.isascii() and sign.isalnum())[:20]
