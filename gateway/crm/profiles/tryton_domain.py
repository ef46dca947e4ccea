"""Filters and sort orders of Tryton: every question that they put to a field is read before anything is sent (attacks X5).

Tryton answers more than it is asked: `rec_name` of a client also searches phone numbers and e-mail addresses, and so does a relation that
is compared with a text. Such a question is replaced, for everybody, by one on name, code and identifiers: the search box keeps finding
names, and `rec_name ilike '+49 171%'` finds nobody, whatever the hidden values are. Contact values are searched by naming their fields,
and that is judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gateway.crm.profile import UnreadableError
from gateway.crm.profiles.tryton_fields import ADDRESS, CONTACT, MODELS, NEUTRAL_LEAVES, PARTY, Field, Model

_OPERATORS = frozenset(["=", "!=", "like", "ilike", "in", "<", ">", "<=", ">="]) | {"not like", "not ilike", "not in"}
_TREE_OPERATORS = frozenset({"child_of", "not child_of", "parent_of", "not parent_of"})
_WHERE = frozenset({"where", "not where"})
_NAME = re.compile(r"_?[a-z][a-z0-9_]{0,63}(?:\.[a-z][a-z0-9_]{0,63}){0,5}")
_DIRECTION = re.compile(r"(?:(?:ASC|DESC)(?: NULLS (?:FIRST|LAST))?)?", re.IGNORECASE)
_TYPES = frozenset({"date", "datetime", "time", "timedelta", "Decimal"})

_SAFE_NAMES: dict[str, tuple[str, ...]] = {
    PARTY: ("name", "code", "identifiers.code"),
    ADDRESS: ("party.name", "street", "postal_code", "city"),
}
"""What a question on a record's name is replaced by, for the models whose name search would reach contact values."""
_SECRET = frozenset(
    ["password", "password_hash", "password_reset", "key", "applications", "sessions", "device_cookie", "cookie", "resource"]
)
_PLACES = frozenset({"id", "name", "code", "rec_name", "active", "type", "allow_pickup"})
_NARROW: dict[str, frozenset[str]] = {
    "res.user": frozenset({"id", "name", "login", "rec_name", "active", "email", "language", "avatar", "avatar_url", "avatar_badge_url"})
    | {"_timestamp", "_write", "_delete"},
    "stock.location": _PLACES,
    "account.invoice.payment_term": _PLACES,
}
"""What may be read and asked of records that have other fields that lead on to people."""


