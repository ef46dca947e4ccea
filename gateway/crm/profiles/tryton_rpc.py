"""Reads Tryton's RPC calls: which act it is, which clients and fields, what is sent (attacks X4, X5, X6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles import tryton_methods as methods
from gateway.crm.profiles.tryton_domain import Questions, neutral_domain, neutral_field, neutral_order
from gateway.crm.profiles.tryton_fields import ADDRESS, CONTACT, COUNTED, MODELS, PARTY, Model
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_reading import Expected, Reading, Shape, arguments, clients, count, id_list, resource
from gateway.crm.profiles.tryton_records import plan
from gateway.crm.profiles.tryton_rows import sheet
from gateway.crm.profiles.tryton_write import Values
from policies.masks import is_mask
from policies.request import Action, ClientId, Resource

_SYSTEM = Resource(type="system")
_MODEL_METHOD = re.compile(r"model\.([a-z][a-z0-9_.-]*)\.([a-z][a-z0-9_]*)")
_SAFE_TO_NAME = re.compile(r"[a-z][a-z0-9_.-]{2,80}")
_CARD_FIELDS = 3
"""A read of one record with more fields than this, or with a contact value, is the opening of a card."""
_ON_CHANGE = re.compile(r"on_change_(?:with_)?[a-z0-9_]+")


def read_method(method: str, args: list[Any], context: Mapping[str, Any], owner_field: str | None) -> Reading:
    """Read a call that needs a sign-in. Raises UnreadableError, also for everything that is not known."""
    if method in methods.FURNITURE:
        return _furniture(args, methods.FURNITURE[method])
    if method == "model.res.user.set_preferences":
        return _preferences(args)
    if method in methods.OUTBOUND:
        return Reading(CallKind.DATA, Action.SHARE, Resource(type="client", model=method), Expected(Shape.BARE), args)
    if method.startswith(methods.CREDENTIALS):
        return Reading(CallKind.DATA, Action.GRANT_ACCESS, Resource(type="other", model="res.user.application"), Expected(Shape.BARE), args)
    if method in methods.REPORTS:
        return _report(args)
    for prefix, act in methods.WIZARDS.items():
        if method.startswith(prefix):
            return _wizard(method.removeprefix(prefix), Action(act), args, context)
    match = _MODEL_METHOD.fullmatch(method)
    if match is not None:
        name, verb = match.groups()
        if name in MODELS:
            return _client_method(MODELS[name], verb, args, owner_field)
        if name in COUNTED and verb == "search_count":
            return _search_count(COUNTED[name], args)
        if name in methods.NEUTRAL_MODELS:
            return _neutral_method(name, verb, args)
    raise UnreadableError(_unknown(method), unknown=True)


def _unknown(method: str) -> str:
    """Names the method for the reviewer, unless a caller wrote something else into its place."""
    return f"method {method}" if _SAFE_TO_NAME.fullmatch(method) else "method"


# records of clients


def _client_method(model: Model, verb: str, args: list[Any], owner_field: str | None) -> Reading:
    if verb in _READS:
        return _READS[verb](model, args, owner_field)
    if verb in _WRITES:
        return _WRITES[verb](model, args, owner_field)
    if verb in methods.DESCRIPTIONS:
        return _furniture(args, Say.AS_IS)
    if verb in methods.FORMS:
        return _form(model, verb, args, methods.FORMS[verb])
    if _ON_CHANGE.fullmatch(verb):
        return _form(model, verb, args, Say.NO_LINKS)
    raise UnreadableError(_unknown(f"model.{model.name}.{verb}"), unknown=True)


def _search(model: Model, args: list[Any], _owner: str | None) -> Reading:
    domain, offset, limit, order = arguments(args, 1, 0, None, None)
    questions = Questions()
    sent = [questions.domain(domain, model), count(offset, optional=False), count(limit, optional=True), questions.order(order, model)]
    return Reading(CallKind.DATA, Action.SEARCH, resource(model, questions, limit=limit), Expected(Shape.BARE), sent)


def _search_count(model: Model, args: list[Any], _owner: str | None = None) -> Reading:
    domain, offset, limit = arguments(args, 1, 0, None)
    questions = Questions()
    sent = [questions.domain(domain, model), count(offset, optional=False), count(limit, optional=True)]
    return Reading(CallKind.DATA, Action.SEARCH, resource(model, questions, limit=limit), Expected(Shape.BARE), sent)


def _search_read(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    domain, offset, limit, order, names = arguments(args, 1, 0, None, None, None)
    questions = Questions()
    node = plan(model, _names(names if names is not None else ["id"]), owner_field)
    sent = [
        questions.domain(domain, model),
        count(offset, optional=False),
        count(limit, optional=True),
        questions.order(order, model),
        node.upstream(),
    ]
    asked = resource(model, questions, node=node, limit=limit)
    return Reading(CallKind.DATA, Action.LIST, asked, Expected(Shape.RECORDS, node=node), sent)


def _read(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    ids, names = arguments(args, 2)
    ids, node = id_list(ids), plan(model, _names(names), owner_field)
    asked = resource(model, ids=_own_ids(model, ids), node=node, limit=len(ids))
    is_card = len(ids) == 1 and (len(asked.fields) > _CARD_FIELDS or bool(asked.contact_fields))
    act = Action.READ if is_card else Action.LIST
    return Reading(CallKind.DATA, act, asked, Expected(Shape.RECORDS, node=node), [ids, node.upstream()])


def _export(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    ids, paths, header = arguments(args, 2, False)
    ids, columns = id_list(ids), sheet(model, _names(paths), owner_field)
    expected = Expected(Shape.ROWS, sheet=columns, header=_flag(header))
    asked = resource(model, ids=_own_ids(model, ids), node=columns, limit=len(ids))
    return Reading(CallKind.DATA, Action.EXPORT, asked, expected, [ids, columns.upstream(), header])


def _export_domain(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    domain, paths, offset, limit, order, header = arguments(args, 2, 0, None, None, False)
    questions, columns = Questions(), sheet(model, _names(paths), owner_field)
    sent = [
        questions.domain(domain, model),
        columns.upstream(),
        count(offset, optional=False),
        count(limit, optional=True),
        questions.order(order, model),
        _flag(header),
    ]
    asked = resource(model, questions, node=columns, limit=limit)
    return Reading(CallKind.DATA, Action.EXPORT, asked, Expected(Shape.ROWS, sheet=columns, header=header), sent)


def _resources(model: Model, args: list[Any], _owner: str | None) -> Reading:
    (ids,) = arguments(args, 1)
    asked = id_list(ids if isinstance(ids, list) else [ids])
    return Reading(CallKind.DATA, Action.SEARCH, resource(model, ids=_own_ids(model, asked)), Expected(Shape.BARE), [ids])


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
    touched = clients(named) if model.name == PARTY else clients(sorted(values.clients))
    act = Action.REASSIGN if values.reassigns else Action.UPDATE
    asked = resource(model, ids=touched, written=values)
    return Reading(CallKind.DATA, act, asked, Expected(Shape.BARE, model=model), sent)


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
    name, which is a question, and the id of a contact names a client that nobody can tell."""
    paths, rows = arguments(args, 2)
    known = {path: sheet(model, [path], None).columns[0].known for path in _names(paths)}
    plain = all(field is not None and field.target is None and not path.endswith("/id") for path, field in known.items())
    if model.name != PARTY or not plain or not isinstance(rows, list):
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
    if (isinstance(cell, int) and not isinstance(cell, bool)) or (isinstance(cell, str) and cell.isascii() and cell.isdecimal()):
        return True
    raise UnreadableError("ids of an import")


