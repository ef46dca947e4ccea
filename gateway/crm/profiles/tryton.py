"""Tryton 8.0 behind the gateway: its RPC, its CSV download, its REST interface and its web client's files.

Everything that is not read here is unknown and denied: XML-RPC, Basic, REST actions and reports, the message bus, the HTML editor,
pictures, other databases. What goes upstream is written anew from what was read, so that it cannot have a second reading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.crm.formats.strict_json import JsonError, dump, parse
from gateway.crm.profile import Answer, Call, CallKind, Client, Credential, FullRead, Refusal, UnreadableError
from gateway.crm.profiles import tryton_identity as identity
from gateway.crm.profiles import tryton_methods as methods
from gateway.crm.profiles.tryton_attributes import ATTRIBUTES, read_of
from gateway.crm.profiles.tryton_attributes import read as read_attributes
from gateway.crm.profiles.tryton_fields import MODELS
from gateway.crm.profiles.tryton_full_read import full_read
from gateway.crm.profiles.tryton_narrow import narrowed
from gateway.crm.profiles.tryton_order import by_number
from gateway.crm.profiles.tryton_outcome import read_outcome, scrub_outcome, unpacked
from gateway.crm.profiles.tryton_reading import Expected, Reading, Shape, context
from gateway.crm.profiles.tryton_roads import read_csv, read_rest
from gateway.crm.profiles.tryton_rpc import read_method
from gateway.crm.profiles.tryton_texts import refused
from gateway.crm.profiles.tryton_write import without_masks
from gateway.crm.protocols.jsonrpc import RpcCall, is_json, read_answer, read_call
from gateway.exchange import Headers, Request, Response
from policies.decision import Obligations
from policies.request import Action, Channel, ClientId, Resource, Value
from policies.tree import Node
from policies.vocabulary import Vocabulary

NAME = "tryton"
SHELL = frozenset({"/", "/index.html"})
_STATIC = re.compile(
    r"/(?:(?:dist|images|locale|node_modules|sounds|theme)(?:/[A-Za-z0-9_@][A-Za-z0-9_@.-]*)*/)?"
    r"[A-Za-z0-9_@][A-Za-z0-9_@.-]*\.(?:js|mjs|css|json|svg|png|ico|jpg|gif|webp|woff2?|ttf|eot|otf|mp3|ogg|wav|map|md)"
)
"""A file on top or in one of the web client's own folders: the first segment of any other path names a database."""
_USER = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_LANGUAGE = re.compile(r"[A-Za-z0-9,;=.*\- ]{1,200}")
_LOGIN_MARK = "common.db.login"


