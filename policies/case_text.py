"""What people write into a file of cases, checked by pydantic. How it is run is in `case_run.py`.

A case is one act. A table is every action there is, for each of its people in each of its situations: what it does not name must be
denied. People and situations are named once, in the same file or for a whole folder in `people.cases.yaml`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from policies.attributes import COUNTERS, ResourceType
from policies.document import NeedText, Word, known_counter, known_reason, read_mask
from policies.masks import Mask
from policies.request import Action, Channel, KeyClass, Level, Status

MOST = 100_000
"""Clients of one case."""
MANY = 50
"""People or situations of one table, groups of clients, approvals: more than that nobody can read."""

type Verdict = Literal["allow", "challenge", "deny"]
type Number = Annotated[int, Field(ge=0, le=MOST)]
"""a number, 0 at least"""
type Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""any text, for example `at night`"""


def read_moment(value: Any) -> datetime:
    """`2026-05-12 22:30 Europe/Berlin` or `2026-05-12T22:30+02:00`, as UTC. Raises ValueError."""
    text = value.strip() if isinstance(value, str) else ""
    stamp, _, zone = text.rpartition(" ")
    try:
        if zone[:1].isalpha():
            return datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if (moment := datetime.fromisoformat(text)).tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):  # OSError: a folder of the zone files, for example Europe
        pass
    raise ValueError("a time has its date and its zone: 2026-05-12 22:30 Europe/Berlin or 2026-05-12T22:30+02:00")


def read_masks(value: Any) -> frozenset[Mask]:
    """One mask, or a list where some clients have one and some another. Raises ValueError."""
    return frozenset(read_mask(one) for one in (value if isinstance(value, list) and value else [value]))


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _decision(value: Any) -> Any:
    return {"decision": value} if isinstance(value, str) else value


type Moment = Annotated[datetime, BeforeValidator(read_moment)]
"""a time with its zone, for example `2026-05-12 22:30 Europe/Berlin`"""
type Names = Annotated[tuple[Name, ...], BeforeValidator(_one_or_more), Field(max_length=MANY)]
"""a name of the file or of `people.cases.yaml`, or a list of them"""


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _AboutText(_Text):
    """What a proof is about. Without `own` and `others` it is over all clients of the act, else over the first own and others'."""

    own: Number | None = None
    """How many of the person's own clients it is over."""
    others: Number | None = None
    """How many of somebody else's."""
    fields: frozenset[str] | None = None
    """Fields that were signed. Left out: those of the act, read and written."""


class CodeText(_AboutText):
    """A code of the person's authenticator app."""


class _SignedText(_AboutText):
    """What a key signed."""

    verified: bool = True
    """With PIN or biometry."""


class TouchText(_SignedText):
    """A touch of the key."""

    key: KeyClass = KeyClass.HARDWARE
    """What kind of key it was."""


class ApprovalText(_SignedText):
    """Another person's yes, given with the own key."""

    by: Name
    """One of `people`, or somebody whose `roles` are given."""
    roles: frozenset[Word] | None = None
    """Of the approver. Left out: those of the person named by `by`."""
    minutes_ago: Number = 0
    """How long before the act."""


class ClientsText(_Text):
    """Clients that are alike, with what `where` may ask about them (`record`)."""

    count: Annotated[int, Field(gt=0, le=MOST)]
    """How many."""
    own: bool = False
    """In the person's own book."""
    active: bool = True
    """Not put into the archive."""
    created_at: Moment | None = None
    """When they were entered."""
    changed_at: Moment | None = None
    """When they were last changed."""
    language: str | None = None
    """ISO 639-1, for example `de`."""
    countries: tuple[str, ...] = ()
    """Of their addresses, for example `[DE]`."""
    postal_codes: tuple[str, ...] = ()
    """Of their addresses, in quotes."""
    cities: tuple[str, ...] = ()
    """Of their addresses."""
    categories: tuple[str, ...] = ()
    """Names."""


def _counters(numbers: dict[str, int]) -> dict[str, int]:
    for name in numbers:
        known_counter(name, COUNTERS)
    return numbers


class _AboutPerson(_Text):
    roles: Annotated[frozenset[Word], Field(min_length=1)] | None = None
    """As the rules name them."""
    status: Status = Status.ACTIVE
    """Where the employment stands."""
    frozen: bool = False
    """Frozen by an administrator."""
    level: Level | None = None
    """Left out: as the status says, departing from `talk_planned` on."""
    on_leave: bool = False
    """The person is away."""
    team: str | None = None
    """The person's team."""
    territory: str | None = None
    """The person's territory."""
    device: str | None = None
    """The machine that asks."""
    language: str = "de"
    """In which the person reads."""
    book: Number = 480
    """Clients in the person's own book."""


class PersonText(_AboutPerson):
    """Somebody whom cases name."""

    about: str = ""
    """Who that is, for whoever reads the file."""
    roles: Annotated[frozenset[Word], Field(min_length=1)]
    """As the rules name them."""


