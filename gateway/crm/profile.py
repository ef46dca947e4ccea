"""What a CRM profile must say about a call and about its answer. `handle.py` knows nothing else about any CRM."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from detectors.client_index.identifier import Identifier
from gateway.exchange import Request, Response
from policies.decision import Obligations
from policies.masks import Masking, conceal
from policies.reasons import Because
from policies.request import Action, Channel, ClientId, Resource, Value
from policies.tree import Node
from policies.vocabulary import Vocabulary


class CallKind(StrEnum):
    """How `handle.py` treats a call."""

    PUBLIC = "public"
    """Static files and facts that need no sign-in and hold no client: forwarded and not recorded."""
    LOGIN = "login"
    """A sign-in: the answer may carry a new credential, which is bound to the person of the CRM account."""
    LOGOUT = "logout"
    SYSTEM = "system"
    """The CRM's furniture; needs a principal, carries no client."""
    DATA = "data"
    """Carries or changes clients: judged before, and judged again with the answer in hand."""


class Client(StrEnum):
    """Who speaks, so that a refusal has the shape that this client shows to a person (`step-up.md`)."""

    APP = "app"
    """The CRM's own web client calling in the background."""
    PAGE = "page"
    """A top-level navigation or download of a browser."""
    SCRIPT = "script"
    """Anything else: gets an RFC 9457 problem document."""


