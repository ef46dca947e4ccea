"""The whole question that a decision answers.

Everything a rule may ever look at is a member of `AccessRequest`; a new condition then touches no second file. All types are frozen:
what was judged cannot change between the judgement and the sending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

type ClientId = str
"""The CRM's own number of a client, as text. Never a name and never a contact value."""


class Action(StrEnum):
    """What is being done. The class of an act follows its effect, not the name of the call (attacks X6)."""

    LOGIN = "login"
    """Signing in to the CRM."""
    SYSTEM = "system"
    """The CRM's own furniture (views, menus, preferences): no client in it."""
    LIST = "list"
    """Fields of several clients are delivered."""
    READ = "read"
    """Fields of one client are delivered: a card."""
    SEARCH = "search"
    """Ids or counts only: no field of a client is delivered."""
    EXPORT = "export"
    """A file, or any answer with the contact values of more clients than `export_threshold` says."""
    REPORT = "report"
    """A letter or another document that the CRM makes of clients."""
    PRINT = "print"
    """The same for a printer."""
    CREATE = "create"
    """New clients."""
    UPDATE = "update"
    """Fields of existing clients are written."""
    DELETE = "delete"
    """Clients are deleted or put into the archive."""
    REASSIGN = "reassign"
    """Clients are given to somebody else."""
    SHARE = "share"
    """Data leaves by the CRM itself: e-mail, subscription, web hook."""
    COPY = "copy"
    """A readable twin of a record is made (copy, import, merge): needs clear sight of the source (attacks X5)."""
    BULK = "bulk"
    """Many clients are changed in one step."""
    GRANT_ACCESS = "grant_access"
    """A new credential of the CRM is made or validated (for example a REST key)."""
    UPLOAD = "upload"
    """Content goes to a server outside: a file, a form, a message. Judged before its first byte is sent on."""
    FILE_COPY = "file_copy"
    """A file with clients arrived at a place of an employee's machine (a stick, a folder). Seen by the agent, after the fact."""


WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE, Action.REASSIGN, Action.SHARE, Action.COPY, Action.GRANT_ACCESS})
"""Acts that change something at the CRM or beyond it: held before they are sent, recorded before and after."""


class Channel(StrEnum):
    """The road by which the act comes; all roads count together."""

    WEB = "web"
    """The CRM's own web client."""
    API = "api"
    """The same calls by a script or another program."""
    DOWNLOAD = "download"
    """Files that the CRM makes, for example CSV."""
    REST = "rest"
    """Programs with a key of their own."""
    CLOUD = "cloud"
    """An upload to a file store outside."""
    WEBMAIL = "webmail"
    """A mail that is written in the browser."""
    MESSENGER = "messenger"
    """A message in a chat."""
    WEBSITE = "website"
    """Any other server outside."""
    REMOVABLE = "removable"
    """A stick or another removable device."""
    FOLDER = "folder"
    """A watched folder of an employee's machine."""


class Status(StrEnum):
    """Employment status of a person."""

    ACTIVE = "active"
    """Works here, and no end is in sight."""
    TALK_PLANNED = "talk_planned"
    """A difficult talk is planned; the person does not know yet."""
    NOTICE_GIVEN = "notice_given"
    """Notice was given, by whichever side."""
    LAST_DAY = "last_day"
    """Today is the last day."""
    GONE = "gone"
    """Has left: everything is refused, whatever rules say."""


DEPARTING = frozenset({Status.NOTICE_GIVEN, Status.LAST_DAY, Status.GONE})
"""Statuses in which a person is known to leave. `TALK_PLANNED` is not among them: the person does not know yet."""


class Level(StrEnum):
    """How closely a person is watched. A rule may have another effect at each level."""

    NORMAL = "normal"
    """Nobody has set anything."""
    WATCHED = "watched"
    """Set by hand, with a reason and an end."""
    DEPARTING = "departing"
    """A talk is planned or notice was given (`Status`), or set by hand."""


