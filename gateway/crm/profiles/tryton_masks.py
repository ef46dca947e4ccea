"""Masks over the records and rows of an answer, also where a masked value turns up a second time (hostile input C51)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.crm.profiles.tryton_fields import Field, base_name
from policies.decision import Obligations
from policies.masks import HIDDEN, masked
from policies.request import ClientId

CONTACT_GROUP = "contact"
"""Name of the field group that the policy masks: every field that carries a contact value."""
_SHORTEST = 5
"""A shorter contact value (an extension, an emergency number) is not looked for in other texts: it is part of too many words."""
_SCHEME = re.compile(r"(?:tel|fax|mailto|callto|sip):(.+)", re.IGNORECASE | re.DOTALL)
_IN_BRACKETS = re.compile(r".*<([^<>]+)>", re.DOTALL)


class Masks:
    """The obligations of one answer, at work."""

    def __init__(self, obligations: Obligations) -> None:
        self.keep = obligations.keep
        self.masked: frozenset[ClientId] = obligations.masked if obligations.masks else frozenset()
        self._kinds = obligations.masks
        self._values: set[str] = set()
        self._texts: list[tuple[Any, Iterable[Any]]] = []

    def covers(self, name: str, known: Field) -> bool:
        """True if the field is masked for the clients in `masked`."""
        return (known.contact and CONTACT_GROUP in self._kinds) or base_name(name.rpartition(".")[2]) in self._kinds

    def text(self, name: str, known: Field) -> str | None:
        """What stands in a covered field."""
        kind = self._kinds.get(base_name(name.rpartition(".")[2])) or self._kinds[CONTACT_GROUP]
        return None if known.target is not None else masked(kind)

    def cover(self, record: dict[str, Any], leaves: Mapping[str, Field]) -> None:
        """Mask a record of a masked client."""
        for name, known in leaves.items():
            if name in record and self.covers(name, known):
                if known.contact:
                    self.note(record[name])
                record[name] = self.text(name, known)

    def note(self, value: Any) -> None:
        """Remember a masked contact value until `finish`."""
        if not isinstance(value, str):
            return
        for pattern in (_SCHEME, _IN_BRACKETS):
            match = pattern.fullmatch(value)
            if match is not None:
                value = match[1]
        if len(value) >= _SHORTEST:
            self._values.add(value)

    def watch(self, holder: Any, places: Iterable[Any]) -> None:
        """Look through these texts (keys of a record, positions of a row) in `finish`."""
        self._texts.append((holder, places))

    def finish(self) -> None:
        """Cover the noted values wherever they stand in the watched texts; then forget both."""
        if self._values:
            values = sorted(self._values, key=len, reverse=True)
            lowered = [value.lower() for value in values]
            for holder, places in self._texts:
                for place in places:
                    text = holder.get(place) if isinstance(holder, dict) else holder[place]
                    if isinstance(text, str) and any(value in text.lower() for value in lowered):
                        holder[place] = _replaced(text, values)
        self._values.clear()
        self._texts.clear()


def _replaced(text: str, values: list[str]) -> str:
    return re.sub("|".join(re.escape(value) for value in values), HIDDEN, text, flags=re.IGNORECASE)
