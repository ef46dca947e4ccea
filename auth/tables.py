"""The tables of people, sessions, keys and held acts. Times are kept as whole microseconds since 1970 UTC: exact and comparable."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

import auth.approval_tables  # imported so that the tables are known
import auth.key_tables  # imported so that the tables are known
import auth.people_tables  # imported so that the tables are known
import auth.recovery_tables
import auth.totp_tables  # noqa: F401
from audit_store.database import Base
from audit_store.moments import Moment
from auth.sealed_rows import SealedRow

_ASIDE = text("verb = 'quarantine'")


class Revision(Base):
    """How often a kind of rows has changed: `Directory` reloads a kind only when its number has grown."""

    __tablename__ = "revisions"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, default=0)


class Person(SealedRow, Base):
    """Somebody who works with the CRM or with Torwart."""

    __tablename__ = "people"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "pseudonym", "name", "email", "roles", "team", "territory", "manager_id", "status", "status_since"),
        *("leave_from", "leave_until", "frozen", "frozen_at", "user_handle", "version"),
    )
    VERSIONED = True

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Random, says nothing."""
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320), unique=True)
    """Lower case."""
    roles: Mapped[list[str]] = mapped_column(JSON)
    team: Mapped[str | None] = mapped_column(String(100), default=None)
    territory: Mapped[str | None] = mapped_column(String(100), default=None)
    manager_id: Mapped[str | None] = mapped_column(String(32), default=None)
    """Id of the person that this one reports to."""
    language: Mapped[str] = mapped_column(String(8), default="de")
    status: Mapped[str] = mapped_column(String(32), default="active")
    """A value of `policies.request.Status`."""
    status_since: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """None: from the beginning."""
    leave_from: Mapped[datetime | None] = mapped_column(Moment, default=None)
    leave_until: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """The moment when the leave is over; None while there is none."""
    status_reason: Mapped[str | None] = mapped_column(String(500), default=None)
    frozen: Mapped[bool] = mapped_column(default=False)
    frozen_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When it was frozen last; what was cut then carries the same time."""
    user_handle: Mapped[bytes] = mapped_column(LargeBinary(64), unique=True)
    """Random bytes by which a discoverable key names the person (WebAuthn section 5.4.3)."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    """How often what is sealed was changed; an older copy of the row has a lower one."""


class RiskLevel(SealedRow, Base):
    """How closely a person is watched, as somebody has set it; whoever is about to leave needs no row (`auth.levels`)."""

    __tablename__ = "risk_levels"
    SEALED: ClassVar[tuple[str, ...]] = ("person_id", "level", "since", "until", "by")

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    level: Mapped[str] = mapped_column(String(16))
    """A value of `policies.request.Level` other than `normal`."""
    reason: Mapped[str] = mapped_column(String(500))
    """For the people page only."""
    since: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Id of the person who set it; None: the command line."""


class CrmAccount(SealedRow, Base):
    """An account of the CRM and the person behind it; several accounts may belong to one person (attacks X3)."""

    __tablename__ = "crm_accounts"
    SEALED: ClassVar[tuple[str, ...]] = ("account", "person_id", "kind")

    account: Mapped[str] = mapped_column(String(200), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32), default="login")


class CrmSession(SealedRow, Base):
    """A credential of the CRM that the gateway saw being issued, or that an administrator bound. The credential itself is not kept."""

    __tablename__ = "crm_sessions"
    SEALED: ClassVar[tuple[str, ...]] = ("id", "person_id", "credential_hash", "kind", "account", "opened_at", "ended_at")

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """Keyed blake2b, hex."""
    kind: Mapped[str] = mapped_column(String(16))
    """`session`, `token`, `api_key`, or `proxy`: a log-in for the way out, which is no credential of the CRM but ends as they do."""
    account: Mapped[str] = mapped_column(String(200))
    opened_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    """Coarse: not written at every request."""
    suspended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """Cut by a freeze; works again when the freeze is lifted."""
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    ended_why: Mapped[str | None] = mapped_column(String(64), default=None)
    revision: Mapped[int] = mapped_column(BigInteger, index=True)