class KeyClass(StrEnum):
    """How well a key is known to stay in one piece of hardware, from the weakest to the strongest."""

    SYNCED = "synced"
    """A passkey that may be copied to other devices through somebody's account (WebAuthn: backup eligible)."""
    HARDWARE = "hardware"
    """It says that it cannot be copied; nobody vouches for that."""
    VERIFIED = "verified"
    """Its maker vouches for a model that is known, not revoked and admitted here."""

    def meets(self, least: KeyClass) -> bool:
        """Whether it is at least that."""
        ranks = list(KeyClass)
        return ranks.index(self) >= ranks.index(least)


class Unread(Enum):
    """In the place of an attribute that could not be read: not the same as that the record has none."""

    UNREAD = "unread"


UNREAD = Unread.UNREAD
type Value = bool | int | float | str | datetime | Sequence[str] | Unread | None
"""What an attribute of a record can be; None: the record has none. A condition that asks for one that is UNREAD fails."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person, never a CRM account (several accounts may map to one person)."""

    id: str
    """Torwart's own id of the person: random, says nothing."""
    pseudonym: str
    """What the log, mails and web hooks call the person, for example `P-7F3A91C2`."""
    roles: frozenset[str]
    status: Status
    frozen: bool = False
    """Everything is refused until an administrator lifts it."""
    team: str | None = None
    territory: str | None = None
    device: str | None = None
    language: str = "de"
    session_id: str | None = None
    """Torwart's own id of the CRM session or API key that carried the request; never the credential itself."""
    level: Level = Level.NORMAL
    on_leave: bool = False
    """Away now, and expected back."""
    proven_at: datetime | None = None
    """When the person last touched the own key with PIN or biometry in this session; UTC."""
    proven_with: KeyClass | None = None
    """What kind of key that was; None as long as nothing was touched."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for. Before the answer is there, `ids` may be None: then only the question can be judged."""

    type: str
    """`client` for the client base and everything that hangs on a client; `content` for what goes out by an upload; `system`; `other`."""
    model: str = ""
    """The CRM's own name of the record type, for example `party.party`."""
    ids: tuple[ClientId, ...] | None = None
    """Distinct clients asked for or (second judgement) in the answer, in the order of the answer; None while unknown."""
    clear_contact_ids: frozenset[ClientId] = frozenset()
    """Those of `ids` whose contact fields would go out clear: what makes a read an export (attacks X6). Empty while unknown."""
    own: frozenset[ClientId] = frozenset()
    """Those of `ids` in the principal's own book. Everything else counts as another's, an unknown owner too."""
    fields: frozenset[str] = frozenset()
    """Field names asked for or delivered, the CRM's names, dotted for relations."""
    contact_fields: frozenset[str] = frozenset()
    """Those of `fields` and `written_fields` that carry a contact value (phone, e-mail and their aliases) for this CRM."""
    questioned_fields: frozenset[str] = frozenset()
    """Fields that the filter, the sort order or a group uses, aliases and search expansions included (attacks X5)."""
    questioned_contact_fields: frozenset[str] = frozenset()
    """Those of `questioned_fields` that carry or search contact values."""
    written_fields: frozenset[str] = frozenset()
    """Fields that a create or update writes."""
    mask_written_fields: frozenset[str] = frozenset()
    """Those of `written_fields` whose value is a mask (`policies.masks.is_mask`): it is taken out, so nothing is written there."""
    filter_digest: str | None = None
    """Keyed digest of the canonical filter: equal filters are recognised, no value is readable."""
    limit: int | None = None
    """Row limit that the caller named; None: no limit."""
    records: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    """Attributes of the clients in `ids`, column by column in the same order: name in `policies.attributes.RECORD` -> one value for each.

    Only those that the rules ask for (`Policy.attributes_needed`). `own` is not among them: it is `own` above."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct clients of one person. `shown`: any field beyond the id was delivered. `taken`: a contact field was delivered clear."""

    shown_hour: int = 0
    shown_day: int = 0
    shown_month: int = 0
    """30 days."""
    taken_minute: int = 0
    """Sliding 60 seconds."""
    taken_hour: int = 0
    taken_day: int = 0
    taken_month: int = 0
    """30 days."""
    foreign_shown_day: int = 0
    """Of `shown_day`, those outside the own book."""
    exported_hour: int = 0
    exported_day: int = 0
    """Delivered by an export, report or print."""
    exported_month: int = 0
    """30 days."""
    deleted_day: int = 0
    deleted_month: int = 0
    """30 days."""
    changed_day: int = 0
    """Existing clients that an update, a reassignment or a bulk act wrote to."""
    changed_month: int = 0
    """30 days."""
    sent_day: int = 0
    """Recognised in uploads that were let out."""
    sent_month: int = 0
    """30 days."""
    paced_cards: int = 0
    """Cards opened in the last 10 minutes if their pace is a script's, else 0 (`audit_store.history`)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What this person has had, before this act and as it would be after it."""

    before: Counts = field(default_factory=Counts)
    after: Counts = field(default_factory=Counts)
    base: int = 1
    """Clients of the company: the denominator of shares, at least 1. Creations of the last 30 days do not count (attacks X7)."""
    book: int = 0
    """Clients in the own book; creations and gains of the last 30 days do not count."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a content detector saw. Never the value itself."""

    kind: str
    """`clients`, or `uninspectable` for a scan that did not finish (law 4)."""
    detector: str
    """Which one: `client_index`, or for `uninspectable` the cause, for example `encrypted`."""
    clients: int
    """Distinct clients recognised."""
    confidence: float
    where: str


