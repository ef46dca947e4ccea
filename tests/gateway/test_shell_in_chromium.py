"""The CRM's policies of every kind in a real browser: our script runs and asks, the CRM's own scripts run exactly as they did before."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import gateway
from gateway.exchange import Response
from gateway.shell import Shell

SCRIPT = Path(gateway.__file__).parent / "static" / "page.js"
OWN = "window.own = 1"
HASH = "'sha256-" + base64.b64encode(hashlib.sha256(OWN.encode()).digest()).decode() + "'"
KINDS = {
    "none at all": "",
    "self": "script-src 'self'",
    "nothing but a hash": f"script-src {HASH}; connect-src 'none'",
    "a nonce": "script-src 'nonce-crm'",
    "a nonce and strict-dynamic": "script-src 'nonce-crm' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
    "a hash and strict-dynamic": f"script-src {HASH} 'strict-dynamic'",
    "every inline script": "script-src https://cdn.example 'unsafe-inline'",
    "default alone": f"default-src {HASH}",
    "default none": "default-src 'none'",
    "of elements": f"script-src 'none'; script-src-elem {HASH}",
    "two at once": "script-src 'self' 'unsafe-inline', script-src 'nonce-crm'",
    "trusted types": f"script-src {HASH}; require-trusted-types-for 'script'; trusted-types 'none'",
}


@dataclass
class Site:
    """A CRM behind the gateway's shell: each kind of policy in the head of the answer, or in the page."""

    polls: list[str] = field(default_factory=list)
    url: str = ""
    shell: Shell = field(default_factory=lambda: Shell("nowhere"))

    def page(self, kind: str, where: str) -> Response:
        policy = KINDS[kind]
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if where == "meta" else ""
        headers = [("content-type", "text/html; charset=utf-8")]
        if where != "meta" and policy:
            headers.append(("content-security-policy" + ("-report-only" if where == "report" else ""), policy))
        body = f'<!doctype html><html><head>{meta}<title>CRM</title><script nonce="crm">{OWN}</script></head><body>CRM</body></html>'
        return Response(200, tuple(headers), body.encode())


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            path, _, _query = self.path.partition("?")
            if path == "/.torwart/page.js":
                answer = Response(200, (("content-type", "text/javascript"),), SCRIPT.read_bytes())
            elif path == "/.torwart/held":
                made.polls.append(self.headers.get("Referer", ""))
                answer = Response(401, (("content-type", "application/json"),), b"{}")
            else:
                number, where, how = path.strip("/").split("/")
                answer = made.page(list(KINDS)[int(number)], where)
                answer = made.shell.with_script(answer) if how == "with" else answer
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("content-length", str(len(answer.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    place = f"crm.localhost:{server.server_address[1]}"
    made.url, made.shell = f"http://{place}", Shell(place)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("where", ["head", "meta", "report"])
def test_our_script_runs_under_every_policy_and_the_crms_own_as_before(chromium: Browser, site: Site, where: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if ".torwart" in message.text else None)
    for number, kind in enumerate(KINDS):
        page.goto(f"{site.url}/{number}/{where}/without")
        before = page.evaluate("() => window.own")
        with page.expect_response("**/.torwart/held*", timeout=10_000):
            page.goto(f"{site.url}/{number}/{where}/with")
        assert page.evaluate("() => window.own") == before, kind
    context.close()
    assert said == [], "nothing of ours was refused or reported"
    assert len(site.polls) >= len(KINDS)