@dataclass(frozen=True, slots=True)
class Tryton:
    """The profile of Tryton 8.0."""

    database: str
    """First segment of Tryton's paths."""
    owner_field: str | None = None
    """Field of `party.party` that names a client's owner, with one dot at most (`account_manager.login`)."""
    name: str = field(default=NAME, init=False)

    def vocabulary(self) -> Vocabulary:
        """Every field of every record type that is judged."""
        fields = {name for model in MODELS.values() for name in model.fields}
        contacts = {name for model in MODELS.values() for name, known in model.fields.items() if known.contact}
        return Vocabulary(profile=self.name, fields=frozenset(fields), contact_fields=frozenset(contacts), record=ATTRIBUTES | {"own"})

    def read(self, request: Request) -> Call:
        """Read a request. Raises UnreadableError."""
        path, root = request.path, f"/{self.database}/"
        if not path.startswith(root):
            return _public_rpc(request) if path == "/rpc/" else _file(request)
        road = path.removeprefix(root)
        if road in ("rpc/", "session/login", "session/logout", "user/application/"):
            if request.method != "POST" or request.query:
                raise UnreadableError("address of the CRM", unknown=True)
            return self._post(road, request)
        if road.startswith("data/"):
            reading, sent = read_csv(road.removeprefix("data/"), request, self.owner_field)
            # The web client opens it in an empty tab of its own: held open there, nobody would see why.
            return replace(_call(request, reading, sent, Channel.DOWNLOAD, f"csv {reading.resource.model}"), waits=False)
        if road.startswith("rest/"):
            reading, sent = read_rest(road.removeprefix("rest/"), request, self.owner_field)
            return _call(request, reading, sent, Channel.REST, f"rest {request.method} {reading.resource.model}")
        raise UnreadableError("address of the CRM", unknown=True)

    def with_obligations(self, call: Call, obligations: Obligations) -> Call:
        """The call without masks among its values, and without an order that tells what is hidden; all else waits for the answer."""
        expected = _expected(call)
        model, rpc = expected.model, expected.rpc
        if model is None or not call.resource.written_fields:
            return by_number(call, expected, obligations.hidden)
        drop = obligations.drop_written
        if rpc is None:
            body = _dumped(without_masks(model, _parsed(call.upstream.body), drop))
            return replace(call, upstream=replace(call.upstream, body=body))
        *args, last = rpc.params
        if call.action is Action.CREATE or len(args) == 1:
            sent: list[Any] = [[without_masks(model, values, drop) for values in args[0]]]
        else:
            sent = [without_masks(model, part, drop) if place % 2 else part for place, part in enumerate(args)]
        changed = RpcCall(rpc.id, rpc.method, [*sent, last])
        upstream = replace(call.upstream, body=changed.body())
        return replace(call, upstream=upstream, context=replace(expected, rpc=changed))

    def narrowed(self, call: Call, tree: Node, own: frozenset[ClientId]) -> tuple[Call, bool]:
        """The call with the plan's filter beside its own."""
        return narrowed(call, _expected(call), tree, own)

    def attribute_read(self, call: Call, ids: Sequence[ClientId], names: frozenset[str]) -> tuple[Request, tuple[ClientId, ...]]:
        """A read of clients by the interface that the call's credential opens."""
        return read_of(self.database, call.upstream, ids, names, by_rest=call.channel is Channel.REST)

    def attributes(self, call: Call, response: Response, names: frozenset[str]) -> Mapping[ClientId, Mapping[str, Value]]:
        """The answer to `attribute_read`. Raises UninspectableError."""
        return read_attributes(response, names, unpacked(response), by_rest=call.channel is Channel.REST)

    def answer(self, call: Call, response: Response) -> Answer:
        """Read the answer to a DATA call. Raises UninspectableError."""
        return read_outcome(_expected(call), response, self.owner_field, call.upstream.body)

    def credential_issued(self, call: Call, response: Response) -> tuple[Credential, str] | None:
        """The session of a sign-in, or a new REST key. Raises UninspectableError for an answer that is neither that nor a refusal."""
        if call.account is None or response.status != 200:
            return None
        if call.kind is CallKind.DATA:
            key = _parsed_or_none(response.body)
            return (Credential("api_key", key), call.account) if isinstance(key, str) and identity.is_token(key) else None
        token = identity.issued(response)
        if token is not None:
            return Credential("session", token), call.account
        result = read_answer(response.body).result
        if isinstance(result, list) and len(result) == 3 and identity.is_token(result[1]):
            return Credential("token", result[1]), call.account
        return None

    def asks_on(self, call: Call, response: Response) -> bool:
        """Tryton asks for the password, and for a second factor, by an error of this name. Raises UninspectableError."""
        return response.status == 200 and (read_answer(response.body).error or [None])[0] == "LoginException"

    def scrub(self, call: Call, response: Response) -> Response:
        """An answer without clients as it goes out. Raises UninspectableError."""
        return scrub_outcome(call.kind, _expected(call), response, shell=self.is_shell(call.upstream))

    def is_shell(self, request: Request) -> bool:
        """True for the web client's one page."""
        return request.method == "GET" and request.path in SHELL

    def refuse(self, call: Call | None, request: Request, refusal: Refusal) -> Response:
        """The refusal in the shape that this client shows to a person."""
        if request.path == f"/{self.database}/bus":
            return Response(501)  # the web client's word for "no message bus here": it does not ask again
        at_login = request.path == f"/{self.database}/session/login"
        in_rpc = at_login or request.path in ("/rpc/", f"/{self.database}/rpc/")
        client = call.client if call is not None else _client(request)
        return refused(client, refusal, _rpc_id(request) if in_rpc else None, in_rpc=in_rpc, at_login=at_login, instance=request.path)

    def full_read(self, account: str, password: str) -> FullRead:
        """All clients, over JSON-RPC."""
        return full_read(self.database, account, password)

    def _post(self, road: str, request: Request) -> Call:
        if road == "session/logout":
            if not is_json(request.header("content-type")) or _parsed(request.body) not in ({}, None):
                raise UnreadableError("body of a sign-out")
            sent = replace(request, body=b"{}")
            return _call(request, Reading(CallKind.LOGOUT), sent, Channel.WEB, "session logout")
        if road == "user/application/":
            return _new_key(request)
        rpc = read_call(request.header("content-type"), request.body)
        if rpc.method == _LOGIN_MARK:
            return _login(request, rpc, road)
        if road != "rpc/":
            raise UnreadableError("method of a sign-in", unknown=True)
        if rpc.method == "common.db.logout":
            sent_call = RpcCall(rpc.id, rpc.method, [])
            reading = Reading(CallKind.LOGOUT, expected=Expected(rpc=sent_call))
        else:
            if not rpc.params:
                raise UnreadableError("context of a call")
            about = context(rpc.params[-1])
            reading = read_method(rpc.method, rpc.params[:-1], about, self.owner_field)
            args = reading.args if reading.args is not None else rpc.params[:-1]
            sent_call = RpcCall(rpc.id, rpc.method, [*args, about])
            reading = replace(reading, expected=replace(reading.expected, rpc=sent_call))
        channel = Channel.WEB if _client(request) is Client.APP else Channel.API
        call = _call(request, reading, replace(request, body=sent_call.body()), channel, f"rpc {rpc.method}")
        # The web client reads one record's missing fields synchronously: held open, that freezes the page and our script with it.
        return replace(call, waits=not (rpc.method.endswith(".read") and reading.resource.limit == 1))


