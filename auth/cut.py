"""What ends the moment a person is frozen or gone: CRM sessions, sign-ins to Torwart, acts that wait for a touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.sessions import SESSIONS
from auth.storage import grow
from auth.tables import Act, ConsoleSession, CrmSession, Person

FROZEN = "frozen"
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Cut:
    """One thing that was cut."""

    kind: str
    """`session`, `token`, `api_key` (of the CRM), `proxy`, `console` or `act`."""
    id: str
    account: str
    """CRM account; empty for what has none."""
    opened_at: datetime


def cut_off(session: Session, person: Person, at: datetime, why: str, by: str | None, record: Callable[[Event], object]) -> list[Cut]:
    """Cut everything open of this person and record each piece.

    `why` is `FROZEN` (CRM sessions are suspended) or `GONE` (they end for good); `by` is the pseudonym of who did it, None for the
    command line.
    """
    crm = list(session.scalars(select(CrmSession).where(CrmSession.person_id == person.id, CrmSession.ended_at.is_(None))))
    if why == FROZEN:
        crm = [row for row in crm if row.suspended_at is None]
    revision = grow(session, SESSIONS) if crm else 0
    for row in crm:
        row.revision = revision
        if why == FROZEN:
            row.suspended_at = at
        else:
            row.ended_at, row.ended_why = at, why
    console = list(session.scalars(select(ConsoleSession).where(ConsoleSession.person_id == person.id, ConsoleSession.ended_at.is_(None))))
    for signed_in in console:
        signed_in.ended_at, signed_in.ended_why = at, why
    acts = list(session.scalars(select(Act).where(Act.person_id == person.id, Act.state.in_(("open", "confirmed")))))
    for act in acts:
        act.state, act.ended_at, act.ended_why = "cancelled", at, why
    cuts = _cuts(crm, console, acts)
    for cut in cuts:
        words = {"kind": cut.kind, "session": cut.id, "why": why}
        record(plain_event(EventAction.SESSION_CUT, at=at, pseudonym=by, subject=person.pseudonym, numbers=words))
    return cuts


def last_cut(session: Session, person: Person) -> list[Cut]:
    """What the last freeze of this person cut, also after it was lifted if the sessions have not been used since."""
    if person.frozen_at is None:
        return []
    at = person.frozen_at
    crm = session.scalars(select(CrmSession).where(CrmSession.person_id == person.id, CrmSession.suspended_at == at))
    console = session.scalars(select(ConsoleSession).where(ConsoleSession.person_id == person.id, ConsoleSession.ended_at == at))
    acts = session.scalars(select(Act).where(Act.person_id == person.id, Act.ended_at == at))
    return _cuts(list(crm), list(console), list(acts))


def _cuts(crm: list[CrmSession], console: list[ConsoleSession], acts: list[Act]) -> list[Cut]:
    return [
        *(Cut(row.kind, row.id, row.account, row.opened_at) for row in sorted(crm, key=_age)),
        *(Cut("console", row.id, "", row.opened_at) for row in sorted(console, key=_age)),
        *(Cut("act", row.id, "", row.opened_at) for row in sorted(acts, key=_age)),
    ]


def _age(row: CrmSession | ConsoleSession | Act) -> tuple[datetime, str]:
    """The same order whatever the database gives."""
    return row.opened_at, row.id
