"""One's own keys: what they are worth, their names, removing one; a further one is let in by a touch (`console.api.keys`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from auth.keys import LastKeyError
from auth.registration import MAX_LABEL
from auth.tables import Key, Person
from console.levers import Flash
from console.render import page
from console.visitor import Visitor, intended, services_of, signed_in
from console.words import N_
from policies.request import KeyClass

router = APIRouter(prefix="/keys")
_CLASSES = {
    KeyClass.VERIFIED: (N_("hardware, verified"), "good"),
    KeyClass.HARDWARE: (N_("hardware"), "info"),
    KeyClass.SYNCED: (N_("synced"), "held"),
}
_DONE = {
    "named": (N_("The key has its new name."), "good"),
    "removed": (N_("The key is removed."), "good"),
    "last": (N_("This is your only key. Your management removes it, with a second person."), "warn"),
    "nothing": (N_("There is no such key any more."), "warn"),
}


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key as the page shows it."""

    key: Key
    kind: str
    look: str


@router.get("")
def keys(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """The keys of whoever is signed in. Says nothing about status (attacks X32)."""
    services, speech = services_of(request), found.speech
    mine = services.keys.of(_person(found).id)
    lines = []
    for key in mine:
        words, look = _CLASSES[services.keys.class_of(key)]
        lines.append(KeyLine(key, speech.say(words), look))
    usable = sum(key.locked_at is None for key in mine)
    said = _DONE.get(request.query_params.get("done", ""))
    flash = Flash(speech.say(said[0]), said[1]) if said else None
    return page(request, found, "keys.html", lines=lines, usable=usable, flash=flash, demo=services.demo, longest=MAX_LABEL)


@router.post("/{key_id}/name")
def name(
    request: Request, key_id: str, found: Annotated[Visitor, Depends(intended)], label: Annotated[str, Form(max_length=MAX_LABEL)] = ""
) -> Response:
    """Another name for an own key. Somebody else's is as unknown as none."""
    done = services_of(request).keys.rename(key_id[:64], _person(found).id, label)
    return RedirectResponse(f"/keys?done={'named' if done else 'nothing'}", 303)


@router.post("/{key_id}/remove")
def remove(request: Request, key_id: str, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """Take an own key away; the last one only others do."""
    services, person = services_of(request), _person(found)
    if not any(key.id == key_id for key in services.keys.of(person.id)):
        return RedirectResponse("/keys?done=nothing", 303)
    try:
        services.keys.remove(key_id, person.pseudonym)
    except LastKeyError:
        return RedirectResponse("/keys?done=last", 303)
    except LookupError:
        return RedirectResponse("/keys?done=nothing", 303)
    return RedirectResponse("/keys?done=removed", 303)


def _person(found: Visitor) -> Person:
    if found.person is None:
        raise HTTPException(403)
    return found.person
