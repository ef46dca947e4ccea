"""What a client of the forward proxy sent becomes one `Asked`, or is refused; and the head that goes to the server is written from it.

Servers outside are not ours, so a target may be spelled as it likes; what may not be read in two ways is where it goes, how long it is,
and which headers are for us. Pure: bytes in, values out. Numbers A… are the hostile inputs of `docs/threats.md`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.exchange import Headers

METHODS = re.compile(rb"[A-Z][A-Z-]{1,31}")
MAX_TARGET_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_HEADER_BYTES = 64 * 1024
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token of RFC 9110, section 5.6.2."""
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""No control character: a folded line still has its CR LF inside (A4)."""
_TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods that send a length even when it is 0 (RFC 9110, section 8.6)."""
_OURS = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect", "http2-settings", "host"}
    | {"proxy-connection", "proxy-authorization", "proxy-authenticate", "proxy-features", "forwarded", "via", "x-forwarded-for", "alt-used"}
)
"""Never sent on as they came: they speak about this connection or to this proxy (RFC 9110, section 7.6.1), or about who is behind it."""
_ONCE = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "proxy-authorization", "authorization", "expect", "upgrade"}
)


class FramingError(Exception):
    """Not to be read in one way only. `what` names structure, never a value."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status
        self.what = what


@dataclass(frozen=True, slots=True)
class Wire:
    """A request as the proxy library parsed it, nothing decoded, with where the library would send it."""

    method: bytes
    scheme: str
    host: str
    port: int
    target: bytes
    version: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    source_ip: str
    connection_id: str
    sni: str | None = None
    """Server name of the client's TLS; None if it sent none."""
    tls: bool = False
    """The client speaks TLS inside a tunnel."""
    trailers: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way out, read in one way. Its body is judged beside it."""

    method: str
    scheme: str
    host: str
    """Lower case, without the port."""
    port: int
    target: str
    """Origin form, as it came."""
    version: str
    headers: Headers = field(repr=False)
    source_ip: str
    connection_id: str
    upgrade: bool = False
    """Asks for a WebSocket."""

    def header(self, name: str) -> str | None:
        """The value of a header, None if absent."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def is_page(self) -> bool:
        """A browser would show the answer to a person: a navigation (W3C Fetch Metadata), or a form of an old browser."""
        mode = self.header("sec-fetch-mode")
        if mode is not None:
            return mode == "navigate" and self.header("sec-fetch-dest") in (None, "document", "iframe", "frame")
        return "text/html" in (self.header("accept") or "") and self.header("x-requested-with") is None


def read(wire: Wire) -> Asked:
    """The one reading of a request. Raises FramingError."""
    if wire.version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise FramingError(400, "protocol version")
    if not METHODS.fullmatch(wire.method):
        raise FramingError(400, "method")
    if not _TARGET.fullmatch(wire.target):
        raise FramingError(400, "request target")
    if len(wire.target) > MAX_TARGET_BYTES:
        raise FramingError(414, "request target too long")
    if wire.trailers:
        raise FramingError(400, "trailers")
    if wire.scheme != ("https" if wire.tls else "http"):
        raise FramingError(400, "scheme")
    headers = _headers(wire.headers)
    named = dict(headers)
    host = wire.host.lower()
    _check_host(named.get("host"), host, wire)
    upgrade = (
        wire.method == b"GET"
        and named.get("upgrade", "").lower() == "websocket"
        and "upgrade" in _words(named.get("connection", ""))
        and named.get("sec-websocket-version") == "13"
    )
    return Asked(
        method=wire.method.decode("ascii"),
        scheme=wire.scheme,
        host=host,
        port=wire.port,
        target=wire.target.decode("ascii"),
        version=wire.version.decode("ascii"),
        headers=headers,
        source_ip=wire.source_ip,
        connection_id=wire.connection_id,
        upgrade=upgrade,
    )


def outgoing(asked: Asked, body: bytes) -> list[tuple[bytes, bytes]]:
    """The header lines for the server: one Host, one length, nothing that was meant for the proxy."""
    nominated = _words(asked.header("connection") or "")
    default = 443 if asked.scheme == "https" else 80
    shown = f"[{asked.host}]" if ":" in asked.host else asked.host
    lines = [("host", shown if asked.port == default else f"{shown}:{asked.port}")]
    drop = _OURS | nominated | ({"sec-websocket-extensions"} if asked.upgrade else set())
    lines += [(name, value) for name, value in asked.headers if name not in drop]
    if asked.upgrade:
        lines += [("connection", "Upgrade"), ("upgrade", "websocket")]
    if body or asked.method in _BODY:
        lines.append(("content-length", str(len(body))))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines]


def _headers(lines: tuple[tuple[bytes, bytes], ...]) -> Headers:
    if len(lines) > MAX_HEADERS or sum(len(name) + len(value) for name, value in lines) > MAX_HEADER_BYTES:
        raise FramingError(431, "headers too large")
    headers = []
    seen: set[str] = set()
    for raw_name, raw_value in lines:
        if not _NAME.fullmatch(raw_name) or not _VALUE.fullmatch(raw_value):
            raise FramingError(400, "header")
        name = raw_name.decode("ascii").lower()
        if name in seen and name in _ONCE:
            raise FramingError(400, "repeated header")
        seen.add(name)
        headers.append((name, raw_value.decode("latin-1").strip(" \t")))
    return tuple(headers)


def _check_host(value: str | None, host: str, wire: Wire) -> None:
    """Where it goes, what TLS was asked for, and what the head says must be one place (A7, A18: fronting)."""
    if wire.tls and (wire.sni or "").lower() != host:
        raise FramingError(403, "another server name than asked for" if wire.sni else "no server name")
    if value is None:
        if wire.version == b"HTTP/1.0" and not wire.tls:
            return
        raise FramingError(400, "no Host")
    try:
        parts = urlsplit(f"//{value}")
        named, port = parts.hostname, parts.port
    except ValueError:
        raise FramingError(400, "Host") from None
    if parts.path or parts.query or parts.fragment or parts.username is not None or not named:
        raise FramingError(400, "Host")
    if named != host or (port or (443 if wire.tls else 80)) != wire.port:
        raise FramingError(403, "another Host than asked for")


def _words(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",")}
