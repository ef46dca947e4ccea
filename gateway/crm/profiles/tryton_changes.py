"""Reads Tryton's calls that change clients: whose records they write to, make, copy or delete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles.tryton_fields import ADDRESS, CONTACT, PARTY, Model
from gateway.crm.profiles.tryton_reading import Expected, Reader, Reading, Shape, arguments, clients, id_list, names_of, resource
from gateway.crm.profiles.tryton_rows import sheet
from gateway.crm.profiles.tryton_write import Values
from policies.masks import is_mask
from policies.request import Action, Resource

_NUMBER = re.compile(r"[0-9]{1,15}")


def _create(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    (records,) = arguments(args, 1)
    if not isinstance(records, list) or not records:
        raise UnreadableError("values")
    values = Values(owner_field)
    sent = [values.read(model, one, client=None) for one in records]
    if model.name == PARTY:
        return Reading(
            CallKind.DATA, Action.CREATE, resource(model, written=values), Expected(Shape.BARE, creates=True, model=model), [sent]
        )
    if not all(model.link in one for one in records):
        raise UnreadableError(f"new {model.name} without its client", unknown=True)
    ids = clients(sorted(values.clients))
    return Reading(CallKind.DATA, Action.UPDATE, resource(model, ids=ids, written=values), Expected(Shape.BARE, model=model), [sent])


def _write(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    if not args or len(args) % 2:
        raise UnreadableError("number of arguments")
    values = Values(owner_field)
    sent: list[Any] = []
    named: list[int] = []
    for ids, changes in zip(args[::2], args[1::2], strict=True):
        named += id_list(ids)
        single = ids[0] if model.name == PARTY and len(ids) == 1 else None
        sent += [ids, values.read(model, changes, client=single)]
        if model.name != PARTY and (model.name not in (CONTACT, ADDRESS) or model.link not in changes):
            raise UnreadableError(f"update of {model.name} without its client", unknown=True)
    touched = clients([*named, *sorted(values.clients)]) if model.name == PARTY else clients(sorted(values.clients))
    asked = resource(model, ids=touched, written=values)
    return Reading(CallKind.DATA, values.update, asked, Expected(Shape.BARE, model=model), sent)


def _delete(model: Model, args: list[Any], _owner: str | None) -> Reading:
    (ids,) = arguments(args, 1)
    if model.name != PARTY:
        raise UnreadableError(f"deletion of {model.name} without its client", unknown=True)
    gone = clients(id_list(ids))
    return Reading(CallKind.DATA, Action.DELETE, resource(model, ids=gone), Expected(Shape.BARE, deletes=gone), [ids])


def _copy(model: Model, args: list[Any], _owner: str | None) -> Reading:
    ids, defaults = arguments(args, 1, {})
    if defaults or model.name != PARTY:
        raise UnreadableError(f"copy of {model.name} with other values", unknown=True)
    asked = resource(model, ids=clients(id_list(ids)))
    return Reading(CallKind.DATA, Action.COPY, asked, Expected(Shape.BARE, creates=True), [ids, {}])


def _import(model: Model, args: list[Any], _owner: str | None) -> Reading:
    """An import writes to the clients in its column `id` and makes new ones. Other columns hold plain values: a relation is found by its
    name, which is a question, the id of a contact names a client that nobody can tell, and `active` would delete."""
    paths, rows = arguments(args, 2)
    known = {path: sheet(model, [path], None).columns[0].known for path in names_of(paths)}
    plain = all(field is not None and field.target is None and not path.endswith("/id") for path, field in known.items())
    if model.name != PARTY or not plain or "active" in paths or not isinstance(rows, list):
        raise UnreadableError("columns of an import", unknown=True)
    place = paths.index("id") if "id" in paths else None
    if any(not isinstance(row, list) or len(row) != len(paths) for row in rows):
        raise UnreadableError("rows of an import")
    if any(is_mask(cell) for row in rows for cell in row):
        raise UnreadableError("mask in an import")
    ids = [] if place is None else [int(row[place]) for row in rows if row[place] not in (None, "") and _is_number(row[place])]
    contact = frozenset(path.replace("/", ".") for path, field in known.items() if field is not None and field.contact)
    written = frozenset(path.replace("/", ".") for path in paths)
    asked = Resource(type="client", model=PARTY, ids=clients(ids), written_fields=written, contact_fields=contact)
    return Reading(CallKind.DATA, Action.COPY, asked, Expected(Shape.BARE), args)


def _is_number(cell: Any) -> bool:
    if (isinstance(cell, int) and not isinstance(cell, bool)) or (isinstance(cell, str) and _NUMBER.fullmatch(cell)):
        return True
    raise UnreadableError("ids of an import")


CHANGES: Mapping[str, Reader] = {"create": _create, "write": _write, "delete": _delete, "copy": _copy, "import_data": _import}
"""The methods that change records of clients."""
