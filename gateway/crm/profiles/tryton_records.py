"""Records as Tryton's `read`, `search_read` and REST give them: whose each record is, and what goes out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from itertools import compress, repeat
from operator import itemgetter
from typing import Any

from detectors.client_index.identifier import Identifier, Kind
from gateway.crm.profile import UninspectableError
from gateway.crm.profiles.tryton_fields import PARTY, Field, base_name
from gateway.crm.profiles.tryton_identifying import Fresh, identifying, mark, of_record
from gateway.crm.profiles.tryton_masks import Covering, Masks, Suit, values_of
from gateway.crm.profiles.tryton_plan import Node
from policies.request import ClientId

_NUMBERS_MAX = 100_000
"""Numbers whose text is kept, about 150 bytes each; then all are forgotten."""
_numbers: dict[int, ClientId] = {}


@dataclass(slots=True)
class _Keys:
    """A node in the spelling of an answer: relations end with a dot in RPC answers, and not in REST answers."""

    node: Node
    is_client: bool
    expected: frozenset[str]
    contact: tuple[str, ...]
    text: tuple[str, ...]
    identifying: tuple[tuple[str, Kind | None], ...]
    values: Callable[[dict[str, Any]], object] | None
    """Gets the values of `identifying` out of a record; None: there are none."""
    contacts: Callable[[dict[str, Any]], tuple[Any, ...]]
    """Gets the values of `contact` out of a record that has them all."""
    below: tuple[tuple[str, _Keys], ...]
    shows: bool
    dropped: tuple[str, ...]
    """Keys that only the gateway asked for."""
    emptied: tuple[str, ...]
    """Keys that the caller asked for and nobody knows."""
    coverings: tuple[tuple[Covering, bool], ...] = ()
    """What becomes of the keys of masked clients, and whether that is plain: one for each suit of masks. Worked out in `_mask` for
    the answer that is being masked, which nothing interrupts: answers to the same list of fields share these keys."""

    is_edited: bool = False
    is_flat: bool = False
    """Clients themselves, nothing below, nothing to edit: the plain lists that scripts ask for."""
    is_simple: bool = False
    """No client's, nothing below, nothing to edit: only its fields are checked."""


_NO_TEXT = frozenset({"id", "active", "sequence", "type", "type_string", "_timestamp", "_write", "_delete", "code_readonly", "distance"})
"""Fields that hold no free text, in which no contact value can turn up a second time."""


def _keys(node: Node, dot: str) -> _Keys:
    known = node.keys.get(dot)
    if not isinstance(known, _Keys):
        known = node.keys[dot] = _worked_out(node, dot)
    return known


def _worked_out(node: Node, dot: str) -> _Keys:
    below = tuple((name + dot, _keys(child, dot)) for name, child in node.below.items())
    # The id stays in every record; and in REST answers the key of a link is that of the linked record too.
    dropped = {name for name in node.added if name != "id" and (dot or name not in node.below)} | {name + dot for name in node.added_below}
    plain = [name for name, known in node.leaves.items() if not known.contact and known.target is None]
    keys = _Keys(
        node,
        is_client=node.model is not None,
        expected=frozenset(node.leaves) | {"id", "__name__"} | {name for name, _ in below},
        contact=(contact := tuple(name for name, known in node.leaves.items() if known.contact)),
        contacts=values_of(contact),
        text=tuple(name for name in plain if base_name(name) not in _NO_TEXT),
        identifying=(named := identifying(node.model, node.leaves)),
        values=itemgetter(*(name for name, _ in named)) if named else None,
        below=below,
        shows=any(name != "id" and name not in node.added for name in node.leaves) or bool(node.below.keys() - node.added_below),
        dropped=tuple(dropped),
        emptied=(*node.hidden, *(name + dot for name in node.hidden_below)),
    )
    keys.is_edited = bool(keys.dropped or keys.emptied)
    keys.is_flat = node.model is not None and node.model.link == "id" and not (keys.below or keys.is_edited)
    keys.is_simple = not (keys.is_client or keys.below or keys.is_edited)
    return keys


