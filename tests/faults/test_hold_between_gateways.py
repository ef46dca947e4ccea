"""Behind a load balancer: the page asks one gateway process while its call is held open in another. The touch lets it go on there."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool
from auth.installation import load_installation
from auth.keys import Keys
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from auth.stepup import StepUp, clock_id
from auth.used_acts import FILE, UsedActs
from deploy.demo.software_key import SoftwareKey
from deploy.demo.tryton_process import free_port
from gateway.exchange import Response
from gateway.listener import Listener
from tests.faults.played_crm import email
from tests.faults.stand import Stand, stand
from tests.services.tryton_calls import TOKEN

EXPORTED = [1, 3]
"""Clients of the asking manager's own."""


def value(client: int, name: str) -> object:
    """What a column holds."""
    return {"name": f"Name {client}", "email": email(client)}.get(name, client)


@dataclass
class Crm:
    """Answers an export, and counts what reached it."""

    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                crm.seen.append(asked["method"])
                ids, columns, *_ = asked["params"]
                rows = [[value(client, name) for name in columns] for client in ids]
                body = json.dumps({"id": asked["id"], "result": rows}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def two_gateways(folder: Path, upstream: int) -> Iterator[tuple[Stand, Stand]]:
    """Two processes over one database and state folder, each with a name of its own, as two machines have."""
    with stand(folder, upstream) as first:
        text = first.config.read_text(encoding="utf-8")
        first.config.write_text(f"machine: nord\n{text}", encoding="utf-8")
        second = object.__new__(Stand)
        second.__dict__.update(first.__dict__)
        second.port, second.said, second._process = free_port(), first.said.with_name("second.log"), None
        second.config = first.config.with_name("second.yaml")
        moved = text.replace(f"crm.localhost:{first.port}", f"crm.localhost:{second.port}")
        second.config.write_text(f"machine: sued\n{moved.replace(f'127.0.0.1:{first.port}', f'127.0.0.1:{second.port}')}", encoding="utf-8")
        first.start()
        try:
            second.start()
            yield first, second
        finally:
            second.stop()


@dataclass
class Firm:
    """The console's side: the manager's key, and what the page of the CRM sends to the gateways."""

    stepup: StepUp
    key: SoftwareKey
    cookie: str
    origin: str

    def poll(self, gateway: Stand, seen: str = "") -> dict[str, Any]:
        """What one gateway tells the page."""
        return self._ask(gateway, "GET", f"/.torwart/held?seen={seen}")

    def _ask(self, gateway: Stand, method: str, path: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=40)
        headers = {"host": f"crm.localhost:{gateway.port}", "cookie": self.cookie, "x-torwart-held": "1", "sec-fetch-site": "same-origin"}
        try:
            connection.request(method, path, headers=headers)
            said: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return said

    def touch(self, act_id: str) -> None:
        self.stepup.complete(act_id, self.key.get(self.stepup.begin(act_id), self.origin))


@contextmanager
def firm_of(gateway: Stand) -> Iterator[Firm]:
    installation = load_installation(gateway.config)[0]
    state = installation.state
    engine, spool = open_sealed(state / "torwart.db", state), Spool.open(state / "spool" / "console", "console")
    try:
        pseudonyms, seal = Pseudonyms(secret(state / "keys", "pseudonym.key")), RowSeal.of(state)
        keys = Keys(engine, spool.append, installation.rp_id, installation.origin, seal)
        key, token = SoftwareKey(), keys.issue_token(gateway.asking, None)
        options, _ = keys.begin_registration(token)
        keys.complete_registration(token, key.create(options, installation.origin))
        credential_key = secret(state / "keys", "credential.key")
        session = Sessions(engine, spool.append, credential_key).bind(TOKEN, "session", gateway.asking, "anna")
        given = Listener(credential_key, secure=False).give(Response(200), session.id).headers[-1][1]
        stepup = StepUp(engine, spool.append, keys, pseudonyms, clock_id(engine), seal=seal, used=UsedActs(state / FILE))
        yield Firm(stepup, key, given.partition(";")[0], installation.origin)
    finally:
        spool.close()
        engine.dispose()


def test_a_call_held_in_one_gateway_is_told_by_another_and_goes_on_once(tmp_path: Path) -> None:
    crm = Crm()
    with two_gateways(tmp_path / "firm", crm.port) as (asked, holding), firm_of(asked) as firm, ThreadPoolExecutor(1) as threads:
        token = firm.poll(asked)["version"]
        export = threads.submit(holding.call, "model.party.party.export_data", EXPORTED, ["name", "email"])
        told = firm.poll(asked, token)
        (act,) = told["acts"]
        assert (act["state"], act["repeat"], act["asked"]) == ("open", False, 2)
        firm.touch(act["id"])
        answer = export.result(60)
        rows = json.loads(answer.body)["result"]
        assert rows[:2] == [[f"Name {client}", email(client)] for client in EXPORTED]  # what follows is the mark of the export
        assert crm.seen == ["model.party.party.export_data"], "nothing was sent twice"
        assert firm.poll(asked, told["version"])["acts"][0]["state"] == "released"

        again = threads.submit(holding.call, "model.party.party.export_data", EXPORTED, ["name", "email"])
        waiting: list[str] = []
        while not waiting:
            told = firm.poll(asked, told["version"])
            waiting = [one["id"] for one in told["acts"] if one["state"] == "open"]
        assert firm._ask(asked, "POST", f"/.torwart/held/{waiting[0]}/cancel") == {"state": "cancelled"}
        refused = again.result(60)
        assert email(1).encode() not in refused.body
        assert asked.problems() == []
    crm.close()