class SituationText(_Text):
    """What is done, where, when and after what. Without `own`, `others` and `clients` the answer is not there yet: only the question
    is judged."""

    about: str = ""
    """What it is, for whoever reads the file."""
    resource: ResourceType = ResourceType.CLIENT
    """What the act is about."""
    own: Number | None = None
    """How many of the person's own clients the act is about."""
    others: Number | None = None
    """How many of somebody else's."""
    clients: Annotated[tuple[ClientsText, ...], Field(min_length=1, max_length=MANY)] | None = None
    """Instead of `own` and `others`, where it matters what the clients are."""
    fields: frozenset[str] = frozenset({"name", "phone"})
    """Fields that are asked for."""
    contact: frozenset[str] = frozenset({"phone", "email"})
    """Names of fields that carry contact values."""
    questioned: frozenset[str] = frozenset()
    """Fields that a filter, an order or a group asks about."""
    written: frozenset[str] = frozenset()
    """Fields that are written."""
    written_masks: frozenset[str] = frozenset()
    """Those of `written` that bring back a mask."""
    at: Moment | None = None
    """When it happens. Left out: on Tuesday, 12 May 2026, at 11:00 in Berlin."""
    channel: Channel = Channel.API
    """The road."""
    destination: str | None = None
    """Host name that an upload goes to."""
    other_site: bool = False
    """A page of another site has sent it."""
    base: Annotated[int, Field(gt=0)] = 3000
    """Clients of the company."""
    today: Annotated[dict[str, Number], Field(max_length=len(COUNTERS))] = Field(default_factory=dict)
    """Counters before the act. After it they are as the act makes them."""
    after: Annotated[dict[str, Number], Field(max_length=len(COUNTERS))] = Field(default_factory=dict)
    """Counters after the act that differ from that."""
    touch: TouchText | None = None
    """A touch over this act."""
    code: CodeText | None = None
    """A code of the app for this act; with a touch, the touch counts."""
    proven_at: Moment | None = None
    """The person's last touch in this session, over whatever."""
    proven_with: KeyClass = KeyClass.HARDWARE
    """What kind of key that was."""
    approvals: Annotated[tuple[ApprovalText, ...], Field(max_length=MANY)] = ()
    """Other people's approvals."""
    justified: bool = False
    """The person has written why."""
    acknowledged: bool = False
    """The person has read the warning and goes on."""
    unread: str | None = None
    """Why a part of the content could not be inspected, for example `encrypted`."""

    _known = field_validator("today", "after")(_counters)


class GivenText(_AboutPerson, SituationText):
    """A person in a situation: named ones, and whatever else is given here, which then holds instead."""

    person: Name | None = None
    """One of the named people."""
    situation: Names = ()
    """One, or several: a later one holds where two say something different."""
    action: Action | None = None
    """What is done. A case has one, a table none."""


class ExpectText(_Text):
    """What must come out; what is left out may be anything, but something must be said."""

    decision: Verdict | None = None
    """`challenge`: something is asked for first."""
    reasons: list[str] | None = None
    """All reasons, in their order."""
    needs: NeedText | None = None
    """Of a challenge: what is still missing, as `require` is written."""
    asked: Number | None = None
    """Of a challenge: clients that were asked for."""
    allowed: Number | None = None
    """Of a challenge: clients that would go out."""
    kept: Number | Literal["all"] | None = None
    """Clients that go out."""
    masks: dict[Word, Annotated[frozenset[Mask], BeforeValidator(read_masks)]] | None = None
    """Fields, and how each is masked; a list where clients differ."""
    masked: Number | None = None
    """Clients of whom a field is masked."""
    observed: frozenset[Word] | None = None
    """Ids of rules in warn-only mode that would have denied or asked for something."""
    notify: bool | None = None
    """The reviewer is told."""
    watermark: bool | None = None
    """A table that goes out carries a mark."""
    quarantine: bool | None = None
    """The file is put aside."""

    @field_validator("reasons")
    @classmethod
    def _known(cls, codes: list[str] | None) -> list[str] | None:
        for code in codes or ():
            known_reason(code)
        return codes

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expect something, for example `decision: deny`")
        return self


type Expected = Annotated[ExpectText, BeforeValidator(_decision)]
"""`allow`, `challenge`, `deny`, or more about it: `{decision: challenge, needs: key}`."""


class CaseText(_Text):
    """One act with its expected decision."""

    name: Name
    """What must come out, as a sentence."""
    given: GivenText
    """Who does what, and when."""
    expect: Expected
    """What must come out."""

    @field_validator("given")
    @classmethod
    def _asks(cls, given: GivenText) -> GivenText:
        if given.action is None:
            raise ValueError("a case names its action")
        return given


class RowText(_Text):
    """What is expected of some of a table's people in some of its situations; without names: of all."""

    people: Names = ()
    """For these people."""
    situations: Names = ()
    """In these situations."""
    expect: dict[Action, Expected]
    """Acts, and what must come out of each."""


class TableText(_Text):
    """Every action there is for these people in these situations; what is not named expects deny."""

    name: Name
    """What the table is about."""
    people: Names = ()
    """The people who are asked about."""
    situations: Names = ()
    """Each of them in each of these situations."""
    given: GivenText = GivenText()
    """What holds for all of them."""
    expect: dict[Action, Expected] | None = None
    """The same for all, or `rows`."""
    rows: Annotated[list[RowText], Field(min_length=1, max_length=MANY * MANY)] | None = None
    """Where people or situations differ."""

    @field_validator("given")
    @classmethod
    def _asks_all(cls, given: GivenText) -> GivenText:
        if given.action is not None:
            raise ValueError("a table asks every action: take `action` out, or write a case")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.expect is None) == (self.rows is None):
            raise ValueError("give either expect, for all alike, or rows")
        return self


class CasesText(_Text):
    """One file of cases."""

    about: str = ""
    """What the file is for."""
    people: dict[Name, PersonText] = Field(default_factory=dict)
    """People by their names."""
    situations: dict[Name, SituationText] = Field(default_factory=dict)
    """Situations by their names."""
    cases: list[CaseText] = Field(default_factory=list)
    """Single acts."""
    tables: list[TableText] = Field(default_factory=list)
    """Every act there is, for some people in some situations."""
