"""The library's own parts, where they must be stricter on the way out: last gate before a server, early answers, WebSockets, tunnels.

The addon's hooks decide; these layers see to it that nothing goes to a server that no hook has judged, whatever the library does.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator

import wsproto.events
from h11._readers import ContentLengthReader
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import http as library
from mitmproxy.proxy.layers import tcp, websocket
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    HttpEvent,
    RequestData,
    RequestHeaders,
    RequestTrailers,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server
from mitmproxy.websocket import WebSocketMessage
from wsproto.connection import ConnectionState
from wsproto.frame_protocol import Opcode

MAX_ANSWER_HEAD_BYTES = 256 * 1024
"""Raw bytes of a server's head."""
MAX_PIECES = 4_096
"""Pieces of a body that are kept apart."""
MAX_CRUMBS, CRUMB_BYTES = 100_000, 64
"""So many pieces, smaller than this on average, are no upload but work made for us: the body is not read further."""
ANNOUNCED = "torwart-announced"
"""Key in a flow's metadata: bytes of a body that is not read further, being too large or in crumbs."""
STOPPED = "torwart-stopped"
"""Key in a flow's metadata: a message was stopped, with the reason for the client."""
ENDED = "Torwart: access ended / Zugang beendet"
"""What a client is told when its person may do nothing any more."""
CONTROL_BYTES = 16
"""Bytes of a ping that go on: programs tell their pings apart by a few."""
GOING_AWAY, POLICY_VIOLATION = 1001, 1008
"""RFC 6455, section 7.4.1."""
_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)[0-9]{2}")
_CAN_CLOSE = frozenset({ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING})


class Judged(http.Request):
    """A request that was judged: written anew, and the only kind that is sent to a server."""


class Server(Http1Server):
    """The side of a client."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """As the library's own, but a piece of a body whose length was announced goes on as it came: the library copies it four times,
        which a large upload feels twice, in the time of the copies and in what they drive out of the processor's cache."""
        if (
            isinstance(event, events.DataReceived)
            and self.state == self.read_body
            and not self.buf  # nothing that came before it waits to be read
            and isinstance(self.body_reader, ContentLengthReader)
            and 0 < len(event.data) <= self.body_reader._remaining
        ):
            self.body_reader._remaining -= len(event.data)
            yield ReceiveHttp(RequestData(self.stream_id, bytes(event.data)))
            if not self.body_reader._remaining:
                yield from self.read_body(events.DataReceived(self.conn, b""))  # tells the end
            return
        yield from super()._handle_event(event)


class SealedClient(Http1Client):
    """The last gate before the wire to a server: what was not judged ends both connections."""

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        """As the library's own, for judged requests and for the two directions of an upgraded connection."""
        if self.conn.error is not None:  # refused after it was opened, and aborted: its end is what the client is told
            if isinstance(event, RequestHeaders):
                self.stream_id, self.request = event.stream_id, event.request
            return
        if self._may(event):
            yield from super().send(event)
            return
        yield commands.CloseConnection(self.conn)
        yield commands.CloseConnection(self.context.client)

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        """As the library's own, with an end to a server's head, and without interim answers (RFC 9110, section 15.2)."""
        while isinstance(event, events.DataReceived) and _INTERIM.match(bytes(self.buf)[:13]):
            if self.buf.maybe_extract_lines() is None:
                break
        if isinstance(event, events.DataReceived) and len(self.buf) > MAX_ANSWER_HEAD_BYTES and self.stream_id is not None:
            yield commands.CloseConnection(self.conn)
            error = ResponseProtocolError(self.stream_id, "the server's head is too large", ErrorCode.GENERIC_SERVER_ERROR)
            yield ReceiveHttp(error)
            return
        yield from super().read_headers(event)

    def _may(self, event: HttpEvent) -> bool:
        match event:
            case RequestHeaders():
                return isinstance(event.request, Judged)
            case RequestData():
                upgraded = self.response is not None and self.response.status_code == 101
                return isinstance(self.request, Judged) and (upgraded or event.data is self.request.data.content)
            case RequestTrailers():
                return False
        return True


class Stream(library.HttpStream):
    """One request: it can be answered before its body has come, and no body is read beyond the limit."""

    limit: int = 0
    """Bytes of a body that is read; set by the server before it listens."""
    _pieces: int = 0
    """Pieces in which the body came."""
    _joined: int = 0
    """Pieces of the body, from the first on, that were put together."""
    _mib: int = 0
    crowded: Callable[[], bool]
    """Whether too much is held already, over all connections."""
    refused_early: Callable[[str], None]
    """Called with the connection's id when an answer goes out before the request is over."""

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """Asked by the library before a body and after each piece of it; True ends the request here."""
        if not request:
            return False  # answers go through as they come
        size = len(self.request_body_buf)
        if size:
            self._join()
        else:
            try:
                size = expected_http_body_size(self.flow.request, None) or 0
            except ValueError:
                size = 0
            yield HttpRequestHeadersHook(self.flow)
            if self.flow.response is not None or self.flow.error is not None:
                return (yield from self._answer_now())
        self._pieces += 1
        crumbs = self._pieces > MAX_CRUMBS and size < self._pieces * CRUMB_BYTES
        if size <= self.limit and not crumbs and not self._crowded():
            return False
        self.request_body_buf.clear()  # type: ignore[no-untyped-call]
        self.refused_early(self.context.client.id)
        self.flow.metadata[ANNOUNCED] = size
        yield HttpRequestHook(self.flow)
        return (yield from self._answer_now())

    def _crowded(self) -> bool:
        """Looked at with every further MiB that has come."""
        come = len(self.request_body_buf) >> 20
        if come <= self._mib:
            return False
        self._mib = come
        return self.crowded()

    def _join(self) -> None:
        """Put small pieces together: the library keeps each by itself, and a chunk may be a single byte."""
        pieces = self.request_body_buf._chunks
        if len(pieces) - self._joined >= MAX_PIECES:
            pieces[self._joined :] = [b"".join(pieces[self._joined :])]
            self._joined += 1

    def _answer_now(self) -> layer.CommandGenerator[bool]:
        """Send the answer; what still comes of the request is not looked at."""
        self.client_state = self.state_errored
        self.refused_early(self.context.client.id)
        if (yield from self.check_killed(True)):
            return True
        if self.flow.response is None:
            yield commands.CloseConnection(self.context.client)
            return True
        self.flow.response.timestamp_start = time.time()
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return True
        yield from self.send_response()
        if not self.context.client.tls:  # within TLS the end of the answer is told by its length alone
            yield commands.CloseTcpConnection(self.context.client, half_close=True)
        return True


