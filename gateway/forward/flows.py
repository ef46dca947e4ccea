"""The proxy library's objects as values of ours, and back."""

from __future__ import annotations

from mitmproxy import http
from mitmproxy.connection import Server

from gateway.exchange import Response
from gateway.forward.framing import Asked, Wire, outgoing
from gateway.forward.layers import Judged
from gateway.guard import DeniedError
from gateway.wire import reason, wire_headers

_ASKED = "torwart-asked"
"""Key in a flow's metadata: what was judged."""


def place_of(server: Server) -> tuple[str, int]:
    """Host (lower case) and port that a connection is for. Raises DeniedError for one without."""
    if server.address is None:
        raise DeniedError("a connection without an address")
    return server.address[0].lower(), server.address[1]


def wire_of(flow: http.HTTPFlow) -> Wire:
    """A request as it came."""
    data, client = flow.request.data, flow.client_conn
    return Wire(
        method=data.method,
        scheme=flow.request.scheme,
        host=flow.request.host,
        port=flow.request.port,
        target=data.path,
        version=data.http_version,
        headers=flow.request.headers.fields,
        source_ip=client.peername[0] if client.peername else "",
        connection_id=client.id,
        sni=client.sni,
        tls=client.tls,
        trailers=data.trailers is not None,
    )


def let_out(flow: http.HTTPFlow, asked: Asked, body: bytes) -> None:
    """Put a judged request, written anew, in place of the client's."""
    given = flow.request
    flow.metadata[_ASKED] = asked
    flow.request = Judged(
        host=asked.host,
        port=asked.port,
        method=asked.method.encode("ascii"),
        scheme=asked.scheme.encode("ascii"),
        authority=b"",
        path=asked.target.encode("ascii"),
        http_version=asked.version.encode("ascii"),
        headers=http.Headers(outgoing(asked, body)),
        content=body,
        trailers=None,
        timestamp_start=given.timestamp_start,
        timestamp_end=given.timestamp_end,
    )
    given.data.content = None


def forget_body(flow: http.HTTPFlow) -> None:
    """Give the memory of a body back when its exchange is over: the library's objects wait for the collector with all that they hold."""
    flow.request.data.content = None


def asked_of(flow: http.HTTPFlow) -> Asked:
    """What was judged of this exchange. Raises DeniedError if nothing was."""
    asked = flow.metadata.get(_ASKED)
    if not isinstance(asked, Asked):
        raise DeniedError("an exchange that was not judged")
    return asked


def answer(flow: http.HTTPFlow, response: Response) -> None:
    """Answer a client ourselves. Raises ValueError for what could split the head."""
    sent = b"" if flow.request.data.method == b"HEAD" or response.status in (204, 304) else response.body
    flow.response = http.Response(
        http_version=b"HTTP/1.1",
        status_code=response.status,
        reason=reason(response.status),
        headers=http.Headers(wire_headers(response, close=response.status != 407)),
        content=sent,
        trailers=None,
        timestamp_start=flow.request.timestamp_start,
        timestamp_end=None,
    )