class Records:
    """The records of one answer."""

    def __init__(self, node: Node, records: list[Any], *, rest: bool, owner_field: str | None = None) -> None:
        """Find out whose each record is. Raises UninspectableError."""
        dot = "" if rest else "."
        self._node = node
        self._keys = _keys(node, dot)
        self._records = records
        self.clients: dict[ClientId, bool] = {}
        """Clients with any field beyond the id, in order; True: with a contact value."""
        self._found: list[tuple[dict[str, Any], _Keys, ClientId | None, int]] = []
        """Every record that a client may be masked in or that is edited: record, keys, whose, number of the record on top. Empty where
        they are flat."""
        self._whose: list[ClientId] = []
        """Whose each record is, where they are flat."""
        self._is_edited = False
        self.owners: dict[ClientId, str | None] = {}
        self._visit_all()
        if owner_field is not None and node.model is not None and node.model.name == PARTY:
            self.owners = {str(record["id"]): _owner_of(record, owner_field, dot) for record in records}

    @property
    def fields(self) -> frozenset[str]:
        """Dotted names of the fields in the answer, without those that only the gateway asked for."""
        return frozenset(self._node.asked())

    def identifiers(self, fresh: Fresh | None) -> list[Identifier]:
        """The values that identify clients, as the CRM gave them; without those of records that `fresh` has seen. Ask before `release`."""
        records = self._identifying()
        if fresh is not None and records:
            unseen = fresh(marks := self._marks(records))
            records = [one for one, its in zip(records, marks, strict=True) if its in unseen] if unseen else []
        return [identifier for who, record, keys in records for identifier in of_record(who, record, keys.identifying)]

    def _identifying(self) -> list[tuple[ClientId, dict[str, Any], _Keys]]:
        """The records that identify a client, whose they are, their keys."""
        keys = self._keys
        if keys.is_flat:
            return list(zip(self._whose, self._records, repeat(keys))) if keys.identifying else []
        return [(who, record, keys) for record, keys, who, _ in self._found if who is not None and keys.identifying]

    def _marks(self, records: list[tuple[ClientId, dict[str, Any], _Keys]]) -> list[int]:
        """A hash for each of these records. A page of clients, the ordinary case, costs a quarter of a microsecond for each."""
        values = self._keys.values
        if self._keys.is_flat and values is not None:
            with contextlib.suppress(KeyError, TypeError):  # a field that is not there, or no plain value
                return list(map(hash, zip(self._whose, map(values, self._records), strict=True)))
        return [_mark(who, record, keys) for who, record, keys in records]

    def release(self, masks: Masks) -> tuple[list[Any], dict[ClientId, bool], bool]:
        """What goes out: the records, their clients (True: with a clear contact value) and whether anything was changed."""
        changed = self._is_edited
        if masks.keep is not None:
            trimmed = [_trimmed(self._keys, record, None, masks.keep) for record in self._records]
            self._records[:] = [record for record in trimmed if record is not None]
            self._visit_all()
            changed = True
        delivered = self.clients
        masked = masks.masked & delivered.keys()
        if masked:
            delivered = dict(delivered) | dict.fromkeys(masked, False)
            self._mask(masks, masked, delivered)
            changed = True
        if self._is_edited:
            for record, keys, _, _ in self._found:
                for name in keys.dropped:
                    record.pop(name, None)
                for name in keys.emptied:
                    record[name] = None
        return self._records, delivered, changed

    def forget(self) -> None:
        """Let go of the records: what is made for the next answer then finds their memory still in the processor's cache."""
        self._records.clear()
        self._found.clear()

    def _visit_all(self) -> None:
        self.clients.clear()
        self._found.clear()
        self._whose.clear()
        keys = self._keys
        if keys.is_flat:
            self._visit_flat(keys)
            return
        for place, record in enumerate(self._records):
            self._visit(keys, record, None, place)

    def _visit_flat(self, keys: _Keys) -> None:
        """The same as `_visit` for all records at once, in half the time."""
        records = self._records
        if not set(map(type, records)) <= {dict} or not set().union(*records) <= keys.expected:
            raise UninspectableError("record with fields that were not asked for")
        numbers = [record.get("id") for record in records]
        if not set(map(type, numbers)) <= {int}:
            raise UninspectableError("record without its client")
        self._whose = names = _names(numbers)
        if not keys.shows:
            return
        try:
            contacts = list(map(any, map(keys.contacts, records)))
        except KeyError:  # a field that is not there
            contacts = [any(map(record.get, keys.contact)) for record in records]
        self.clients.update(zip(names, contacts, strict=True))
        if len(self.clients) < len(names):  # a client stands there twice
            self.clients.update(dict.fromkeys(compress(names, contacts), True))

    def _visit(self, keys: _Keys, record: Any, above: ClientId | None, place: int) -> None:
        if type(record) is not dict or not record.keys() <= keys.expected:
            raise UninspectableError("record with fields that were not asked for")
        who = None
        if keys.is_client:
            who = _client(keys.node, record, above)
            if keys.shows:
                has_contact = False
                for name in keys.contact:
                    if record.get(name):
                        has_contact = True
                        break
                if has_contact:
                    self.clients[who] = True
                else:
                    self.clients.setdefault(who, False)
        if who is not None or keys.is_edited:
            self._found.append((record, keys, who, place))
            self._is_edited |= keys.is_edited
        for name, child in keys.below:
            value = record.get(name)
            if value is None:
                continue
            if child.is_simple and type(value) is dict and value.keys() <= child.expected:
                continue
            for one in value if type(value) is list else (value,):
                self._visit(child, one, who, place)

    def _mask(self, masks: Masks, masked: Set[ClientId], delivered: dict[ClientId, bool]) -> None:
        _cover(self._keys, masks, ())
        if self._keys.is_flat:
            self._mask_flat(masks, masked, delivered)
            return
        last, single = 0, len(masks.suits) == 1
        for record, keys, who, place in self._found:
            if place != last:
                masks.finish()
                last = place
            if who is None or who not in masked:
                continue
            covering, is_plain = keys.coverings[0 if single else masks.worn_by(who)]
            for name, instead in covering.constant:
                if name in record:
                    masks.note(name, record[name])
                    record[name] = instead
            masks.watch(record, keys.text)
            if not is_plain:
                _mask_more(record, covering, masks)
                if any(map(record.get, covering.clear)):  # a mask on single fields leaves others clear
                    delivered[who] = True
        masks.finish()

    def _mask_flat(self, masks: Masks, masked: Set[ClientId], delivered: dict[ClientId, bool]) -> None:
        keys = self._keys
        worn = [(who, record) for who, record in zip(self._whose, self._records, strict=True) if who in masked]
        if len(masks.suits) == 1 and keys.coverings[0][1]:
            masks.cover_all([record for _, record in worn], keys.coverings[0][0], keys.text)
            return
        for who, record in worn:
            covering, _ = keys.coverings[masks.worn_by(who)]
            masks.cover(record, covering, keys.text)
            if any(map(record.get, covering.clear)):
                delivered[who] = True


