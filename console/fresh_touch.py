"""Before something that gives authority, the key touches once more: an open sign-in alone is not enough (law 8).

The page that was sent is kept in the answer, so that it goes on after the touch as it was.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.levers import way_back
from console.render import page
from console.visitor import Visitor, services_of, visitor

_KEPT_ELSEWHERE = "csrf"
"""It is another one after the touch."""


class TouchNeededError(Exception):
    """The key touched too long ago for this; `what` says in words of ours what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def need_touch(request: Request, found: Visitor, what: str) -> None:
    """Raises TouchNeededError, with a text of the catalogue, unless a key touched lately in this sign-in (`console_sessions.FRESH`)."""
    if found.session is None or not services_of(request).console_sessions.touched_lately(found.session):
        raise TouchNeededError(what)


async def ask_for_touch(request: Request, error: Exception) -> Response:
    """The page that asks for the touch and then sends the same form again."""
    if request.url.path.startswith("/api/") or not isinstance(error, TouchNeededError):
        return JSONResponse({"error": "touch first"}, 403)
    form = await request.form()
    kept = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name != _KEPT_ELSEWHERE]
    services, found = services_of(request), visitor(request)
    subject = services.people.by_id(str(request.path_params.get("person_id", "")))
    if subject is not None and found.person is not None:
        services.viewed(found.person, subject.pseudonym)  # the page names somebody
    alert = request.path_params.get("alert_id")
    place = f"/alerts/{alert}" if alert is not None else f"/people/{subject.id}" if subject is not None else "/people"
    back = way_back(str(form.get("back", "")), place)
    who = services.who(subject) if subject is not None else None
    return page(
        request,
        found,
        "touch.html",
        403,
        what=found.speech.say(error.what),
        who=(who.name or who.pseudonym) if who is not None else None,
        action=request.url.path,
        kept=kept,
        back=back,
        path=back,  # where the other language is a link to: the page itself cannot be had by a link
        demo=services.demo,
    )
