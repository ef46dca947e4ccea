"""Records as Tryton's `read`, `search_read` and REST give them: what is asked upstream, whose each record is, and what goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.crm.profile import UninspectableError, UnreadableError
from gateway.crm.profiles.tryton_fields import MODELS, NEUTRAL_LEAVES, PARTY, Field, Model, base_name, suffix_known
from gateway.crm.profiles.tryton_masks import Masks
from policies.request import ClientId

_NAME = re.compile(r"_?[a-z][a-z0-9_]{0,63}(?::[a-zA-Z=_]{1,16})?")
_MAX_HOPS = 5


@dataclass(slots=True)
class Node:
    """The fields of one record type in an answer, with those of the records that hang on it."""

    model: Model | None
    """None: a record that is no client's."""
    own: bool = True
    """Belongs for sure to the same client as the record above."""
    leaves: dict[str, Field] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Asked for and not known: not sent upstream, delivered as empty."""
    added: set[str] = field(default_factory=set)
    """Asked for by the gateway alone."""
    below: dict[str, Node] = field(default_factory=dict)
    hidden_below: set[str] = field(default_factory=set)
    added_below: set[str] = field(default_factory=set)

    def place(self, name: str, *, added: bool = False) -> None:
        """Ask for a dotted field. Raises UnreadableError for a name that is none."""
        parts = name.split(".")
        if len(parts) > _MAX_HOPS or not all(_NAME.fullmatch(part) for part in parts):
            raise UnreadableError("field name")
        node = self
        for part in parts[:-1]:
            known = node.model.fields.get(part) if node.model else None
            if known is None or known.target is None:
                node.hidden_below.add(part)
                return
            if part not in node.below:
                node.below[part] = Node(MODELS.get(known.target), own=known.own)
            node = node.below[part]
        node._leaf(parts[-1], added=added)

    def complete(self, *, root: bool = True) -> None:
        """Add what the gateway needs: whose each record is that is not sure to belong to the client above."""
        if self.model is not None and self.model.link != "id" and (root or not self.own):
            self._leaf(self.model.link, added=True)
        for node in self.below.values():
            node.complete(root=False)
            if not node.leaves and not node.below:
                node._leaf("id", added=True)

    def upstream(self, prefix: str = "") -> list[str]:
        """The dotted names that are asked of the CRM."""
        names = [prefix + name for name in self.leaves]
        for name, node in self.below.items():
            names += node.upstream(f"{prefix}{name}.")
        return names

    def asked(self, prefix: str = "") -> set[str]:
        """The dotted names that the caller asked for and gets."""
        names = {prefix + name for name in self.leaves if name not in self.added}
        for name, node in self.below.items():
            if name not in self.added_below:
                names |= node.asked(f"{prefix}{name}.")
        return names

    def contact(self, prefix: str = "") -> set[str]:
        """Those of `asked` that carry contact values."""
        names = {prefix + name for name, known in self.leaves.items() if known.contact}
        for name, node in self.below.items():
            names |= node.contact(f"{prefix}{name}.")
        return names

    def _leaf(self, name: str, *, added: bool) -> None:
        base = base_name(name)
        known = self.model.fields.get(base) if self.model else Field() if base in NEUTRAL_LEAVES else None
        if known is None or not suffix_known(name):
            self.hidden.add(name)
        elif not added:
            self.leaves[name] = known
            self.added.discard(name)
        elif name not in self.leaves:
            self.leaves[name] = known
            self.added.add(name)


def plan(model: Model, names: list[Any], owner_field: str | None) -> Node:
    """Read a list of fields. Raises UnreadableError."""
    root = Node(model)
    for name in names:
        if not isinstance(name, str):
            raise UnreadableError("field name")
        root.place(name)
    if owner_field is not None and model.name == PARTY:
        _add_owner(root, owner_field)
    root.complete()
    return root


def _add_owner(root: Node, owner_field: str) -> None:
    head, _, tail = owner_field.partition(".")
    if not tail:
        if head not in root.leaves:
            root.leaves[head] = Field()
            root.added.add(head)
        root.hidden.discard(head)
        return
    if head not in root.below:
        root.below[head] = Node(None)
        root.added_below.add(head)
    below = root.below[head]
    if tail not in below.leaves:
        below.leaves[tail] = Field()
        below.added.add(tail)


def owner_of(record: Mapping[str, Any], owner_field: str, dot: str) -> str | None:
    """The owner that a record names, None if it names nobody."""
    head, _, tail = owner_field.partition(".")
    value = record.get(head + dot if tail else head)
    if tail:
        value = value.get(tail) if isinstance(value, dict) else None
    return None if value is None else str(value)


@dataclass(slots=True)
class _Keys:
    """A node in the spelling of an answer: relations end with a dot in RPC answers, and not in REST answers."""

    node: Node
    expected: frozenset[str]
    contact: tuple[str, ...]
    below: tuple[tuple[str, _Keys], ...]
    shows: bool
    text: tuple[str, ...]


def _keys(node: Node, dot: str) -> _Keys:
    below = tuple((name + dot, _keys(child, dot)) for name, child in node.below.items())
    expected = frozenset(node.leaves) | {"id", "__name__"} | {name for name, _ in below}
    contact = tuple(name for name, known in node.leaves.items() if known.contact)
    text = tuple(name for name, known in node.leaves.items() if not known.contact and known.target is None and name != "_timestamp")
    shows = any(name != "id" and name not in node.added for name in node.leaves) or bool(node.below.keys() - node.added_below)
    return _Keys(node, expected, contact, below, shows, text)


class Records:
    """The records of one answer."""

    def __init__(self, node: Node, records: list[Any], *, rest: bool, owner_field: str | None = None) -> None:
        """Find out whose each record is. Raises UninspectableError."""
        self._keys = _keys(node, "" if rest else ".")
        self._node = node
        self._dot = "" if rest else "."
        self._records = records
        self.clients: dict[ClientId, bool] = {}
        """Clients with any field beyond the id, in order; True: with a contact value."""
        self.owners: dict[ClientId, str | None] = {}
        for record in records:
            who = self._visit(self._keys, record, None)
            if owner_field is not None and who is not None and node.model is not None and node.model.name == PARTY:
                self.owners[who] = owner_of(record, owner_field, self._dot)

    @property
    def fields(self) -> frozenset[str]:
        """Dotted names of the fields in the answer, without those that only the gateway asked for."""
        return frozenset(self._node.asked())

    def release(self, masks: Masks) -> tuple[list[Any], dict[ClientId, bool], bool]:
        """What goes out: the records, their clients (True: with a clear contact value) and whether anything was changed."""
        out: list[Any] = []
        delivered: dict[ClientId, bool] = {}
        changed = False
        for record in self._records:
            changed |= self._rewrite(self._keys, record, None, masks, delivered, out)
            masks.finish()
        return out, delivered, changed

    def _visit(self, keys: _Keys, record: Any, above: ClientId | None) -> ClientId | None:
        if not isinstance(record, dict) or not record.keys() <= keys.expected:
            raise UninspectableError("record with fields that were not asked for")
        who = _client(keys.node, record, above)
        if who is not None and keys.shows:
            has_contact = any(record.get(name) for name in keys.contact)
            if has_contact or who not in self.clients:
                self.clients[who] = has_contact or self.clients.get(who, False)
        for name, child in keys.below:
            for one in _many(record.get(name)):
                self._visit(child, one, who)
        return who

    def _rewrite(
        self, keys: _Keys, record: dict[str, Any], above: ClientId | None, masks: Masks, delivered: dict[ClientId, bool], out: list[Any]
    ) -> bool:
        """Append the record as it goes out, or nothing; True if that is not the record as it came."""
        node = keys.node
        who = _client(node, record, above)
        if who is not None and masks.keep is not None and who not in masks.keep:
            return True
        changed = bool(node.added or node.hidden or node.hidden_below or node.added_below)
        masked = who is not None and who in masks.masked
        if who is not None and keys.shows:
            clear = any(record.get(name) and not (masked and masks.covers(name, node.leaves[name])) for name in keys.contact)
            if clear or who not in delivered:
                delivered[who] = clear or delivered.get(who, False)
        if masked:
            changed = True
            masks.cover(record, node.leaves)
            masks.watch(record, keys.text)
        for name, child in keys.below:
            changed |= self._rewrite_below(name, child, record, who, masks, delivered)
        for name in node.added_below:
            record.pop(name + self._dot, None)
        for name in node.added:
            if name not in node.below or self._dot:
                record.pop(name, None)
        for name in node.hidden:
            record[name] = None
        for name in node.hidden_below:
            record[name + self._dot] = None
        out.append(record)
        return changed

    def _rewrite_below(
        self, name: str, keys: _Keys, record: dict[str, Any], who: ClientId | None, masks: Masks, delivered: dict[ClientId, bool]
    ) -> bool:
        value = record.get(name)
        if not value:
            return False
        kept: list[Any] = []
        changed = False
        for one in _many(value):
            changed |= self._rewrite(keys, one, who, masks, delivered, kept)
        if changed:
            record[name] = kept if isinstance(value, list) else kept[0] if kept else None
        return changed


def _client(node: Node, record: Mapping[str, Any], above: ClientId | None) -> ClientId | None:
    """Whose a record is. Raises UninspectableError if it does not say."""
    if node.model is None:
        return None
    if node.model.link == "id":
        value = record.get("id")
    elif above is not None and node.own:
        return above
    else:
        value = record.get(node.model.link)
        if isinstance(value, dict):
            value = value.get("id")
    if not isinstance(value, int) or isinstance(value, bool):
        raise UninspectableError("record without its client")
    return str(value)


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