type _Read = Callable[[Model, list[Any], str | None], Reading]

_READS: Mapping[str, _Read] = {
    "search": _search,
    "search_count": _search_count,
    "search_read": _search_read,
    "read": _read,
    "export_data": _export,
    "export_data_domain": _export_domain,
    "resources": _resources,
}
_WRITES: Mapping[str, _Read] = {"create": _create, "write": _write, "delete": _delete, "copy": _copy, "import_data": _import}


# what carries no client


def _form(model: Model, verb: str, args: list[Any], say: Say) -> Reading:
    """A form that thinks along. With its own id Tryton would answer from the stored record: the id is taken out."""
    sent = args
    if verb == "default_get":
        names, *_ = arguments(args, 1, True, True)
        _names(names)
    elif verb != "autocomplete":
        if not args or not isinstance(args[0], dict):
            raise UnreadableError("record of a form")
        sent = [{key: value for key, value in args[0].items() if key != "id"}, *args[1:]]
        for names in args[1:]:
            _names(names)
    return Reading(CallKind.SYSTEM, expected=Expected(say=say, model=model), args=sent)


def _neutral_method(name: str, verb: str, args: list[Any]) -> Reading:
    if verb in methods.DESCRIPTIONS:
        return _furniture(args, Say.AS_IS)
    match verb:
        case "read":
            ids, names = arguments(args, 2)
            id_list(ids)
        case "search_read":
            domain, offset, limit, order, names = arguments(args, 1, 0, None, None, [])
            _neutral_question(name, domain, offset, limit, order)
        case "search" | "search_count":
            domain, offset, limit, order = arguments(args, 1, 0, None, None)
            _neutral_question(name, domain, offset, limit, order)
            names = []
        case "autocomplete":
            _, domain, limit, order = arguments(args, 1, [], None, None)
            _neutral_question(name, domain if domain is not None else [], 0, limit, order)
            names = []
        case _:
            raise UnreadableError(_unknown(f"model.{name}.{verb}"), unknown=True)
    for field in _names(names if names is not None else []):
        neutral_field(name, field)
    return _furniture(args, Say.AS_IS)


