"""Failed log-ins are limited here before they reach the CRM, which sees one address for everybody behind the gateway.

Tryton 8.0 locks an address after 300 failures in five minutes: one person could lock out all others (attacks X20). The gateway tells it the
connected address (`X-Forwarded-For`), which it believes where it is told to; with these limits nobody comes near its own.
"""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 300.0
PER_PERSON_AND_SOURCE = 10
"""Failures of one account from one address; others elsewhere may go on, so that nobody locks a colleague out."""
PER_PERSON = 40
"""Failures of one account from everywhere."""
PER_SOURCE = 100
"""Failures from one address, of all accounts: a whole office may share one."""
IN_ALL = 280
"""Failures of everybody at this process: below the CRM's own limit, which would stop all."""
IPV6_NETWORK_BITS = 64
"""One source: a single machine may take any address in it (RFC 8981), and would be as many sources as it likes."""
MAX_KEPT = 20_000
"""Accounts and addresses that are remembered; the oldest are forgotten first."""


@dataclass(slots=True)
class LogInLimit:
    """Counts failures of one process. For one thread."""

    _failures: dict[tuple[str, ...], deque[float]] = field(default_factory=dict)

    def reached(self, account: str, source: str) -> bool:
        """Whether a further log-in of this account from this address is not to be tried."""
        return any(self._count(key) >= limit for key, limit in _keys(account, source))

    def failed(self, account: str, source: str) -> None:
        """The CRM, or we, did not accept it."""
        now = time.monotonic()
        for key, limit in _keys(account, source):
            times = self._failures.pop(key, None) or deque(maxlen=limit)
            times.append(now)
            self._failures[key] = times  # the youngest stands last
        while len(self._failures) > MAX_KEPT:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, account: str, source: str) -> None:
        """A log-in went well: the mistakes before it from the same address were the person's own."""
        self._failures.pop(("person", account, _network(source)), None)

    def _count(self, key: tuple[str, ...]) -> int:
        times, since = self._failures.get(key), time.monotonic() - WINDOW_SECONDS
        while times and times[0] < since:
            times.popleft()
        return len(times or ())


def _keys(account: str, source: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    source = _network(source)
    return (
        (("person", account, source), PER_PERSON_AND_SOURCE),
        (("person", account), PER_PERSON),
        (("source", source), PER_SOURCE),
        (("all",), IN_ALL),
    )


def _network(source: str) -> str:
    """What counts as one source: an address, of IPv6 its network."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
