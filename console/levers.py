"""What a reviewer can do to a person's access, and what it says afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from auth.tables import Person
from console.language import Speech
from console.services import Services
from console.words import CUTS, N_, STATUSES, word

_BACK = re.compile(r"/(?:alerts|people)/[A-Za-z0-9_-]{1,64}")
_DONE = {
    "frozen": (N_("The access is frozen. Everything that was open has been cut, was tried once more and is refused."), "warn"),
    "unfrozen": (N_("The freeze is lifted."), "good"),
    "frozen_not_shown": (
        N_("The access is frozen, but not everything has confirmed it: look at Health whether a gateway hangs, and end it."),
        "bad",
    ),
    "gone": (N_("All access has ended. Everything was tried once more and is refused."), "good"),
    "gone_not_shown": (
        N_("All access has ended, but not everything has confirmed it: look at Health whether a gateway hangs, and end it."),
        "bad",
    ),
    "planned": (N_("It is planned. It counts from the beginning of that day."), "good"),
    "dropped": (N_("Nothing is planned any more."), "good"),
    "changed": (N_("It is changed. It counts from the next click."), "good"),
    "added": (N_("The person is added. Next: a one-time link for the first key."), "good"),
    "asked": (N_("Nothing was done yet: a second person has to agree, on the page Approvals. Then do the same once more."), "warn"),
    "reason_missing": (N_("Nothing was done: nobody else can agree, so say why. Somebody outside reads it."), "bad"),
    "unbound": (N_("The account is taken away. What it had signed in has ended."), "good"),
    "status": (N_("The status is changed. It counts from the next click."), "good"),
    "level": (N_("The level is set. It counts from the next click and ends by itself."), "good"),
    "imported": (N_("The table is taken over. It counts from the next click."), "good"),
    "undone": (N_("The last table is taken back. What it had cut stays cut."), "good"),
    "not_undone": (N_("That was not possible: somebody of it was changed since, or it would change your own entry."), "bad"),
    "closed": (N_("The alert is closed."), "good"),
    "refused": (N_("That was not possible. Nothing has changed."), "bad"),
}
"""Word of the address after an act -> text, look."""


@dataclass(frozen=True, slots=True)
class CutLine:
    """One thing that a freeze cut."""

    words: str
    account: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Flash:
    """What was just done."""

    words: str
    kind: str


def cut_lines(services: Services, person: Person | None, speech: Speech) -> list[CutLine]:
    """What the freeze in force cut."""
    if person is None or not person.frozen:
        return []
    return [
        CutLine(word(CUTS, cut.kind, speech), cut.account if services.installation.names == "shown" else "", cut.opened_at)
        for cut in services.people.last_cut(person.id)
    ]


def status_choices(speech: Speech) -> list[tuple[str, str]]:
    """Every status with its word, in the order of a departure."""
    return [(code, speech.say(words)) for code, words in STATUSES.items()]


def flash(request: Request, speech: Speech) -> Flash | None:
    """What the address says was just done; None for anything else that stands there."""
    said = _DONE.get(request.query_params.get("done", ""))
    return Flash(speech.say(said[0]), said[1]) if said else None


def way_back(back: str, otherwise: str) -> str:
    """The page that a lever was pulled on: only our own pages of alerts and people (promises B34)."""
    return back if _BACK.fullmatch(back) else otherwise