def profile(*, database: str, owner_field: str | None) -> Tryton:
    """The profile with its settings. Raises ValueError for a database name or field that cannot be one."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,63}", database):
        raise ValueError(f"crm.database: {database!r} is no name of a Tryton database")
    if owner_field is not None and not re.fullmatch(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?", owner_field):
        raise ValueError(f"crm.owner_field: {owner_field!r} is no field of party.party")
    return Tryton(database, owner_field)


# roads without a sign-in


def _file(request: Request) -> Call:
    """A file of the web client."""
    if request.method not in ("GET", "HEAD") or not (request.path in SHELL or _STATIC.fullmatch(request.path)):
        raise UnreadableError("address of the CRM", unknown=True)
    sent = replace(request, headers=_headers(request, ()), body=b"")
    return Call(CallKind.PUBLIC, _client(request), Channel.WEB, "file", sent, context=Expected())


def _public_rpc(request: Request) -> Call:
    if request.method != "POST" or request.query:
        raise UnreadableError("address of the CRM", unknown=True)
    rpc = read_call(request.header("content-type"), request.body)
    if rpc.method not in methods.PUBLIC or rpc.params:
        raise UnreadableError("method without a sign-in", unknown=True)
    sent = replace(request, headers=_headers(request, ()), body=rpc.body())
    return Call(CallKind.PUBLIC, _client(request), Channel.WEB, f"rpc {rpc.method}", sent, context=Expected(rpc=rpc))


def _login(request: Request, rpc: RpcCall, road: str) -> Call:
    """A sign-in carries no credential upstream: an old session must not decide anything about a new one."""
    if not 2 <= len(rpc.params) <= 3:
        raise UnreadableError("sign-in")
    user, parameters, *language = rpc.params
    if not isinstance(user, str) or not _USER.fullmatch(user) or not isinstance(parameters, dict):
        raise UnreadableError("sign-in")
    if not all(value is None or isinstance(value, str) for value in (*parameters.values(), *language)):
        raise UnreadableError("sign-in")
    channel = Channel.WEB if road == "session/login" else Channel.API
    sent = replace(request, headers=_headers(request, ()), body=rpc.body())
    return Call(
        kind=CallKind.LOGIN,
        client=_client(request),
        channel=channel,
        route=f"rpc {rpc.method}",
        upstream=sent,
        action=Action.LOGIN,
        account=user,
        replaces=identity.replaced(request),
        context=Expected(rpc=rpc),
    )


def _new_key(request: Request) -> Call:
    """A new REST key. Tryton gives it to anybody who asks in anybody's name; here it takes a sign-in and a decision."""
    if not is_json(request.header("content-type")):
        raise UnreadableError("content type of a call")
    body = _parsed(request.body)
    if not isinstance(body, dict) or body.keys() != {"user", "application"} or not all(isinstance(value, str) for value in body.values()):
        raise UnreadableError("members of a call")
    asked = Resource(type="other", model="res.user.application")
    reading = Reading(CallKind.DATA, Action.GRANT_ACCESS, asked, Expected(Shape.BARE, rest=True, makes_key=True), account=body["user"])
    return _call(request, reading, replace(request, body=_dumped(body)), Channel.API, "new REST key")


