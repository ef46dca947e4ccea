"""Signing in with a key, and out again."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from console.render import page
from console.visitor import Visitor, drop_session, intended, services_of, visitor

router = APIRouter()
_OWN_PAGES = re.compile(r"/(?:alerts|approvals|codes|events|health|keys|me|people|second|why)(?:/[A-Za-z0-9_-]{1,64}){0,2}")
"""Where a sign-in may lead to: our own relative paths, nothing that a browser could read as another host (promises B34)."""


def safe_target(wanted: str | None, is_reviewer: bool) -> str:
    """The page after the sign-in: the wanted one if it is on the list, else the person's first page."""
    if wanted and _OWN_PAGES.fullmatch(wanted):
        return wanted
    return "/alerts" if is_reviewer else "/keys"


@router.get("/")
def root(found: Annotated[Visitor, Depends(visitor)]) -> Response:
    """The first page of whoever comes."""
    return RedirectResponse(safe_target(None, found.is_reviewer) if found.person else "/signin", 303)


@router.get("/signin")
def sign_in(request: Request, found: Annotated[Visitor, Depends(visitor)], to: str = "") -> Response:
    """The page with the button."""
    if found.person:
        return RedirectResponse(safe_target(to, found.is_reviewer), 303)
    wanted = to if _OWN_PAGES.fullmatch(to) else ""
    return page(request, found, "signin.html", to=wanted, demo=services_of(request).demo)


@router.post("/signout")
def sign_out(request: Request, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """End this sign-in."""
    services = services_of(request)
    if found.session:
        services.console_sessions.end(found.session.id)
    response = RedirectResponse("/signin", 303)
    drop_session(response, https=services.https)
    return response
