"""Where the proxy may connect to: public addresses, and nothing of the house (attacks X9).

A name is resolved and judged once, and the connection then goes to the addresses that were judged: what the name service says a moment
later counts no more. Whoever connects asks `admitted` again for the peer that was really reached, before the first byte.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from gateway.forward.settings import OwnPlace

type Address = IPv4Address | IPv6Address
type Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host name and port -> addresses as text; raises OSError."""

KEPT_SECONDS = 30.0
"""How long a judged name keeps its addresses."""
OWN_SECONDS = 60.0
"""How long the addresses of the installation's own hosts are believed."""
KEPT_NAMES = 4_096
RESOLVE_SECONDS = 10.0
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes browsers read a name as an IPv4 address (WHATWG URL, section 3.5), for example `0x7f000001` and `127.1`."""
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""NAT64 (RFC 6052, RFC 8215): an IPv4 address, whatever it is, behind an IPv6 one."""
_SIX_TO_FOUR, _TEREDO = ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32")
"""RFC 3056, RFC 4380: the same."""


class PlaceError(Exception):
    """The proxy does not connect there. `what` names the kind of place only."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class NoSuchNameError(PlaceError):
    """The name service knows no address: a slip of the pen, nothing that was tried."""

    def __init__(self) -> None:
        super().__init__("name without an address")


def public(text: str) -> bool:
    """Whether an address is one of the internet's, by the registries of IANA (RFC 6890) and without any that stands for another."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None or any(address in net for net in (*_TRANSLATED, _SIX_TO_FOUR, _TEREDO)):
            return False
        if address.is_site_local or int(address) >> 32 == 0:  # `::a.b.c.d` (RFC 4291, section 2.5.5.1)
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback)


async def resolve(host: str, port: int) -> list[str]:
    """Ask the machine's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    rows = await asyncio.wait_for(
        loop.run_in_executor(None, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)), RESOLVE_SECONDS
    )
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


@dataclass(frozen=True, slots=True)
class _Kept:
    addresses: tuple[str, ...]
    until: float


class Places:
    """The judge of destinations. One event loop only."""

    def __init__(
        self,
        own: Collection[OwnPlace],
        *,
        allow: Collection[str] = (),
        ports: Collection[int] = (443,),
        resolver: Resolver = resolve,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`allow`: exact `host:port` that may be no public address; `ports`: those of CONNECT."""
        self._own = frozenset((place.host, place.port) for place in own)
        self._own_names = frozenset(place.host for place in own if not _is_number(place.host))
        self._allow = frozenset(allow)
        self._ports = frozenset(ports)
        self._resolver = resolver
        self._now = now
        self._kept: dict[tuple[str, int], _Kept] = {}
        self._own_addresses: frozenset[tuple[str, int]] = frozenset()
        self._own_until = float("-inf")

    async def judge(self, host: str, port: int, *, tunnel: bool) -> tuple[str, ...]:
        """The addresses that `host` (lower case) may be reached by. Raises PlaceError.

        `tunnel`: asked for by CONNECT, so the port must be one of those for it; plain HTTP may use port 80 besides.
        """
        allowed = f"{host}:{port}" in self._allow
        if not allowed and port not in self._ports and (tunnel or port != 80):
            raise PlaceError("port")
        if host.rstrip(".") in self._own_names or (host, port) in self._own:
            raise PlaceError("own service")
        kept = self._kept.get((host, port))
        if kept is not None and kept.until > self._now():
            return kept.addresses
        addresses = tuple(await self._addresses(host, port))
        await self._look_up_own()
        for address in addresses:
            self._check(address, port, allowed=allowed)
        if len(self._kept) >= KEPT_NAMES:
            self._kept.clear()
        self._kept[host, port] = _Kept(addresses, self._now() + KEPT_SECONDS)
        return addresses

    def judged(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a place that was judged a moment ago. Raises PlaceError for any other."""
        kept = self._kept.get((host, port))
        if kept is None:
            raise PlaceError("not judged")
        return kept.addresses

    def admitted(self, host: str, port: int, peer: str, local: str | None) -> None:
        """Check the peer that was really reached; `local` is our end's address. Raises PlaceError."""
        allowed = f"{host}:{port}" in self._allow
        if peer not in self.judged(host, port):
            raise PlaceError("another address than judged")
        self._check(peer, port, allowed=allowed)
        if peer == local and not allowed:
            raise PlaceError("this machine")

    def _check(self, address: str, port: int, *, allowed: bool) -> None:
        if (_plain(address), port) in self._own_addresses:
            raise PlaceError("own service")
        if not allowed and not public(address):
            raise PlaceError("no public address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return [host]
        if not _NAME.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
            raise PlaceError("unusual spelling of an address")
        if host == "localhost" or host.endswith(".localhost"):
            return ["127.0.0.1"]  # RFC 6761, section 6.3: never asked of a name service
        try:
            found = await self._resolver(host, port)
        except OSError:
            found = []
        if not found:
            raise NoSuchNameError
        return found

    async def _look_up_own(self) -> None:
        """The addresses of the installation's own services, so that no other name leads to them."""
        if self._now() < self._own_until:
            return
        found: set[tuple[str, int]] = set()
        for host, port in self._own:
            try:
                addresses = await self._addresses(host, port)
            except PlaceError:
                continue  # a name that leads nowhere leads nobody there
            for address in addresses:
                if ipaddress.ip_address(address).is_unspecified:
                    found |= {("127.0.0.1", port), ("::1", port)}
                found.add((_plain(address), port))
        self._own_addresses = frozenset(found)
        self._own_until = self._now() + OWN_SECONDS


def _plain(address: str) -> str:
    """One spelling; an IPv4 address in IPv6 clothes is that address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
