"""Where the proxy may connect to."""

from __future__ import annotations

import pytest

from gateway.forward.places import KEPT_SECONDS, PlaceError, Places, public
from gateway.forward.settings import OwnPlace

OWN = (OwnPlace("crm.firma.example", 443), OwnPlace("127.0.0.1", 8401), OwnPlace("0.0.0.0", 8402), OwnPlace("search.firma.example", 9200))  # noqa: S104
NAMES = {
    "good.example": ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
    "inside.example": ["10.1.2.3"],
    "half.example": ["93.184.215.14", "192.168.0.1"],
    "crm.firma.example": ["203.0.114.9"],
    "twin.example": ["203.0.114.9"],
    "search.firma.example": ["203.0.114.10"],
    "search-twin.example": ["203.0.114.10"],
}


class Names:
    """A name service of the test's own."""

    def __init__(self) -> None:
        self.known = dict(NAMES)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return self.known[host]


def places(names: Names | None = None, *, allow: tuple[str, ...] = (), time: list[float] | None = None) -> Places:
    clock = time or [0.0]
    return Places(OWN, allow=allow, ports=(443, 8443), resolver=names or Names(), now=lambda: clock[0])


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.1", "::1", "0.0.0.0", "0.1.2.3", "::", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
        *("169.254.169.254", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "100.64.0.1", "100.127.255.255"),
        *("224.0.0.1", "239.1.1.1", "ff02::1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::1", "2002:a00:1::1", "2001:0:7f00:1::1", "2001:db8::1", "100::1"),
    ],
)
def test_all_other_addresses_are_not(address: str) -> None:
    assert not public(address)


async def test_a_public_name_gives_the_addresses_that_were_judged() -> None:
    one = places()
    assert await one.judge("good.example", 443, tunnel=True) == tuple(NAMES["good.example"])
    assert one.judged("good.example", 443) == tuple(NAMES["good.example"])


@pytest.mark.parametrize(
    ("host", "port", "what"),
    [
        ("inside.example", 443, "no public address"),
        ("half.example", 443, "no public address"),
        ("nowhere.example", 443, "name without an address"),
        ("localhost", 443, "no public address"),
        ("any.localhost", 443, "no public address"),
        ("good.example", 22, "port"),
        ("good.example", 25, "port"),
        ("good.example", 80, "port"),
        ("0x7f000001", 443, "unusual spelling of an address"),
        ("0x7f.1", 443, "unusual spelling of an address"),
        ("127.1", 443, "unusual spelling of an address"),
        ("2130706433", 443, "unusual spelling of an address"),
        ("017700000001", 443, "unusual spelling of an address"),
        ("good.example.", 443, "unusual spelling of an address"),
        ("good..example", 443, "unusual spelling of an address"),
        ("gööd.example", 443, "unusual spelling of an address"),
        ("crm.firma.example", 443, "own service"),
        ("crm.firma.example.", 443, "own service"),
        ("crm.firma.example", 8443, "own service"),
        ("twin.example", 443, "own service"),
        ("169.254.169.254", 443, "no public address"),
        ("::1", 443, "no public address"),
    ],
)
async def test_what_is_refused(host: str, port: int, what: str) -> None:
    with pytest.raises(PlaceError) as error:
        await places().judge(host, port, tunnel=True)
    assert error.value.what == what


async def test_plain_http_may_use_port_80_and_no_other_beside() -> None:
    one = places()
    assert await one.judge("good.example", 80, tunnel=False)
    with pytest.raises(PlaceError, match="port"):
        await one.judge("good.example", 8080, tunnel=False)


async def test_an_exception_is_one_exact_host_and_port() -> None:
    one = places(allow=("cloud.localhost:8403", "inside.example:8443"))
    assert await one.judge("cloud.localhost", 8403, tunnel=False) == ("127.0.0.1",)
    assert await one.judge("inside.example", 8443, tunnel=True) == ("10.1.2.3",)
    for host, port in (("cloud.localhost", 443), ("other.localhost", 8403), ("127.0.0.1", 8403), ("inside.example", 443)):
        with pytest.raises(PlaceError):
            await one.judge(host, port, tunnel=True)


@pytest.mark.parametrize(
    "allowed", ["x.localhost:8401", "x.localhost:8402", "search.firma.example:9200", "search-twin.example:9200", "crm.firma.example:443"]
)
async def test_no_exception_opens_a_service_of_the_house(allowed: str) -> None:
    host, _, port = allowed.rpartition(":")
    with pytest.raises(PlaceError, match="own service"):
        await places(allow=(allowed,)).judge(host, int(port), tunnel=True)


async def test_a_name_keeps_its_judged_addresses_for_a_moment_and_is_judged_again_then() -> None:
    names, time = Names(), [0.0]
    one = places(names, time=time)
    await one.judge("good.example", 443, tunnel=True)
    names.known["good.example"] = ["127.0.0.1"]  # the name service changes its mind
    assert await one.judge("good.example", 443, tunnel=True) == tuple(NAMES["good.example"])
    time[0] += KEPT_SECONDS + 1
    with pytest.raises(PlaceError, match="no public address"):
        await one.judge("good.example", 443, tunnel=True)


async def test_the_peer_that_was_reached_must_be_one_that_was_judged() -> None:
    one = places()
    await one.judge("good.example", 443, tunnel=True)
    one.admitted("good.example", 443, "93.184.215.14", "192.168.0.7")
    for peer in ("127.0.0.1", "93.184.215.15", "::1"):
        with pytest.raises(PlaceError, match="another address than judged"):
            one.admitted("good.example", 443, peer, "192.168.0.7")
    with pytest.raises(PlaceError, match="this machine"):
        one.admitted("good.example", 443, "93.184.215.14", "93.184.215.14")
    with pytest.raises(PlaceError, match="not judged"):
        one.admitted("other.example", 443, "93.184.215.14", None)


async def test_a_place_is_judged_with_its_port() -> None:
    one = places()
    await one.judge("good.example", 443, tunnel=True)
    with pytest.raises(PlaceError, match="not judged"):
        one.judged("good.example", 8443)
