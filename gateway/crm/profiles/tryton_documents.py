"""Reads Tryton's reports and wizards: they go as a whole or not at all, for the clients that the call names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.crm.profile import CallKind, UnreadableError
from gateway.crm.profiles.tryton_fields import PARTY
from gateway.crm.profiles.tryton_furniture import furniture
from gateway.crm.profiles.tryton_methods import Say
from gateway.crm.profiles.tryton_reading import Expected, Reading, Shape, arguments, clients, id_list
from policies.request import Action, Resource


def report(args: list[Any]) -> Reading:
    ids, data = arguments(args, 1, {})
    named = clients(id_list(ids))
    if (
        not named
        or not isinstance(data, dict)
        or data.get("model", PARTY) != PARTY
        or data.get("ids", ids) != ids
        or data.get("id", ids[0]) != ids[0]
    ):
        raise UnreadableError("data of a report")
    asked = Resource(type="client", model=PARTY, ids=named, fields=frozenset({"document"}), contact_fields=frozenset({"document"}))
    return Reading(CallKind.DATA, Action.REPORT, asked, Expected(Shape.SEALED, ids=named), [ids, {"model": PARTY, "ids": ids}])


def wizard(step: str, action: Action, args: list[Any], context: Mapping[str, Any]) -> Reading:
    if step == "delete":
        return furniture(args, Say.AS_IS)
    if step not in ("create", "execute"):
        raise UnreadableError("step of a wizard", unknown=True)
    named = _active(context)
    if step == "execute":
        named |= _numbers_in(args[1:])
    if not named:
        raise UnreadableError("wizard without its clients", unknown=True)
    ids = clients(sorted(named))
    asked = Resource(type="client", model=PARTY, ids=ids)
    return Reading(CallKind.DATA, action, asked, Expected(Shape.SEALED, ids=ids), args)


def _active(context: Mapping[str, Any]) -> set[int]:
    """The clients that the wizard was opened on: the marked ones, and the one that its form is filled with."""
    if context.get("active_model") != PARTY:
        return set()
    one = context.get("active_id")
    return set(id_list(context.get("active_ids") or [])) | set(id_list([] if one is None else [one]))


def _numbers_in(value: Any) -> set[int]:
    """Every positive whole number in what a wizard was given: each may name a client.

    Raises UnreadableError for a truth value, which Tryton would take for the number 1.
    """
    if isinstance(value, bool):
        raise UnreadableError("truth value in a wizard")
    if isinstance(value, dict):
        return {number for item in value.values() for number in _numbers_in(item)}
    if isinstance(value, list):
        return {number for item in value for number in _numbers_in(item)}
    return {value} if isinstance(value, int) and value > 0 else set()
