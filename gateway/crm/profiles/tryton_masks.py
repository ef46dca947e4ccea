"""Masks over the records and rows of an answer, also where a masked value turns up a second time (hostile input C51)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gateway.crm.profiles.tryton_fields import Field, base_name
from policies.decision import Obligations
from policies.masks import CONTACT_GROUP, HIDDEN, Mask, masked, strictest
from policies.request import ClientId

_SHORTEST = 5
"""A shorter contact value (an extension, an emergency number) is not looked for in other texts: it is part of too many words."""
_PARTLY = frozenset({"url", "rec_name"})
"""Fields whose text holds more than the value."""


class Masks:
    """The obligations of one answer, at work."""

    def __init__(self, obligations: Obligations) -> None:
        self.keep = obligations.keep
        self.masked: frozenset[ClientId] = obligations.masked
        self._kinds: dict[str, Mask] = {}
        for one in obligations.masks:
            self._kinds[one.field] = strictest(self._kinds.get(one.field), one.mask)
        self._values: set[str] = set()
        self._texts: list[tuple[Any, Iterable[Any]]] = []

    def covers(self, name: str, known: Field) -> bool:
        """True if the field is masked for the clients in `masked`."""
        return (known.contact and CONTACT_GROUP in self._kinds) or base_name(name.rpartition(".")[2]) in self._kinds

    def text(self, name: str, known: Field) -> str | None:
        """What stands in a covered field."""
        kind = self._kinds.get(base_name(name.rpartition(".")[2])) or self._kinds[CONTACT_GROUP]
        return None if known.target is not None else masked(kind)

    def note(self, name: str, value: Any) -> None:
        """Remember a masked contact value until `finish`."""
        if type(value) is str and len(value := _sought(name, value)) >= _SHORTEST:
            self._values.add(value)

    def cover(self, record: dict[str, Any], covered: Iterable[tuple[str, str | None]], texts: Iterable[str]) -> None:
        """`note`, `watch` and `finish` at once for a record with nothing below it: a page of them takes half the time."""
        values = []
        for name, instead in covered:
            if name in record:
                value = record[name]
                record[name] = instead
                if type(value) is str and len(value) >= _SHORTEST:
                    values.append(_sought(name, value) if name in _PARTLY else value.lower())
        everything = "\n".join([text for name in texts if type(text := record.get(name)) is str]).lower()
        for value in values:
            if value in everything:
                self._values.update(value for value in values if len(value) >= _SHORTEST)
                self.watch(record, texts)
                self.finish()
                break

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


def _sought(name: str, value: str) -> str:
    """The part of a contact field's text that is the value, in lower case."""
    if name == "url":
        value = value.partition(":")[2] or value
    elif name == "rec_name":
        value = value.rpartition("<")[2].rstrip(">")
    return value.lower()


def _at(holder: Any, place: Any) -> Any:
    return holder.get(place) if type(holder) is dict else holder[place]
