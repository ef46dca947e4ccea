"""The agent speaks to Torwart's host and to nobody who only says so."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.enroll import EnrolmentError, enrol
from agent.identity import Counter, load_identity
from agent.server import Server, UnreachableError, cause_of
from tests.services.certificates import Authority


class Host(http.server.ThreadingHTTPServer):
    """Answers what a test sets and notes what it was asked."""

    answers: list[tuple[int, dict[str, Any]]]
    seen: list[dict[str, str]]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Host

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        status, document = self.server.answers.pop(0) if self.server.answers else (200, {})
        data = json.dumps(document).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("location", document["to"])
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silent."""


def hosted(context: ssl.SSLContext | None = None) -> Host:
    host = Host(("127.0.0.1", 0), _Handler)
    host.answers, host.seen = [], []
    if context is not None:
        host.socket = context.wrap_socket(host.socket, server_side=True)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    return host


@pytest.fixture
def plain() -> Iterator[Host]:
    host = hosted()
    yield host
    host.shutdown()
    host.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls(authority: Authority, folder: Path, name: str, days: float = 1) -> Host:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(name, folder=folder, days=days))
    return hosted(context)


def post(host: Host, **how: Any) -> int:
    scheme = "https" if isinstance(host.socket, ssl.SSLSocket) else "http"
    server = Server(f"{scheme}://torwart.localhost:{host.server_port}", **how)
    try:
        return server.post("/api/agents/enrol", {}).status_code
    finally:
        server.close()


def test_the_host_with_its_own_certificate_is_spoken_to_and_told_its_name(authority: Authority, tmp_path: Path) -> None:
    host = tls(authority, tmp_path, "torwart.localhost")
    assert post(host, ca=authority.file) == 200
    assert host.seen[0]["host"] == f"torwart.localhost:{host.server_port}"
    assert host.seen[0]["origin"] == f"https://torwart.localhost:{host.server_port}"
    host.shutdown()


@pytest.mark.parametrize(
    ("name", "days", "own"), [("other.localhost", 1, True), ("torwart.localhost", -1, True), ("torwart.localhost", 1, False)]
)
def test_another_hosts_certificate_an_old_one_and_a_strangers_are_refused(
    authority: Authority, tmp_path: Path, name: str, days: float, own: bool
) -> None:
    (tmp_path / "stranger").mkdir()
    issuer = authority if own else Authority(tmp_path / "stranger", "Somebody")
    host = tls(issuer, tmp_path, name, days)
    with pytest.raises(UnreachableError, match="its certificate does not prove who it is"):
        post(host, ca=authority.file)
    assert host.seen == []
    host.shutdown()


def test_a_redirect_leads_nowhere(plain: Host) -> None:
    plain.answers = [(302, {"to": "http://elsewhere.example/"})]
    assert post(plain) == 302
    assert len(plain.seen) == 1


def test_no_proxy_of_the_environment_sees_the_agent(plain: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(plain) == 200


def test_nobody_there_is_said_without_an_exception_of_a_library() -> None:
    server = Server("http://torwart.localhost:1")
    with pytest.raises(UnreachableError, match=r"torwart\.localhost:1 cannot be reached: nothing listens there"):
        server.post("/", {})
    server.close()


@pytest.mark.parametrize("seen", [41, 1 << 60])
def test_a_counter_that_is_behind_catches_up_once(plain: Host, tmp_path: Path, seen: int) -> None:
    plain.answers = [(409, {"cause": "counter", "counter": seen}), (200, {})]
    server, counter = Server(f"http://torwart.localhost:{plain.server_port}"), Counter(tmp_path)
    answer = server.signed("00ff", Ed25519PrivateKey.generate(), counter, "POST", "/api/intake", b"{}")
    server.close()
    assert answer.status_code == 200
    numbers = [int(request["torwart-counter"]) for request in plain.seen]
    assert len(numbers) == 2
    assert numbers[1] > max(numbers[0], seen)


def test_a_server_that_always_says_the_counter_is_behind_is_asked_twice_and_no_more(plain: Host, tmp_path: Path) -> None:
    plain.answers = [(409, {"cause": "counter", "counter": 5})] * 5
    server = Server(f"http://torwart.localhost:{plain.server_port}")
    answer = server.signed("00ff", Ed25519PrivateKey.generate(), Counter(tmp_path), "POST", "/api/intake", b"{}")
    server.close()
    assert (answer.status_code, cause_of(answer), len(plain.seen)) == (409, "counter", 2)


@pytest.mark.parametrize("counter", ["x", None, -1, 1 << 70])
def test_a_counter_that_is_none_is_no_answer_of_torwart(plain: Host, tmp_path: Path, counter: object) -> None:
    plain.answers = [(409, {"cause": "counter", "counter": counter})]
    server = Server(f"http://torwart.localhost:{plain.server_port}")
    with pytest.raises(UnreachableError):
        server.signed("00ff", Ed25519PrivateKey.generate(), Counter(tmp_path), "POST", "/api/intake", b"{}")
    server.close()


def test_without_an_authority_of_its_own_the_systems_are_asked(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    host = tls(authority, tmp_path, "torwart.localhost")
    assert post(host) == 200
    host.shutdown()


def test_a_name_that_nobody_knows_and_a_port_without_tls_are_told_apart(plain: Host) -> None:
    for url, words in (
        ("https://nobody.invalid", "no such name"),
        (f"https://torwart.localhost:{plain.server_port}", "does not speak TLS"),
    ):
        server = Server(url)
        with pytest.raises(UnreachableError, match=words):
            server.post("/", {})
        server.close()


@pytest.mark.parametrize(
    ("status", "document", "words"),
    [
        (403, {"cause": "refused"}, "the token is not valid any more"),
        (403, {"title": "No."}, "is it Torwart's own address"),
        (503, {"cause": "not_recorded"}, "the token stays good"),
        (200, {}, "is not Torwart"),
        (404, {}, "is it Torwart's own address"),
    ],
)
def test_an_enrolment_in_vain_says_whose_fault_it_is(
    plain: Host, tmp_path: Path, status: int, document: dict[str, Any], words: str
) -> None:
    plain.answers = [(status, document)]
    server = Server(f"http://torwart.localhost:{plain.server_port}")
    with pytest.raises(EnrolmentError, match=words):
        enrol(server, tmp_path / "state", "token", "desk")
    server.close()
    assert load_identity(tmp_path / "state") is None
