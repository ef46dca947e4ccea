"""What waits for the visitor's yes or no, and what the visitor has asked for. Looking at a page answers nothing."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from audit_store.pseudonyms import Pseudonyms
from auth.approval_request import ApprovalKind
from auth.approval_tables import ApprovalRequest
from auth.reveals import RevealError
from auth.tables import Person
from console.approval_view import view
from console.render import page
from console.visitor import Visitor, intended, reviewer_intends, services_of, signed_in
from console.words import N_

_CASE = N_("Case number")
_CASE_HINT = N_(
    "A year and a number, for example 2026-17 or HR-2026-17, or the id of an alert (the end of its address). "
    "No name: it stands in the record."
)
router = APIRouter()


@router.get("/approvals")
def approvals(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Two lists: to be answered, and one's own."""
    services, person = services_of(request), _person(found)
    waiting = services.approvals.waiting_for(person.id)
    if about := _about(waiting, services.pseudonyms):
        services.viewed(person, "approvals", about=about)
    return page(
        request,
        found,
        "approvals.html",
        waiting=[view(services, one, found.speech) for one in waiting],
        own=[view(services, one, found.speech, own=True) for one in services.approvals.asked_by(person.id)],
    )


@router.get("/approvals/{request_id}")
def approval(request: Request, request_id: str, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """All that the key would sign, and the two buttons, for those who may answer; its state for who asked. 404 for everybody else."""
    services, person = services_of(request), _person(found)
    asked = services.approvals.get(request_id[:64])
    if asked is None or (asked.state == "draft" and (asked.requester_id != person.id or asked.kind == ApprovalKind.ACT)):
        raise HTTPException(404)
    answerable = asked.id in {one.id for one in services.approvals.waiting_for(person.id)}
    if not answerable and asked.requester_id != person.id and not services.approvals.answered(asked.id, person.id):
        raise HTTPException(404)
    if about := _about([asked] if asked.requester_id != person.id else [], services.pseudonyms):
        services.viewed(person, about[0], asked.id, about=about)
    found_name = services.reveals.shown(asked.id, person.id)
    if found_name is not None:
        services.viewed(person, services.pseudonyms.of(found_name[0].id), asked.id, about=[services.pseudonyms.of(found_name[0].id)])
    return page(
        request,
        found,
        "approval.html",
        asked=view(services, asked, found.speech, own=asked.requester_id == person.id and not answerable),
        answerable=answerable,
        own=asked.requester_id == person.id,
        demo=services.demo,
        revealed=found_name,
    )


@router.post("/approvals/{request_id}/open")
def open_name(request: Request, request_id: str, found: Annotated[Visitor, Depends(reviewer_intends)]) -> Response:
    """Show the name that a second person has agreed to open."""
    services_of(request).reveals.open(request_id[:64], _person(found).id)
    return RedirectResponse(f"/approvals/{quote(request_id[:64], safe='')}", 303)


@router.post("/people/{person_id}/reveal")
def reveal(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(reviewer_intends)],
    case: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Prepare to ask for a name; the key asks on the next page."""
    services = services_of(request)
    subject = services.people.by_id(person_id)
    if subject is None:
        raise HTTPException(404)
    try:
        asked = services.reveals.prepare(_person(found).id, subject.id, case.strip(), reason)
    except RevealError:  # what the browser does not see: the id of an alert that there is not
        say = found.speech.say
        return page(request, found, "error.html", 422, heading=say(_CASE), words=say(_CASE_HINT))
    return RedirectResponse(f"/approvals/{asked.id}", 303)


@router.post("/approvals/{request_id}/withdraw")
def withdraw(request: Request, request_id: str, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """Take one's own request back."""
    services_of(request).approvals.withdraw(request_id[:64], _person(found).id)
    return RedirectResponse("/approvals", 303)


def _person(found: Visitor) -> Person:
    if found.person is None:
        raise HTTPException(403)
    return found.person


def _about(requests: list[ApprovalRequest], pseudonyms: Pseudonyms) -> list[str]:
    return list(dict.fromkeys(pseudonyms.of(one) for asked in requests for one in (asked.subject_id or asked.requester_id,) if one))
