"""Requests that a page of another site made in a person's name, told by the browser's fetch metadata (W3C Fetch Metadata)."""

from __future__ import annotations

from gateway.exchange import Request


def is_foreign(request: Request) -> bool:
    """True for embedded, prefetched and cross-site requests other than a top-level navigation: no act is opened for them (attacks X16)."""
    if "prefetch" in (request.header("sec-purpose") or request.header("purpose") or ""):
        return True
    site, dest = request.header("sec-fetch-site"), request.header("sec-fetch-dest")
    if site is None:
        return False  # not a browser
    if site in ("cross-site", "same-site"):
        return not (request.header("sec-fetch-mode") == "navigate" and dest == "document" and request.method == "GET")
    return dest not in (None, "empty", "document")
