"""HTTP to the demo's own names: `*.localhost` is this machine (RFC 6761 section 6.3), but not every resolver knows it."""

from __future__ import annotations

import httpx


class Loopback(httpx.HTTPTransport):
    """Connects names ending in `.localhost` to 127.0.0.1 and sends the name as Host."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith(".localhost"):
            request.headers.setdefault("host", request.url.netloc.decode())
            request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


def client(base_url: str, *, timeout_seconds: float = 60.0) -> httpx.Client:
    """A client of one of the demo's hosts; no proxy of this machine sees it."""
    return httpx.Client(base_url=base_url, transport=Loopback(), trust_env=False, timeout=timeout_seconds)
