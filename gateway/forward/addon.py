"""The proxy library's hooks on the way out, each inside `gateway.guard`: whatever goes wrong in one, nothing goes out.

Three gates stand one behind the other: the hook `request` judges and puts a request of our own in place of the client's
(`gateway.forward.layers.Judged`); the library opens connections only to places that were judged, and the address that was really reached
is compared before the first byte; and the last layer before the wire sends nothing but a judged request.
"""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy import http
from mitmproxy.connection import Client, Server
from mitmproxy.flow import Error
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.layers.tls import parse_client_hello
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.proxy.tunnel import LayerStack
from mitmproxy.tls import TlsData

from gateway.exchange import Response
from gateway.exchanges import Exchanges
from gateway.forward.flows import answer, asked_of, forget_body, let_out, place_of, wire_of
from gateway.forward.judge import Judge
from gateway.forward.layers import ANNOUNCED, STOPPED, CountedTunnel, Judged, Withdrawn
from gateway.forward.places import PlaceError
from gateway.forward.tls import Tls
from gateway.guard import FAULT, DeniedError, Guarded, RefuseLayer, guard_all
from gateway.watch import Watch

_HEAD_JUDGED = "torwart-head"
_STRIPPED = ("alt-svc", "proxy-authenticate", "proxy-authentication-info", "proxy-connection")
"""Headers of a server's answer that do not go through: a way past the proxy (QUIC), and words that only a proxy may say."""
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")
_LONGEST_METHOD = 8


