"""Endpoint agents: one-time tokens, their keys, and whether a request is really theirs (attacks X22)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.agent_alarms import AgentAlarms
from auth.agent_signature import COUNTER_MAX, KEY_BYTES, enrolment_bytes, request_bytes, signature_holds
from auth.console_sessions import may_sign_in
from auth.enrolment import TokenError
from auth.storage import database_now, hits_one, reading, writing
from auth.tables import Agent, AgentToken, Person
from policies.request import Status

TOKEN_HOURS = 24.0
LABEL_MAX = 100
_ID_BYTES = 8


class AgentRefusedError(Exception):
    """The message is not what it must be. `cause` is for the record; a stranger is told nothing of it."""

    def __init__(self, cause: str, counter: int | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.counter = counter
        """The highest counter seen; only for the owner of the key, whose counter was too low."""


@dataclass(frozen=True, slots=True)
class KnownAgent:
    """An agent whose signature was right."""

    id: str
    """16 hexadecimal digits, random."""
    pseudonym: str
    """Of the person whose machine it watches."""
    gone: bool = False
    """The person has left: what the machine saw is taken, and nothing is given to it."""

    @property
    def producer(self) -> str:
        """The name of its record, and of the machine in events."""
        return producer_of(self.id)


class Agents:
    """The agents of one installation. Every change is recorded before it holds; `by` is a person id, None for the command line."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], alarms: AgentAlarms, origin: str) -> None:
        """`origin` is Torwart's own: signatures for another host are no good here."""
        self._engine = engine
        self._record = record
        self._alarms = alarms
        self._origin = origin

    def issue(self, person_id: str, by: str | None, hours: float = TOKEN_HOURS) -> str:
        """A new token for one agent on this person's machine; earlier unused ones are void. Raises TokenError."""
        token = secrets.token_urlsafe(32)
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None or not may_sign_in(person):
                raise TokenError("there is no such person, or the person is frozen or gone")
            issuer = session.get(Person, by) if by else None
            now = database_now(session)
            unused = update(AgentToken).where(AgentToken.person_id == person_id, AgentToken.used_at.is_(None))
            session.execute(unused.values(used_at=now))
            session.add(
                AgentToken(hash=_hash(token), person_id=person_id, issued_by=by, created_at=now, expires_at=now + timedelta(hours=hours))
            )
            self._say(EventAction.AGENT_TOKEN_ISSUED, issuer.pseudonym if issuer else None, person.pseudonym)
        return token

    def enrol(self, token: str, public_key: bytes, proof: bytes, label: str = "") -> KnownAgent:
        """Use up a token and register the key that signed the enrolment.

        The same token with the same key gives the same agent again: an answer may have been lost on its way. Raises AgentRefusedError,
        recorded as an alarm.
        """
        try:
            if len(public_key) != KEY_BYTES or not signature_holds(
                public_key, proof, enrolment_bytes(origin=self._origin, token=token, public_key=public_key)
            ):
                raise AgentRefusedError("enrolment_unsigned")
            return self._enrolled(token, public_key, label)
        except AgentRefusedError as error:
            self._alarms.refused(error.cause)
            raise

    def authenticate(self, *, agent: str, counter: int, signature: bytes, method: str, target: str, body: bytes) -> KnownAgent:
        """Whose request this is; its counter counts as used. Raises AgentRefusedError, recorded as an alarm.

        The agent of a person who is frozen or gone may deliver and is given orders: what their machine saw is wanted then more than ever.
        Whoever gives it something else looks at `KnownAgent.gone`.
        """
        try:
            return self._authenticated(agent, counter, signature, method, target, body)
        except AgentRefusedError as error:
            known = error.cause in ("counter", "removed")
            self._alarms.refused(error.cause, *((producer_of(agent), self._pseudonym(agent)) if known else ()))
            raise

    def all(self, person_id: str | None = None) -> list[tuple[Agent, Person]]:
        """Agents with their people, also removed ones, oldest first."""
        with reading(self._engine) as session:
            question = select(Agent, Person).join(Person, Person.id == Agent.person_id).order_by(Agent.enrolled_at, Agent.id)
            if person_id is not None:
                question = question.where(Agent.person_id == person_id)
            return [(row[0], row[1]) for row in session.execute(question)]

    def gives_nothing(self, agent_id: str) -> bool:
        """Whether this agent is given nothing but orders, or is not heard at all."""
        with reading(self._engine) as session:
            row = session.get(Agent, agent_id)
            return row is None or row.removed_at is not None or _known(row, session.get_one(Person, row.person_id)).gone

    def may_enrol(self, person_id: str) -> bool:
        """Whether a token of this person would still enrol an agent."""
        with reading(self._engine) as session:
            unused = select(AgentToken.hash).where(AgentToken.person_id == person_id, AgentToken.used_at.is_(None))
            waiting = session.scalar(unused.where(AgentToken.expires_at > database_now(session)))
            return waiting is not None and may_sign_in(session.get_one(Person, person_id))

    def remove(self, person_id: str, agent_id: str, by: str | None) -> bool:
        """Take nothing more from this agent; False if the person has no such agent, or it was removed before."""
        with writing(self._engine) as session:
            row = session.get(Agent, agent_id)
            if row is None or row.person_id != person_id or row.removed_at is not None:
                return False
            row.removed_at = database_now(session)
            issuer = session.get(Person, by) if by else None
            self._say(EventAction.AGENT_REMOVED, issuer.pseudonym if issuer else None, producer_of(agent_id))
        return True

    def _enrolled(self, token: str, public_key: bytes, label: str) -> KnownAgent:
        with writing(self._engine) as session:
            row = session.get(AgentToken, _hash(token))
            if row is None:
                raise AgentRefusedError("token_unknown")
            person = session.get_one(Person, row.person_id)
            before = session.scalar(select(Agent).where(Agent.public_key == public_key))
            if before is not None and before.removed_at is None and before.id == row.agent_id:
                return KnownAgent(before.id, person.pseudonym)
            now = database_now(session)
            if row.used_at is not None:
                raise AgentRefusedError("token_used")
            if row.expires_at <= now:
                raise AgentRefusedError("token_expired")
            if not may_sign_in(person):
                raise AgentRefusedError("person_cut_off")
            if before is not None:
                raise AgentRefusedError("key_known")
            agent_id = secrets.token_hex(_ID_BYTES)
            unused = update(AgentToken).where(AgentToken.hash == row.hash, AgentToken.used_at.is_(None))
            if not hits_one(session, unused.values(used_at=now, agent_id=agent_id)):
                raise AgentRefusedError("token_used")
            label = "".join(filter(str.isprintable, label))[:LABEL_MAX]
            session.add(Agent(id=agent_id, person_id=person.id, public_key=public_key, label=label, enrolled_at=now, counter=0))
            fingerprint = hashlib.sha256(public_key).hexdigest()
            self._say(EventAction.AGENT_ENROLLED, person.pseudonym, producer_of(agent_id), {"key": fingerprint})
        return KnownAgent(agent_id, person.pseudonym)

    def _authenticated(self, agent: str, counter: int, signature: bytes, method: str, target: str, body: bytes) -> KnownAgent:
        signed = request_bytes(origin=self._origin, agent=agent, counter=counter, method=method, target=target, body=body)
        with reading(self._engine) as session:
            row = session.get(Agent, agent)
            person = session.get(Person, row.person_id) if row else None
        if row is None or person is None:
            raise AgentRefusedError("agent_unknown")
        if not 0 < counter <= COUNTER_MAX or not signature_holds(row.public_key, signature, signed):
            raise AgentRefusedError("unsigned")
        if row.removed_at is not None:
            raise AgentRefusedError("removed")
        with writing(self._engine) as session:
            fresh = update(Agent).where(Agent.id == agent, Agent.counter < counter, Agent.removed_at.is_(None))
            if not hits_one(session, fresh.values(counter=counter, last_seen_at=database_now(session))):
                raise AgentRefusedError("counter", session.get_one(Agent, agent).counter)
        return _known(row, person)

    def _pseudonym(self, agent_id: str) -> str | None:
        with reading(self._engine) as session:
            return _pseudonym(session, agent_id)

    def _say(self, action: EventAction, by: str | None, subject: str, said: dict[str, int | str] | None = None) -> None:
        self._record(plain_event(action, at=datetime.now(UTC), pseudonym=by, subject=subject, numbers=said))


def _known(row: Agent, person: Person) -> KnownAgent:
    return KnownAgent(row.id, person.pseudonym, gone=person.status == Status.GONE.value)


def producer_of(agent_id: str) -> str:
    """The name of an agent's record."""
    return f"agent-{agent_id}"


def _pseudonym(session: Session, agent_id: str) -> str | None:
    return session.scalar(select(Person.pseudonym).join(Agent, Agent.person_id == Person.id).where(Agent.id == agent_id))


def _hash(token: str) -> str:
    """The token has 256 random bits: a plain hash says nothing about it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
