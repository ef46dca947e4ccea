"""That somebody looked at what is stored about people: who, at what, and about whom. Never what they typed to find it.

A look at one person names that person as the event's subject. What shows several people at once (a list, the answer to a question) says
what it was, and whom it named in the word `about`; more people than one event holds make more events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from audit_store.event import Event, EventAction, plain_event

PSEUDONYM = re.compile(r"P-[0-9A-F]{8}")
"""As `audit_store.pseudonyms` makes them."""
COMMAND_LINE = "command line"
"""Who looked, where nobody has signed in."""
ABOUT_MAX = 36
"""Pseudonyms of one event: with their blanks shorter than a text of an event may be (`audit_store.wording.TEXT_MAX`)."""
_ID = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_-]{1,64}")
"""Has a digit: a word without one could be somebody's name."""


def looks(at: datetime, viewer: str | None, what: str, about: Iterable[str] = (), act_id: str | None = None) -> Iterator[Event]:
    """The events of one look, at least one. `viewer` is a pseudonym, None for the command line; `what` a pseudonym or words of our own."""
    people = sorted({one for one in about if PSEUDONYM.fullmatch(one)} - {what, viewer})
    by: dict[str, int | str] = {} if viewer else {"by": COMMAND_LINE}
    for start in range(0, max(len(people), 1), ABOUT_MAX):
        words = by | ({"about": " ".join(people[start : start + ABOUT_MAX])} if people else {})
        yield plain_event(EventAction.RECORD_VIEWED, at=at, pseudonym=viewer, subject=what, numbers=words, act_id=act_id)


def id_or_none(written: str | None) -> str | None:
    """What somebody typed as an id, if it can be one."""
    return written if written and _ID.fullmatch(written) else None


def asked_for(person: str | None = None, client: str | None = None, act: str | None = None) -> str:
    """What a question is about, in words of our own: what was typed appears only where it has the shape of an id."""
    if person is not None:
        return person
    if client is not None:
        return f"client {client}" if id_or_none(client) else "a client"
    if act is not None:
        return act if id_or_none(act) else "an act"
    return "a search"


def people_in(canonical: Iterable[bytes]) -> set[str]:
    """Every pseudonym that events name, wherever it stands in them."""
    return {found for one in canonical for found in PSEUDONYM.findall(one.decode("utf-8", "replace"))}
