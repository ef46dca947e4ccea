"""Which of Tryton's values identify a client: read from answers before masks fall on them, and from what a call writes.

They are on their way into the client index as keyed hashes (`detectors.client_index`); nothing here keeps one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from detectors.client_index.identifier import Identifier, Kind, contact
from gateway.crm.profiles.tryton_fields import CONTACT, IDENTIFIER, MODELS, PARTY, Model, base_name
from policies.masks import is_mask
from policies.request import ClientId

type Fresh = Callable[[Sequence[int]], frozenset[int]]
"""Those of the hashes of clients' values that were not seen before, empty if all were; who is told one remembers it."""

_CONTACT: Mapping[str, Kind | None] = dict.fromkeys(("phone", "mobile", "fax", "email", "value"))
_OF_MODEL: Mapping[str, Mapping[str, Kind | None]] = {
    PARTY: {"name": Kind.NAME, "vat_code": Kind.TAX, **_CONTACT},
    CONTACT: {"email": None, "value": None},
    IDENTIFIER: {"code": Kind.TAX},
}
"""Model -> field -> kind of its value; None: a contact value of whatever kind."""


def identifying(model: Model | None, names: Iterable[str]) -> tuple[tuple[str, Kind | None], ...]:
    """Those of the names whose value identifies the client of a record."""
    known = _OF_MODEL.get(model.name, {}) if model is not None else {}
    return tuple((name, known[base_name(name)]) for name in names if base_name(name) in known)


def of_column(path: str) -> tuple[bool, Kind | None]:
    """Whether a column of an export identifies the client of its row, and the kind of its value."""
    *hops, last = path.split("/")
    name = base_name(last.partition(".")[0])
    model = PARTY if not hops else CONTACT if hops[-1] == "contact_mechanisms" else IDENTIFIER if "identifier" in hops[-1] else ""
    known = _OF_MODEL.get(model, {})
    return name in known, known.get(name)


def identifier(client: ClientId, kind: Kind | None, value: Any) -> Identifier | None:
    """One value as an identifier; None if it identifies nobody."""
    if kind is None:
        return contact(client, value)
    return Identifier(client, kind, value) if isinstance(value, str) and value else None


def of_record[Place](client: ClientId, record: Mapping[Place, Any], fields: tuple[tuple[Place, Kind | None], ...]) -> list[Identifier]:
    """The identifiers in one record, or in one row by place."""
    found = (identifier(client, kind, record.get(name)) for name, kind in fields)
    return [one for one in found if one is not None]


def mark[Place](client: ClientId, record: Mapping[Place, Any], fields: tuple[tuple[Place, Kind | None], ...]) -> int:
    """A hash of what identifies the client in a record, for `Fresh`; values that are no plain ones do not count."""
    return hash((client, *(value for value in (record.get(name) for name, _ in fields) if isinstance(value, str | int | float | None))))


def written(model: Model | None, args: list[Any], created: tuple[ClientId, ...]) -> list[Identifier]:
    """The identifiers that a call has written, now that it succeeded: `create [[values]]` or `write [ids, values, ids, values ...]`.

    `created` are the ids of new clients, in the order of their values.
    """
    if model is None or not args or not isinstance(args[0], list):
        return []
    found: list[Identifier] = []
    if len(args) == 1:
        of_each = zip(created, args[0], strict=False) if created else ((None, values) for values in args[0])
        for client, values in of_each:
            found += _in_values(model, values, client)
        return found
    for ids, values in zip(args[::2], args[1::2], strict=False):
        for one in ids if model.name == PARTY and isinstance(ids, list) else (None,):
            found += _in_values(model, values, None if one is None else str(one))
    return found


def _in_values(model: Model, values: Any, client: ClientId | None) -> Iterator[Identifier]:
    if not isinstance(values, dict):
        return
    link = values.get(model.link)
    whose = client if client is not None else str(link) if type(link) is int else None
    for name, value in values.items():
        known = model.fields.get(name)
        target = MODELS.get(known.target) if known is not None and known.target is not None else None
        if target is not None and isinstance(value, list):
            for nested in (part for command in value if isinstance(command, list) for part in command[1:]):
                for one in nested if isinstance(nested, list) else (nested,):
                    yield from _in_values(target, one, whose)
            continue
        kinds = _OF_MODEL.get(model.name, {})
        if whose is None or name not in kinds or is_mask(value):
            continue
        found = identifier(whose, kinds[name], value)
        if found is not None:
            yield found
