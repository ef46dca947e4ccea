"""Attacks X9, hostile inputs A17 and A18: the forward proxy is no open proxy and no road into the house."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth.config_file import ConfigError
from deploy.demo.outside import Outside
from gateway.forward.settings import read_forward
from tests.services.way_out import SECRET, Firm, Heard, WayOut, basic, heard, running


async def connect(way_out: WayOut, place: str) -> Heard:
    head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {basic(SECRET)}\r\nConnection: close\r\n\r\n"
    return heard(await way_out.talk(head.encode(), seconds=5))


async def get(way_out: WayOut, place: str) -> Heard:
    head = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: Basic {basic(SECRET)}\r\nConnection: close\r\n\r\n"
    return heard(await way_out.talk(head.encode(), seconds=5))


PLACES = [
    *("127.0.0.1:443", "[::1]:443", "localhost:443", "0.0.0.0:443", "[::]:443", "169.254.169.254:80", "169.254.169.254:443"),
    *("10.0.0.1:443", "192.168.0.1:443", "172.16.0.1:443", "100.64.0.1:443", "[fe80::1]:443", "[fd00::1]:443"),
    *("[::ffff:127.0.0.1]:443", "[64:ff9b::7f00:1]:443", "[2002:7f00:1::]:443", "0x7f000001:443", "2130706433:443", "127.1:443"),
    *("example.com:22", "example.com:25", "example.com:9200", "cloud.localhost:443"),
]


@pytest.mark.parametrize("place", PLACES)
async def test_no_tunnel_into_the_house(way_out: WayOut, place: str) -> None:
    answer = await connect(way_out, place)
    assert answer.status in (400, 403), answer
    assert way_out.acts()


@pytest.mark.parametrize("place", PLACES)
async def test_no_plain_request_into_the_house(way_out: WayOut, place: str) -> None:
    answer = await get(way_out, place)
    assert answer.status in (400, 403), answer
    assert way_out.acts()


async def test_the_services_of_the_installation_are_refused_under_every_name(way_out: WayOut) -> None:
    firm = way_out.firm
    for port in (firm.torwart, firm.crm, firm.upstream, firm.port):
        for name in ("127.0.0.1", "torwart.localhost", "crm.localhost", "cloud.localhost", "localhost"):
            assert (await connect(way_out, f"{name}:{port}")).status == 403
            assert (await get(way_out, f"{name}:{port}")).status == 403


async def test_an_exception_for_a_port_of_our_own_opens_nothing(tmp_path: Path, far: Outside) -> None:
    firm = Firm(tmp_path / "firm", [far.port])
    text = firm.config.read_text(encoding="utf-8")
    more = ", ".join(f"cloud.localhost:{port}" for port in (firm.torwart, firm.crm, firm.upstream, firm.port))
    firm.config.write_text(text.replace("allow: [", f"allow: [{more}, "), encoding="utf-8")
    with socket.create_server(("127.0.0.1", firm.upstream)) as crm:  # the CRM itself: nobody may knock
        crm.settimeout(0.2)
        async with running(firm, far) as way_out:
            for port in (firm.torwart, firm.crm, firm.upstream, firm.port):
                assert (await connect(way_out, f"cloud.localhost:{port}")).status == 403
            assert way_out.whats() == ["own service"] * 4
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(crm.accept)


async def test_its_own_address_is_no_page(way_out: WayOut) -> None:
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{way_out.port}\r\nProxy-Authorization: Basic {basic(SECRET)}\r\nConnection: close\r\n\r\n"
    assert heard(await way_out.talk(head.encode())).status == 403


@pytest.mark.parametrize("path", ["/.torwart", "/.torwart/held", "/.torwart/page.js", "/%2etorwart/held"])
async def test_reserved_paths_are_never_ours_here(way_out: WayOut, path: str) -> None:
    answer = await way_out.send("GET", "cloud", path)
    assert answer.status == 404  # the server's own
    assert [one.path for one in way_out.far.arrivals.seen] == [path.replace("%2e", ".")]


class Fickle:
    """A name service that answers the first question with a public address, and every later one with loopback."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return ["203.0.114.7"] if self.asked == 1 else ["127.0.0.1"]


@pytest.fixture
async def fickle(firm_outside: Firm, far: Outside) -> AsyncIterator[WayOut]:
    far.arrivals.seen.clear()
    async with running(firm_outside, far, resolver=Fickle()) as one:
        yield one


