"""The firm as it works: real Tryton, the gateway as a process of its own before it, people with keys, and a look into the record."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit_store.log import Log
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool, SpoolReader
from auth.act import StepUpRefused
from auth.keys import Keys
from auth.people import People
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.stepup import StepUp, boot_id
from auth.tables import Person
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from deploy.demo.ceremony import act_of
from deploy.demo.crm import PreparedCrm, RunningCrm, start
from deploy.demo.firm import Firm, configure, found
from deploy.demo.loopback import client
from deploy.demo.people import book_of
from deploy.demo.software_key import SoftwareKey
from deploy.demo.tryton_process import free_port
from deploy.demo.tryton_rpc import DATABASE, TrytonSession
from tests.services.hop import Hop
from tests.services.waiting import until

TORWART_PORT = 8401
"""In the addresses only: nothing of these tests listens there."""
READY_SECONDS = 20.0
FIELDS = ["name", "phone", "email"]


class Keyring:
    """Everybody's key in one hand."""

    def __init__(self) -> None:
        self.key = SoftwareKey()

    def touch(self, purpose: str, options: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """As the demo's keyring process answers."""
        return self.key.create(options, origin) if purpose == "create" else self.key.get(options, origin)


@dataclass
class GatewayProcess:
    """`python -m deploy.demo.gateway_process CONFIG`, started, killed and started again."""

    config: Path
    port: int
    log: Path
    before: Callable[[], None] | None = None
    """Runs in the child before the program, for resource limits."""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it and wait until it answers; the seconds that it took."""
        begun = time.monotonic()
        command = [sys.executable, "-m", "deploy.demo.gateway_process", str(self.config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=self.before)
        with httpx.Client(trust_env=False, timeout=5) as http:
            while True:
                if self._process.poll() is not None or time.monotonic() - begun > READY_SECONDS:
                    raise AssertionError(f"the gateway did not start: {self.log.read_text(encoding='utf-8')[-500:]}")
                try:
                    http.get(f"http://127.0.0.1:{self.port}/.torwart/none", headers={"host": f"crm.localhost:{self.port}"})
                except httpx.TransportError:
                    time.sleep(0.02)
                else:
                    return time.monotonic() - begun

    def kill(self) -> None:
        """SIGKILL, by its id."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """End it politely; its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        return self._process.wait(15)


@dataclass
class Browser:
    """The web client of one person: cookies, fetch metadata, and a page that listens for held acts."""

    firm: RunningFirm
    login: str
    http: httpx.Client = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.http = client(self.firm.url)
        self.http.headers.update(
            {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "origin": self.firm.url}
        )
        body = {"id": 0, "method": "common.db.login", "params": [self.login, {"password": self.firm.crm.passwords[self.login]}, "de"]}
        said = self.http.post(f"/{DATABASE}/session/login", json=body)
        assert said.status_code == 200, said.text
        # The cookies are scoped to `crm.localhost`, which the jar knows only as the address that it connected to.
        cookies = [value.partition(";")[0] for value in said.headers.get_list("set-cookie")]
        self.cookie = "; ".join(cookies)
        self.http.cookies.clear()
        self.http.headers["cookie"] = self.cookie

    def post(self, method: str, *params: Any) -> httpx.Response:
        """A call of the web client."""
        return self.http.post(f"/{DATABASE}/rpc/", json={"id": next(self._numbers), "method": method, "params": list(params)})

    def listen(self) -> list[Mapping[str, Any]]:
        """Poll once: from now on the page counts as listening. The acts that it was told about."""
        told = self.http.get("/.torwart/held", params={"seen": "-1"}, headers={"x-torwart-held": "1"})
        acts: list[Mapping[str, Any]] = told.json()["acts"]
        return acts

    def held(self) -> str:
        """The id of the open act, as soon as the page is told."""
        return until(lambda: next((act["id"] for act in self.listen() if act["state"] == "open"), None))


@dataclass
class RunningFirm:
    """The installation of one test module, and all that can be done to it."""

    firm: Firm
    crm: RunningCrm
    hop: Hop
    gateway: GatewayProcess
    key: SoftwareKey
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(24))

    @property
    def url(self) -> str:
        return self.firm.crm_url

    @property
    def state(self) -> Path:
        return self.firm.installation.state

    def book(self, login: str) -> list[int]:
        """Ids of this manager's own clients."""
        return book_of(login, self.crm.party_ids)

    def others(self, login: str) -> list[int]:
        """Ids of everybody else's clients."""
        own = set(self.book(login))
        return [party for party in self.crm.party_ids.values() if party not in own]

    def log_in(self, login: str) -> TrytonSession:
        """Somebody signs in through the gateway, as a script does."""
        return self.crm.log_in(login, base_url=self.url)

    def browser(self, login: str) -> Browser:
        """Somebody signs in through the gateway, as the web client does."""
        return Browser(self, login)

    def http(self) -> httpx.Client:
        """A client without any credential."""
        return client(self.url)

    def soon(self, work: Callable[[], httpx.Response]) -> Future[httpx.Response]:
        """A call in a thread of its own, for answers that wait."""
        return self.threads.submit(work)

    def touch(self, act_id: str, *, key: SoftwareKey | None = None, origin: str | None = None, **lies: Any) -> bool:
        """Confirm an act with the key; False if that was refused."""
        with self._authority() as (stepup, _):
            options = stepup.begin(act_id)
            answer = (key or self.key).get(options, origin or self.firm.installation.origin, **lies)
            try:
                stepup.complete(act_id, answer)
            except StepUpRefused:
                return False
            return True

    def cancel(self, act_id: str) -> bool:
        """Turn an act down, as the popup does."""
        with self._authority() as (stepup, _):
            return stepup.cancel(act_id)

    def act_state(self, act_id: str) -> str:
        with self._authority() as (stepup, _):
            act = stepup.get(act_id)
            return act.state if act is not None else "none"

    def confirmed(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """A script's act with its touch: the first answer names the act, the second one is the repeat."""
        first = call()
        assert first.status_code == 401, first.text[:500]
        assert self.touch(act_of(first))
        return call()

    @contextmanager
    def people(self) -> Iterator[People]:
        """The people, for an administrator's measures."""
        with self._authority() as (_, people):
            yield people

    def person(self, login: str) -> Person:
        with self.people() as people:
            found = people.by_account(login)
            assert found is not None
            return found

    def record(self) -> list[Mapping[str, Any]]:
        """Everything that the gateway recorded, in order."""
        reader = SpoolReader.open(self.state / "spool" / "gateway")
        try:
            return [json.loads(row.canonical) for row in reader.read(0, 1_000_000)]
        finally:
            reader.close()

    def acts(self, since: int = 0) -> list[Mapping[str, Any]]:
        """What was recorded of acts on clients and of refusals, without the furniture of the CRM."""
        wanted = [e for e in self.record()[since:] if e["event"]["action"] in ("access", "refused", "connection-refused")]
        return [e for e in wanted if e["torwart"].get("act", {}).get("action") != "system"]

    def problems(self) -> list[str]:
        """What the verification of the whole record finds, after the log has taken it."""
        log = Log.open(self.state / "log")
        try:
            for folder in sorted((self.state / "spool").iterdir()):
                reader = SpoolReader.open(folder)
                log.take(reader)
                reader.close()
            return [str(problem) for problem in log.verify()]
        finally:
            log.close()

    def leaks(self, data: bytes) -> list[str]:
        """E-mail addresses of the CRM in these bytes."""
        text = data.decode("utf-8", "replace")
        return [canary for canary in self.firm.canaries if canary in text]

    @contextmanager
    def _authority(self) -> Iterator[tuple[StepUp, People]]:
        """What the console's process has: the same database and a record of its own."""
        engine = open_sealed(self.state / "torwart.db", self.state)
        spool = Spool.open(self.state / "spool" / "console", "console")
        try:
            pseudonyms = Pseudonyms(secret(self.state / "keys", "pseudonym.key"))
            installation = self.firm.installation
            seal, used = RowSeal.of(self.state), UsedActs(self.state / USED_ACTS)
            keys = Keys(engine, spool.append, installation.rp_id, installation.origin, seal)
            yield StepUp(engine, spool.append, keys, pseudonyms, boot_id(), seal=seal, used=used), People(engine, spool.append, pseudonyms)
        finally:
            spool.close()
            engine.dispose()


def phase(event: Mapping[str, Any]) -> str:
    """The phase of an act's event."""
    return str(event["torwart"].get("act", {}).get("phase", ""))


def reason(event: Mapping[str, Any]) -> str:
    return str(event["event"].get("reason", ""))


def result(answer: httpx.Response) -> Any:
    """The result of an RPC call; the test fails if there is none."""
    assert answer.status_code == 200, (answer.status_code, answer.text[:500])
    said = answer.json()
    assert "result" in said, said
    return said["result"]


def error(answer: httpx.Response) -> str:
    """Title of the error that the web client shows; the test fails if there is none."""
    assert answer.status_code == 200, (answer.status_code, answer.text[:300])
    return str(answer.json()["error"][1][0])


@dataclass(frozen=True)
class Founded:
    """One Tryton and one founded installation, of which each module gets a copy."""

    crm: RunningCrm
    folder: Path
    key: SoftwareKey


@pytest.fixture(scope="session")
def founded(prepared_tryton: PreparedCrm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    """Made once; the Tryton is shared by all modules that use `firm`."""
    folder = tmp_path_factory.mktemp("founded")
    crm = start(prepared_tryton, folder / "tryton")
    try:
        keyring = Keyring()
        made = configure(folder / "firm", crm_port=free_port(), torwart_port=TORWART_PORT, upstream=crm.base_url, mail_port=9)
        found(made, crm, keyring)  # type: ignore[arg-type] # answers as the demo's keyring does
        yield Founded(crm, folder / "firm", keyring.key)
    finally:
        crm.stop()


@contextmanager
def running_firm(founded: Founded, folder: Path, *, more: str = "", upstream: Hop | None = None) -> Iterator[RunningFirm]:
    """A copy of the founded installation, with its gateway started. `more`: lines for the section `crm` of the configuration."""
    shutil.copytree(founded.folder, folder)
    hop = upstream or Hop(founded.crm.base_url)
    port = free_port()
    made = configure(folder, crm_port=port, torwart_port=TORWART_PORT, upstream=hop.url, mail_port=9)
    text = made.config.read_text(encoding="utf-8")
    made.config.write_text(text.replace("  profile: tryton\n", f"  profile: tryton\n{more}"), encoding="utf-8")
    gateway = GatewayProcess(made.config, port, folder / "gateway.log")
    gateway.start()
    firm = RunningFirm(made, founded.crm, hop, gateway, founded.key)
    try:
        yield firm
    finally:
        gateway.stop()
        hop.down()
        firm.threads.shutdown(wait=False, cancel_futures=True)


@pytest.fixture(scope="module")
def firm(founded: Founded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFirm]:
    """A fresh installation for the tests of one module, over the Tryton that all modules share."""
    with running_firm(founded, tmp_path_factory.mktemp("firm") / "run") as running:
        yield running


@pytest.fixture
def fresh_firm(founded: Founded, tmp_path: Path) -> Iterator[RunningFirm]:
    """A fresh installation for one test: nobody has been shown anything yet."""
    with running_firm(founded, tmp_path / "run") as running:
        yield running
