"""One's own sign-ins: which are open, since when, from where; and ending them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from auth.console_sessions import OWN
from auth.open_sessions import ISSUED, OpenSession
from console.levers import Flash
from console.render import page
from console.visitor import Visitor, intended, services_of, signed_in
from console.words import CUTS, N_, word

router = APIRouter(prefix="/me")
_DONE = {
    "ended": (N_("The sign-in is ended."), "good"),
    "others": (N_("All other sign-ins are ended."), "good"),
    "nothing": (N_("It was over already."), "warn"),
}


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A sign-in as the page shows it."""

    session: OpenSession
    words: str
    here: bool
    """The one that shows this page."""
    issued: bool
    """An administrator gave it out."""


@router.get("")
def mine(request: Request, found: Annotated[Visitor, Depends(signed_in)]) -> Response:
    """Everything that whoever looks is signed in to. Says nothing about status or a freeze (attacks X32)."""
    services, speech = services_of(request), found.speech
    here, person_id = _of(found)
    lines = [
        SessionLine(one, word(CUTS, one.kind, speech), one.id == here, one.kind in ISSUED) for one in services.open_sessions.of(person_id)
    ]
    lines.sort(key=lambda line: not line.here)
    said = _DONE.get(request.query_params.get("done", ""))
    flash = Flash(speech.say(said[0]), said[1]) if said else None
    others = any(not line.here and not line.issued for line in lines)
    return page(request, found, "me.html", lines=lines, flash=flash, others=others, limits=services.console_sessions.settings)


@router.post("/sessions/others")
def end_others(request: Request, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """End all sign-ins but this one."""
    here, person_id = _of(found)
    services_of(request).open_sessions.end_all(person_id, OWN, but=here)
    return RedirectResponse("/me?done=others", 303)


@router.post("/sessions/{session_id}/end")
def end(request: Request, session_id: str, found: Annotated[Visitor, Depends(intended)]) -> Response:
    """End one of one's own. Somebody else's is as unknown as none."""
    _, person_id = _of(found)
    done = "ended" if services_of(request).open_sessions.end(person_id, session_id[:64], OWN) else "nothing"
    return RedirectResponse(f"/me?done={done}", 303)


def _of(found: Visitor) -> tuple[str, str]:
    """The id of this sign-in and of its person."""
    if found.session is None or found.person is None:
        raise HTTPException(403)
    return found.session.id, found.person.id