class Withdrawn(websocket.WebSocketMessageInjected):
    """The person of a WebSocket may do nothing any more."""

    def __init__(self, flow: http.HTTPFlow) -> None:
        super().__init__(flow, WebSocketMessage(Opcode.CLOSE, from_client=False, content=b""))


class Socket(websocket.WebsocketLayer):
    """A WebSocket: control frames of the client carry nothing out, and after a stopped message both ends are closed."""

    def relay_messages(self, event: events.Event) -> layer.CommandGenerator[None]:
        """As the library's own, then the end if a message was stopped, or at once for who may do nothing any more."""
        if isinstance(event, Withdrawn):
            yield from self._end(ENDED)
            return
        yield from super().relay_messages(event)
        if STOPPED in self.flow.metadata and self.flow.live:
            yield from self._end(str(self.flow.metadata[STOPPED]))

    def _end(self, why: str) -> layer.CommandGenerator[None]:
        for ws, close in (
            (self.server_ws, wsproto.events.CloseConnection(GOING_AWAY)),
            (self.client_ws, wsproto.events.CloseConnection(POLICY_VIOLATION, why)),
        ):
            if ws.state in _CAN_CLOSE:
                yield ws.send2(close)
            yield commands.CloseConnection(ws.conn)
        yield websocket.WebsocketEndHook(self.flow)
        self.flow.live = False
        self._handle_event = self.done


class QuietSide(websocket.WebsocketConnection):
    """One end of a WebSocket. What a client puts into pings and into its farewell is no message, so it is left out."""

    def send2(self, event: wsproto.events.Event) -> commands.SendData:
        """As the library's own; towards a server without the words of control frames."""
        if not isinstance(self.conn, Client):
            match event:
                case wsproto.events.Ping(payload=payload) if len(payload) > CONTROL_BYTES:
                    event = wsproto.events.Ping()
                case wsproto.events.Pong(payload=payload) if len(payload) > CONTROL_BYTES:
                    event = wsproto.events.Pong()
                case wsproto.events.CloseConnection():
                    event = wsproto.events.CloseConnection(event.code if event.code in range(1000, 1015) else GOING_AWAY)
        return super().send2(event)


class CountedTunnel(tcp.TCPLayer):
    """Bytes both ways, unread, counted."""

    def __init__(self, context: Context, counted: Callable[[str, int, int], None]) -> None:
        """`counted` is told the connection's id, and bytes sent and received, with every piece."""
        super().__init__(context, ignore=True)
        self._counted = counted

    def relay_messages(self, event: events.Event) -> layer.CommandGenerator[None]:
        """As the library's own."""
        if isinstance(event, events.DataReceived):
            sent = event.connection == self.context.client
            self._counted(self.context.client.id, len(event.data) if sent else 0, 0 if sent else len(event.data))
        yield from super().relay_messages(event)


_PARTS = ((library, "HttpStream", Stream), (library, "Http1Server", Server), (library, "Http1Client", SealedClient))
_PARTS_OF_SOCKETS = ((websocket, "WebsocketLayer", Socket), (websocket, "WebsocketConnection", QuietSide))


@contextlib.contextmanager
def stricter(limit: int, refused_early: Callable[[str], None], crowded: Callable[[], bool]) -> Iterator[None]:
    """Put the stricter parts in the library's place while this holds. They are global: this process does nothing else with the library.

    `limit`: bytes of a request's body that are read; `refused_early` is called with a connection's id when an answer goes out before the
    request is over; `crowded` says whether too much is held already.
    """
    Stream.limit, Stream.refused_early, Stream.crowded = limit, staticmethod(refused_early), staticmethod(crowded)
    before = [(module, name, getattr(module, name)) for module, name, _ in (*_PARTS, *_PARTS_OF_SOCKETS)]
    try:
        for module, name, part in (*_PARTS, *_PARTS_OF_SOCKETS):
            setattr(module, name, part)
        yield
    finally:
        for module, name, part in before:
            setattr(module, name, part)


def in_use() -> bool:
    """Whether the library has them: a release that calls its parts otherwise must not start."""
    return all(vars(module).get(name) is part for module, name, part in (*_PARTS, *_PARTS_OF_SOCKETS))