class ConsoleSession(SealedRow, Base):
    """A sign-in to Torwart's own pages. Ends by itself at `expires_at` or when it is not used (`auth.session_settings`)."""

    __tablename__ = "console_sessions"
    SEALED: ClassVar[tuple[str, ...]] = ("id", "person_id", "token_hash", "csrf", "key_id", "opened_at", "expires_at", "ended_at")
    SEALED_IF_SET: ClassVar[tuple[str, ...]] = ("touched_at", "touched_for")

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"), default=None)
    device: Mapped[str] = mapped_column(String(64), default="")
    """Browser and system in words of our own, for the person's list of sign-ins."""
    source: Mapped[str | None] = mapped_column(String(64), default=None)
    """Network address that signed in, for the same list."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    touched_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When a key that cannot be copied touched last in it; None: none has."""
    touched_for: Mapped[str | None] = mapped_column(String(64), default=None)
    """Digest of the form that this touch was for (`console.sent_form`); None: for none, or the form has come."""
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    ended_why: Mapped[str | None] = mapped_column(String(64), default=None)


class Assignment(Base):
    """Whose a client is."""

    __tablename__ = "assignments"

    client_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id"), default=None)
    since: Mapped[datetime] = mapped_column(Moment)
    counts_from: Mapped[datetime] = mapped_column(Moment)
    """From when the client counts in the size of the book and of the base: a creation or gain only after 30 days (attacks X7)."""
    origin: Mapped[str] = mapped_column(String(16))
    """`import`, `created`, `crm_field` or `deleted`."""
    revision: Mapped[int] = mapped_column(BigInteger, index=True)


class Key(Base):
    """A registered hardware key."""

    __tablename__ = "keys"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "person_id", "credential_id", "public_key", "algorithm", "aaguid", "backup_eligible"),
        *("attestation", "trust_path", "demo", "created_at", "locked_at"),
    )
    SEALED_IF_SET: ClassVar[tuple[str, ...]] = ("lent_until",)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    """COSE key (RFC 9052, section 7), CBOR."""
    algorithm: Mapped[int]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    aaguid: Mapped[str] = mapped_column(String(36))
    backup_eligible: Mapped[bool]
    attestation: Mapped[str] = mapped_column(String(20), default="none")
    """Format in which somebody vouches for the authenticator (WebAuthn section 8); `self`: it does so itself, `none`: nobody does."""
    trust_path: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Certificates that vouch for it, its own first, base64 of DER. What they are worth is asked of the list of models of the day."""
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    label: Mapped[str] = mapped_column(String(100))
    demo: Mapped[bool] = mapped_column(default=False)
    """The demo's software key: `torwart up` refuses to start while one is registered (attacks X17)."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    locked_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    locked_why: Mapped[str | None] = mapped_column(String(64), default=None)
    lent_until: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """The emergency envelope let it in: it is worth nothing from then on, and never has a voice (`auth.usable_keys`). None: any other."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`: the enrolment, and a lock, are recorded. A key without one confirms nothing (attacks X12)."""


class EnrolmentToken(Base):
    """One-time permission to register a key, handed over by an administrator. Kept as a hash."""

    __tablename__ = "enrolment_tokens"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("hash", "person_id", "issued_by", "most", "seconded", "demo"),
        *("created_at", "expires_at", "used_at"),
    )
    SEALED_IF_SET: ClassVar[tuple[str, ...]] = ("lent_until",)

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    issued_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id of the administrator, or of whom it is for, who has touched an own key; None: the command line on the machine itself."""
    most: Mapped[str | None] = mapped_column(String(16), default=None)
    """The strongest key that it lets in: a value of `policies.request.KeyClass`; None: any."""
    seconded: Mapped[bool] = mapped_column(default=False)
    """A second administrator has said yes to it (promises E87)."""
    lent_until: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """Of the emergency envelope: the key that it lets in counts no longer than that."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`: its issue is recorded. One without it lets no key in (attacks X12)."""
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)


