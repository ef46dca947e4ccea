"""Reads Tryton's calls that carry no client: forms that think along, word lists, preferences."""

from __future__ import annotations

from typing import Any

from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles import tryton_methods as methods
from gateway.crm.profiles.tryton_domain import neutral_domain, neutral_field, neutral_order
from gateway.crm.profiles.tryton_fields import Model
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_reading import Expected, Reading, Shape, arguments, count, id_list, names_of, unknown_method
from policies.masks import HIDDEN, is_mask
from policies.request import Action, Resource

_SYSTEM = Resource(type="system")


def form(model: Model, verb: str, args: list[Any], say: Say) -> Reading:
    """A form that thinks along. With its own id Tryton would answer from the stored record: the id is taken out.

    Of a mask only the bullets are sent: Tryton would read letters and digits behind them as a number, write it properly, and the form
    would store that (law 5).
    """
    sent = args
    if verb == "default_get":
        names, *_ = arguments(args, 1, True, True)
        names_of(names)
    elif verb != "autocomplete":
        if not args or not isinstance(args[0], dict):
            raise UnreadableError("record of a form")
        sent = [{key: _bullets(value) for key, value in args[0].items() if key != "id"}, *args[1:]]
        for names in args[1:]:
            names_of(names)
    return Reading(CallKind.SYSTEM, expected=Expected(say=say, model=model), args=sent)


def _bullets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bullets(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_bullets(one) for one in value]
    return HIDDEN if is_mask(value) else value


def neutral_method(name: str, verb: str, args: list[Any]) -> Reading:
    if verb in methods.DESCRIPTIONS:
        return furniture(args, Say.AS_IS)
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
            raise UnreadableError(unknown_method(f"model.{name}.{verb}"), unknown=True)
    for field in names_of(names if names is not None else []):
        neutral_field(name, field)
    return furniture(args, Say.AS_IS)


def _neutral_question(name: str, domain: Any, offset: Any, limit: Any, order: Any) -> None:
    neutral_domain(name, domain)
    neutral_order(name, order)
    count(offset, optional=True)
    count(limit, optional=True)


def furniture(args: list[Any], say: Say) -> Reading:
    return Reading(CallKind.SYSTEM, Action.SYSTEM, _SYSTEM, Expected(say=say), args)


def preferences(args: list[Any]) -> Reading:
    (values,) = arguments(args, 1)
    if not isinstance(values, dict):
        raise UnreadableError("values")
    if "applications" in values:
        return Reading(CallKind.DATA, Action.GRANT_ACCESS, Resource(type="other", model="res.user.application"), Expected(Shape.BARE), args)
    return furniture(args, Say.AS_IS)


def saved_exports(args: list[Any]) -> Reading:
    """The columns of exports that were saved under a name: descriptions, but the caller names the fields."""
    _, names = arguments(args, 2)
    for name in names_of(names):
        neutral_field("ir.export", name)
    return furniture(args, Say.AS_IS)
