"""What a client sent becomes one canonical `Request`, or is refused: everything that two readers could read differently is refused.

The canonical request is what is judged, and it is the only thing that is ever sent to the CRM. Pure: bytes in, values out.
Numbers A… and B… in the comments are the hostile inputs of `docs/threats.md`.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from gateway.exchange import Headers, Request

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
"""RFC 9110 methods that a CRM needs. Anything else, also in lower case, is refused."""
MAX_TARGET_BYTES = 16 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
MAX_COOKIE_BYTES = 8 * 1024
"""A cookie header of this size or more is refused (B32)."""
MAX_GZIP_RATIO = 100
"""A packed body may grow by this factor at most (promise 13)."""
RESERVED = "/.torwart"
"""Our own paths on the CRM's host. Every other spelling of them is refused, so that none reaches the CRM (attacks X18)."""

FORWARDED = frozenset(
    {"accept", "accept-language", "authorization", "cache-control", "content-type", "cookie", "dnt", "origin", "pragma", "purpose"}
    | {"range", "referer", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site"}
    | {"sec-fetch-user", "sec-gpc", "sec-purpose", "upgrade-insecure-requests", "user-agent", "x-requested-with", "x-torwart-held"}
)
"""The headers that are read and sent on. All others are dropped, whatever their spelling: identity (`X-User`), forwarding
(`X-Forwarded-For`), rewriting (`X-Original-URL`) and whatever a framework of tomorrow listens to (B26). Validators
(`If-None-Match` …) are among them, so that no `304` tells what a masked answer does not (attacks X19)."""
_LISTS = frozenset({"accept", "accept-language", "cache-control", "connection", "pragma", "via"})
"""Headers whose repetition means the same as a comma (RFC 9110, section 5.3); any other repeated header is refused."""
_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})

_NAME = re.compile(rb"[A-Za-z0-9-]+")
"""Narrower than a token of RFC 9110: `X_User` is a twin of `X-User` to CGI and WSGI servers."""
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""No control character; mitmproxy hands folded lines over with their CR LF inside (A4)."""
_TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
"""Origin form of RFC 9112, section 3.2.1, printable ASCII without `#`: no absolute form, no `*`, no authority (A5, A8)."""
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ENCODED_SEPARATOR = re.compile(rb"%(?:2f|5c|3b|00)", re.IGNORECASE)
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")
"""What is never encoded (RFC 3986, section 2.3): most names and numbers."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURE_PATH = "/-._~!$&'()*+,=:@"


class RefusedError(Exception):
    """The request is ambiguous or not allowed: nothing reaches the CRM. `what` names structure only, never a value."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status
        self.what = what


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as the proxy parsed it, nothing decoded."""

    method: bytes
    target: bytes
    """The request target without an authority, as on the wire."""
    authority: bytes
    """Authority of an absolute-form target; empty for the origin form."""
    version: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = field(repr=False)
    """Without transfer coding, still with its content encoding."""
    source_ip: str
    connection_id: str
    trailers: bool = False


def canonical(raw: RawRequest, *, hosts: frozenset[str], body_limit: int) -> Request:
    """The one reading of a request. `hosts` are the public names with port, lower case; `body_limit` counts unpacked bytes.

    Raises RefusedError.
    """
    if raw.version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise RefusedError(400, "protocol version")
    method = raw.method.decode("latin-1")
    if method not in METHODS:
        raise RefusedError(400, "method")
    if raw.authority or not _TARGET.fullmatch(raw.target):
        raise RefusedError(400, "request target")
    if len(raw.target) > MAX_TARGET_BYTES:
        raise RefusedError(414, "request target too long")
    if raw.trailers:
        raise RefusedError(400, "trailers")
    path, _, query = raw.target.partition(b"?")
    headers = _headers(raw.headers)
    _check_host(headers, hosts)
    _check_origin(headers, hosts)
    _check_control(headers)
    body = _body(method, headers, raw.body, body_limit)
    return Request(
        method=method,
        path=_path(path.decode("ascii")),
        query=_query(query),
        headers=tuple(_kept(headers)),
        body=body,
        source_ip=raw.source_ip,
        connection_id=raw.connection_id,
    )


