"""Tunnels: TLS opened with the installation's own authority, plain HTTP and WebSockets inside CONNECT, and what goes through unread."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from deploy.demo.outside import Outside
from tests.services.certificates import Authority
from tests.services.outside import outside
from tests.services.way_out import SECRET, Firm, WayOut, basic, clients_of, heard, multipart, rows, running


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("foreign"))


@pytest.fixture(scope="module")
def secure(foreign: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    server = Outside(outside(), certificate=foreign.issue("cloud.localhost", folder=tmp_path_factory.mktemp("certificates")))
    yield server
    server.stop()


@pytest.fixture
async def tls(tmp_path: Path, secure: Outside, foreign: Authority) -> AsyncIterator[WayOut]:
    secure.arrivals.seen.clear()
    firm = Firm(tmp_path / "firm", [secure.port], more=f"  trusted: {foreign.file}\n")
    async with running(firm, secure) as one:
        yield one


def client(way_out: WayOut, *, log_in: str = SECRET) -> httpx.AsyncClient:
    """A program that trusts the installation's authority."""
    trust = ssl.create_default_context(cafile=str(way_out.firm.state / "ca" / "torwart-ca.pem"))
    return httpx.AsyncClient(proxy=f"http://anna:{log_in}@127.0.0.1:{way_out.port}", verify=trust, trust_env=False)