# pieces


def _call(request: Request, reading: Reading, sent: Request, channel: Channel, route: str) -> Call:
    credential, carried = identity.present(request, rest=channel is Channel.REST)
    extra = carried
    if channel is Channel.REST and request.method == "GET" and (page := request.header("range")) is not None:
        extra = (*carried, ("range", page))
    sent = replace(sent, headers=_headers(request, extra))
    held = reading.kind is CallKind.DATA and reading.action in _HELD_BEFORE
    return Call(
        reading.kind,
        _client(request),
        channel,
        route,
        sent,
        credential,
        reading.action,
        reading.resource,
        account=reading.account,
        held_before=held,
        written=_written(reading, sent) if held else b"",
        takes_mark=reading.expected.shape is Shape.ROWS,
        context=reading.expected,
    )


def _written(reading: Reading, sent: Request) -> bytes:
    """What a writing call says, without its number and its context, which change from one try to the next.

    Of the context the versions of the records that were seen (`_timestamp`) are kept: with others it is another act, and Tryton refuses
    to write over what has changed since (attacks X15).
    """
    rpc = reading.expected.rpc
    return sent.body if rpc is None else _dumped([rpc.method, rpc.params[:-1], rpc.params[-1].get("_timestamp")])


_HELD_BEFORE = frozenset(
    {Action.CREATE, Action.UPDATE, Action.DELETE, Action.REASSIGN, Action.SHARE, Action.COPY, Action.BULK, Action.GRANT_ACCESS}
)


def _headers(request: Request, carried: Headers) -> Headers:
    """The headers that Tryton gets: only those that it needs, so that none of them has a meaning that was not judged.

    `Origin` was judged by the gateway (Tryton would compare it with its own address). `X-Requested-With` keeps Tryton from asking the
    browser for a password of its own.
    """
    headers: list[tuple[str, str]] = [("x-requested-with", "XMLHttpRequest")]
    if request.method not in ("GET", "HEAD"):
        headers += [("content-type", "application/json"), ("accept", "application/json")]
    language = request.header("accept-language")
    if language is not None and _LANGUAGE.fullmatch(language) and "/rest/" in request.path:
        headers.append(("accept-language", language))
    return (*headers, *carried)


def _client(request: Request) -> Client:
    mode = request.header("sec-fetch-mode")
    if mode == "navigate":
        return Client.PAGE
    if mode is not None and request.header("sec-fetch-site") == "same-origin":
        return Client.APP
    return Client.SCRIPT


def _rpc_id(request: Request) -> Any:
    """The number of the call, for the web client shows an answer only if it repeats it; null if it cannot be read."""
    body: Mapping[str, Any] | None = _parsed_or_none(request.body)
    number = body.get("id") if isinstance(body, dict) else None
    return number if isinstance(number, (int, str)) and not isinstance(number, bool) and len(str(number)) <= 64 else None


def _expected(call: Call) -> Expected:
    if not isinstance(call.context, Expected):
        raise TypeError("a call that this profile did not read")
    return call.context


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except JsonError as error:
        raise UnreadableError(error.what) from error


def _parsed_or_none(body: bytes) -> Any:
    try:
        return parse(body)
    except JsonError:
        return None


def _dumped(value: Any) -> bytes:
    try:
        return dump(value)
    except JsonError as error:
        raise UnreadableError(error.what) from error
