"""Tryton's own sort order, where it would tell what is hidden: it sorts clients by name, and what hangs on them by their clients' names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.crm.profile import Call
from gateway.crm.profiles.tryton_fields import ADDRESS, CONTACT, PARTY
from gateway.crm.profiles.tryton_reading import Expected, Shape
from gateway.crm.protocols import rest
from gateway.crm.protocols.jsonrpc import RpcCall
from policies.masks import covers

_SORTED_BY: Mapping[str, str] = {PARTY: "name", CONTACT: "party.name", ADDRESS: "party.name"}
"""Model -> the field that its records come sorted by if the caller names no order (`_order` in Tryton's module `party`)."""
_BY_NUMBER = [["id", "ASC"]]
_PLACES: Mapping[str, int] = {"search": 3, "search_read": 3, "export_data_domain": 4}
"""Method -> place of the sort order among its arguments."""


def by_number(call: Call, expected: Expected, hidden: frozenset[str]) -> Call:
    """The call with an order of its own where it names none and Tryton's would follow a field that is hidden from the person."""
    sorted_by = _SORTED_BY.get(call.resource.model)
    if sorted_by is None or not any(covers(name, sorted_by) for name in hidden):
        return call
    if expected.rpc is not None:
        return _rpc(call, expected, expected.rpc)
    query = call.upstream.query
    if any(name == "o" for name, _ in query):
        return call
    if expected.separator is not None:
        order = ("o", "id,ASC")
    elif expected.shape is Shape.RECORDS and not expected.single:
        order = ("o", rest.encode(_BY_NUMBER))
    else:
        return call
    return replace(call, upstream=replace(call.upstream, query=(*query, order)))


def _rpc(call: Call, expected: Expected, rpc: RpcCall) -> Call:
    place = _PLACES.get(rpc.method.rpartition(".")[2])
    if place is None or rpc.params[place] is not None:
        return call
    changed = RpcCall(rpc.id, rpc.method, [*rpc.params[:place], _BY_NUMBER, *rpc.params[place + 1 :]])
    return replace(call, upstream=replace(call.upstream, body=changed.body()), context=replace(expected, rpc=changed))
