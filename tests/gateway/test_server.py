"""The listener: its start, its end, its certificate, and what it refuses to start with."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from mitmproxy.master import Master
from mitmproxy.options import Options

from gateway import server
from gateway.addon import Addon
from gateway.embedded import self_test
from gateway.exchange import Response
from gateway.server import OPTIONS, Gateway, ListenError, StartError, public_hosts
from gateway.watch import Limits
from tests.services.front import Front, LetThrough, Upstream, settings, until


async def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as error:
            await Gateway(settings("http://127.0.0.1:1", listen=f"127.0.0.1:{port}"), LetThrough(), print).start()
    assert str(error.value).startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert "\n" not in str(error.value)


async def test_a_stopped_gateway_listens_no_more_and_can_be_started_again() -> None:
    upstream = Upstream()
    gateway = Gateway(settings(upstream.url), LetThrough(), print)
    port = await gateway.start()
    await gateway.stop()
    with pytest.raises(OSError, match=r"."):
        await asyncio.open_connection("127.0.0.1", port)
    again = Gateway(settings(upstream.url, listen=f"127.0.0.1:{port}"), LetThrough(), print)
    assert await again.start() == port
    await again.stop()
    upstream.close()


async def test_a_stop_lets_an_answer_under_way_go_out_and_closes_the_rest() -> None:
    upstream, judge = Upstream(), LetThrough()
    gateway = Gateway(settings(upstream.url), judge, print)
    front = Front(await gateway.start(), judge, upstream)

    async def slow(response: Response) -> Response:
        await asyncio.sleep(0.2)
        return response

    judge.then = slow
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", front.port)
    under_way = asyncio.create_task(front.talk(front.head(b"GET /x HTTP/1.1")))
    await until(lambda: upstream.requests)
    await gateway.stop()
    assert (await under_way).endswith(b"hello")
    assert await idle_reader.read() == b""
    idle_writer.close()
    upstream.close()


async def test_nothing_connects_to_the_crm_before_a_request_is_allowed(front: Front) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)
    await front.ask(b"GET //x HTTP/1.1")
    assert front.upstream.connections == 0
    writer.close()


@pytest.mark.parametrize("option", [name for name, value in OPTIONS.items() if isinstance(value, bool)])
async def test_a_weakened_option_refuses_the_start(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    check = server.check_setup

    def weaken(master: Master, *rest: object) -> None:
        master.options.update(**{option: not OPTIONS[option]})
        check(master, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "check_setup", weaken)
    with pytest.raises(StartError, match=option):
        await Gateway(settings("http://127.0.0.1:1"), LetThrough(), print).start()


async def test_a_further_addon_refuses_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slipped(Master):
        def __init__(self, options: Options) -> None:
            super().__init__(options)
            self.addons.add(object())

    monkeypatch.setattr(server, "Master", Slipped)
    with pytest.raises(StartError, match="addons"):
        await Gateway(settings("http://127.0.0.1:1"), LetThrough(), print).start()


async def test_a_hook_without_the_guard_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_door(self: Addon, flow: object) -> None:
        """Passes whatever comes."""

    monkeypatch.setattr(Addon, "response", open_door)
    with pytest.raises(StartError, match="response"):
        await self_test(Addon)


@pytest.mark.parametrize("upstream", ["ftp://127.0.0.1:1", "127.0.0.1:1", "http://", "http://127.0.0.1:1/crm"])
async def test_an_upstream_that_is_none_refuses_the_start(upstream: str) -> None:
    with pytest.raises(StartError, match="upstream"):
        await Gateway(settings(upstream), LetThrough(), print).start()


def test_the_port_is_part_of_the_public_name_unless_the_scheme_implies_it() -> None:
    assert public_hosts("http://crm.localhost:8400", 1) == {"crm.localhost:8400"}
    assert public_hosts("http://CRM.localhost:0", 77) == {"crm.localhost:77"}
    assert public_hosts("https://crm.firma.example", 8400) == {"crm.firma.example", "crm.firma.example:443"}


async def test_connections_are_limited_and_idle_ones_end(front: Front) -> None:
    limits = Limits(idle_seconds=0.2, head_seconds=5, body_seconds=5, unread_seconds=5, connections=2)
    gateway = Gateway(settings(front.upstream.url), LetThrough(), print, limits=limits)
    port = await gateway.start()
    pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    assert await pairs[2][0].read() == b""
    assert await pairs[0][0].read() == b""
    for _, writer in pairs:
        writer.close()
    await gateway.stop()


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-subj", "/CN=crm.localhost", "-addext", "subjectAltName=DNS:crm.localhost,DNS:localhost"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    return chain, key


async def _secure(certificate: tuple[Path, Path], upstream: Upstream, judge: LetThrough, refused: list[str]) -> tuple[Gateway, int]:
    changes = {"url": "https://crm.localhost:0", "certificate": certificate[0], "key": certificate[1]}
    gateway = Gateway(settings(upstream.url, **changes), judge, refused.append)
    return gateway, await gateway.start()


async def test_tls_serves_the_configured_certificate_and_http_1_only(certificate: tuple[Path, Path]) -> None:
    upstream, judge, refused = Upstream(), LetThrough(), list[str]()
    gateway, port = await _secure(certificate, upstream, judge, refused)
    context = ssl.create_default_context(cafile=certificate[0])
    context.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="crm.localhost")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    for _ in range(2):
        writer.write(b"GET /x HTTP/1.1\r\nHost: crm.localhost:%d\r\n\r\n" % port)
        answer = await reader.readuntil(b"hello")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(upstream.requests) == 2
    writer.close()
    await gateway.stop()
    assert refused == []
    upstream.close()


async def test_a_plain_request_on_the_tls_port_and_old_tls_are_refused(certificate: tuple[Path, Path]) -> None:
    upstream, judge, refused = Upstream(), LetThrough(), list[str]()
    gateway, port = await _secure(certificate, upstream, judge, refused)
    front = Front(port, judge, upstream)
    assert b"hello" not in await front.talk(front.head(b"GET /x HTTP/1.1"))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.maximum_version = old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", port, ssl=old, server_hostname="crm.localhost")
    await gateway.stop()
    assert len(refused) == 2
    assert judge.seen == []
    assert upstream.connections == 0
    upstream.close()


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("tls") / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    return key


async def test_a_certificate_without_its_key_refuses_the_start(certificate: tuple[Path, Path], other_key: Path, tmp_path: Path) -> None:
    for chain, key in ((certificate[0], other_key), (certificate[0], tmp_path / "none.pem"), (tmp_path / "none.pem", certificate[1])):
        changed = settings("http://127.0.0.1:1", url="https://crm.localhost:0", certificate=chain, key=key)
        with pytest.raises(StartError, match="pem"):
            await Gateway(changed, LetThrough(), print).start()
    with pytest.raises(StartError, match=r"crm\.certificate"):
        await Gateway(settings("http://127.0.0.1:1", url="https://crm.localhost:0"), LetThrough(), print).start()


async def test_an_upstream_with_a_foreign_certificate_is_never_asked(certificate: tuple[Path, Path]) -> None:
    """I113: not trusted, or trusted under another name."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(*certificate)
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    crm = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side)
    crm_port = crm.sockets[0].getsockname()[1]
    for name, trusted, status in (
        ("localhost", None, b"502"),
        ("127.0.0.1", certificate[0], b"502"),
        ("localhost", certificate[0], b"200"),
    ):
        judge = LetThrough()
        gateway = Gateway(settings(f"https://{name}:{crm_port}"), judge, print, trusted=trusted)
        front = Front(await gateway.start(), judge, Upstream())
        assert (await front.ask(b"GET /x HTTP/1.1")).split(b" ")[1] == status
        await gateway.stop()
        front.upstream.close()
    assert len(asked) == 1
    crm.close()
