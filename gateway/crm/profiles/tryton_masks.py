"""Masks over the records and rows of an answer, also where a masked value turns up a second time (hostile input C51)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from gateway.crm.profiles.tryton_fields import Field, base_name
from gateway.crm.profiles.tryton_values import from_json, to_json
from policies.decision import FieldMask, Obligations
from policies.masks import CONTACT_GROUP, HIDDEN, HIDE, Mask, Masking, MaskKind, conceal, strictest
from policies.request import ClientId

_SHORTEST = 5
"""A shorter contact value (an extension, an emergency number) is not looked for in other texts: it is part of too many words."""
_PARTLY = frozenset({"url", "rec_name"})
"""Fields whose text holds more than the value."""
_NEVER = frozenset({"id", "_timestamp", "_write", "_delete"})
"""What a client needs to know which record is which, and that says nothing about it."""
_KEEPS_TYPE = frozenset({MaskKind.ROUND, MaskKind.DATE})


class Suit:
    """The masks that some clients wear, all of them alike."""

    def __init__(self, masks: Iterable[FieldMask]) -> None:
        self._by_name: dict[str, Mask] = {}
        for one in masks:
            self._by_name[one.field] = strictest(self._by_name.get(one.field), one.mask)

    def mask(self, path: Sequence[str], known: Field) -> Mask | None:
        """The strictest mask of a field under all its names, None if it stays clear. `path`: the relations that lead to it, and itself.

        A text that carries a masked value along with others shows no last letters: they could be the whole of a shorter value.
        """
        if path[-1] in _NEVER:
            return None
        by_name = self._by_name
        found = by_name.get(CONTACT_GROUP) if known.contact else None
        for part in path:
            if (mask := by_name.get(base_name(part))) is not None:
                found = strictest(found, mask)
        for name in known.carries:
            if name != base_name(path[-1]) and (mask := by_name.get(name)) is not None:
                found = strictest(found, HIDE if mask.kind is MaskKind.LAST else mask)
        return found


@dataclass(frozen=True, slots=True)
class Covering:
    """What becomes of the fields of one record type, for the clients that wear one suit."""

    constant: tuple[tuple[Any, str | None], ...] = ()
    """Key -> what stands there, whatever the value."""
    worked: tuple[tuple[Any, Mask, bool], ...] = ()
    """Key, mask, and whether a text may stand there."""
    clear: tuple[Any, ...] = ()
    """Keys of contact values that stay."""
    emptied: tuple[str, ...] = ()
    """Keys of the records behind a masked relation."""

    @property
    def is_plain(self) -> bool:
        """Nothing but constants: the ordinary case."""
        return not (self.worked or self.clear or self.emptied)


class Masks:
    """The obligations of one answer, at work for one reader."""

    def __init__(self, obligations: Obligations, masking: Masking = conceal) -> None:
        self.keep = obligations.keep
        self.masked: frozenset[ClientId] = obligations.masked
        self._masking = masking
        self.suits, self._worn = _suits(obligations.masks)
        self._values: set[str] = set()
        self._texts: list[tuple[Any, Iterable[Any]]] = []

    def worn_by(self, client: ClientId) -> int:
        """Place in `suits` of the one that a client in `masked` wears."""
        return self._worn[client] if self._worn else 0

    def covering(self, suit: Suit, keys: Iterable[tuple[Any, Sequence[str], Field]], *, is_sheet: bool = False) -> Covering:
        """Work out what becomes of these keys; each with its path and its field. In a sheet every cell can hold a text."""
        constant: list[tuple[Any, str | None]] = []
        worked: list[tuple[Any, Mask, bool]] = []
        clear: list[Any] = []
        for key, path, known in keys:
            mask = suit.mask(path, known)
            takes_text = known.text and (known.target is None or is_sheet)
            if mask is None:
                if known.contact:
                    clear.append(key)
            elif mask.kind in _KEEPS_TYPE and known.target is None:
                worked.append((key, mask, takes_text or is_sheet))
            elif mask.kind is MaskKind.NULL or not takes_text:  # whether there was a value or not
                constant.append((key, None))
            elif mask.kind is MaskKind.HIDE:
                constant.append((key, HIDDEN))
            else:
                worked.append((key, mask, True))
        return Covering(tuple(constant), tuple(worked), tuple(clear))

    def shown(self, mask: Mask, value: Any, takes_text: bool) -> Any:
        """What stands instead of a value, in Tryton's JSON."""
        instead = to_json(self._masking(mask, from_json(value)))
        return instead if takes_text or type(instead) is not str else None

    def note(self, name: str, value: Any) -> None:
        """Remember a masked contact value until `finish`."""
        if type(value) is str and len(value := _sought(name, value)) >= _SHORTEST:
            self._values.add(value)

    def cover(self, record: dict[str, Any], covering: Covering, texts: Iterable[str]) -> None:
        """`note`, `watch` and `finish` at once for a record with nothing below it: a page of them takes half the time."""
        values = []
        for name, instead in covering.constant:
            if name in record:
                value = record[name]
                record[name] = instead
                if type(value) is str and len(value) >= _SHORTEST:
                    values.append(_sought(name, value) if name in _PARTLY else value.lower())
        if covering.worked:
            for name, mask, takes_text in covering.worked:
                if name in record:
                    value = record[name]
                    record[name] = self.shown(mask, value, takes_text)
                    if type(value) is str and len(value) >= _SHORTEST:
                        values.append(_sought(name, value) if name in _PARTLY else value.lower())
        everything = "\n".join([text for name in texts if type(text := record.get(name)) is str]).lower()
        for value in values:
            if value in everything:
                self._values.update(value for value in values if len(value) >= _SHORTEST)
                self.watch(record, texts)
                self.finish()
                break

    def cover_all(self, records: Iterable[dict[str, Any]], covering: Covering, texts: Sequence[str]) -> None:
        """`cover` for a page of records whose covering is plain: where no value stands a second time, in a third of its time.

        Longer steps over all values of a record at once tell that none of them can; where one may, `cover` looks closer.
        """
        keys = [name for name, _ in covering.constant]
        if not keys or not texts or not _PARTLY.isdisjoint(keys):
            for record in records:
                self.cover(record, covering, texts)
            return
        masked, watched, instead = values_of(keys), values_of(texts), dict(covering.constant)
        for record in records:
            try:
                sought = "\0".join(filter(None, masked(record))).lower()
                everything = "\n".join(filter(None, watched(record))).lower()
            except (KeyError, TypeError):  # a field that is not there, or no text
                self.cover(record, covering, texts)
                continue
            for part in sought.split("\0") if sought else ():
                if part in everything:
                    self.cover(record, covering, texts)
                    break
            else:
                record.update(instead)

    def watch(self, holder: Any, places: Iterable[Any]) -> None:
        """Look through these texts (keys of a record, positions of a row) in `finish`."""
        self._texts.append((holder, places))

    def finish(self) -> None:
        """Cover the noted values wherever they stand in the watched texts; then forget both."""
        values = self._values
        if values:
            # One look through all texts at once: a second place is rare, and this runs for every masked client.
            texts: list[str] = []
            for holder, places in self._texts:
                if type(holder) is dict:
                    texts += [text for place in places if type(text := holder.get(place)) is str]
                else:
                    texts += [text for place in places if type(text := holder[place]) is str]
            everything = "\n".join(texts).lower()
            for value in values:
                if value in everything:
                    self._cover_all()
                    break
            values.clear()
        self._texts.clear()

    def _cover_all(self) -> None:
        longest_first = sorted(self._values, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        for holder, places in self._texts:
            for place in places:
                text = _at(holder, place)
                if type(text) is str:
                    covered = pattern.sub(HIDDEN, text)
                    # Letters whose lower case has another length (a dotted capital I) escape the pattern: then nothing of the text stays.
                    left = covered.lower()
                    holder[place] = HIDDEN if any(value in left for value in self._values) else covered


def values_of(names: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Gets the values of these fields out of a record at once. Raises KeyError when called for a record that lacks one."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda record: tuple([record[name] for name in names])


def _sought(name: str, value: str) -> str:
    """The part of a contact field's text that is the value, in lower case."""
    if name == "url":
        value = value.partition(":")[2] or value
    elif name == "rec_name":
        value = value.rpartition("<")[2].rstrip(">")
    return value.lower()


def _at(holder: Any, place: Any) -> Any:
    return holder.get(place) if type(holder) is dict else holder[place]


def _suits(masks: tuple[FieldMask, ...]) -> tuple[list[Suit], Mapping[ClientId, int]]:
    """The different suits, and who wears which; nobody is named where all that are masked wear the same, which is the ordinary case."""
    if not masks or all(one.clients == masks[0].clients for one in masks):
        return [Suit(masks)], {}
    parts: dict[ClientId, int] = {}
    for place, one in enumerate(masks):
        for client in one.clients:
            parts[client] = parts.get(client, 0) | 1 << place
    numbers = {worn: number for number, worn in enumerate(dict.fromkeys(parts.values()))}
    suits = [Suit(one for place, one in enumerate(masks) if worn >> place & 1) for worn in numbers]
    return suits, {client: numbers[worn] for client, worn in parts.items()}
