"""Who looks at a page: the sign-in of the cookie, the roles, the language, and the token that every act of theirs must carry."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from auth.tables import ConsoleSession, Person
from console.language import LANGUAGES, Speech, preferred, speech
from console.sent_form import sent_form
from console.services import Services

REVIEWERS = frozenset({"owner", "security", "admin"})
"""Roles that see alerts and people."""
ADMINISTRATORS = frozenset({"owner", "admin"})
"""Those of them who hand out keys: whoever gives somebody a key could act in that name (attacks X2)."""
LANGUAGE_COOKIE = "torwart-language"
_YEAR_SECONDS = 365 * 24 * 3600


def services_of(request: Request) -> Services:
    """What the pages work with."""
    found: Services = request.app.state.services
    return found


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks for a page."""

    speech: Speech
    session: ConsoleSession | None = None
    person: Person | None = None
    lent: frozenset[str] = frozenset()
    """Roles that the sealed envelope gives for some hours (`auth.break_glass`)."""
    form: str | None = None
    """Digest of the form that was sent (`console.sent_form`); None: of none with the token of this sign-in."""

    @property
    def is_reviewer(self) -> bool:
        return self.person is not None and not REVIEWERS.isdisjoint({*self.person.roles, *self.lent})

    @property
    def is_administrator(self) -> bool:
        return self.person is not None and not ADMINISTRATORS.isdisjoint({*self.person.roles, *self.lent})

    @property
    def csrf(self) -> str:
        return self.session.csrf if self.session else ""


class SignInNeededError(Exception):
    """The page needs a sign-in: the person is led there and back."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


def session_cookie(https: bool) -> str:
    """Name of the cookie; the prefix binds it to this host and to https (RFC 6265bis, section 4.1.3.2)."""
    return "__Host-torwart" if https else "torwart"


def set_session(response: Response, token: str, *, https: bool) -> None:
    """Give the browser its sign-in."""
    response.set_cookie(session_cookie(https), token, secure=https, httponly=True, samesite="strict", path="/")


def drop_session(response: Response, *, https: bool) -> None:
    """Take the sign-in back."""
    response.delete_cookie(session_cookie(https), secure=https, httponly=True, samesite="strict", path="/")


def renew_session(request: Request, response: Response, person_id: str, key_id: str | None, form: str | None = None) -> str | None:
    """After a touch: a new cookie in place of the one that this browser carries, where it is a sign-in of that person (ASVS 5.0, 7.2.4).

    What the cookie holds now; None where it stays. `form`: digest of what the touch was for.
    """
    services = services_of(request)
    token = request.cookies.get(session_cookie(services.https))
    found = services.console_sessions.find(token) if token else None
    if token and found and found[1].id == person_id and (fresh := services.console_sessions.renew(token, key_id, form)) is not None:
        set_session(response, fresh, https=services.https)
        return fresh
    return None


def visitor(request: Request) -> Visitor:
    """The visitor of this request; nobody is signed in by anything but the cookie."""
    services = services_of(request)
    token = request.cookies.get(session_cookie(services.https))
    found = services.console_sessions.find(token) if token else None
    session, person = found if found else (None, None)
    lent: frozenset[str] = frozenset()
    if session is not None and person is not None:
        lent = services.codes.glasses.roles_of(person.id, max(session.opened_at, session.touched_at or session.opened_at))
    return Visitor(speech(_language(request, person, services)), session, person, lent)


def signed_in(request: Request, found: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """A visitor who is signed in. Raises SignInNeededError."""
    if found.person is None:
        raise SignInNeededError(request.url.path)
    return found


def reviewer(found: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """A signed-in visitor who may see alerts and people. Raises HTTPException 403."""
    if not found.is_reviewer:
        raise HTTPException(403)
    return found


def administrator(found: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """A signed-in visitor who hands out keys. Raises HTTPException 403."""
    if not found.is_administrator:
        raise HTTPException(403)
    return found


def holds_csrf(found: Visitor, csrf: str) -> bool:
    """Whether this is the token of the visitor's own sign-in."""
    return bool(found.csrf) and hmac.compare_digest(csrf.encode("utf-8", "surrogatepass"), found.csrf.encode())


def intended(
    found: Annotated[Visitor, Depends(signed_in)],
    form: Annotated[str, Depends(sent_form)],
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Visitor:
    """A signed-in visitor whose form carries the token of their sign-in. Raises HTTPException 403."""
    if not holds_csrf(found, csrf):
        raise HTTPException(403)
    return replace(found, form=form)


def reviewer_intends(found: Annotated[Visitor, Depends(intended)]) -> Visitor:
    """A reviewer's form with its token. Raises HTTPException 403."""
    return reviewer(found)


def administrator_intends(found: Annotated[Visitor, Depends(reviewer_intends)]) -> Visitor:
    """An administrator's form with its token. Raises HTTPException 403."""
    if not found.is_administrator:
        raise HTTPException(403)
    return found


def to_sign_in(wanted: str) -> RedirectResponse:
    """Lead to the sign-in and from there back to the page that was wanted."""
    return RedirectResponse(f"/signin?to={quote(wanted, safe='/')}", 303)


def keep_language(request: Request, response: Response) -> None:
    """Remember a language that the visitor chose with `?lang=`."""
    chosen = request.query_params.get("lang")
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=_YEAR_SECONDS, samesite="lax", httponly=True, path="/")


def _language(request: Request, person: Person | None, services: Services) -> str:
    offers: tuple[Callable[[], str | None], ...] = (
        lambda: request.query_params.get("lang"),
        lambda: request.cookies.get(LANGUAGE_COOKIE),
        lambda: person.language if person else None,
    )
    for offer in offers:
        if (language := offer()) in LANGUAGES:
            return language or services.installation.language
    return preferred(request.headers.get("accept-language"), services.installation.language)