@dataclass(slots=True)
class Questions:
    """The questions of one call: `asked` are the dotted names of the fields, and of those whose values the asked ones carry;
    `contact` those that carry contact values."""

    asked: set[str] = field(default_factory=set)
    contact: set[str] = field(default_factory=set)

    def domain(self, domain: Any, model: Model, prefix: str = "") -> list[Any]:
        """The filter as it is sent. Raises UnreadableError."""
        if not isinstance(domain, list):
            raise UnreadableError("filter")
        if not domain:
            return []
        head = domain[0]
        if head in ("AND", "OR"):
            return [head, *(self.domain(part, model, prefix) for part in domain[1:])]
        if isinstance(head, str):
            return self._clause(domain, model, prefix)
        return [self.domain(part, model, prefix) for part in domain]

    def order(self, order: Any, model: Model) -> list[list[Any]] | None:
        """The sort order as it is sent; a contact field in it is a question like any other. Raises UnreadableError."""
        if order is None:
            return None
        if not isinstance(order, list):
            raise UnreadableError("order")
        for part in order:
            if not isinstance(part, list) or not 1 <= len(part) <= 2:
                raise UnreadableError("order")
            direction = part[1] if len(part) == 2 else None
            if direction is not None and not (isinstance(direction, str) and _DIRECTION.fullmatch(direction.strip())):
                raise UnreadableError("order")
            _, _, known = self._field(part[0], model, "")
            if known.target in MODELS:  # Tryton sorts by a relation as by the names of what it leads to
                self._field(f"{part[0]}.rec_name", model, "")
        return order

    def _clause(self, clause: list[Any], model: Model, prefix: str) -> list[Any]:
        name, operator, value = _parts(clause)
        target_model, last, asked = self._field(name, model, prefix)
        if operator in _WHERE:
            target = MODELS.get(asked.target or "")
            if target is None or len(clause) != 3:
                raise UnreadableError("where on a field that is not known", unknown=True)
            return [name, operator, self.domain(value, target, f"{prefix}{name}.")]
        textual = _has_text(value)
        if operator in _TREE_OPERATORS:
            if textual or asked.target in MODELS:
                raise UnreadableError("tree search on clients", unknown=True)
            return clause
        if len(clause) != 3:
            raise UnreadableError("filter clause")
        if asked.target is not None and textual:
            if asked.target == CONTACT:
                self.contact.add(prefix + name)
            if asked.target in _SAFE_NAMES:
                return self._renamed(f"{name}.", asked.target, operator, value, prefix)
        elif last == "rec_name" and target_model is not None and target_model.name in _SAFE_NAMES:
            return self._renamed(name.removesuffix("rec_name"), target_model.name, operator, value, prefix)
        return clause

    def _renamed(self, hops: str, model: str, operator: str, value: Any, prefix: str) -> list[Any]:
        """The question on a record's name as one on fields; each of them is asked."""
        names = [hops + field for field in _SAFE_NAMES[model]]
        self.asked.update(prefix + name for name in names)
        both = "AND" if operator.startswith(("!", "not ")) else "OR"
        return [both, *([name, operator, value] for name in names)]

    def _field(self, name: Any, model: Model, prefix: str) -> tuple[Model | None, str, Field]:
        """Follow a dotted name; notes the question. The model that holds the last part is None where it is no client's."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UnreadableError("field name of a question")
        *hops, last = name.split(".")
        holder: Model | None = model
        for hop in hops:
            relation = holder.fields.get(hop) if holder is not None else None
            if relation is None or relation.target is None:
                raise UnreadableError(f"question on {model.name}: a field that is not known", unknown=True)
            holder = MODELS.get(relation.target)
        known = holder.fields.get(last) if holder is not None else Field() if last in NEUTRAL_LEAVES else None
        if known is None:
            raise UnreadableError(f"question on {model.name}: a field that is not known", unknown=True)
        self.asked.add(prefix + name)
        self.asked.update(f"{prefix}{name.removesuffix(last)}{other}" for other in known.carries)
        if known.contact:
            self.contact.add(prefix + name)
        return holder, last, known


def neutral_domain(model: str, domain: Any) -> None:
    """Check a filter on records that are no client's. Raises UnreadableError for hops that could lead to one, and for secrets."""
    if not isinstance(domain, list):
        raise UnreadableError("filter")
    if not domain:
        return
    if isinstance(domain[0], str) and domain[0] not in ("AND", "OR"):
        name, operator, value = _parts(domain)
        if operator in _WHERE:
            raise UnreadableError("where on a field that is not known", unknown=True)
        neutral_field(model, name)
        _has_text(value)
        return
    for part in domain[1:] if isinstance(domain[0], str) else domain:
        neutral_domain(model, part)


def neutral_order(model: str, order: Any) -> None:
    """Check a sort order on records that are no client's. Raises UnreadableError."""
    if order is None:
        return
    if not isinstance(order, list):
        raise UnreadableError("order")
    for part in order:
        if not isinstance(part, list) or not part:
            raise UnreadableError("order")
        neutral_field(model, part[0])


def neutral_field(model: str, name: Any) -> None:
    """Check a field of a record that is no client's. Raises UnreadableError."""
    if not isinstance(name, str):
        raise UnreadableError("field name")
    base, _, suffix = name.partition(":")
    if not _NAME.fullmatch(base) or suffix not in ("", "string"):
        raise UnreadableError("field name")
    first, _, rest = base.partition(".")
    allowed = first not in _SECRET and first in _NARROW.get(model, {first}) and (not rest or rest in NEUTRAL_LEAVES)
    if not allowed:
        raise UnreadableError(f"field of {model} that is not known", unknown=True)


def _parts(clause: list[Any]) -> tuple[str, str, Any]:
    if not 3 <= len(clause) <= 4 or not isinstance(clause[0], str) or not isinstance(clause[1], str):
        raise UnreadableError("filter clause")
    if clause[1] not in _OPERATORS | _TREE_OPERATORS | _WHERE:
        raise UnreadableError("filter operator")
    if len(clause) == 4 and (clause[1] not in _TREE_OPERATORS or not isinstance(clause[3], str) or not _NAME.fullmatch(clause[3])):
        raise UnreadableError("filter clause")
    return clause[0], clause[1], clause[2]


def _has_text(value: Any) -> bool:
    """True if there is a text in the value of a clause. Raises UnreadableError for what no clause compares with."""
    if isinstance(value, list):
        return sum(map(_has_text, value)) > 0  # each one is checked
    if isinstance(value, dict):
        if value.get("__class__") not in _TYPES:
            raise UnreadableError("filter value")
        return False
    return isinstance(value, str)
