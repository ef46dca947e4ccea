"""Reads what heads of requests carry out beside a body: address, names and values of headers.

A browser sends the same values again and again. What was read and held no client is known again by its hash, so that an ordinary page
costs nothing; what is new is read as soon as there is more of it in one head than a value or two.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from detectors.verdict import Unread, Verdict
from gateway.forward.framing import Asked
from gateway.forward.reading import Scans

HEAD_BYTES = 100
"""From this many new bytes on a head is read whatever it holds: less has no room for a list in an encoding."""
_TELLING = re.compile(r"@|%40|(?:\d(?:[ ().+/_-]|%2[0-9BDF])*){7}", re.IGNORECASE)
"""What may be an address or a number is read in a head of any length: four clients a request, as often as one likes, are a list."""
KNOWN_MAX = 8_192
KNOWN_SECONDS = 600.0
"""How long a value is believed to hold no client: one who is created meanwhile is found after that at the latest."""
_AT_ONCE = 8
"""Heads of all connections that are read at one time: a page with a hundred pictures must not fill the queue of the scanner."""
_UNFINISHED = frozenset({Unread.TOO_LARGE, Unread.TOO_MANY, Unread.TIMED_OUT, Unread.CRASHED})
"""That nobody has read it to its end is a cause (law 4): a list may stand behind it. The others are none: tokens are sealed by nature."""
_NOT_SENT = frozenset({"connection", "content-length", "host", "proxy-authorization", "transfer-encoding"})
_NAMED_BY_BROWSERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "authorization", "cache-control", "content-encoding", "content-type", "cookie", "dnt"}
    | {"if-modified-since", "if-none-match", "if-range", "origin", "pragma", "priority", "range", "referer", "te", "user-agent"}
    | {"upgrade-insecure-requests", "x-requested-with"}
)
"""Of any other header the name is read, too: it may be a number."""


@dataclass(slots=True)
class Heads:
    """What is known of heads in one process; one event loop."""

    scanner: Scans
    now: Callable[[], float] = time.monotonic
    _known: dict[int, None] = field(default_factory=dict)
    _since: float = float("-inf")
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def read(self, asked: Asked, *, target: bool) -> Verdict:
        """The clients in a head; `target`: its address is not read elsewhere. Raises what the scanner raises."""
        self._forget()
        new = [text for text in _texts(asked, target=target) if hash(text) not in self._known]
        if sum(map(len, new)) < HEAD_BYTES and not any(map(_TELLING.search, new)):
            return Verdict()
        async with self._turns:
            found = await self.scanner.scan("\n".join(new).encode("latin-1"), media_type="text/plain")
        unread = tuple(cause for cause in found.unread if cause in _UNFINISHED)
        if not found.clients and not unread:
            self._known |= dict.fromkeys(map(hash, new))
        return replace(found, unread=unread)

    def _forget(self) -> None:
        if len(self._known) > KNOWN_MAX or self.now() - self._since > KNOWN_SECONDS:
            self._known.clear()
            self._since = self.now()


def _texts(asked: Asked, *, target: bool) -> Iterator[str]:
    yield asked.host
    if target:
        yield asked.path
        yield asked.query
    for name, value in asked.headers:
        if name not in _NOT_SENT:
            yield value if name in _NAMED_BY_BROWSERS or name.startswith("sec-") else f"{name}: {value}"