async def opened(way_out: WayOut, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """A tunnel by CONNECT, and the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", way_out.port)
    writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nProxy-Authorization: Basic {basic(SECRET)}\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return reader, writer, head


async def test_an_upload_over_tls_is_opened_judged_and_stopped(tls: WayOut) -> None:
    body, kind = multipart("liste.csv", rows(*range(1, 10)))
    async with client(tls) as web:
        answer = await web.post(f"https://{tls.at()}/upload", content=body, headers={"content-type": kind})
    assert answer.status_code == 403
    assert tls.far.arrivals.seen == []
    (act,) = tls.acts()
    assert len(clients_of(act)) == 9


async def test_what_may_go_out_goes_over_verified_tls(tls: WayOut) -> None:
    async with client(tls) as web:
        page = await web.get(f"https://{tls.at()}/page")
        sent = await web.post(f"https://{tls.at()}/collect", content=b"nothing of the firm")
    assert (page.content, sent.status_code) == (bytes(range(256)) * 400, 200)
    assert [one.method for one in tls.far.arrivals.seen] == ["GET", "POST"]


async def test_a_server_that_cannot_prove_its_name_gets_nothing(tmp_path: Path, secure: Outside) -> None:
    secure.arrivals.seen.clear()
    async with running(Firm(tmp_path / "firm", [secure.port]), secure) as way_out, client(way_out) as web:
        answer = await web.post(f"https://{way_out.at()}/collect", content=b"x")
    assert answer.status_code == 502
    assert secure.arrivals.seen == []


async def test_the_certificate_for_a_host_is_short_and_names_it_alone(tls: WayOut) -> None:
    trust = ssl.create_default_context(cafile=str(tls.firm.state / "ca" / "torwart-ca.pem"))
    _reader, writer, _ = await opened(tls, "cloud.localhost", tls.far.port)
    await writer.start_tls(trust, server_hostname="cloud.localhost")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["cloud.localhost"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 30
    writer.close()


async def test_another_server_name_than_the_tunnels_is_refused(tls: WayOut) -> None:
    trust = ssl.create_default_context(cafile=str(tls.firm.state / "ca" / "torwart-ca.pem"))
    trust.check_hostname = False
    reader, writer, _ = await opened(tls, "cloud.localhost", tls.far.port)
    await writer.start_tls(trust, server_hostname="paste.localhost")
    writer.write(f"GET / HTTP/1.1\r\nHost: cloud.localhost:{tls.far.port}\r\nConnection: close\r\n\r\n".encode())
    answer = heard(await asyncio.wait_for(reader.read(), 5))
    assert answer.status == 403
    assert tls.far.arrivals.seen == []
    assert tls.whats() == ["another server name than asked for"]
    writer.close()


async def test_another_host_inside_the_tunnel_is_refused(tls: WayOut) -> None:
    async with client(tls) as web:
        answer = await web.get(f"https://{tls.at()}/", headers={"host": f"paste.localhost:{tls.far.port}"})
    assert answer.status_code == 403
    assert tls.whats() == ["another Host than asked for"]
    assert tls.far.arrivals.seen == []


async def test_no_server_name_is_refused(tls: WayOut) -> None:
    trust = ssl.create_default_context(cafile=str(tls.firm.state / "ca" / "torwart-ca.pem"))
    trust.check_hostname = False
    reader, writer, _ = await opened(tls, "cloud.localhost", tls.far.port)
    await writer.start_tls(trust)
    writer.write(f"GET / HTTP/1.1\r\nHost: {tls.at()}\r\nConnection: close\r\n\r\n".encode())
    answer = heard(await asyncio.wait_for(reader.read(), 5))
    assert answer.status == 403
    assert tls.whats() == ["no server name"]
    writer.close()


async def test_plain_http_inside_a_tunnel_is_judged_too(way_out: WayOut) -> None:
    reader, writer, head = await opened(way_out, "cloud.localhost", way_out.far.port)
    assert head.startswith(b"HTTP/1.1 200 ")
    body = rows(*range(1, 10))
    writer.write(f"POST /collect HTTP/1.1\r\nHost: {way_out.at()}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = heard(await asyncio.wait_for(reader.read(), 5))
    assert answer.status == 403
    assert way_out.far.arrivals.seen == []
    writer.close()


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x01\x02\x03\x04\x05\x06\x07", b"HELO mail.example\r\n"])
async def test_what_is_no_http_in_a_tunnel_is_closed_and_recorded(way_out: WayOut, first: bytes) -> None:
    reader, writer, _ = await opened(way_out, "cloud.localhost", way_out.far.port)
    writer.write(first)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert way_out.whats() == ["no HTTP in the tunnel"]
    assert way_out.far.arrivals.seen == []
    writer.close()


async def test_a_tunnel_without_a_log_in_is_refused(way_out: WayOut) -> None:
    answer = heard(await way_out.talk(f"CONNECT {way_out.at()} HTTP/1.1\r\nHost: {way_out.at()}\r\nConnection: close\r\n\r\n".encode()))
    assert answer.status == 407


async def test_bypassed_tls_goes_through_unread_and_its_bytes_are_counted(tmp_path: Path, secure: Outside, foreign: Authority) -> None:
    secure.arrivals.seen.clear()
    firm = Firm(tmp_path / "firm", [secure.port], more="  bypass: [cloud.localhost]\n")
    async with running(firm, secure) as way_out:
        trust = ssl.create_default_context(cafile=str(foreign.file))  # the server's own certificate is seen
        proxy = f"http://anna:{SECRET}@127.0.0.1:{way_out.port}"
        async with httpx.AsyncClient(proxy=proxy, verify=trust, trust_env=False) as web:
            answer = await web.post(f"https://{way_out.at()}/collect", content=rows(*range(1, 10)))
        assert answer.status_code == 200
        for _ in range(200):
            if way_out.acts():
                break
            await asyncio.sleep(0.01)
        (act,) = way_out.acts()
        assert act["event"]["action"] == "tunnel-unread"
        assert act["torwart"]["words"] == {"host": "cloud.localhost"}
        assert act["torwart"]["numbers"]["bytes_sent"] > len(rows(*range(1, 10)))
        assert act["torwart"]["numbers"]["bytes_received"] > 0
        assert act["user"]["id"].startswith("P-")


async def test_a_bypassed_host_cannot_be_borrowed_by_another_name(tmp_path: Path, secure: Outside) -> None:
    firm = Firm(tmp_path / "firm", [secure.port], more="  bypass: [cloud.localhost]\n")
    async with running(firm, secure) as way_out:
        _reader, writer, _ = await opened(way_out, "cloud.localhost", secure.port)
        trust = ssl.create_default_context()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await writer.start_tls(trust, server_hostname="evil.example")
        assert way_out.whats() == ["another server name than asked for"]
        writer.close()
