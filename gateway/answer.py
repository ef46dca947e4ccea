"""Reading an answer of the CRM (RFC 9112, sections 4 to 7), stricter than the specification asks: what is not clear is no answer."""

from __future__ import annotations

import re
import zlib

from gateway.exchange import Headers, Response

MAX_HEAD_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\x00]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,14}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n\x00]*)?")
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"content-length", "content-encoding", "alt-svc"}
)
"""Not part of the answer (RFC 9110, section 7.6.1); `Alt-Svc` would lead clients past the gateway (hostile input A20)."""


class UpstreamError(Exception):
    """The CRM gave no answer that can be read. `what` is `connect`, `timeout`, `closed`, `malformed`, `too large` or `content encoding`."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Answer:
    """Reads one answer, piece by piece."""

    def __init__(self, limit: int, *, head_only: bool) -> None:
        """`limit` in bytes, packed and unpacked; `head_only` for the answer to a HEAD."""
        self._limit = limit
        self._head_only = head_only
        self._buffer = bytearray()
        self._body = bytearray()
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._left: int | None = None
        self._chunked = False
        self._in_trailer = False
        self.keep_alive = False
        self.ends_with_the_connection = False

    def feed(self, data: bytes) -> bool:
        """Take bytes from the wire; True when the answer is complete. Raises UpstreamError."""
        if self._left is not None and not self._chunked and not self._buffer:
            return self._plain(data)
        self._buffer += data
        while not self._status:
            if not self._read_head():
                return False
        if self._chunked:
            return self._chunks()
        rest = bytes(self._buffer)
        self._buffer.clear()
        return self._plain(rest)

    def response(self) -> Response:
        """The whole answer without its content encoding. Raises UpstreamError."""
        headers: Headers = tuple((name, value) for name, value in self._headers if name not in _HOP_BY_HOP)
        return Response(self._status, headers, _decoded(bytes(self._body), self._value("content-encoding"), self._limit))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD_BYTES:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise UpstreamError("malformed")
            return False
        first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        match = _STATUS_LINE.fullmatch(first)
        if match is None:
            raise UpstreamError("malformed")
        status = int(match[2])
        self._headers = []
        for line in lines:
            pair = _FIELD.fullmatch(line)
            if pair is None:
                raise UpstreamError("malformed")
            self._headers.append((pair[1].decode("ascii").lower(), pair[2].decode("latin-1").rstrip(" \t")))
        if status == 101:
            raise UpstreamError("malformed")
        if status >= 200:  # an interim answer is read over (RFC 9110, section 15.2)
            self._status = status
            self._framing(minor=match[1])
        return True

    def _framing(self, *, minor: bytes) -> None:
        lengths = [value for name, value in self._headers if name == "content-length"]
        codings = [value.lower() for name, value in self._headers if name == "transfer-encoding"]
        connection = {token.strip().lower() for name, value in self._headers if name == "connection" for token in value.split(",")}
        self.keep_alive = "close" not in connection and (minor == b"1" or "keep-alive" in connection)
        if len(lengths) > 1 or len(codings) > 1 or (lengths and codings) or (codings and (codings[0] != "chunked" or minor == b"0")):
            raise UpstreamError("malformed")
        if lengths and not _LENGTH.fullmatch(lengths[0]):
            raise UpstreamError("malformed")
        if self._head_only or self._status in (204, 304):
            self._left = 0
        elif codings:
            self._chunked = True
        elif lengths:
            self._left = int(lengths[0])
            if self._left > self._limit:
                raise UpstreamError("too large")
        else:
            self.ends_with_the_connection = True

    def _plain(self, data: bytes) -> bool:
        self._take(data)
        if self._left is None:
            return False
        self._left -= len(data)
        if self._left < 0:
            raise UpstreamError("malformed")
        return self._left == 0

    def _chunks(self) -> bool:
        buffer, at = self._buffer, 0
        while True:
            end = buffer.find(b"\r\n", at)
            if end < 0:
                break
            if self._in_trailer:  # trailers are read over, never forwarded
                if end == at:
                    if len(buffer) > end + 2:
                        raise UpstreamError("malformed")
                    return True
                at = end + 2
                continue
            match = _CHUNK_SIZE.fullmatch(buffer, at, end)
            if match is None:
                raise UpstreamError("malformed")
            size = int(match[1], 16)
            if size == 0:
                self._in_trailer = True
                at = end + 2
                continue
            if len(self._body) + size > self._limit:
                raise UpstreamError("too large")
            if len(buffer) < end + 2 + size + 2:
                break
            if buffer[end + 2 + size : end + 4 + size] != b"\r\n":
                raise UpstreamError("malformed")
            self._take(buffer[end + 2 : end + 2 + size])
            at = end + 4 + size
        del buffer[:at]
        if buffer.find(b"\r\n") < 0 and len(buffer) > MAX_HEAD_BYTES:
            raise UpstreamError("malformed")
        return False

    def _take(self, data: bytes | bytearray) -> None:
        if len(self._body) + len(data) > self._limit:
            raise UpstreamError("too large")
        self._body += data

    def _value(self, name: str) -> str:
        return ", ".join(value for key, value in self._headers if key == name)


def _decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Gzip is unpacked within the limit; anything else, or a label that does not fit, cannot be inspected."""
    encoding = encoding.lower()
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UpstreamError("content encoding")
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, limit + 1)
    except zlib.error:
        raise UpstreamError("content encoding") from None
    if len(plain) > limit:
        raise UpstreamError("too large")
    if not reader.eof or reader.unused_data:
        raise UpstreamError("content encoding")
    return plain
