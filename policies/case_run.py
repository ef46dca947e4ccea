"""Runs cases: makes the act of each, judges it as the gateway does, says in words what differs.

The gateway judges in two steps: first what stays clear, then the decision with the counters as they would be after the act.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from policies.attributes import RECORD, ResourceType
from policies.case_text import ApprovalText, ClientsText, ExpectText, GivenText, TouchText
from policies.decision import Allow, Challenge, Decision, Deny, Obligations
from policies.document import written_mask, written_need
from policies.effect import EXPORTS, effective_action
from policies.engine import decide, sight
from policies.masks import Mask, strictest
from policies.needs import Acknowledge, AllOf, AnyOf, Approval, Code, Justify, Key
from policies.request import (
    DEPARTING,
    AccessRequest,
    Action,
    ApprovalProof,
    ClientId,
    CodeProof,
    Context,
    Counts,
    Finding,
    KeyProof,
    Level,
    Principal,
    Proof,
    Resource,
    Status,
    Usage,
    Value,
)
from policies.rule import Policy

CLOCK = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
"""When a case happens that does not say: a Tuesday, 11 o'clock in Berlin."""


_CHANGING = frozenset({Action.UPDATE, Action.REASSIGN, Action.BULK})


@dataclass(frozen=True, slots=True)
class Question:
    """One act of one case, with everything it names put in."""

    file: str
    line: int
    name: str
    given: GivenText
    action: Action
    expect: ExpectText

    @property
    def who(self) -> str:
        """The named person and situations, as far as there are any."""
        return ", ".join([*([self.given.person] if self.given.person else []), *self.given.situation])


@dataclass(frozen=True, slots=True)
class Result:
    """A case that was run. `wrong` says in words what differed; empty: green."""

    file: str
    line: int
    name: str
    action: Action
    decision: Decision
    wrong: tuple[str, ...] = ()
    who: str = ""
    """The named person and situations, where a table has several."""

    @property
    def green(self) -> bool:
        """Everything was as expected."""
        return not self.wrong

    @property
    def title(self) -> str:
        """The name of the case, with its person and situations."""
        return f"{self.name} ({self.who})" if self.who else self.name

    @property
    def because(self) -> tuple[str, ...]:
        """Where the decision comes from: its reasons and the ids of the rules that decided."""
        reasons = ", ".join(because.reason.code for because in self.decision.reasons)
        rules = ", ".join(rule.partition(":")[2] for rule in self.decision.rules)
        return (f"reason: {reasons}", f"decided by: {rules or 'no rule'}")


def run(question: Question, policy: Policy) -> Result:
    """Judge one case and compare."""
    decision = judge(question.given, question.action, policy)
    wrong = differences(question.expect, decision)
    return Result(question.file, question.line, question.name, question.action, decision, wrong, question.who)


def judge(given: GivenText, action: Action, policy: Policy) -> Decision:
    """The decision on a situation, asked in the two steps of the gateway."""
    request = request_of(given, action)
    resource = request.resource
    clear: frozenset[ClientId] = frozenset()
    if resource.contact_fields & resource.fields:
        clear = frozenset(resource.ids or ()) - sight(request, policy).masked
    resource = replace(resource, clear_contact_ids=clear)
    request = replace(request, resource=resource, usage=replace(request.usage, after=_after(given, action, resource, len(clear))))
    if (effect := effective_action(request, policy.threshold)) in EXPORTS:
        request = replace(request, usage=replace(request.usage, after=_after(given, effect, resource, len(clear))))
    return decide(request, policy)


def request_of(given: GivenText, action: Action) -> AccessRequest:
    """The act of a case, before it is known what stays clear."""
    now = given.at or CLOCK
    resource = _resource(given)
    written = given.fields | given.written
    return AccessRequest(
        act_id="case",
        principal=_principal(given),
        action=action,
        resource=resource,
        context=Context(at=now, channel=given.channel, destination=given.destination, origin_trusted=not given.other_site),
        usage=Usage(before=_counts(given.today), after=_counts(given.today), base=given.base, book=given.book),
        findings=(Finding("uninspectable", given.unread, 0, 1.0, "case"),) if given.unread else (),
        proof=_proof(given, resource, written, now),
        approvals=tuple(_approval(one, resource, written, now) for one in given.approvals),
        justified=given.justified,
        acknowledged=given.acknowledged,
    )


def _principal(given: GivenText) -> Principal:
    leaving = given.status is Status.TALK_PLANNED or given.status in DEPARTING
    return Principal(
        id=given.person or "person",
        pseudonym="P-00000000",
        roles=given.roles or frozenset(),
        status=given.status,
        frozen=given.frozen,
        on_leave=given.on_leave,
        team=given.team,
        territory=given.territory,
        device=given.device,
        language=given.language,
        level=given.level or (Level.DEPARTING if leaving else Level.NORMAL),
        proven_at=given.proven_at,
        proven_with=given.proven_with if given.proven_at is not None else None,
    )


def _resource(given: GivenText) -> Resource:
    groups = given.clients
    if groups is None and (given.own is not None or given.others is not None):
        counts = ((given.own or 0, True), (given.others or 0, False))
        groups = tuple(ClientsText(count=count, own=own) for count, own in counts if count)
    own = sum(group.count for group in groups or () if group.own)
    others = sum(group.count for group in groups or () if not group.own)
    return Resource(
        type=given.resource.value,
        ids=None if groups is None else tuple(_in_order(groups)),
        own=frozenset(_ids("own", own)),
        fields=given.fields,
        contact_fields=(given.fields | given.written) & given.contact,
        questioned_fields=given.questioned,
        questioned_contact_fields=given.questioned & given.contact,
        written_fields=given.written,
        mask_written_fields=given.written_masks,
        records=_records(groups) if groups and own + others else {},
    )


