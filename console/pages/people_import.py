"""A table of people: uploaded, looked at, then taken over whole; and the last one taken back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from auth.people import PeopleError
from auth.people_compare import Comparison, Difference, words_of
from auth.people_csv import COLUMNS, Fault, PeopleTableError
from auth.people_import import Imports
from auth.tables import Person
from console.fresh_touch import need_touch
from console.language import Speech
from console.levers import flash
from console.people_roles import known_roles
from console.render import page
from console.services import Services
from console.visitor import Visitor, administrator_intends, reviewer, services_of
from console.words import N_, STATUSES, word

router = APIRouter(prefix="/people/import")
MAX_BYTES = 640 * 1024
"""Of a table, some thousands of people; what is larger is for the command line. It is sent twice: to be looked at, and to be taken over."""
SHOWN = 500
"""Lines of a preview; all are counted."""
_MEMBERS = {
    "name": N_("name"),
    "email": N_("e-mail"),
    "roles": N_("Roles"),
    "language": N_("Language of the pages"),
    "team": N_("Team"),
    "territory": N_("Territory"),
    "manager": N_("Reports to"),
    "accounts": N_("Accounts of the CRM"),
    "status": N_("Status"),
}
_NAMING = frozenset({"name", "email", "accounts"})
"""What says who somebody is: of before it is shown only where names are shown (law 11)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that would be different about a person."""

    lot: str
    """`new`, `changed` or `gone`."""
    who: str
    """Empty in the further lines of the same person."""
    what: str
    now: str
    then: str


@router.get("")
def form(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """The form."""
    _administrator(found)
    return _page(request, found)


@router.post("")
async def compare(
    request: Request,
    found: Annotated[Visitor, Depends(administrator_intends)],
    table: Annotated[UploadFile | None, File()] = None,
    again: Annotated[str, Form(max_length=2 * MAX_BYTES)] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
    complete: Annotated[str, Form(max_length=5)] = "",
    take: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Say what the table would change, or, with the digest of what was looked at, take it over."""
    services, viewer = services_of(request), _administrator(found)
    if take == "yes" and seen:
        need_touch(request, found, N_("Take the table over"))
    data = await table.read(MAX_BYTES + 1) if table is not None else _decoded(again)
    whole = complete == "yes"
    if len(data) > MAX_BYTES:
        return _page(request, found, faults=[Fault(1, 0, f"larger than {MAX_BYTES // 1024} KiB: `torwart people import` takes it")])
    imports = _imports(services)
    try:
        if take == "yes" and seen:
            imports.apply(data, viewer.id, complete=whole, seen=seen)
            return RedirectResponse("/people/import?done=imported", 303)
        comparison = imports.preview(data, viewer.id, complete=whole)
    except PeopleTableError as error:
        return _page(request, found, faults=error.faults)
    services.viewed(viewer, "people", about=[one.pseudonym for one in comparison.all if one.pseudonym is not None])
    lines = list(_lines(services, comparison, found.speech))
    return _page(request, found, comparison=comparison, lines=lines, again=base64.b64encode(data).decode("ascii"), complete=whole)


@router.post("/undo")
def undo(request: Request, found: Annotated[Visitor, Depends(administrator_intends)]) -> Response:
    """Take the last import back."""
    need_touch(request, found, N_("Take it back"))
    try:
        _imports(services_of(request)).undo(_administrator(found).id)
    except PeopleError:
        return RedirectResponse("/people/import?done=not_undone", 303)
    return RedirectResponse("/people/import?done=undone", 303)


def _page(request: Request, found: Visitor, **more: Any) -> Response:
    services = services_of(request)
    values: dict[str, Any] = {"comparison": None, "lines": [], "faults": [], "again": "", "complete": False} | more
    last = _imports(services).last()
    told = flash(request, found.speech)
    status = 422 if values["faults"] else 200
    return page(
        request, found, "people_import.html", status, **values, columns=COLUMNS, last=last, flash=told, shown=SHOWN, size=MAX_BYTES // 1024
    )


def _imports(services: Services) -> Imports:
    roles = lambda: known_roles(services.installation, services.people)  # noqa: E731 -- asked anew each time
    return Imports(services.engine, services.spool.append_all, services.pseudonyms, roles, services.role_consent().by_hand_only)


def _administrator(found: Visitor) -> Person:
    if found.person is None or not found.is_administrator:
        raise HTTPException(403)
    return found.person


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(422) from None


def _lines(services: Services, comparison: Comparison, speech: Speech) -> Iterable[Line]:
    named = services.installation.names == "shown"
    names = {person.id: services.who(person).name or person.pseudonym for person in services.people.all()}
    lots = (("new", comparison.new), ("changed", comparison.changed), ("gone", comparison.gone))
    people = [(lot, one) for lot, those in lots for one in those]
    for lot, one in people[:SHOWN]:
        who = one.name if named or one.person_id is None else one.pseudonym or ""
        for number, (what, now, then) in enumerate(_differences(one, names, speech, named=named)):
            yield Line(lot, who if number == 0 else "", what, now, then)


def _differences(one: Difference, names: dict[str, str], speech: Speech, *, named: bool) -> Iterable[tuple[str, str, str]]:
    before = words_of(one.before, names)
    after = words_of(one.after, names) | ({"manager": one.manager_email} if one.manager_email is not None else {})
    for name, then in after.items():
        if not then and name not in before:
            continue
        now = before.get(name, "")
        if name == "status":
            now, then = (word(STATUSES, code, speech) if code else "" for code in (now, then))
        elif name in _NAMING and not named:
            now = "…" if now else ""
        yield speech.say(_MEMBERS[name]), now, then