class UnreadableError(Exception):
    """The call cannot be read exactly, or names something that the profile does not know: it is denied.

    `what` is for the reviewer and names structure only (`duplicate member`, `method copy of model x`), never a value.
    """

    def __init__(self, what: str, *, unknown: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.unknown = unknown
        """True: readable, but the route, model, method or field is not in the profile."""


class UninspectableError(Exception):
    """An answer of the CRM cannot be read exactly: nothing of it goes out. `what` names structure only."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Credential:
    """What the call presents as proof of a sign-in. Compared and stored only as a keyed hash."""

    kind: str
    """`session` (browser cookie), `token` (session header) or `api_key`."""
    secret: str = field(repr=False)
    """The secret part only, never a user name or number beside it (attacks X3)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a denied or unconfirmed act says. The profile gives it the CRM's own shape where the client needs one."""

    status: int
    because: Because
    act_id: str
    language: str
    link: str | None
    """Page of the act on Torwart's host."""
    title: str
    headers: tuple[tuple[str, str], ...] = ()
    """Extra headers, for example the RFC 9470 challenge."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read. Frozen; `upstream` is the only thing that is ever sent to the CRM."""

    kind: CallKind
    client: Client
    channel: Channel
    route: str
    """Name of the road for the log, without any value: `rpc model.party.party.read`."""
    upstream: Request
    """The canonical request, with the fields that the gateway needs (`id`, the owner) added."""
    credential: Credential | None = None
    action: Action = Action.SYSTEM
    resource: Resource = field(default_factory=lambda: Resource(type="system"))
    account: str | None = None
    """LOGIN: the CRM account that is being signed in."""
    replaces: Credential | None = None
    """LOGIN: the session that this client has had until now; never sent on, and dead when the new one is there (attacks X3)."""
    held_before: bool = False
    """True: the act changes something at the CRM, so a challenge must come before it is sent. A read is held with the answer in hand."""
    written: bytes = field(default=b"", repr=False)
    """What a writing call says, the same bytes for the same values: the key signs it, so a repeat with other values is none."""
    waits: bool = True
    """False: the client stands still while this call is open, so it is never held open; the person confirms, then repeats."""
    takes_mark: bool = False
    """Its answer is a table, to which a row with a mark can be added."""
    context: object = field(default=None, repr=False)
    """What the profile needs to read the answer."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What goes out after trimming and masking."""

    response: Response
    shown: frozenset[ClientId]
    """Clients of whom any field beyond the id is in the bytes."""
    taken: frozenset[ClientId]
    """Clients of whom a contact field is in the bytes, clear."""
    rows: int
    fields: frozenset[str]
    marked: Callable[[str], Response] | None = field(default=None, repr=False)
    """The same with this text as a last row, which counts nowhere; None: nothing in it can carry one (`Answer.takes_mark`)."""


class Answer(Protocol):
    """The CRM's answer to a DATA call, read."""

    @property
    def ids(self) -> tuple[ClientId, ...]:
        """Distinct clients in the answer with any field beyond the id, in order."""

    @property
    def contact_ids(self) -> frozenset[ClientId]:
        """Those of `ids` of whom a contact field is in the answer."""

    @property
    def fields(self) -> frozenset[str]:
        """Field names in the answer, without those that only the gateway asked for."""

    @property
    def owners(self) -> Mapping[ClientId, str | None]:
        """Client -> CRM account or name of its owner, where the profile names an owner field; else empty."""

    @property
    def created(self) -> tuple[ClientId, ...]:
        """Clients that this call created."""

    @property
    def deleted(self) -> tuple[ClientId, ...]:
        """Clients that this call deleted: named in the call, and the CRM answered without an error."""

    @property
    def takes_mark(self) -> bool:
        """It leaves as a table, to which a row with a mark can be added."""

    def identifiers(self, fresh: Callable[[Sequence[int]], frozenset[int]] | None = None) -> list[Identifier]:
        """Values that identify clients, in the answer as the CRM gave it and in what the call wrote: for the client index.

        With `fresh` only those of records that it names, by a hash of their values, as new. Ask before `release`, which is the end of it.
        """

    def release(self, obligations: Obligations, masking: Masking = conceal) -> Delivered:
        """The answer without records that may not go, with masks, without the columns that the gateway added.

        `masking` makes the masks of the person who reads; without it every mask hides.
        Raises UninspectableError if that cannot be done exactly.
        """


class FullReadError(Exception):
    """The CRM does not let the client base be read; the text says what to do and holds no value of the CRM."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some clients of a full read."""

    identifiers: list[Identifier] = field(repr=False)
    done: int
    """Clients so far, those of this batch included."""
    total: int
    """Clients that there are, as the CRM said at the beginning."""


type FullRead = Generator[Request | Batch, Response | None]
"""A conversation without any I/O: for a `Request` the answer is sent in, for a `Batch` None. Raises FullReadError, UninspectableError."""


class Profile(Protocol):
    """A CRM. Implementations are stateless but for their settings and are found by walking `gateway/crm/profiles/`."""

    name: str

    def vocabulary(self) -> Vocabulary:
        """Which names of fields and attributes rules may use with this CRM."""

    def read(self, request: Request) -> Call:
        """Read a request. Raises UnreadableError (denied, nothing is sent)."""

    def with_obligations(self, call: Call, obligations: Obligations) -> Call:
        """The call as it may be sent under these obligations: mask values in written fields are taken out, and an answer comes in no
        order that would tell what is hidden."""

    def narrowed(self, call: Call, tree: Node, own: frozenset[ClientId]) -> tuple[Call, bool]:
        """The call that asks for no clients beyond a plan's tree, as far as the CRM's filters can say it; True: exactly so.

        `own` is the person's own book. A call that filters nothing comes back as it is, with False.
        """

    def attribute_read(self, call: Call, ids: Sequence[ClientId], names: frozenset[str]) -> tuple[Request, tuple[ClientId, ...]]:
        """A read of what rules ask about clients (`policies.attributes.RECORD`), with the credential of the call.

        As many of the clients as one read can take, from the first on: those come back too. Names that the CRM has no field for are
        left out: their attributes stay unknown, and rules that ask for them deny.
        """

    def attributes(self, call: Call, response: Response, names: frozenset[str]) -> Mapping[ClientId, Mapping[str, Value]]:
        """The answer to `attribute_read`. Raises UninspectableError."""

    def answer(self, call: Call, response: Response) -> Answer:
        """Read the answer to a DATA call. Raises UninspectableError."""

    def credential_issued(self, call: Call, response: Response) -> tuple[Credential, str] | None:
        """A credential in a LOGIN answer or (new API key) a DATA answer, with the CRM account that it belongs to; None if there is none."""

    def asks_on(self, call: Call, response: Response) -> bool:
        """True for a LOGIN answer that neither signs in nor refuses: the CRM asks for the next thing, such as the password."""

    def scrub(self, call: Call, response: Response) -> Response:
        """A SYSTEM or PUBLIC answer as it goes out: error texts without values, no-store where judged."""

    def is_shell(self, request: Request) -> bool:
        """True for the pages that the held script is added to."""

    def refuse(self, call: Call | None, request: Request, refusal: Refusal) -> Response:
        """The refusal in the shape that this client understands."""

    def full_read(self, account: str, password: str) -> FullRead:
        """Reads who all the clients are, as an account that may see all of them: for the client index."""
