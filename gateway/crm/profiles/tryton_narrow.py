"""Puts the filter of a plan beside the filter of a call, on every road of Tryton that takes one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gateway.crm.formats.strict_json import parse
from gateway.crm.profile import Call
from gateway.crm.profiles.tryton_fields import COUNTED, MODELS
from gateway.crm.profiles.tryton_push import Pusher
from gateway.crm.profiles.tryton_reading import Expected
from gateway.crm.protocols import rest
from gateway.crm.protocols.jsonrpc import RpcCall
from gateway.exchange import Request
from policies.request import Channel, ClientId
from policies.tree import Node, attributes_of

_FILTERING = frozenset({"search", "search_count", "search_read", "export_data_domain"})
"""Methods whose first argument is a filter."""
_TRANSLATED = frozenset({"categories"})
"""Attributes whose values Tryton translates: a filter compares them in the caller's language, rules see them in the CRM's own."""
_NUMBERS_ONLY = frozenset({"search", "search_count"})
"""Methods whose answer is the same in every language."""


def narrowed(call: Call, expected: Expected, tree: Node, own: frozenset[ClientId]) -> tuple[Call, bool]:
    """The call with the tree's filter, and whether nothing else passes it."""
    model = MODELS.get(call.resource.model) or COUNTED.get(call.resource.model)
    domain = _domain(call, expected)
    if model is None or domain is None:
        return call, False
    prefix = "" if model.link == "id" else f"{model.link}."
    pushed = Pusher(prefix, own, only_active=not prefix and _only_active(domain, _context(call, expected))).push(tree)
    if not pushed.domain:
        return call, pushed.exact
    both = ["AND", domain, pushed.domain] if domain else pushed.domain
    is_translated = not _TRANSLATED.isdisjoint(attributes_of(tree))
    if expected.rpc is not None:
        *args, about = expected.rpc.params[1:]
        if is_translated and expected.rpc.method.rpartition(".")[2] in _NUMBERS_ONLY:
            about, is_translated = {name: value for name, value in about.items() if name != "language"}, False
        rpc = RpcCall(expected.rpc.id, expected.rpc.method, [both, *args, about])
        changed = replace(call, upstream=replace(call.upstream, body=rpc.body()), context=replace(expected, rpc=rpc))
    else:
        text = rest.encode(both) if call.channel is Channel.REST else json.dumps(both, separators=(",", ":"))
        changed = replace(call, upstream=_with_filter(call.upstream, text))
    return changed, pushed.exact and not (is_translated and _names_language(call, expected))


def _domain(call: Call, expected: Expected) -> Any:
    """The filter of a call as it is sent; None: it takes none."""
    if expected.rpc is not None:
        method = expected.rpc.method.rpartition(".")[2]
        return expected.rpc.params[0] if method in _FILTERING else None
    if call.upstream.method != "GET" or expected.single:
        return None
    given = dict(call.upstream.query).get("d")
    if given is None:
        return []
    domain = rest.decode(given) if call.channel is Channel.REST else parse(given)
    return None if domain and isinstance(domain[0], int) else domain  # a table of named records


def _context(call: Call, expected: Expected) -> Any:
    if expected.rpc is not None:
        return expected.rpc.params[-1]
    given = dict(call.upstream.query).get("c")
    return {} if given is None else parse(given)


def _names_language(call: Call, expected: Expected) -> bool:
    """Whether the caller chose the language that is filtered in."""
    if expected.rpc is None and (call.upstream.header("accept-language") is not None or "l" in dict(call.upstream.query)):
        return True
    about = _context(call, expected)
    return isinstance(about, dict) and bool(about.get("language"))


def _only_active(domain: Any, about: Any) -> bool:
    """Whether Tryton leaves inactive records out by itself: unless the filter or the context speaks of them."""
    told = isinstance(about, dict) and about.get("active_test", True) is not True
    return not told and not _speaks_of_active(domain)


def _speaks_of_active(domain: Any) -> bool:
    if not isinstance(domain, list) or not domain:
        return False
    if isinstance(domain[0], str) and domain[0] not in ("AND", "OR"):
        return domain[0] == "active"
    return any(_speaks_of_active(part) for part in domain)


def _with_filter(request: Request, text: str) -> Request:
    rest_of = [(name, value) for name, value in request.query if name != "d"]
    return replace(request, query=(("d", text), *rest_of))