def _neutral_question(name: str, domain: Any, offset: Any, limit: Any, order: Any) -> None:
    neutral_domain(name, domain)
    neutral_order(name, order)
    count(offset, optional=True)
    count(limit, optional=True)


def _furniture(args: list[Any], say: Say) -> Reading:
    return Reading(CallKind.SYSTEM, Action.SYSTEM, _SYSTEM, Expected(say=say), args)


def _preferences(args: list[Any]) -> Reading:
    (values,) = arguments(args, 1)
    if not isinstance(values, dict):
        raise UnreadableError("values")
    if "applications" in values:
        return Reading(CallKind.DATA, Action.GRANT_ACCESS, Resource(type="other", model="res.user.application"), Expected(Shape.BARE), args)
    return _furniture(args, Say.AS_IS)


# documents and wizards


def _report(args: list[Any]) -> Reading:
    ids, data = arguments(args, 1, {})
    named = clients(id_list(ids))
    if not isinstance(data, dict) or data.get("model", PARTY) != PARTY or data.get("ids", ids) != ids or data.get("id", ids[0]) != ids[0]:
        raise UnreadableError("data of a report")
    asked = Resource(type="client", model=PARTY, ids=named, fields=frozenset({"document"}), contact_fields=frozenset({"document"}))
    return Reading(CallKind.DATA, Action.REPORT, asked, Expected(Shape.SEALED, ids=named), [ids, {"model": PARTY, "ids": ids}])


def _wizard(step: str, action: Action, args: list[Any], context: Mapping[str, Any]) -> Reading:
    if step == "delete":
        return _furniture(args, Say.AS_IS)
    if step not in ("create", "execute"):
        raise UnreadableError("step of a wizard", unknown=True)
    named = set(id_list(context.get("active_ids") or [])) if context.get("active_model") == PARTY else set()
    if step == "execute":
        named |= _numbers_in(args[1:])
    if not named:
        raise UnreadableError("wizard without its clients", unknown=True)
    ids = clients(sorted(named))
    asked = Resource(type="client", model=PARTY, ids=ids)
    return Reading(CallKind.DATA, action, asked, Expected(Shape.SEALED, ids=ids), args)


def _numbers_in(value: Any) -> set[int]:
    """Every positive whole number in what a wizard was given: each may name a client."""
    if isinstance(value, dict):
        return {number for item in value.values() for number in _numbers_in(item)}
    if isinstance(value, list):
        return {number for item in value for number in _numbers_in(item)}
    return {value} if isinstance(value, int) and not isinstance(value, bool) and value > 0 else set()


# arguments


def _own_ids(model: Model, ids: list[int]) -> tuple[ClientId, ...] | None:
    return clients(ids) if model.name == PARTY else None


def _names(value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UnreadableError("field names")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnreadableError("header flag")
    return value
