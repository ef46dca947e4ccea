"""The proxy library's hooks, and the one guard around all of them: whatever goes wrong in a hook, the answer is a denial.

mitmproxy logs an exception of a hook and goes on as if nothing had happened. Three things close that, each on its own:
every hook runs inside `gateway.guard`, which turns any exception into a denial; mitmproxy has no road to the CRM at all, the judged request
is sent by `gateway.upstream`; and the last hook lets nothing pass but the very answer that was sealed after judging.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.proxy.tunnel import LayerStack
from mitmproxy.tls import TlsData
from OpenSSL import SSL

from gateway.answer import UpstreamError
from gateway.exchange import Forward, Reply, Request, Response, Step
from gateway.exchanges import Exchanges
from gateway.guard import FAULT, DeniedError, Guarded, guard_all
from gateway.hygiene import RawRequest, RefusedError, canonical
from gateway.upstream import Upstream
from gateway.wire import reason, wire_headers

SEAL = "torwart"
"""Key in a flow's metadata under which the sealed answer lies."""
_REFUSED_BODY = "Die Anfrage ließ sich nicht eindeutig lesen. / The request could not be read unambiguously.\n".encode()
_PLAIN = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff"))


class Judge(Protocol):
    """Who decides: `gateway.handle.Handler`."""

    async def before(self, request: Request) -> Step:
        """Judge a request; it may wait here for a touch."""

    async def after(self, state: object, response: Response) -> Response | Forward:
        """Judge the CRM's answer; what comes back is sent byte for byte, or asks the CRM something more first."""

    async def upstream_failed(self, state: object, what: str) -> Response:
        """The CRM gave no readable answer (`UpstreamError.what`), or the client went away before anything was sent (`client gone`)."""

    def disconnected(self, connection_id: str) -> None:
        """The client closed its connection."""

    def receiver(self, state: object) -> str | None:
        """The credential that an answer about clients was released to; None: there was none such."""

    def withdrawn(self) -> Callable[[str], bool]:
        """Whether a credential gives nothing any more, as things stand now. May raise: then nobody's does."""


class Phases(Protocol):
    """Who watches the time limits of a connection (`gateway.watch`)."""

    def body(self, connection_id: str) -> None:
        """A request's head is complete."""

    def busy(self, connection_id: str) -> None:
        """A request is complete and is being judged."""

    def answered(self, connection_id: str) -> None:
        """Its answer was handed to the connection."""

    def given(self, connection_id: str, credential: str) -> None:
        """The answer that follows was released to who has this credential."""

    def connected(self, connection_id: str) -> bool:
        """True while the client is there."""


@dataclass(frozen=True, slots=True)
class Seal:
    """The answer that may leave."""

    response: http.Response
    body: bytes