def _mask_more(record: dict[str, Any], covering: Covering, masks: Masks) -> None:
    for name, mask, takes_text in covering.worked:
        if name in record:
            masks.note(name, record[name])
            record[name] = masks.shown(mask, record[name], takes_text)
    for name in covering.emptied:
        if name in record:
            record[name] = [] if type(record[name]) is list else None


def _cover(keys: _Keys, masks: Masks, above: tuple[str, ...]) -> None:
    """Work out once per answer and suit what becomes of which key; `above`: the relations that lead to this record type."""
    leaves = [(name, (*above, name), known) for name, known in keys.node.leaves.items()]
    coverings = [_covering(masks, suit, keys, leaves, above) for suit in masks.suits]
    keys.coverings = tuple((covering, covering.is_plain) for covering in coverings)
    for name, child in keys.below:
        _cover(child, masks, (*above, name.rstrip(".")))


def _covering(masks: Masks, suit: Suit, keys: _Keys, leaves: list[tuple[str, tuple[str, ...], Field]], above: tuple[str, ...]) -> Covering:
    covering = masks.covering(suit, leaves)
    relation = Field(target=PARTY)
    emptied = tuple(name for name, _ in keys.below if suit.mask((*above, name.rstrip(".")), relation) is not None)
    return replace(covering, emptied=emptied) if emptied else covering


def _trimmed(keys: _Keys, record: dict[str, Any], above: ClientId | None, keep: frozenset[ClientId]) -> dict[str, Any] | None:
    """The record without those of other clients, None if it is one itself."""
    who = _client(keys.node, record, above) if keys.is_client else None
    if who is not None and who not in keep:
        return None
    for name, child in keys.below:
        value = record.get(name)
        if isinstance(value, list):
            record[name] = [one for one in (_trimmed(child, one, who, keep) for one in value) if one is not None]
        elif value is not None:
            record[name] = _trimmed(child, value, who, keep)
    return record


def _mark(who: ClientId, record: dict[str, Any], keys: _Keys) -> int:
    if keys.values is not None:
        with contextlib.suppress(KeyError, TypeError):
            return hash((who, keys.values(record)))
    return mark(who, record, keys.identifying)


def _names(numbers: list[int]) -> list[ClientId]:
    """The ids of these clients. A client has the same text object in every answer: its hash is known then, and sets of clients find it by
    its address."""
    names = list(map(_numbers.get, numbers))
    if None not in names:
        return names  # type: ignore[return-value] # just looked
    if len(_numbers) + len(numbers) > _NUMBERS_MAX:
        _numbers.clear()
    return [_numbers.setdefault(number, str(number)) for number in numbers]


def _client(node: Node, record: Mapping[str, Any], above: ClientId | None) -> ClientId:
    """Whose a record is. Raises UninspectableError if it does not say."""
    model = node.model
    if model is not None:
        if model.link == "id":
            value = record.get("id")
        elif above is not None and node.own:
            return above
        else:
            value = record.get(model.link)
            if type(value) is dict:
                value = value.get("id")
        if type(value) is int:
            return str(value)
    raise UninspectableError("record without its client")


def _owner_of(record: Mapping[str, Any], owner_field: str, dot: str) -> str | None:
    """The owner that a record names, None if it names nobody."""
    head, _, tail = owner_field.partition(".")
    value = record.get(head + dot if tail else head)
    if tail:
        value = value.get(tail) if isinstance(value, dict) else None
    return None if value is None else str(value)
