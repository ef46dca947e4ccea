"""Turns the tree of a plan into a filter of Tryton, so that what a person may not be given is not even read (`policies.tree`).

What has no exact word in Tryton's filters is left out (a client's language is computed there, and cannot be searched by). That lets more
through, never less: the decision on the answer takes it out. `Pushed` says whether that happened: a count cannot be corrected later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.request import ClientId
from policies.tree import And, Compare, Exists, Has, In, Leaf, Match, Node, Not, Op, Or, Text

_TIMES: Mapping[str, str] = {"created_at": "create_date", "changed_at": "write_date"}
_ORDER: Mapping[Op, str] = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}
_OPPOSITE: Mapping[Op, str] = {Op.LT: ">=", Op.LE: ">", Op.GT: "<=", Op.GE: "<"}
_LISTS: Mapping[str, tuple[str, str]] = {
    "countries": ("addresses", "country.code"),
    "postal_codes": ("addresses", "postal_code"),
    "cities": ("addresses", "city"),
    "categories": ("categories", "name"),
}
"""List attribute -> relation of the client and the field below it."""
_SEEN: Mapping[str, list[Any]] = {"addresses": ["active", "=", True], "categories": ["active", "in", [True, False]]}
"""Which of the related records reading a client gives: a search below it has to look at the same ones."""
_UNLIKE = re.compile(r"[%_\\]")


@dataclass(frozen=True, slots=True)
class Pushed:
    """A filter that lets through at least what the tree allows."""

    domain: list[Any]
    exact: bool
    """It lets through nothing else."""


@dataclass(frozen=True, slots=True)
class Pusher:
    """What a translation needs to know beside the tree."""

    prefix: str
    """Path from the records that are asked for to their client, with a dot; empty for clients themselves."""
    own: frozenset[ClientId]
    """The person's own book."""
    only_active: bool
    """The question leaves inactive clients out by itself, as Tryton does unless somebody asks for them."""

    def push(self, tree: Node) -> Pushed:
        """The filter of a tree."""
        match tree:
            case And(nodes):
                parts = [self.push(node) for node in nodes]
                return Pushed(["AND", *(part.domain for part in parts if part.domain)], all(part.exact for part in parts))
            case Or(nodes):
                parts = [self.push(node) for node in nodes]
                if any(not part.domain for part in parts):  # one side lets everything through
                    return Pushed([], exact=all(part.exact for part in parts))
                return Pushed(["OR", *(part.domain for part in parts)], all(part.exact for part in parts))
            case Not(leaf):
                return self._leaf(leaf, negated=True)
            case _:
                return self._leaf(tree, negated=False)

    def _leaf(self, leaf: Leaf, *, negated: bool) -> Pushed:
        match leaf:
            case Compare("own", Op.EQ, True):
                link = self.prefix.removesuffix(".") or "id"
                return Pushed([[link, "not in" if negated else "in", sorted(map(int, self.own))]], exact=True)
            case Compare("active", Op.EQ, True):
                return self._active(negated=negated)
            case Compare(name, op, datetime() as value) if name in _TIMES and op in _ORDER:
                return self._time(_TIMES[name], op, value, negated=negated)
            case Has(name) if name in _TIMES:
                return self._plain(_TIMES[name], "=" if negated else "!=", None)
            case Exists(name, test) if name in _LISTS:
                return self._list(*_LISTS[name], test, negated=negated)
        return Pushed([], exact=False)

    def _active(self, *, negated: bool) -> Pushed:
        if self.only_active:
            return Pushed([["id", "in", []]], exact=True) if negated else Pushed([], exact=True)
        return self._plain("active", "=", not negated)

    def _time(self, name: str, op: Op, value: datetime, *, negated: bool) -> Pushed:
        """Tryton keeps times in UTC without a zone."""
        kept = {part: getattr(value, part) for part in ("year", "month", "day", "hour", "minute", "second", "microsecond")}
        time = {"__class__": "datetime", **kept}
        if not negated:
            return self._plain(name, _ORDER[op], time)
        missing = [self.prefix + name, "=", None]
        return Pushed(["OR", [self.prefix + name, _OPPOSITE[op], time], missing], exact=True)

    def _list(self, relation: str, name: str, test: Node | None, *, negated: bool) -> Pushed:
        inner = _item(name, test)
        if negated and not inner.exact:  # "not where" would take out too much
            return Pushed([], exact=False)
        below = [one for one in (inner.domain, _SEEN[relation]) if one]
        return Pushed([[self.prefix + relation, "not where" if negated else "where", below]], inner.exact)

    def _plain(self, name: str, operator: str, value: Any) -> Pushed:
        return Pushed([[self.prefix + name, operator, value]], exact=True)


def _item(name: str, test: Node | None) -> Pushed:
    """A test on one item of a list, as a filter on the record below."""
    match test:
        case None:
            return Pushed([name, "!=", None], exact=False)  # an empty text is no item either
        case Compare(_, Op.EQ, str() as value):
            return Pushed([name, "=", value], exact=True)
        case In(_, values) if all(isinstance(value, str) for value in values):
            return Pushed([name, "in", list(values)], exact=True)
        case Text(_, Match.STARTS_WITH, text) if text and not _UNLIKE.search(text):
            return Pushed([name, "like", f"{text}%"], exact=text.isdecimal())  # some databases take no notice of upper and lower case
        case Text(_, Match.ENDS_WITH, text) if text and not _UNLIKE.search(text):
            return Pushed([name, "like", f"%{text}"], exact=text.isdecimal())
        case Text(_, Match.CONTAINS, text) if text and not _UNLIKE.search(text):
            return Pushed([name, "like", f"%{text}%"], exact=text.isdecimal())
        case Or(nodes):
            parts = [_item(name, node) for node in nodes]
            if any(not part.domain for part in parts):
                return Pushed([], exact=False)
            return Pushed(["OR", *(part.domain for part in parts)], all(part.exact for part in parts))
        case And(nodes):
            parts = [_item(name, node) for node in nodes]
            return Pushed(["AND", *(part.domain for part in parts if part.domain)], all(part.exact for part in parts))
    return Pushed([], exact=False)
