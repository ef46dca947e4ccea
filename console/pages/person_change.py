"""Who a person is, changed by an administrator: roles, team, manager, accounts, leave, and what is planned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.key_consent import ConsentNeededError
from auth.people import PeopleError
from auth.person_values import PersonChange
from console.fresh_touch import need_touch
from console.pages.person import go_back, somebody_else, viewer_of
from console.visitor import Visitor, administrator_intends, reviewer_intends, services_of
from console.words import N_

router = APIRouter(prefix="/people/{person_id}")
Text = Annotated[str, Form(max_length=400)]


@router.post("/change")
def change(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(administrator_intends)],
    roles: Text,
    language: Text,
    name: Text = "",
    email: Text = "",
    team: Text = "",
    territory: Text = "",
    manager: Text = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Change who the person is. A name or an address that is left empty stays."""
    need_touch(request, found, N_("Change the person"))
    wanted = PersonChange(roles=roles.replace(",", " ").split(), language=language, team=team, territory=territory)
    if name.strip():
        wanted["name"] = name
    if email.strip():
        wanted["email"] = email
    services = services_of(request)
    people = services.people
    above = people.find(manager.strip()) if manager.strip() else None
    if above is not None or not manager.strip():
        wanted["manager_id"] = above.id if above is not None else None

    def put(subject: str, viewer: str) -> None:
        if "manager_id" not in wanted:
            raise PeopleError("there is no such manager")
        services.role_consent().change(subject, wanted, viewer, reason or None)

    return _done(request, person_id, found, "changed", put)


@router.post("/bind")
def bind(request: Request, person_id: str, found: Annotated[Visitor, Depends(administrator_intends)], account: Text) -> Response:
    """Say that a CRM account is this person's."""
    need_touch(request, found, N_("Give the account"))
    people = services_of(request).people
    return _done(request, person_id, found, "changed", lambda subject, viewer: people.bind(subject, account.strip(), by=viewer))


@router.post("/unbind")
def unbind(request: Request, person_id: str, found: Annotated[Visitor, Depends(administrator_intends)], account: Text) -> Response:
    """Say that a CRM account is this person's no longer; what it had signed in ends."""
    people = services_of(request).people
    return _done(request, person_id, found, "unbound", lambda subject, viewer: people.unbind(subject, account, viewer))


@router.post("/leave")
def leave(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(administrator_intends)],
    first: Annotated[str, Form(max_length=10)] = "",
    last: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Say from when until when the person is away; without days: not at all.

    Rules may take rights from who is away: to change what is set may give them back.
    """
    people = services_of(request).people
    subject = people.by_id(person_id)
    if subject is not None and subject.leave_from is not None:
        need_touch(request, found, N_("Set the leave"))

    def put(subject: str, viewer: str) -> None:
        people.set_leave(subject, _day(first), _day(last), viewer)

    return _done(request, person_id, found, "changed", put)


@router.post("/drop")
def drop(request: Request, person_id: str, found: Annotated[Visitor, Depends(reviewer_intends)]) -> Response:
    """Drop what is planned for the person."""
    need_touch(request, found, N_("Drop what is planned"))
    plans = services_of(request).plans
    return _done(request, person_id, found, "dropped", plans.withdraw)


def _done(request: Request, person_id: str, found: Visitor, word: str, act: Callable[[str, str], object]) -> Response:
    viewer = viewer_of(found)
    subject = somebody_else(services_of(request), person_id, viewer)
    try:
        act(subject.id, viewer.id)
    except ConsentNeededError:
        return go_back("", subject, "asked")
    except ReasonMissingError:
        return go_back("", subject, "reason_missing")
    except (PeopleError, TooManyOpenError):
        return go_back("", subject, "refused")
    return go_back("", subject, word)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PeopleError("a day is written as 2026-12-31") from None
