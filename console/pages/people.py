"""The list of people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from auth.tables import Person
from console.render import page
from console.services import Who
from console.visitor import Visitor, reviewer, services_of
from console.words import STATUS_CHIPS, STATUSES, role_words, word

router = APIRouter()


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in the list."""

    person: Person
    who: Who
    roles: str
    status: str
    chip: str
    keys: int
    own: bool


@router.get("/people")
def people(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """Everybody with status and keys; of oneself the status is not said (attacks X32)."""
    services = services_of(request)
    keys = Counter(key.person_id for key in services.keys.all() if key.locked_at is None)
    everybody = services.people.all()
    if services.installation.names != "shown":
        everybody.sort(key=lambda person: person.pseudonym)
    if found.person is not None:
        services.viewed(found.person, "people", about=[person.pseudonym for person in everybody])
    rows = [
        PersonRow(
            person=person,
            who=services.who(person),
            roles=role_words(person.roles, found.speech),
            status=word(STATUSES, person.status, found.speech),
            chip=STATUS_CHIPS.get(person.status, ""),
            keys=keys[person.id],
            own=found.person is not None and person.id == found.person.id,
        )
        for person in everybody
    ]
    return page(request, found, "people.html", rows=rows)
