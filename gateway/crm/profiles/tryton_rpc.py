"""Reads Tryton's RPC calls: which act it is, which clients and fields, what is sent (attacks X4, X5, X6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles import tryton_methods as methods
from gateway.crm.profiles.tryton_changes import CHANGES
from gateway.crm.profiles.tryton_documents import report, wizard
from gateway.crm.profiles.tryton_domain import Questions
from gateway.crm.profiles.tryton_fields import COUNTED, MODELS, Model
from gateway.crm.profiles.tryton_furniture import form, furniture, neutral_method, preferences, saved_exports
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_plan import plan
from gateway.crm.profiles.tryton_reading import (
    Expected,
    Reader,
    Reading,
    Shape,
    arguments,
    count,
    flag,
    id_list,
    names_of,
    own_ids,
    resource,
    unknown_method,
)
from gateway.crm.profiles.tryton_rows import sheet
from policies.request import Action, Resource

_MODEL_METHOD = re.compile(r"model\.([a-z][a-z0-9_.-]*)\.([a-z][a-z0-9_]*)")
_CARD_FIELDS = 3
"""A read of one record with more fields than this, or with a contact value, is the opening of a card."""
_ON_CHANGE = re.compile(r"on_change_(?:with_)?[a-z0-9_]+")


def read_method(method: str, args: list[Any], context: Mapping[str, Any], owner_field: str | None) -> Reading:
    """Read a call that needs a sign-in. Raises UnreadableError, also for everything that is not known."""
    if method == "model.ir.export.get":
        return saved_exports(args)
    if method in methods.FURNITURE:
        return furniture(args, methods.FURNITURE[method])
    if method == "model.res.user.set_preferences":
        return preferences(args)
    if method in methods.OUTBOUND:
        return Reading(CallKind.DATA, Action.SHARE, Resource(type="client", model=method), Expected(Shape.BARE), args)
    if method.startswith(methods.CREDENTIALS):
        return Reading(CallKind.DATA, Action.GRANT_ACCESS, Resource(type="other", model="res.user.application"), Expected(Shape.BARE), args)
    if method in methods.REPORTS:
        return report(args)
    for prefix, act in methods.WIZARDS.items():
        if method.startswith(prefix):
            return wizard(method.removeprefix(prefix), Action(act), args, context)
    match = _MODEL_METHOD.fullmatch(method)
    if match is not None:
        name, verb = match.groups()
        if name in MODELS:
            return _client_method(MODELS[name], verb, args, owner_field)
        if name in COUNTED and verb == "search_count":
            return _search_count(COUNTED[name], args)
        if name in methods.NEUTRAL_MODELS:
            return neutral_method(name, verb, args)
    raise UnreadableError(unknown_method(method), unknown=True)


def _client_method(model: Model, verb: str, args: list[Any], owner_field: str | None) -> Reading:
    if verb in _READS:
        return _READS[verb](model, args, owner_field)
    if verb in CHANGES:
        return CHANGES[verb](model, args, owner_field)
    if verb in methods.DESCRIPTIONS:
        return furniture(args, Say.AS_IS)
    if verb in methods.FORMS:
        return form(model, verb, args, methods.FORMS[verb])
    if _ON_CHANGE.fullmatch(verb):
        return form(model, verb, args, Say.NO_LINKS)
    raise UnreadableError(unknown_method(f"model.{model.name}.{verb}"), unknown=True)


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
    node = plan(model, names_of(names if names is not None else ["id"]), owner_field)
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
    ids, node = id_list(ids), plan(model, names_of(names), owner_field)
    asked = resource(model, ids=own_ids(model, ids), node=node, limit=len(ids))
    is_card = len(ids) == 1 and (len(asked.fields) > _CARD_FIELDS or bool(asked.contact_fields))
    act = Action.READ if is_card else Action.LIST
    return Reading(CallKind.DATA, act, asked, Expected(Shape.RECORDS, node=node), [ids, node.upstream()])


def _export(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    ids, paths, header = arguments(args, 2, False)
    ids, columns = id_list(ids), sheet(model, names_of(paths), owner_field)
    expected = Expected(Shape.ROWS, sheet=columns, header=flag(header))
    asked = resource(model, ids=own_ids(model, ids), node=columns, limit=len(ids))
    return Reading(CallKind.DATA, Action.EXPORT, asked, expected, [ids, columns.upstream(), header])


def _export_domain(model: Model, args: list[Any], owner_field: str | None) -> Reading:
    domain, paths, offset, limit, order, header = arguments(args, 2, 0, None, None, False)
    questions, columns = Questions(), sheet(model, names_of(paths), owner_field)
    sent = [
        questions.domain(domain, model),
        columns.upstream(),
        count(offset, optional=False),
        count(limit, optional=True),
        questions.order(order, model),
        flag(header),
    ]
    asked = resource(model, questions, node=columns, limit=limit)
    return Reading(CallKind.DATA, Action.EXPORT, asked, Expected(Shape.ROWS, sheet=columns, header=header), sent)


def _resources(model: Model, args: list[Any], _owner: str | None) -> Reading:
    (ids,) = arguments(args, 1)
    asked = id_list(ids if isinstance(ids, list) else [ids])
    return Reading(CallKind.DATA, Action.SEARCH, resource(model, ids=own_ids(model, asked)), Expected(Shape.BARE), [ids])


_READS: Mapping[str, Reader] = {
    "search": _search,
    "search_count": _search_count,
    "search_read": _search_read,
    "read": _read,
    "export_data": _export,
    "export_data_domain": _export_domain,
    "resources": _resources,
}