def target(request: Request) -> str:
    """The request target that is sent to the CRM: the judged path and query, encoded in one way."""
    query = "&".join([f"{_encoded(key)}={_encoded(value)}" for key, value in request.query])
    path = quote(request.path, safe=_SURE_PATH)
    return f"{path}?{query}" if query else path


def _encoded(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def upstream_headers(request: Request) -> Headers:
    """The headers that are sent to the CRM: the judged ones without our own cookies and marks, and the connected peer's address."""
    return (*_without_ours(request.headers), ("x-forwarded-for", request.source_ip))


def _without_ours(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.startswith("x-torwart-"):
            continue
        if name == "cookie":
            value = "; ".join(f"{key}={text}" for key, text in _cookies(value) if not key.lower().lstrip("_").startswith(_OUR_COOKIES))
            if not value:
                continue
        yield name, value


_OUR_COOKIES = ("torwart", "host-torwart", "secure-torwart")
"""Own cookies never reach the CRM (B33)."""


@lru_cache(maxsize=1024)
def _path(raw: str) -> str:
    """The decoded path (C36, A5). Decoded once; what would decode further, or be read as a separator, is refused."""
    if _BAD_PERCENT.search(raw.encode()) or _ENCODED_SEPARATOR.search(raw.encode()) or "\\" in raw:
        raise RefusedError(400, "path encoding")
    path = _text(raw.encode(), "path")
    if _PERCENT.search(path):
        raise RefusedError(400, "doubly encoded path")
    if ";" in path:
        raise RefusedError(400, "path parameters")
    first, *segments = path.split("/")
    if first or any(segment == "" for segment in segments[:-1]):
        raise RefusedError(400, "empty path segment")
    for number, segment in enumerate(segments):
        if segment.endswith("."):
            raise RefusedError(400, "dot segment or trailing dot")
        ours = unicodedata.normalize("NFKC", segment).casefold().strip().startswith(RESERVED[1:])
        if ours and (number > 0 or segment != RESERVED[1:]):
            raise RefusedError(400, "spelling of a reserved path")
    return path


def _query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Parameters in order; only `&` separates, `+` is a space, a missing `=` reads as an empty value (WHATWG URL, section 5.1)."""
    if not raw:
        return ()
    if _BAD_PERCENT.search(raw):
        raise RefusedError(400, "query encoding")
    pairs: list[tuple[str, str]] = []
    for item in raw.split(b"&"):
        key, _, value = item.replace(b"+", b" ").partition(b"=")
        if not key:
            raise RefusedError(400, "query parameter without a name")
        plain = b"%" not in item  # the target was printable ASCII, so there is nothing to decode
        pairs.append((key.decode("ascii"), value.decode("ascii")) if plain else (_text(key, "query"), _text(value, "query")))
    return tuple(pairs)


def _text(raw: bytes, where: str) -> str:
    try:
        text = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(400, f"{where} is not UTF-8") from None
    if _CONTROL.search(text):
        raise RefusedError(400, f"control character in the {where}")
    return text


def _headers(raw: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    """Headers by lower-case name; repeated ones are joined where a comma means the same, else refused."""
    if len(raw) > MAX_HEADERS or sum(len(name) + len(value) + 4 for name, value in raw) > MAX_HEADER_BYTES:
        raise RefusedError(431, "too many or too long headers")
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        if not _NAME.fullmatch(raw_name):
            raise RefusedError(400, "header name")
        if not _VALUE.fullmatch(raw_value):
            raise RefusedError(400, "header value")
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1").strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name in _LISTS:
            headers[name] = f"{headers[name]}, {value}"
        else:
            raise RefusedError(400, f"repeated {name}" if name in FORWARDED or name == "host" else "repeated header")
    return headers


def _check_host(headers: dict[str, str], hosts: frozenset[str]) -> None:
    """RFC 9112, section 3.2: exactly one Host; ours demands that it is a configured public name (A7)."""
    if headers.get("host", "").lower() not in hosts:
        raise RefusedError(400, "host")


def _check_origin(headers: dict[str, str], hosts: frozenset[str]) -> None:
    """A page of another origin sends nothing here, nor does one without (`null`): on plain http browsers send no fetch metadata."""
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] not in hosts:
        raise RefusedError(403, "foreign origin")


def _check_control(headers: dict[str, str]) -> None:
    """What would change the protocol, the framing or the method is refused, not forgotten."""
    if "upgrade" in headers or "http2-settings" in headers:
        raise RefusedError(403, "upgrade of the protocol")  # A16
    if "expect" in headers:
        raise RefusedError(417, "expectation")  # A15: `100-continue` was answered by the proxy and is gone by now
    if not _OVERRIDES.isdisjoint(headers):
        raise RefusedError(400, "method override")  # B26
    if headers.get("transfer-encoding", "chunked").lower() != "chunked":
        raise RefusedError(400, "transfer coding")  # A3: mitmproxy takes `gzip, chunked` and unpacks only the latter
    if "transfer-encoding" in headers and "content-length" in headers:
        raise RefusedError(400, "two lengths")  # A1
    if headers.get("service-worker", "").lower() == "script":
        raise RefusedError(403, "service worker")  # X19
    cookie = headers.get("cookie")
    if cookie is not None:
        if len(cookie) >= MAX_COOKIE_BYTES:
            raise RefusedError(400, "cookie too long")
        names = [name for name, _ in _cookies(cookie)]
        if len(set(names)) != len(names):
            raise RefusedError(400, "repeated cookie")


def _cookies(header: str) -> Iterable[tuple[str, str]]:
    """Pairs of a Cookie header (RFC 6265, section 4.2.1); text without `=` has no name that anybody could compare and is dropped."""
    for item in header.split(";"):
        name, equals, value = item.strip(" \t").partition("=")
        if equals and name:
            yield name.rstrip(" \t"), value.lstrip(" \t")


def _kept(headers: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Known end-to-end headers, without those that `Connection` nominates (RFC 9110, section 7.6.1; B27)."""
    nominated = frozenset(token.strip(" \t").lower() for token in headers.get("connection", "").split(","))
    for name, value in headers.items():
        if name not in FORWARDED or name in nominated:
            continue
        if name == "range" and value.partition("=")[0].strip(" \t").lower() == "bytes":
            continue  # A23: what is judged is the whole answer; other units are paging, for the profile to read
        if name == "cookie":
            value = "; ".join(f"{key}={text}" for key, text in _cookies(value))
        yield name, value


def _body(method: str, headers: dict[str, str], body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise RefusedError(413, "body too large")
    if body and method in ("GET", "HEAD", "DELETE"):
        raise RefusedError(400, "body of a request that has none")
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding == "identity" or not body:
        return body
    if encoding in ("gzip", "x-gzip"):
        return _gunzip(body, limit)
    raise RefusedError(400 if "," in encoding else 415, "content encoding")  # A22


def _gunzip(packed: bytes, limit: int) -> bytes:
    """One gzip member, complete, nothing after it, within the budget (A21, A22)."""
    budget = min(limit, len(packed) * MAX_GZIP_RATIO)
    reader = zlib.decompressobj(wbits=31)
    try:
        body = reader.decompress(packed, budget + 1)
    except zlib.error:
        raise RefusedError(400, "content encoding does not fit") from None
    if len(body) > budget:
        raise RefusedError(413, "unpacked body too large")
    if not reader.eof or reader.unused_data:
        raise RefusedError(400, "content encoding does not fit")
    return body
