"""What is asked of the CRM about records: the caller's fields as far as they are known, and what the gateway needs to judge the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.crm.profile import UnreadableError
from gateway.crm.profiles.tryton_fields import MODELS, NEUTRAL_LEAVES, PARTY, Field, Model, base_name, suffix_known

_NAME = re.compile(r"_?[a-z][a-z0-9_]{0,63}(?::[a-zA-Z=_]{1,16})?")
_MAX_HOPS = 5
_REMEMBERED_NAMES = 64
"""Fields in a list that is remembered: more than any view of the web client asks for. Who sends longer ones fills no memory here."""


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
    keys: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What the reader of answers has worked out about it (`tryton_records`), by the spelling of an answer."""

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
    """Read a list of fields. The same lists come again and again, so nobody may change what comes back. Raises UnreadableError."""
    if not all(isinstance(name, str) for name in names):
        raise UnreadableError("field name")
    return (_plan if len(names) <= _REMEMBERED_NAMES else _plan.__wrapped__)(model.name, tuple(names), owner_field)


@lru_cache(maxsize=512)
def _plan(model_name: str, names: tuple[str, ...], owner_field: str | None) -> Node:
    model = MODELS[model_name]
    root = Node(model)
    for name in names:
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