@guard_all
class Addon(Guarded):
    """Our one addon. `record_refused(what)` writes one event and returns when it is on disk; it names structure only."""

    name = "torwart"

    def __init__(
        self,
        judge: Judge,
        upstream: Upstream,
        phases: Phases,
        record_refused: Callable[[str], None],
        *,
        body_limit: int,
        tls: SSL.Context | None = None,
    ) -> None:
        self.hosts: frozenset[str] = frozenset()
        """Public names of the CRM with port; until they are set every request is refused."""
        self._tls = tls
        self._judge = judge
        self._upstream = upstream
        self._phases = phases
        self._record_refused = record_refused
        self._body_limit = body_limit

    # the route of a request

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The head is complete. Nothing is ever streamed: a body is judged as a whole."""
        self._phases.body(flow.client_conn.id)
        flow.request.stream = False

    async def request(self, flow: http.HTTPFlow) -> None:
        """The request is complete: judge it, send it, judge the answer. mitmproxy itself forwards nothing."""
        self._phases.busy(flow.client_conn.id)
        if SEAL in flow.metadata:  # denied at an earlier hook
            return
        try:
            request = canonical(_raw(flow), hosts=self.hosts, body_limit=self._body_limit)
        except RefusedError as error:
            self._record_refused(error.what)
            self._seal(flow, Response(error.status, _PLAIN, _REFUSED_BODY), close=True)
            return
        step = await self._judge.before(request)
        match step:
            case Reply():
                self._seal(flow, step.response, close=step.close)
            case Forward():
                self._seal(flow, await self._exchange(step))
                if (credential := self._judge.receiver(step.state)) is not None:
                    self._phases.given(flow.client_conn.id, credential)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Nothing but our own sealed answer comes this way."""
        self._check_seal(flow)
        if flow.response is not None:
            flow.response.stream = False

    def response(self, flow: http.HTTPFlow) -> None:
        """The last gate before the wire."""
        self._check_seal(flow)
        flow.metadata.pop(SEAL)
        self._phases.answered(flow.client_conn.id)

    def error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke. What mitmproxy refused by itself is recorded here; a client that went away is not a refusal."""
        if flow.request.timestamp_end is None and SEAL not in flow.metadata and self._phases.connected(flow.client_conn.id):
            too_large = flow.error is not None and "body_size_limit" in flow.error.msg
            self._record_refused("body too large" if too_large else "message framing")

    async def _exchange(self, step: Forward) -> Response:
        while True:
            if not self._phases.connected(step.request.connection_id):
                return await self._judge.upstream_failed(step.state, "client gone")
            try:
                answer = await self._upstream.send(step.request)
            except UpstreamError as error:
                return await self._judge.upstream_failed(step.state, error.what)
            outcome = await self._judge.after(step.state, answer)
            if isinstance(outcome, Response):
                return outcome
            step = outcome

    # the connection

    def client_connected(self, client: Client) -> None:
        """Guarded only: an exception here closes the connection."""

    def next_layer(self, data: layer.NextLayer) -> None:
        """TLS or not is a matter of the configuration, never of the bytes; then HTTP, never anything else."""
        stack = LayerStack()
        if self._tls is not None:
            stack /= ClientTLSLayer(data.context)
        stack /= Exchanges(data.context, HTTPMode.transparent)
        data.layer = stack[0]

    def tls_start_client(self, data: TlsData) -> None:
        """The configured certificate; there is no authority of our own that could make others."""
        if self._tls is None:
            raise DeniedError("TLS on a listener without")
        data.ssl_conn = SSL.Connection(self._tls)
        data.ssl_conn.set_accept_state()

    def tls_established_client(self, data: TlsData) -> None:
        """The handshake's bytes are no request."""
        self._phases.answered(data.conn.id)

    def client_disconnected(self, client: Client) -> None:
        """mitmproxy calls this at once, also while a request is being judged; what waits for a touch ends."""
        self._upstream.forget(client.id)
        self._judge.disconnected(client.id)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """mitmproxy has no road to the CRM: whatever it would open is refused before a packet leaves."""
        raise DeniedError("the proxy library must not connect")

    # denying

    def answer_fault(self, flow: http.HTTPFlow) -> None:
        """A sealed 503, and the end of the connection."""
        self._seal(flow, FAULT, close=True)

    def _seal(self, flow: http.HTTPFlow, response: Response, *, close: bool = False) -> None:
        body = response.body
        sent = b"" if flow.request.data.method == b"HEAD" or response.status in (204, 304) else body
        flow.response = http.Response(
            http_version=b"HTTP/1.1",
            status_code=response.status,
            reason=reason(response.status),
            headers=http.Headers(wire_headers(response, close=close)),
            content=sent,
            trailers=None,
            timestamp_start=flow.request.timestamp_start,
            timestamp_end=None,
        )
        flow.metadata[SEAL] = Seal(flow.response, sent)

    def _check_seal(self, flow: http.HTTPFlow) -> None:
        seal = flow.metadata.get(SEAL)
        if not isinstance(seal, Seal) or flow.response is not seal.response or flow.response.raw_content is not seal.body:
            raise DeniedError("an answer that was not judged")


def _raw(flow: http.HTTPFlow) -> RawRequest:
    data = flow.request.data
    peer = flow.client_conn.peername
    return RawRequest(
        method=data.method,
        target=data.path,
        authority=data.authority,
        version=data.http_version,
        headers=flow.request.headers.fields,
        body=data.content or b"",
        source_ip=peer[0] if peer else "",
        connection_id=flow.client_conn.id,
        trailers=data.trailers is not None,
    )