class Ceremony(Base):
    """A challenge for registration or sign-in that waits for its answer. (The challenge of an act stands in the act.)"""

    __tablename__ = "ceremonies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    """`register` or `sign-in`."""
    token_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    """Enrolment token of a registration."""
    challenge: Mapped[bytes] = mapped_column(LargeBinary(64))
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)


class Act(Base):
    """An act that is held until it is confirmed with the key. Never holds a request or a client's value."""

    __tablename__ = "acts"
    SEALED: ClassVar[tuple[str, ...]] = (
        *("id", "person_id", "session_id", "digest", "summary", "ids", "fields", "needs", "state", "opened_at", "expires_at"),
        *("challenge", "confirmed_at", "used_at", "key_id", "assertion", "boot_id", "held_by"),
    )
    __table_args__ = (Index("ix_acts_person_state", "person_id", "state"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    session_id: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    ids: Mapped[str]
    """Record ids that are signed, compact (`audit_store.event.encode_ids`)."""
    fields: Mapped[list[str]] = mapped_column(JSON)
    needs: Mapped[str] = mapped_column(String(16), default="key")
    state: Mapped[str] = mapped_column(String(16), default="open")
    """`open`, `confirmed`, `used`, `cancelled`, `expired`, or `asked`: its person has asked others to approve it."""
    opened_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    ended_why: Mapped[str | None] = mapped_column(String(64), default=None)
    challenge: Mapped[bytes | None] = mapped_column(LargeBinary(64), default=None)
    challenge_used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id"), default=None)
    assertion: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """The whole assertion as it was verified: evidence that can be checked again."""
    boot_id: Mapped[str] = mapped_column(String(64))
    held_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """The gateway (its name as a producer of events) whose connection waits for it."""
    seal: Mapped[str | None] = mapped_column(String(64), default=None)
    """Of `auth.row_seal`, made anew whenever one of our processes changes what gives authority."""
    language: Mapped[str] = mapped_column(String(8), default="de")
    """In which the pages of the session are told of it."""
    repeats: Mapped[bool] = mapped_column(default=False)
    """Nobody holds the call open: once confirmed, the person repeats it."""
    told_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    """When a gateway found a page that listens; until then nobody knows whether one does (`gateway.holds`)."""
    address: Mapped[bytes | None] = mapped_column(LargeBinary(8192), default=None)
    """Where the person is led after the touch, encrypted (`gateway.addresses`)."""


class Agent(Base):
    """A program on an employee's machine that tells what it sees there, under a key of its own."""

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Random, says nothing."""
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Ed25519 (RFC 8032, section 5.1.5)."""
    label: Mapped[str] = mapped_column(String(100))
    """What the machine calls itself; in no event (attacks X31)."""
    enrolled_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    counter: Mapped[int] = mapped_column(BigInteger)
    """Of the last request that was accepted: a later one has a higher one."""
    removed_at: Mapped[datetime | None] = mapped_column(Moment, default=None)


class AgentToken(Base):
    """One-time permission to enrol an agent. Kept as a hash."""

    __tablename__ = "agent_tokens"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    issued_by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id of the administrator; None: the command line on the machine itself."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    agent_id: Mapped[str | None] = mapped_column(String(16), default=None)
    """The agent that was enrolled with it; None for one that became void unused."""


class AgentOrder(Base):
    """What an agent was ordered to do with a file that it told of (`auth.orders`). Never holds a name or a path."""

    __tablename__ = "agent_orders"
    __table_args__ = (
        Index("ix_agent_orders_one_aside", "act_id", unique=True, sqlite_where=_ASIDE, postgresql_where=_ASIDE),
        Index("ix_agent_orders_counter", "agent_id", "counter", unique=True),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    verb: Mapped[str] = mapped_column(String(16))
    """A value of `auth.agent_order.Verb`."""
    act_id: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[str] = mapped_column(String(32))
    """Of the agent's own event about the file."""
    digest: Mapped[str | None] = mapped_column(String(64), default=None)
    """As the agent told it."""
    state: Mapped[str] = mapped_column(String(16), index=True)
    """`wanted` (not signed yet), `signed`, then `done`, `failed`, `refused` by the agent, or `expired` without an answer."""
    cause: Mapped[str | None] = mapped_column(String(40), default=None)
    """Why it was not done."""
    counter: Mapped[int | None] = mapped_column(BigInteger, default=None)
    signed: Mapped[bytes | None] = mapped_column(LargeBinary(512), default=None)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64), default=None)
    wanted_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    answered_at: Mapped[datetime | None] = mapped_column(Moment, default=None)
    by: Mapped[str | None] = mapped_column(String(32), default=None)
    """Person id of who released it."""
    reason: Mapped[str | None] = mapped_column(String(500), default=None)
    """In their words; in no event."""


class AgentOrderCounter(Base):
    """The counter of the last order to an agent: grows also when orders are gone, or were signed before a restore."""

    __tablename__ = "agent_order_counters"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger)
