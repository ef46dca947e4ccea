"""A form that gives authority needs the key, for exactly this form, once: an open sign-in alone is not enough (law 8).

The form that was sent is kept in the answer, so that it goes on after the touch as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fastapi import Request
from starlette.responses import JSONResponse, Response

from console.language import Speech
from console.levers import way_back
from console.render import page
from console.sent_form import digest_of, said
from console.visitor import Visitor, services_of, visitor
from console.words import LEVELS, N_, STATUSES

_SHOWN: Mapping[str, str] = {
    "name": N_("Name"),
    "email": N_("E-mail address"),
    "roles": N_("Roles"),
    "account": N_("Account, as the CRM spells it"),
    "accounts": N_("Accounts of the CRM"),
    "team": N_("Team"),
    "territory": N_("Territory"),
    "manager": N_("Reports to"),
    "status": N_("Status"),
    "level": N_("Level"),
    "days": N_("Days"),
    "first": N_("First day away"),
    "last": N_("Last day away"),
    "note": N_("Note"),
    "reason": N_("Why"),
}
"""Fields that say what is given, in the order of the page."""
_CODES: Mapping[str, Mapping[str, str]] = {"status": STATUSES, "level": LEVELS}


class TouchNeededError(Exception):
    """The key touched too long ago for this; `what` says in words of ours what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def need_touch(request: Request, found: Visitor, what: str) -> None:
    """Raises TouchNeededError, with a text of the catalogue, unless a key has just touched for this very form; the touch is used up."""
    sessions = services_of(request).console_sessions
    if found.session is None or found.form is None or not sessions.use_touch(found.session.id, found.form):
        raise TouchNeededError(what)


async def ask_for_touch(request: Request, error: Exception) -> Response:
    """The page that says what the touch is for, asks for it, and then sends the same form again."""
    if request.url.path.startswith("/api/") or not isinstance(error, TouchNeededError):
        return JSONResponse({"error": "touch first"}, 403)
    kept = await said(request)
    fields = dict(kept)
    services, found = services_of(request), visitor(request)
    subject = services.people.by_id(str(request.path_params.get("person_id", "")))
    if subject is not None and found.person is not None:
        services.viewed(found.person, subject.pseudonym)  # the page names somebody
    alert = request.path_params.get("alert_id")
    place = f"/alerts/{alert}" if alert is not None else f"/people/{subject.id}" if subject is not None else "/people"
    back = way_back(str(fields.get("back", "")), place)
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
        digest=digest_of(request.url.path, kept),
        shown=list(_shown(fields, found.speech)),
        back=back,
        path=back,  # where the other language is a link to: the page itself cannot be had by a link
        demo=services.demo,
    )


def _shown(fields: Mapping[str, str], speech: Speech) -> Iterator[tuple[str, str]]:
    """What is given, in the words of the pages: label and value."""
    for name, label in _SHOWN.items():
        if value := fields.get(name, "").strip():
            word = _CODES.get(name, {}).get(value)
            yield speech.say(label), speech.say(word) if word is not None else value
