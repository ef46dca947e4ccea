"""Cases of behaviour rules: short stories that are told in the real events of the record, so that a renamed member breaks a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import assert_never

from audit_store.event import Content, Event, EventAction, ExportLink, Phase, access_event, plain_event
from policies.decision import Allow, Challenge, Decision, Deny, Obligations
from policies.needs import Key
from policies.reasons import Because, Reason
from policies.request import AccessRequest, Action, Channel, Context, Counts, Finding, Principal, Resource, Status, Usage

START = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
PERSON = "P-00000001"


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a story."""

    action: Action
    phase: Phase
    clients: range = range(0)
    """Client numbers asked for; all of them are delivered when the phase is `released`."""
    reason: Reason | None = None
    channel: Channel = Channel.WEB
    status: Status = Status.ACTIVE
    base: int = 3_000
    book: int = 500
    paced_cards: int = 0
    clear: bool = True
    """Whether contact fields are delivered clear."""
    act: str | None = None
    """Name of the act; steps without one are acts of their own."""
    day: int = 0
    """Days after the first."""
    person: str = PERSON
    destination: str | None = None
    exports: tuple[ExportLink, ...] = ()
    """Where the clients in the content came from."""
    unread: str | None = None
    """Why the content could not be inspected."""
    manifest: str | None = None
    """Short name of the export that a release has become."""
    notify: bool = False
    """A rule of the policy has it reported."""
    refused_agent: str | None = None
    """Not an act: the person's agent delivered what it must not, with this cause."""
    order_failed: str | None = None
    """Not an act: the agent left a file that it was to put aside, with this cause."""
    refused_order: str | None = None
    """Not an act: the agent was ordered what it must not obey, with this cause."""
    refused_key: str | None = None
    """Not an act: the person's touch was refused, with this cause."""
    locked_key: str | None = None
    """Not an act: a key of the person was locked, for this reason."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the last step of a story makes of it."""

    code: str
    severity: str
    numbers: Mapping[str, int | str] = field(default_factory=dict)
    """At least these."""


@dataclass(frozen=True, slots=True)
class Case:
    """A story; with `expected` None no step of it may be a signal."""

    description: str
    steps: tuple[Step, ...]
    expected: Expected | None


def events(steps: tuple[Step, ...]) -> list[Event]:
    """The story as the record holds it, one event a minute."""
    return [_event(step, number) for number, step in enumerate(steps)]


def _event(step: Step, number: int) -> Event:
    at = START + timedelta(days=step.day, minutes=number)
    if step.order_failed is not None:
        cause: dict[str, int | str] = {"cause": step.order_failed, "order": 1}
        return plain_event(EventAction.FILE_QUARANTINED, at=at, pseudonym=step.person, subject="agent-1", outcome="failure", numbers=cause)
    if step.refused_order is not None:
        refused: dict[str, int | str] = {"cause": step.refused_order, "count": 1}
        return plain_event(
            EventAction.ORDER_REFUSED, at=at, pseudonym=step.person, subject="agent-1", outcome="failure", numbers=refused, severity=73
        )
    if step.refused_key is not None:
        doubt: dict[str, int | str] = {"cause": step.refused_key}
        return plain_event(EventAction.KEY_REFUSED, at=at, pseudonym=step.person, subject="key-1", outcome="failure", numbers=doubt)
    if step.locked_key is not None:
        why: dict[str, int | str] = {"key": "key-1", "why": step.locked_key}
        return plain_event(EventAction.KEY_LOCKED, at=at, pseudonym=step.person, subject=step.person, numbers=why)
    if step.refused_agent is not None:
        facts: dict[str, int | str] = {"cause": step.refused_agent, "count": 1}
        return plain_event(
            EventAction.AGENT_REFUSED, at=at, pseudonym=step.person, subject="agent-1", outcome="failure", numbers=facts, severity=73
        )
    ids = tuple(map(str, step.clients))
    request = AccessRequest(
        act_id=step.act or f"act-{number}",
        principal=Principal(id="person", pseudonym=step.person, roles=frozenset({"manager"}), status=step.status),
        action=step.action,
        resource=Resource(type="client", model="party.party", ids=ids),
        context=Context(at=at, channel=step.channel, destination=step.destination),
        findings=(Finding("uninspectable", step.unread, 0, 1.0, "case"),) if step.unread else (),
        usage=Usage(after=Counts(paced_cards=step.paced_cards), base=step.base, book=step.book),
    )
    delivered = frozenset(ids) if step.phase is Phase.RELEASED else frozenset()
    return access_event(
        request=request,
        decision=_decision(step, len(ids)),
        phase=step.phase,
        shown=delivered,
        taken=delivered if step.clear else frozenset(),
        rows=len(delivered),
        fields=("name", "phone"),
        route="case",
        content=Content(1_000, exports=step.exports) if step.action in (Action.UPLOAD, Action.FILE_COPY) else None,
        manifest=step.manifest,
    )


def _decision(step: Step, asked: int) -> Decision:
    because = (Because(step.reason),) if step.reason else ()
    duties = Obligations(notify=step.notify)
    match step.phase:
        case Phase.HELD | Phase.NOT_CONFIRMED:
            return Challenge(because, Key(), asked, asked, duties)
        case Phase.DENIED:
            return Deny(because)
        case Phase.PUT_ASIDE:
            return Deny(because, ("1:case",), quarantine=True)
        case Phase.ALLOWED | Phase.CONFIRMED | Phase.RELEASED | Phase.OBSERVED | Phase.PUT_BACK:
            return Allow(because, duties)
    assert_never(step.phase)