@dataclass(frozen=True, slots=True)
class KeyProof:
    """A hardware key's assertion over exactly this act, already verified and used up."""

    grant_id: str
    act_digest: str
    confirmed_at: datetime
    user_verified: bool
    ids: frozenset[ClientId]
    """The clients that were signed; anything beyond them is not covered."""
    fields: frozenset[str]
    """The fields that were signed."""
    key_class: KeyClass = field(kw_only=True)
    """Of the key that signed, as it stood when the proof was taken."""
    justified: bool = False
    """The person wrote why, and signed that too; the text itself is kept with the act, not here."""
    acknowledged: bool = False
    """The person said, and signed, that the warning was read."""


@dataclass(frozen=True, slots=True)
class CodeProof:
    """A code of the person's authenticator app, given for exactly this act and used up. Weaker than a key: it can be talked out."""

    grant_id: str
    act_digest: str
    confirmed_at: datetime
    ids: frozenset[ClientId]
    """The clients that the act was about; anything beyond them is not covered."""
    fields: frozenset[str]
    """The fields that it was about."""
    justified: bool = False
    """The person wrote why; the text itself is kept with the act, not here."""
    acknowledged: bool = False
    """The person said that the warning was read."""


type Proof = KeyProof | CodeProof
"""What the person gave for an act: rules know which of the two it was."""


@dataclass(frozen=True, slots=True)
class ApprovalProof:
    """Another person's yes to exactly this act, given with the own key, already verified and used up."""

    approver: str
    """Torwart's own id of the person."""
    roles: frozenset[str]
    """Roles of the approver at that time."""
    at: datetime
    """UTC."""
    user_verified: bool
    ids: frozenset[ClientId]
    """The clients that were approved; anything beyond them is not covered."""
    fields: frozenset[str]
    alone: bool = False
    """The firm has nobody else: a delay and a notice to an address outside stand for the second person."""


@dataclass(frozen=True, slots=True)
class Context:
    """Time and place of the act."""

    at: datetime
    """UTC."""
    channel: Channel = Channel.API
    source_ip: str | None = None
    destination: str | None = None
    """Host name that an upload goes to, lower case, without port; None for everything else."""
    origin_trusted: bool = True
    """False when the request came from another site than the CRM's own pages (`Sec-Fetch-*`)."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One act as a question to `policies.engine.decide`."""

    act_id: str
    principal: Principal
    action: Action
    resource: Resource
    context: Context
    usage: Usage = field(default_factory=Usage)
    findings: tuple[Finding, ...] = ()
    proof: Proof | None = None
    approvals: tuple[ApprovalProof, ...] = ()
    justified: bool = False
    """The person has written why; the text itself is kept with the act, not here."""
    acknowledged: bool = False
    """The person has read the warning about this act and goes on."""
    named: Action | None = None
    """What the call is by its name, where `action` is already the class of its effect; for the record, no rule sees it."""
