"""The gateway's own paths on the CRM's host, all below `/.torwart/`. None of them ever reaches the CRM."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from gateway.exchange import Request, Response
from gateway.listener import Listener
from gateway.notice import Notice
from gateway.pages import PAGE_HEADERS, gone_page, return_page
from gateway.touch import Touch

PREFIX = "/.torwart"
LONG_POLL_SECONDS = 25.0
_OWN_HEADER = "x-torwart-held"
"""Images, forms and foreign sites cannot send it (attacks X16)."""
_PART = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Of our own paths: the words below, and ids of acts."""
_NO_STORE = ("cache-control", "no-store")


@dataclass(frozen=True, slots=True)
class Reserved:
    """Answers `/.torwart/…`."""

    touch: Touch
    listener: Listener
    language: str

    async def answer(self, request: Request) -> Response:
        """The answer to a request of our own path; unknown ones are 404, never forwarded."""
        road = request.path.split("/")[2:]
        if not all(_PART.fullmatch(part) for part in road):
            return _json(404, {"error": "no such path"})
        match request.method, road:
            case "GET", ["page.js"]:
                return Response(200, (("content-type", "text/javascript; charset=utf-8"), ("cache-control", "no-cache")), page_script())
            case "GET", ["held"]:
                return await self._held(request)
            case "POST", ["held", act_id, "cancel"]:
                return self._cancel(request, act_id)
            case "GET", ["go", act_id]:
                return _html(200, return_page(act_id, self.language))
            case "GET", ["open", act_id]:
                address = self.touch.address(act_id, self.listener.session_id(request))
                return Response(303, (("location", address), _NO_STORE)) if address else _html(404, gone_page(self.language))
            case "GET", ["why", act_id]:
                return Response(303, (("location", self.touch.refusals.why(act_id)), _NO_STORE))
        return _json(404, {"error": "no such path"})

    async def _held(self, request: Request) -> Response:
        session_id = self._asking(request)
        if session_id is None:
            return _json(401, {"error": "sign in first"})
        seen = dict(request.query).get("seen", "")
        version, notices = await self.touch.holds.poll(session_id, seen, LONG_POLL_SECONDS)
        told: dict[str, object] = {"version": version, "acts": [_notice(notice) for notice in notices]}
        if notices:
            told["language"] = notices[-1].language
        return _json(200, told)

    def _cancel(self, request: Request, act_id: str) -> Response:
        session_id = self._asking(request)
        if session_id is None or not self.touch.holds.cancel(act_id, session_id):
            return _json(404, {"error": "no such act"})
        return _json(200, {"state": "cancelled"})

    def _asking(self, request: Request) -> str | None:
        if request.header(_OWN_HEADER) != "1" or request.header("sec-fetch-site") not in ("same-origin", None):
            return None
        return self.listener.session_id(request)


@cache
def page_script() -> bytes:
    """The script that shows held acts on the CRM's pages."""
    return (Path(__file__).parent / "static" / "page.js").read_bytes()


def _notice(notice: Notice) -> dict[str, object]:
    return {
        "id": notice.act_id,
        "text": notice.text,
        "asked": notice.asked,
        "allowed": notice.allowed,
        "expires_in": max(0, round(notice.deadline - time.monotonic())),
        "link": notice.link,
        "state": notice.state,
        "repeat": notice.repeat,
    }


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(status, (("content-type", "application/json"), _NO_STORE), orjson.dumps(body))


def _html(status: int, body: bytes) -> Response:
    return Response(status, PAGE_HEADERS, body)
