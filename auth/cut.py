"""What ends the moment a person is frozen or gone: whatever could still act in that name, and whatever waits to become such a thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.approval_tables import ApprovalRequest
from auth.sessions import SESSIONS
from auth.storage import grow
from auth.tables import Act, Agent, AgentToken, ConsoleSession, CrmSession, EnrolmentToken, Person

FROZEN = "frozen"
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Cut:
    """One thing that was cut."""

    kind: str
    """`session`, `token`, `api_key` (of the CRM), `proxy`, `console`, `act`, `approval` (a request that waits), `key_token` and
    `agent_token` (permissions that nobody used yet), or `agent`: it delivers what its machine saw and is given nothing any more.
    """
    id: str
    account: str
    """CRM account; empty for what has none."""
    opened_at: datetime


def cut_off(session: Session, person: Person, at: datetime, why: str, by: str | None, record: Callable[[Event], object]) -> list[Cut]:
    """Cut everything open of this person and record each piece.

    `why` is `FROZEN` (CRM sessions are suspended, agents go on) or `GONE` (they end for good); `by` is the pseudonym of who did it, None
    for the command line.
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
    approvals = list(session.scalars(_asked(person).where(ApprovalRequest.state.in_(("draft", "open", "given")))))
    for request in approvals:
        request.state, request.ended_at, request.samples = "withdrawn", at, None
    key_tokens = _unused(session, EnrolmentToken, person, at)
    agent_tokens = _unused(session, AgentToken, person, at)
    for key_token in key_tokens:
        key_token.used_at = at
    for agent_token in agent_tokens:
        agent_token.used_at = at
    agents = _agents(session, person) if why == GONE else []
    cuts = [*_cuts(crm, console, acts), *_requests(approvals), *_tokens(key_tokens, agent_tokens)]
    cuts += [Cut("agent", row.id, "", row.enrolled_at) for row in agents]
    _say(cuts, person, at, why, by, record)
    return cuts


def end_sessions(
    session: Session, person: Person, rows: list[CrmSession], at: datetime, why: str, by: str | None, record: Callable[[Event], object]
) -> list[Cut]:
    """End some CRM sessions of a person for good and record each."""
    revision = grow(session, SESSIONS) if rows else 0
    for row in rows:
        row.ended_at, row.ended_why, row.revision = at, why, revision
    cuts = _cuts(rows, [], [])
    _say(cuts, person, at, why, by, record)
    return cuts


def last_cut(session: Session, person: Person) -> list[Cut]:
    """What the last freeze of this person cut, also after it was lifted if the sessions have not been used since."""
    if person.frozen_at is None:
        return []
    at = person.frozen_at
    crm = session.scalars(select(CrmSession).where(CrmSession.person_id == person.id, CrmSession.suspended_at == at))
    console = session.scalars(select(ConsoleSession).where(ConsoleSession.person_id == person.id, ConsoleSession.ended_at == at))
    acts = session.scalars(select(Act).where(Act.person_id == person.id, Act.ended_at == at))
    key_tokens = session.scalars(select(EnrolmentToken).where(EnrolmentToken.person_id == person.id, EnrolmentToken.used_at == at))
    agent_tokens = session.scalars(select(AgentToken).where(AgentToken.person_id == person.id, AgentToken.used_at == at))
    requests = session.scalars(_asked(person).where(ApprovalRequest.ended_at == at))
    tokens = _tokens(list(key_tokens), list(agent_tokens))
    return [*_cuts(list(crm), list(console), list(acts)), *_requests(list(requests)), *tokens]


def _say(cuts: Iterable[Cut], person: Person, at: datetime, why: str, by: str | None, record: Callable[[Event], object]) -> None:
    for cut in cuts:
        words = {"kind": cut.kind, "why": why} | ({} if cut.kind.endswith("_token") else {"session": cut.id})
        record(plain_event(EventAction.SESSION_CUT, at=at, pseudonym=by, subject=person.pseudonym, numbers=words))


def _unused[T: (EnrolmentToken, AgentToken)](session: Session, kind: type[T], person: Person, at: datetime) -> list[T]:
    open_now: list[ColumnElement[bool]] = [kind.person_id == person.id, kind.used_at.is_(None), kind.expires_at > at]
    return list(session.scalars(select(kind).where(*open_now)))


def _agents(session: Session, person: Person) -> list[Agent]:
    living = select(Agent).where(Agent.person_id == person.id, Agent.removed_at.is_(None))
    return list(session.scalars(living.order_by(Agent.enrolled_at, Agent.id)))


def _cuts(crm: list[CrmSession], console: list[ConsoleSession], acts: list[Act]) -> list[Cut]:
    return [
        *(Cut(row.kind, row.id, row.account, row.opened_at) for row in sorted(crm, key=_age)),
        *(Cut("console", row.id, "", row.opened_at) for row in sorted(console, key=_age)),
        *(Cut("act", row.id, "", row.opened_at) for row in sorted(acts, key=_age)),
    ]


def _asked(person: Person) -> Select[ApprovalRequest]:
    """What the person has asked others to say yes to."""
    return select(ApprovalRequest).where(ApprovalRequest.requester_id == person.id)


def _requests(rows: list[ApprovalRequest]) -> list[Cut]:
    return [Cut("approval", row.id, "", row.opened_at) for row in sorted(rows, key=lambda row: (row.opened_at, row.id))]


def _tokens(key_tokens: list[EnrolmentToken], agent_tokens: list[AgentToken]) -> list[Cut]:
    """A token has no id but its hash, which is nothing to show."""
    both: list[tuple[str, Any]] = [("key_token", row) for row in key_tokens] + [("agent_token", row) for row in agent_tokens]
    return [Cut(kind, "", "", row.created_at) for kind, row in sorted(both, key=lambda one: (one[0], one[1].created_at))]


def _age(row: CrmSession | ConsoleSession | Act) -> tuple[datetime, str]:
    """The same order whatever the database gives."""
    return row.opened_at, row.id
