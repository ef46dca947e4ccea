"""Somebody new, added by an administrator."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.key_consent import ConsentNeededError
from auth.people import PeopleError
from auth.person_values import LANGUAGES, PersonChange
from console.fresh_touch import need_touch
from console.levers import flash
from console.person_details import language_choices
from console.render import page
from console.visitor import Visitor, administrator_intends, reviewer, services_of
from console.words import N_

router = APIRouter(prefix="/people/new")
Text = Annotated[str, Form(max_length=400)]


@router.get("")
def form(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """The form."""
    if not found.is_administrator:
        raise HTTPException(403)
    told = flash(request, found.speech)
    return page(request, found, "people_new.html", languages=language_choices(LANGUAGES[0], found.speech), flash=told)


@router.post("")
def add(
    request: Request,
    found: Annotated[Visitor, Depends(administrator_intends)],
    name: Text,
    email: Text,
    roles: Text,
    language: Text,
    accounts: Text = "",
    team: Text = "",
    territory: Text = "",
    manager: Text = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Add the person. Who is to hand out keys needs a second person's yes."""
    services, viewer = services_of(request), found.person
    if viewer is None:
        raise HTTPException(403)
    need_touch(request, found, N_("Add a person"))
    values = PersonChange(name=name, email=email, roles=roles.replace(",", " ").split(), language=language, team=team, territory=territory)
    above = services.people.find(manager.strip()) if manager.strip() else None
    if manager.strip() and above is None:
        return _again("refused")
    values["manager_id"] = above.id if above is not None else None
    try:
        person = services.role_consent().add(values, [one.strip() for one in accounts.split("|") if one.strip()], viewer.id, reason or None)
    except ConsentNeededError:
        return _again("asked")
    except ReasonMissingError:
        return _again("reason_missing")
    except (PeopleError, TooManyOpenError):
        return _again("refused")
    return RedirectResponse(f"/people/{person.id}?done=added", 303)


def _again(done: str) -> Response:
    return RedirectResponse(f"/people/new?done={done}", 303)
