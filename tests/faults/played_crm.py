"""A CRM of two kinds of answers, that notes what reached it: pages of its REST interface, in which every contact value is a canary."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CANARY = "canary"
SIZE = 2


def clients_of(page: int) -> tuple[int, int]:
    """The clients of a page: the first is the asking manager's own, the second is not."""
    return SIZE * page + 1, SIZE * page + 2


def email(client: int) -> str:
    """The contact value of a client."""
    return f"{CANARY}-{client}@firma.example"


@dataclass
class PlayedCrm:
    """Serves until it is closed."""

    spoilt: frozenset[int] = frozenset()
    """Pages that come as HTML, which nobody can inspect."""
    seen: list[int] = field(default_factory=list)
    """The pages that it was asked for."""

    def __post_init__(self) -> None:
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                page = int(parse_qs(urlsplit(self.path).query)["p"][0])
                crm.seen.append(page)
                kind, body = crm.answer(page)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, page: int) -> tuple[str, bytes]:
        """Type and body of a page."""
        rows = [{"__name__": "party.party", "id": n, "name": f"Name {n}", "email": email(n)} for n in clients_of(page)]
        if page in self.spoilt:
            return "text/html", f"<p>{rows}</p>".encode()
        return "application/json", json.dumps(rows).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