async def test_a_name_that_changes_between_check_and_connect_leads_nowhere(fickle: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is connected to is what was judged; the second answer of the name service counts no more."""
    tried: list[object] = []
    loop = asyncio.get_running_loop()

    async def note(sock: socket.socket, address: object) -> None:
        tried.append(address)
        raise OSError("no route in this test")

    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.2)
        port = inside.getsockname()[1]
        monkeypatch.setattr(fickle.parts.judge.places, "_ports", frozenset({port}))
        monkeypatch.setattr(loop, "sock_connect", note)
        answer = await asyncio.wait_for(_tunnelled(fickle, "fickle.example", port), 10)
        assert b"HTTP/1.1 502" in answer
        assert [address[0] for address in tried] == ["203.0.114.7"]  # type: ignore[index]
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(inside.accept)


async def test_a_peer_that_was_not_judged_gets_no_byte(fickle: WayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second gate by itself: suppose that the connection has led to loopback all the same."""
    heard_inside: list[bytes] = []

    async def inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard_inside.append(await reader.read(1_000))
        writer.close()

    server = await asyncio.start_server(inside, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    connect_really = type(loop).sock_connect

    async def led_astray(sock: socket.socket, _address: object) -> None:
        await connect_really(loop, sock, ("127.0.0.1", port))

    monkeypatch.setattr(fickle.parts.judge.places, "_ports", frozenset({port}))
    monkeypatch.setattr(loop, "sock_connect", led_astray)
    answer = await asyncio.wait_for(_tunnelled(fickle, "fickle.example", port), 10)
    monkeypatch.undo()
    assert b"HTTP/1.1 502" in answer
    assert "another address than judged" in fickle.whats()
    server.close()
    await server.wait_closed()
    assert [data for data in heard_inside if data] == []


async def _tunnelled(way_out: WayOut, host: str, port: int) -> bytes:
    """A plain request inside a tunnel, the proxy's own socket left alone by the patched loop: it is connected before."""
    with socket.create_connection(("127.0.0.1", way_out.port)) as plain:
        plain.settimeout(5)
        log_in = f"Proxy-Authorization: Basic {basic(SECRET)}"

        def talk() -> bytes:
            plain.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{log_in}\r\n\r\n".encode())
            head = plain.recv(4_096)
            assert b" 200 " in head, head
            plain.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while data := plain.recv(65_536):
                answer += data
            return answer

        return await asyncio.to_thread(talk)


@pytest.mark.parametrize("listen", ["0.0.0.0:8402", "192.168.0.5:8402", "[::]:8402", "proxy.firma.example:8402"])
def test_without_a_log_in_only_this_machine_may_use_it(tmp_path: Path, listen: str) -> None:
    firm = Firm(tmp_path / "firm")
    text = firm.config.read_text(encoding="utf-8")
    changed = text.replace(f"  listen: 127.0.0.1:{firm.port}\n", f'  listen: "{listen}"\n  person: anna@firma.example\n')
    assert changed != text
    firm.config.write_text(changed, encoding="utf-8")
    with pytest.raises(ConfigError, match="loopback"):
        read_forward(firm.config)


@pytest.mark.parametrize(
    "allow", ["*:8403", "*.localhost:8403", "cloud.localhost", "cloud.localhost:*", "127.0.0.0/8:80", "cloud.localhost:0"]
)
def test_an_exception_names_one_host_and_one_port(tmp_path: Path, allow: str) -> None:
    firm = Firm(tmp_path / "firm")
    text = firm.config.read_text(encoding="utf-8").replace("allow: []", f'allow: ["{allow}"]')
    firm.config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="exact places"):
        read_forward(firm.config)


async def test_on_a_machine_of_one_person_nobody_is_asked(tmp_path: Path, far: Outside) -> None:
    firm = Firm(tmp_path / "firm", [far.port], more="  person: anna@firma.example\n")
    async with running(firm, far) as way_out:
        assert (await way_out.send("GET", "cloud", "/files", log_in=None)).status == 200
        with firm.people() as (people, _, _):
            people.freeze(firm.anna, None)
        assert (await way_out.send("GET", "cloud", "/files", log_in=None)).status == 403


async def test_a_log_in_ends_with_a_freeze_a_cut_and_a_departure(way_out: WayOut) -> None:
    assert (await way_out.send("GET", "cloud", "/files")).status == 200
    with way_out.firm.people() as (people, sessions, _):
        people.freeze(way_out.firm.anna, None)
        assert (await way_out.send("GET", "cloud", "/files")).status == 403
        people.unfreeze(way_out.firm.anna, None)
        assert (await way_out.send("GET", "cloud", "/files")).status == 200
        sessions.end_all(way_out.firm.anna, "renewed")
        assert (await way_out.send("GET", "cloud", "/files")).status == 407
