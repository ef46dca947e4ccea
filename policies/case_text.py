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
from policies.request import Action, Channel, Level, Status

MOST = 100_000
"""Clients of one case."""
MANY = 50
"""People or situations of one table, groups of clients, approvals: more than that nobody can read."""

type Verdict = Literal["allow", "challenge", "deny"]
type Number = Annotated[int, Field(ge=0, le=MOST)]
type Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""Of a person, a situation or a case: any text, `anna` or `at night`."""


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
type Names = Annotated[tuple[Name, ...], BeforeValidator(_one_or_more), Field(max_length=MANY)]


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TouchText(_Text):
    """A touch of the key. Without `own` and `others` it is over all clients of the act, else over the first own and others'."""

    own: Number | None = None
    others: Number | None = None
    fields: frozenset[str] | None = None
    """None: the fields of the act, read and written."""
    verified: bool = True
    """With PIN or biometry."""


class ApprovalText(TouchText):
    """Another person's yes, given with the own key."""

    by: Name
    """One of `people`, or somebody whose `roles` are given."""
    roles: frozenset[Word] | None = None
    minutes_ago: Number = 0


class ClientsText(_Text):
    """Clients that are alike, with what `where` may ask about them (`policies.attributes.RECORD`)."""

    count: Annotated[int, Field(gt=0, le=MOST)]
    own: bool = False
    active: bool = True
    created_at: Moment | None = None
    changed_at: Moment | None = None
    language: str | None = None
    countries: tuple[str, ...] = ()
    postal_codes: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def _counters(numbers: dict[str, int]) -> dict[str, int]:
    for name in numbers:
        known_counter(name, COUNTERS)
    return numbers


class _AboutPerson(_Text):
    roles: Annotated[frozenset[Word], Field(min_length=1)] | None = None
    status: Status = Status.ACTIVE
    frozen: bool = False
    level: Level | None = None
    """None: as the status says, departing from `talk_planned` on."""
    team: str | None = None
    territory: str | None = None
    device: str | None = None
    language: str = "de"
    book: Number = 480


class PersonText(_AboutPerson):
    """Somebody whom cases name."""

    about: str = ""
    roles: Annotated[frozenset[Word], Field(min_length=1)]


class SituationText(_Text):
    """What is done, where, when and after what. Without `own`, `others` and `clients` the answer is not there yet: only the question
    is judged."""

    about: str = ""
    resource: ResourceType = ResourceType.CLIENT
    own: Number | None = None
    others: Number | None = None
    clients: Annotated[tuple[ClientsText, ...], Field(min_length=1, max_length=MANY)] | None = None
    """Instead of `own` and `others`, where it matters what the clients are."""
    fields: frozenset[str] = frozenset({"name", "phone"})
    contact: frozenset[str] = frozenset({"phone", "email"})
    """Names of fields that carry contact values."""
    questioned: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    written_masks: frozenset[str] = frozenset()
    """Those of `written` that bring back a mask."""
    at: Moment | None = None
    """When it happens; None: at `CLOCK`."""
    channel: Channel = Channel.API
    destination: str | None = None
    """Host name that an upload goes to."""
    other_site: bool = False
    base: Annotated[int, Field(gt=0)] = 3000
    today: Annotated[dict[str, Number], Field(max_length=len(COUNTERS))] = Field(default_factory=dict)
    """Counters before the act. Afterwards they are as the act makes them."""
    after: Annotated[dict[str, Number], Field(max_length=len(COUNTERS))] = Field(default_factory=dict)
    """Counters after the act that differ from that."""
    touch: TouchText | None = None
    proven_at: Moment | None = None
    """The person's last touch in this session, over whatever."""
    approvals: Annotated[tuple[ApprovalText, ...], Field(max_length=MANY)] = ()
    justified: bool = False
    acknowledged: bool = False
    unread: str | None = None
    """Why a part of the content could not be inspected, for example `encrypted`."""

    _known = field_validator("today", "after")(_counters)


class GivenText(_AboutPerson, SituationText):
    """A person in a situation: named ones, and whatever else is given here, which then holds instead."""

    person: Name | None = None
    situation: Names = ()
    """One, or several: a later one holds where two say something different."""
    action: Action | None = None


class ExpectText(_Text):
    """What must come out; what is left out may be anything, but something must be said."""

    decision: Verdict | None = None
    reasons: list[str] | None = None
    needs: NeedText | None = None
    """Of a challenge: what is still missing, as `require` is written."""
    asked: Number | None = None
    allowed: Number | None = None
    kept: Number | Literal["all"] | None = None
    masks: dict[Word, Annotated[frozenset[Mask], BeforeValidator(read_masks)]] | None = None
    masked: Number | None = None
    observed: frozenset[Word] | None = None
    """Ids of rules in warn-only mode that would have denied or asked for something."""
    notify: bool | None = None
    watermark: bool | None = None
    quarantine: bool | None = None

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
    given: GivenText
    expect: Expected

    @field_validator("given")
    @classmethod
    def _asks(cls, given: GivenText) -> GivenText:
        if given.action is None:
            raise ValueError("a case names its action")
        return given


class RowText(_Text):
    """What is expected of some of a table's people in some of its situations; without names: of all."""

    people: Names = ()
    situations: Names = ()
    expect: dict[Action, Expected]


class TableText(_Text):
    """Every action there is for these people in these situations; what is not named expects deny."""

    name: Name
    people: Names = ()
    situations: Names = ()
    given: GivenText = GivenText()
    """What holds for all of them."""
    expect: dict[Action, Expected] | None = None
    """The same for all, or `rows`."""
    rows: Annotated[list[RowText], Field(min_length=1, max_length=MANY * MANY)] | None = None

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
    people: dict[Name, PersonText] = Field(default_factory=dict)
    situations: dict[Name, SituationText] = Field(default_factory=dict)
    cases: list[CaseText] = Field(default_factory=list)
    tables: list[TableText] = Field(default_factory=list)
