"""A small HTTP proxy before a real Elasticsearch that makes it slow, deaf, busy, forgetful or a liar."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.services.elastic import Cluster

PRODUCT = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/vnd.elasticsearch+json;compatible-with=8"}


@dataclass
class Asked:
    """One request on its way."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_bulk(self) -> bool:
        return "/_bulk" in self.path


@dataclass
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: dict(PRODUCT))

    @classmethod
    def of(cls, status: int, document: Any) -> Answer:
        return cls(status, json.dumps(document).encode())


type Fault = Callable[[Asked, Callable[[Asked], Answer]], Answer | None]
"""Gets the request and the way to the real server; None: the connection ends without an answer."""


def honest(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
    """The real answer."""
    return ask(asked)


class Proxy:
    """Between Torwart and the node; `fault` says what it does to a request. TLS with a certificate of the node's authority, or another."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *,
        certificate: tuple[Path, Path] | None = None,
        clients_ca: Path | None = None,
        everybody: str | None = None,
    ) -> None:
        """`clients_ca`: only clients with a certificate of that authority are let in. `everybody`: no TLS, whoever comes is this user."""
        self.fault: Fault = honest
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._trust = ssl.create_default_context(cafile=cluster.node.ca)
        self._node = cluster.node.url
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers), body)
                proxy.asked.append(asked)
                answer = proxy.fault(asked, proxy.ask)
                if answer is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do  # noqa: N815 -- as http.server wants them

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a client that gave up

        self._everybody = f"Basic {cluster.node.word(everybody)}" if everybody else None
        self._server = Server(("127.0.0.1", 0), Handler)
        if everybody is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*(certificate or cluster.authority.issue("localhost", folder=folder)))
            if clients_ca is not None:
                context.load_verify_locations(clients_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'http' if everybody else 'https'}://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def ask(self, asked: Asked) -> Answer:
        """The real server's answer."""
        kept = {name: value for name, value in asked.headers.items() if name.lower() in ("authorization", "content-type", "accept")}
        if self._everybody is not None:
            kept["authorization"] = self._everybody
        request = urllib.request.Request(self._node + asked.path, asked.body or None, kept, method=asked.method)
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._trust) as found:
                return _answer(found.status, found.read(), found.headers)
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.read(), error.headers)
        except urllib.error.URLError:
            return Answer.of(502, {})

    def hang(self, asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        """No answer, for as long as the test lasts."""
        self.ended.wait()
        return None


def slow(seconds: float) -> Fault:
    """The real answer, later."""

    def fault(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        time.sleep(seconds)
        return ask(asked)

    return fault


def bulk_only(fault: Fault) -> Fault:
    """The fault for what is sent, honesty for what is asked."""
    return lambda asked, ask: fault(asked, ask) if asked.is_bulk else ask(asked)


def status(code: int) -> Fault:
    """Refuses with a status, and passes nothing on."""
    return lambda asked, ask: Answer.of(code, {"error": {"type": "played_exception", "reason": "played"}, "status": code})


def lines(body: bytes) -> list[tuple[bytes, bytes]]:
    """The items of a bulk request: what to do, and the document."""
    parts = body.split(b"\n")[:-1]
    return list(zip(parts[::2], parts[1::2], strict=True))


def without(asked: Asked, left_out: Callable[[int], bool]) -> Asked:
    """The same bulk request with some items missing."""
    kept = [b"%s\n%s\n" % item for place, item in enumerate(lines(asked.body)) if not left_out(place)]
    return Asked(asked.method, asked.path, asked.headers, b"".join(kept))


def swallowing(left_out: Callable[[int], bool]) -> Fault:
    """Acknowledges every item and stores only some."""

    def fault(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        passed = without(asked, left_out)
        real = json.loads(ask(passed).body)["items"] if passed.body else []
        index = real[0]["create"]["_index"] if real else ".ds-logs-torwart.events-default-2026.01.01-000001"
        names = [json.loads(head)["create"]["_id"] for head, _ in lines(asked.body)]
        return Answer.of(200, {"errors": False, "items": [{"create": {"_index": index, "_id": name, "status": 201}} for name in names]})

    return bulk_only(fault)


def refusing_items(code: int, kind: str, refused: Callable[[int], bool]) -> Fault:
    """Stores some items and refuses the others with a status."""

    def fault(asked: Asked, ask: Callable[[Asked], Answer]) -> Answer | None:
        passed = without(asked, refused)
        real = iter(json.loads(ask(passed).body)["items"] if passed.body else [])
        rows = []
        for place, (head, _) in enumerate(lines(asked.body)):
            name = json.loads(head)["create"]["_id"]
            error = {"create": {"_index": "i", "_id": name, "status": code, "error": {"type": kind, "reason": "played"}}}
            rows.append(error if refused(place) else next(real))
        return Answer.of(200, {"errors": True, "items": rows})

    return bulk_only(fault)


def larger_than(limit: int) -> Fault:
    """Takes no more bytes than that (413)."""
    return lambda asked, ask: Answer(413, b"", {}) if len(asked.body) > limit else ask(asked)


def _answer(code: int, body: bytes, headers: Any) -> Answer:
    wanted = ("x-elastic-product", "content-type")
    return Answer(code, body, {name: value for name, value in headers.items() if name.lower() in wanted})
