"""A CRM of six clients behind the rules, without any network: questions in, exactly what a person would see out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from policies.decision import Allow, Obligations
from policies.engine import decide
from policies.masks import CONTACT_GROUP, Mask, apply, covers, strictest
from policies.request import AccessRequest, Action, ClientId, Context, Counts, Principal, Resource, Status, Usage
from policies.rule import Policy

CONTACT = frozenset({"phone", "email"})
FIELDS = ("name", "phone", "email", "rank", "since")
OWN = frozenset({"1", "2"})
VIP = frozenset({"2", "3", "5"})
CLIENTS: tuple[ClientId, ...] = ("1", "2", "3", "4", "5", "6")

type Data = Mapping[ClientId, Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """A filter, a sort order, and what to show of whom they find."""

    action: Action
    where: tuple[str, str, Any] | None = None
    order: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def asked(self) -> frozenset[str]:
        """The fields that the question is about."""
        return frozenset({self.where[0]} if self.where else ()) | frozenset({self.order} if self.order else ())


@dataclass(frozen=True)
class Seen:
    """What one answer showed."""

    said: tuple[Any, ...]
    """A denial's reason, ids, or rows."""
    masks: Mapping[tuple[ClientId, str], Mask | None] = field(default_factory=dict)
    """The mask of every cell; None: clear."""


class SmallCrm:
    """One person's day: the counters run on from question to question."""

    def __init__(self, data: Data, policy: Policy) -> None:
        self._data = data
        self._policy = policy
        self._shown: set[ClientId] = set()

    def ask(self, question: Question) -> Seen:
        """Judged before the CRM is asked, and again with its answer, as the gateway does it."""
        resource = Resource(
            type="client",
            fields=frozenset(question.fields),
            contact_fields=CONTACT & set(question.fields),
            questioned_fields=question.asked,
            questioned_contact_fields=question.asked & CONTACT,
        )
        context = Context(at=datetime(2026, 5, 12, 12, 0, tzinfo=UTC))
        person = Principal("person", "P-1", frozenset({"manager"}), Status.ACTIVE)
        request = AccessRequest("act", person, question.action, resource, context, self._usage(()))
        asked = decide(request, self._policy)
        if not isinstance(asked, Allow):
            return Seen(tuple(because.reason.code for because in asked.reasons))
        found = self._found(question)
        if question.action is Action.SEARCH:
            return Seen(found)
        columns = {"categories": [("vip",) if one in VIP else () for one in found]}
        judged = replace(resource, ids=found, own=OWN & set(found), records=columns)
        answer = decide(replace(request, resource=judged, usage=self._usage(found)), self._policy)
        if not isinstance(answer, Allow):
            return Seen(tuple(because.reason.code for because in answer.reasons))
        return self._released(question, found, answer.obligations)

    def _found(self, question: Question) -> tuple[ClientId, ...]:
        found: Sequence[ClientId] = CLIENTS
        if question.where is not None:
            name, operator, value = question.where
            found = [one for one in found if _holds(self._data[one][name], operator, value)]
        if question.order is not None:
            name = question.order
            found = sorted(found, key=lambda one: (self._data[one][name] is None, self._data[one][name] or ""))
        return tuple(found)

    def _released(self, question: Question, found: Sequence[ClientId], duties: Obligations) -> Seen:
        kept = [one for one in found if duties.keep is None or one in duties.keep]
        masks = {(one, name): mask_of(duties, one, name) for one in kept for name in question.fields}
        self._shown |= set(kept)
        return Seen(tuple((one, *(self._cell(one, name, masks[one, name]) for name in question.fields)) for one in kept), masks)

    def _cell(self, client: ClientId, name: str, mask: Mask | None) -> Any:
        value = self._data[client][name]
        return value if mask is None else apply(mask, value, key=b"k" * 32, reader="person")

    def _usage(self, found: Sequence[ClientId]) -> Usage:
        before, after = self._shown, self._shown | set(found)
        counts = [Counts(shown_day=len(clients), foreign_shown_day=len(clients - OWN)) for clients in (before, after)]
        return Usage(*counts, base=len(CLIENTS), book=len(OWN))


def mask_of(duties: Obligations, client: ClientId, name: str) -> Mask | None:
    """The strictest mask of one field of one client."""
    found = None
    for one in duties.masks:
        if client in one.clients and (covers(one.field, name) or (one.field == CONTACT_GROUP and name in CONTACT)):
            found = strictest(found, one.mask)
    return found


def _holds(stored: Any, operator: str, value: Any) -> bool:
    match operator:
        case "=":
            return bool(stored == value)
        case "!=":
            return bool(stored != value)
        case "empty":
            return not stored
        case "<":
            return stored is not None and bool(str(stored) < str(value))
    raise ValueError(operator)
