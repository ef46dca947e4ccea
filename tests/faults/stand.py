"""A gateway as a process of its own, before a CRM that a test plays: small, quickly started, killed by its id.

The first start imports everything; later ones are forks of a process that has done so. What runs is `gateway.serve`, whole.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from audit_store.client_sets import decode_ids
from audit_store.log import Log
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool, SpoolReader
from auth.installation import load_installation
from auth.people import People
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from deploy.demo.tryton_process import free_port
from gateway.serve import serve
from tests.bench.firm import install
from tests.services.tryton_calls import TOKEN

READY_SECONDS = 30.0
FIELDS = ("name", "email")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["gateway.serve"])


def _run(config: Path, said: Path) -> None:
    """The gateway's process: what it prints goes to a file."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    raise SystemExit(serve(config))


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as the client got it."""

    status: int
    kind: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def problem(self) -> Mapping[str, Any]:
        """The problem document of a refusal (RFC 9457)."""
        assert self.kind.startswith("application/problem+json"), (self.status, self.kind, self.body[:300])
        found: Mapping[str, Any] = json.loads(self.body)
        return found


class Stand:
    """One installation, with a manager who has the clients with odd numbers of 3,000."""

    def __init__(self, folder: Path, upstream: int, more: str = "", top: str = "") -> None:
        """`more`: lines for the section `crm` of the configuration, `top`: further sections."""
        self.port = free_port()
        self._installed = install(folder, port=self.port, upstream=upstream, certificate=None, top=top)
        self.config = self._installed.config
        self.config.write_text(self.config.read_text(encoding="utf-8") + more, encoding="utf-8")
        self.state = folder / "state"
        self.said = folder / "gateway.log"
        self._process: ForkServerProcess | None = None
        with self.people() as people:
            asking = people.by_account("anna")
            assert asking is not None
            self.asking = asking.id

    @property
    def key(self) -> str:
        """The manager's key of the REST interface."""
        return self._installed.key

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def launch(self) -> None:
        """Start the process and do not wait for it."""
        self._process = _FORKS.Process(target=_run, args=(self.config, self.said))
        self._process.start()

    def start(self) -> None:
        """Start the process and wait until it takes connections."""
        self.launch()
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        while True:
            assert self._process.is_alive(), self.said.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the gateway does not listen"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        """SIGKILL, by its id."""
        assert self._process is not None
        self._process.kill()
        self._process.join()

    def ended(self) -> int | None:
        """The exit status of a process that ends by itself."""
        assert self._process is not None
        self._process.join(READY_SECONDS)
        return self._process.exitcode

    def stop(self) -> None:
        """End it politely, if it runs."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
            self._process.join(READY_SECONDS)

    def connect(self) -> Connection:
        """A client's connection."""
        return Connection(self.port, self._installed.key)

    def page(self, number: int = 0) -> Heard:
        """A page of two clients, by the REST interface, on a connection of its own."""
        connection = self.connect()
        try:
            return connection.page(number)
        finally:
            connection.close()

    def call(self, method: str, *params: Any) -> Heard:
        """A call of the web client on a connection of its own; `sign_in` first."""
        connection = self.connect()
        try:
            return connection.call(method, *params)
        finally:
            connection.close()

    @contextmanager
    def people(self) -> Iterator[People]:
        """The people, for an administrator's measures."""
        engine = open_sealed(load_installation(self.config)[0].database, self.state)
        spool = Spool.open(self.state / "spool" / "cli", "cli")
        try:
            yield People(engine, spool.append, Pseudonyms(secret(self.state / "keys", "pseudonym.key")))
        finally:
            spool.close()
            engine.dispose()

    def sign_in(self) -> None:
        """Bind the web client's session of the tests to the manager."""
        engine = open_sealed(self.state / "torwart.db", self.state)
        spool = Spool.open(self.state / "spool" / "cli", "cli")
        try:
            Sessions(engine, spool.append, secret(self.state / "keys", "credential.key")).bind(TOKEN, "session", self.asking, "anna")
        finally:
            spool.close()
            engine.dispose()

    def record(self) -> list[Mapping[str, Any]]:
        """Everything that the gateway recorded, in order."""
        reader = SpoolReader.open(load_installation(self.config)[0].spool("gateway"))
        try:
            return [json.loads(row.canonical) for row in reader.read(0, 1_000_000)]
        finally:
            reader.close()

    def acts(self) -> list[Mapping[str, Any]]:
        """What was recorded of acts and refusals."""
        return [event for event in self.record() if event["event"]["action"] in ("access", "refused", "connection-refused")]

    def problems(self) -> list[str]:
        """What the verification of the whole record finds, after the log has taken it."""
        log = Log.open(load_installation(self.config)[0].log)
        try:
            for folder in sorted((self.state / "spool").iterdir()):
                reader = SpoolReader.open(folder)
                log.take(reader)
                reader.close()
            alarms = [str(entry.document) for entry in log.tail(100_000) if entry.document["event"]["action"] == "store-alarm"]
            return [*alarms, *(str(problem) for problem in log.verify())]
        finally:
            log.close()


class Connection:
    """A client's connection that is kept open."""

    def __init__(self, port: int, key: str) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._rest = {"host": f"crm.localhost:{port}", "authorization": f"Bearer {key}"}
        cookie = {"cookie": f"tryton_session=anna:2:{TOKEN}", "content-type": "application/json", "origin": f"http://crm.localhost:{port}"}
        fetch = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
        self._web = {"host": f"crm.localhost:{port}"} | cookie | fetch

    def page(self, number: int) -> Heard:
        """A page of two clients. Raises OSError, http.client.HTTPException."""
        fields = "&".join(f"f={name}" for name in FIELDS)
        return self._ask("GET", f"/crm/rest/model/party.party?{fields}&p={number}&s=2", None, self._rest)

    def call(self, method: str, *params: Any) -> Heard:
        """A call of the web client; `Stand.sign_in` first."""
        body = json.dumps({"id": 7, "method": method, "params": [*params, {}]}).encode()
        return self._ask("POST", "/crm/rpc/", body, self._web)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Heard:
        self._http.request(method, path, body, dict(headers))
        answer = self._http.getresponse()
        return Heard(answer.status, answer.getheader("content-type", ""), answer.getheaders(), answer.read())


def shown(event: Mapping[str, Any]) -> frozenset[int]:
    """The clients that an event says went out; empty for anything but a release."""
    ours = event["torwart"]
    if event["event"]["action"] != "access" or ours["act"].get("phase") != "released":
        return frozenset()
    return frozenset(int(client) for client in decode_ids(ours["clients"]["shown"]))


@contextmanager
def stand(folder: Path, upstream: int, more: str = "", top: str = "") -> Iterator[Stand]:
    """A stand whose process ends with the test."""
    one = Stand(folder, upstream, more, top)
    try:
        yield one
    finally:
        one.stop()