@guard_all
class Addon(Guarded):
    """Our one addon. `record_refused(what)` writes one event and returns when it is on disk; it names structure only."""

    name = "torwart"
    _abort: Callable[[str, Server], None] = staticmethod(lambda _client, _server: None)

    def __init__(
        self,
        judge: Judge,
        tls: Tls,
        phases: Watch,
        record_refused: Callable[[str], None],
        abort: Callable[[str, Server], None],
        *,
        message_limit: int,
        bypass: Callable[[str], bool],
    ) -> None:
        """`abort` closes a server connection at once, before anything is written to it."""
        self._judge = judge
        self._tls = tls
        self._phases = phases
        self._record_refused = record_refused
        self._abort = abort
        self._message_limit = message_limit
        self._bypass = bypass
        self._sockets: dict[str, http.HTTPFlow] = {}
        """WebSockets by their connections, until somebody has told them that they end."""
        self._tunnels: dict[str, tuple[str, int, int]] = {}
        """Connections that go through unread: host, bytes sent, bytes received."""

    # a request

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The head is complete: who must not send, or not there, is told before the body comes."""
        if _HEAD_JUDGED in flow.metadata:
            return
        flow.metadata[_HEAD_JUDGED] = True
        length = flow.request.headers.get("content-length", "")
        self._phases.body(flow.client_conn.id, int(length) if length.isdecimal() else 0)
        flow.request.stream = False
        if flow.error is None and (refused := await self._judge.head(wire_of(flow))) is not None:
            answer(flow, refused)

    async def request(self, flow: http.HTTPFlow) -> None:
        """The request is complete, or too large to be read."""
        self._phases.busy(flow.client_conn.id)
        if flow.response is not None:  # answered at an earlier hook
            return
        body = flow.request.data.content or b""
        outcome = await self._judge.request(wire_of(flow), body, announced=flow.metadata.get(ANNOUNCED))
        if isinstance(outcome, Response):
            answer(flow, outcome)
            return
        let_out(flow, outcome, body)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """A server's answer goes through as it comes; ours is complete already."""
        if flow.response is None or not isinstance(flow.request, Judged):
            return
        if not (flow.response.status_code == 101 or 200 <= flow.response.status_code <= 599):
            raise DeniedError("a status that is none")
        for name in _STRIPPED:
            flow.response.headers.pop(name, None)
        if flow.response.status_code == 101:
            if not asked_of(flow).upgrade or flow.response.headers.get("upgrade", "").lower() != "websocket":
                raise DeniedError("an upgrade that was not asked for")
            flow.response.headers.pop("sec-websocket-extensions", None)
            return
        self._phases.stream(flow.client_conn.id)
        flow.response.stream = True

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer is over."""
        forget_body(flow)
        self._phases.answered(flow.client_conn.id)

    async def error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke. What the library refused by itself is recorded; a client or a server that went away is not a refusal."""
        forget_body(flow)
        if flow.request.timestamp_end is None and flow.response is None and self._phases.connected(flow.client_conn.id):
            self._record_refused("message framing")

    # a tunnel

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """CONNECT: who, and where to."""
        self._phases.busy(flow.client_conn.id)
        credential = flow.request.headers.get("proxy-authorization")
        refused = await self._judge.connect(flow.client_conn.id, flow.request.host, flow.request.port, credential)
        if refused is not None:
            answer(flow, refused)

    def http_connected(self, flow: http.HTTPFlow) -> None:
        """The tunnel is open: what comes in it is a new beginning."""
        self._phases.answered(flow.client_conn.id)

    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        """The tunnel was refused."""
        self._phases.answered(flow.client_conn.id)

    async def next_layer(self, data: layer.NextLayer) -> None:
        """Outside, HTTP; in a tunnel TLS with HTTP in it, or plain HTTP; anything else is closed and recorded (A19)."""
        context = data.context
        host = context.server.address[0].lower() if context.server.address else None
        if host is None:
            data.layer = Exchanges(context, HTTPMode.regular)
            return
        begun: bytes = data.data_client()  # type: ignore[no-untyped-call]
        if len(begun) < 3:
            return  # asked again with more
        if starts_like_tls_record(begun):
            data.layer = await self._secure_layer(data, host, begun)
        elif begun.startswith(_METHODS):
            data.layer = Exchanges(context, HTTPMode.transparent)
        elif len(begun) >= _LONGEST_METHOD or not any(method.startswith(begun) for method in _METHODS):
            await self._judge.refused("no HTTP in the tunnel", context.client.id)
            data.layer = RefuseLayer(context)

    async def _secure_layer(self, data: layer.NextLayer, host: str, begun: bytes) -> layer.Layer | None:
        context = data.context
        if not self._bypass(host):
            context.server.tls = True
            stack = LayerStack()
            stack /= ClientTLSLayer(context)
            stack /= Exchanges(context, HTTPMode.transparent)
            return stack[0]
        try:
            hello = parse_client_hello(begun)
        except ValueError:
            hello, named = None, None
        else:
            if hello is None:
                return None
            named = (hello.sni or "").lower()
        if named != host:
            await self._judge.refused("another server name than asked for", context.client.id)
            return RefuseLayer(context)
        self._tunnels[context.client.id] = (host, 0, 0)
        self._phases.tunnel(context.client.id, None)
        return CountedTunnel(context, self._counted)

    def _counted(self, connection_id: str, sent: int, received: int) -> None:
        host, sent_before, received_before = self._tunnels[connection_id]
        self._tunnels[connection_id] = (host, sent_before + sent, received_before + received)

    def tls_start_client(self, data: TlsData) -> None:
        """A certificate of our authority for the host that the tunnel was opened to; another name is refused with the first request."""
        address = data.context.server.address
        if address is None:
            raise DeniedError("TLS outside a tunnel")
        data.ssl_conn = self._tls.towards_client(address[0].lower())

    def tls_established_client(self, data: TlsData) -> None:
        """The handshake's bytes are no request."""
        self._phases.answered(data.conn.id)

    def tls_start_server(self, data: TlsData) -> None:
        """The server must prove that it is the host that was judged."""
        if not isinstance(data.conn, Server) or data.conn.address is None:
            raise DeniedError("TLS without a server")
        data.ssl_conn = self._tls.towards_server(data.conn.address[0])

    def tls_established_server(self, data: TlsData) -> None:
        """Verified."""

    async def tls_failed_server(self, data: TlsData) -> None:
        """The server could not prove who it is: the library answers 502."""

    # messages

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        """From here on messages."""
        self._sockets[flow.client_conn.id] = flow
        self._phases.tunnel(flow.client_conn.id, self._message_limit)

    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A whole message: judged before it goes on, if it goes out."""
        if flow.websocket is None:
            raise DeniedError("a message without a WebSocket")
        message = flow.websocket.messages[-1]
        flow.websocket.messages.clear()  # the library would keep all of them
        if not message.from_client:
            return
        message.dropped = True
        if STOPPED not in flow.metadata:
            if await self._judge.message(asked_of(flow), message.content):
                message.dropped = False
            else:
                flow.metadata[STOPPED] = "Torwart: stopped / angehalten"
        self._phases.tunnel(flow.client_conn.id, self._message_limit)

    # connections

    def client_connected(self, client: Client) -> None:
        """Guarded only: an exception here closes the connection."""

    async def client_disconnected(self, client: Client) -> None:
        """The end of everything on it."""
        self._sockets.pop(client.id, None)
        tunnel = self._tunnels.pop(client.id, None)
        try:
            if tunnel is not None:
                await self._judge.unread_tunnel(client.id, *tunnel)
        finally:
            self._judge.disconnected(client.id)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Only to a place that was judged; the resolver of this process gives the judged addresses only."""
        if data.server.address is None or data.server.via is not None:
            raise DeniedError("a connection without an address")
        self._judge.place(*place_of(data.server))

    async def server_connected(self, data: ServerConnectionHookData) -> None:
        """The peer that was really reached, before the first byte (attacks X9)."""
        peer, local = data.server.peername, data.server.sockname
        try:
            if peer is None:
                raise PlaceError("no peer")
            self._judge.reached(*place_of(data.server), peer[0], local[0] if local else None)
        except PlaceError as error:
            self._deny(data)
            await self._judge.refused(error.what, data.client.id)

    def farewell(self, connection_id: str) -> Withdrawn | None:
        """What ends a WebSocket in good order, once; None: there is none on this connection, or it was told."""
        flow = self._sockets.pop(connection_id, None)
        return Withdrawn(flow) if flow is not None else None

    # answering

    def _deny(self, data: object) -> None:
        """A connection to a server may be open already: the library would go on with it."""
        super()._deny(data)
        if isinstance(data, ServerConnectionHookData):
            self._abort(data.client.id, data.server)

    def answer_fault(self, flow: http.HTTPFlow) -> None:
        """503; where a server has begun to answer, the end: the library would put the server's body below our head."""
        if flow.response is not None and isinstance(flow.request, Judged):
            flow.error = Error(Error.KILLED_MESSAGE)
        answer(flow, FAULT)