def _in_order(groups: Sequence[ClientsText]) -> Iterator[ClientId]:
    numbers = {True: 0, False: 0}
    for group in groups:
        start = numbers[group.own]
        numbers[group.own] += group.count
        yield from _ids("own" if group.own else "other", numbers[group.own])[start:]


def _ids(kind: str, count: int) -> list[ClientId]:
    return [f"{kind}-{number}" for number in range(count)]


def _records(groups: Sequence[ClientsText]) -> dict[str, Sequence[Value]]:
    return {
        name: list(chain.from_iterable(repeat(getattr(group, name), group.count) for group in groups)) for name in RECORD if name != "own"
    }


def _signed(own: int | None, others: int | None, resource: Resource) -> frozenset[ClientId]:
    if own is None and others is None:
        return frozenset(resource.ids or ())
    return frozenset([*_ids("own", own or 0), *_ids("other", others or 0)])


def _proof(given: GivenText, resource: Resource, fields_: frozenset[str], now: datetime) -> Proof | None:
    said = given.touch or given.code
    if said is None:
        return None
    signed, clients = fields_ if said.fields is None else said.fields, _signed(said.own, said.others, resource)
    if isinstance(said, TouchText):
        return KeyProof("grant", "digest", now, said.verified, clients, signed, key_class=said.key)
    return CodeProof("grant", "digest", now, clients, signed)


def _approval(text: ApprovalText, resource: Resource, fields_: frozenset[str], now: datetime) -> ApprovalProof:
    signed = fields_ if text.fields is None else text.fields
    at = now - timedelta(minutes=text.minutes_ago)
    return ApprovalProof(text.by, text.roles or frozenset(), at, text.verified, _signed(text.own, text.others, resource), signed)


def _after(given: GivenText, action: Action, resource: Resource, clear: int) -> Counts:
    """The counters after the act, as if all of its clients were new to the person."""
    asked = len(resource.ids or ())
    if given.resource is ResourceType.CONTENT:  # clients in content that goes out are not shown to anybody by that
        added = {"sent": asked}
    elif action is Action.DELETE:
        added = {"deleted": asked}
    else:
        added = {"shown": asked, "foreign": asked - len(resource.own), "taken": clear}
        added |= {"changed": asked if action in _CHANGING else 0, "exported": asked if action in EXPORTS else 0}
    values = {field.name: given.today.get(field.name, 0) + added.get(field.name.partition("_")[0], 0) for field in fields(Counts)}
    return _counts(values | given.after)


def _counts(numbers: dict[str, int]) -> Counts:
    return Counts(**numbers)


def differences(expect: ExpectText, decision: Decision) -> tuple[str, ...]:
    """What differs, in words."""
    wrong = []
    for name, got in described(decision).items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != got:
            wrong.append(f"{name}: expected {_words(wanted)}, got {_words(got)}")
    return tuple(wrong)


def described(decision: Decision) -> dict[str, object]:
    """A decision in the words of a case."""
    said: dict[str, object] = {
        "decision": "deny",
        "reasons": [because.reason.code for because in decision.reasons],
        **dict.fromkeys(("needs", "asked", "allowed", "kept")),
        "masks": {},
        "masked": 0,
        "observed": frozenset(rule.partition(":")[2] for rule in decision.observed),
        **dict.fromkeys(("notify", "watermark", "quarantine"), False),
    }
    match decision:
        case Deny(quarantine=quarantine):
            return said | {"quarantine": quarantine}
        case Challenge(need=need, asked=asked, allowed=allowed):
            said |= {"decision": "challenge", "needs": need, "asked": asked, "allowed": allowed}
        case Allow():
            said |= {"decision": "allow"}
    duties = decision.obligations
    kept = "all" if duties.keep is None else len(duties.keep)
    said |= {"kept": kept, "masks": _masks(duties), "masked": len(duties.masked)}
    return said | {"notify": duties.notify, "watermark": duties.watermark}


def _masks(duties: Obligations) -> dict[str, frozenset[Mask]]:
    """Field or group -> the masks that its clients really get, where several rules speak about one."""
    masks: dict[str, dict[ClientId, Mask]] = {}
    for one in duties.masks:
        of_field = masks.setdefault(one.field, {})
        for client in one.clients:
            of_field[client] = strictest(of_field.get(client), one.mask)
    return {name: frozenset(of_field.values()) for name, of_field in masks.items()}


def _words(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_words(masks)}" for name, masks in value.items()) or "none"
        case frozenset():
            return " and ".join(sorted(_words(item) for item in value)) or "none"
        case list():
            return ", ".join(str(item) for item in value) or "none"
        case Mask():
            return _written(written_mask(value))
        case Key() | Code() | Approval() | Justify() | Acknowledge() | AllOf() | AnyOf():
            return _written(written_need(value))
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
    return str(value)


def _written(value: object) -> str:
    """As it stands in a file: `key`, `{last: 3}`, `{all: [key, {approval: {count: 1, role: owner}}]}`."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name}: {_written(inside)}" for name, inside in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)
