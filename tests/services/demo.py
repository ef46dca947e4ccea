"""`make demo` as a process of its own: on free ports, in a folder of the test run, over the Tryton that the tests keep."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from audit_store.client_sets import decode_ids
from audit_store.log import Log, Logged
from audit_store.manifests import Manifests
from auth.sealed_database import open_sealed
from deploy.demo.crm import PreparedCrm
from deploy.demo.mailbox import Mail, mails
from deploy.demo.people import book_of
from tests.services.tryton import cache_folder

READY_SECONDS = 240


@dataclass
class Demo:
    """A demo whose story has been played."""

    folder: Path
    said: str
    """What it printed until it was ready."""
    party_ids: dict[int, int]

    @property
    def notes(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "notes.json").read_text(encoding="utf-8"))
        return found

    @property
    def crm_url(self) -> str:
        return str(self.notes["crm_url"])

    @property
    def torwart_url(self) -> str:
        return str(self.notes["torwart_url"])

    def password(self, login: str) -> str:
        return str(json.loads((self.folder / "crm" / "passwords.json").read_text(encoding="utf-8"))[login])

    def book(self, login: str) -> list[int]:
        """The ids of this manager's own clients."""
        return book_of(login, self.party_ids)

    def mails(self) -> list[Mail]:
        return mails(self.folder / "mailbox")

    def alerts_about(self, login: str) -> int:
        """How many alerts there are about this person."""
        with self._database() as engine, engine.connect() as connection:
            asked = text("SELECT count(*) FROM alerts JOIN people ON people.pseudonym = alerts.pseudonym WHERE people.email = :email")
            return int(connection.execute(asked, {"email": f"{login}@firma.example"}).scalar_one())

    def manifest(self, name: str) -> tuple[str, str, frozenset[str]]:
        """Of the kept export of this short name: its act, who exported, the clients."""
        with self._database() as engine:
            kept = Manifests(engine).get(name)
        assert kept is not None
        return kept.act_id, kept.pseudonym, decode_ids(kept.clients)

    def released_export(self) -> str:
        """Short name of the export that the story released."""
        documents = (logged.document["torwart"] for logged in self.recorded())
        return next(str(facts["manifest"]) for facts in documents if "manifest" in facts)

    def recorded(self, after: int = 0) -> list[Logged]:
        """What the central log holds after a place."""
        log = Log.open(self.folder / "state" / "log")
        try:
            return list(log.read(after, 100_000))
        finally:
            log.close()

    @contextlib.contextmanager
    def _database(self) -> Iterator[Engine]:
        engine = open_sealed(self.folder / "state" / "torwart.db", self.folder / "state")
        try:
            yield engine
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def demo(prepared_tryton: PreparedCrm, tryton_web_client: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo after its story, with Tryton's web client."""
    folder = tmp_path_factory.mktemp("demo")
    output = folder / "said"
    moved = {"DEMO_RUN": str(folder / "run"), "DEMO_CRM": str(cache_folder()), "PORT": str(_four_ports()), "LANG": "de_DE.UTF-8"}
    with output.open("wb") as said:
        command = [sys.executable, "-m", "deploy.demo"]
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **moved}, start_new_session=True)
    try:
        until(lambda: process.poll() is not None or "Strg-C" in output.read_text(encoding="utf-8"), READY_SECONDS, "the demo is not ready")
        assert process.poll() is None, output.read_text(encoding="utf-8")
        yield Demo(folder / "run", output.read_text(encoding="utf-8"), dict(prepared_tryton.party_ids))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def until(holds: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Look again until something holds; what a process of its own does has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


def _four_ports() -> int:
    """A free port whose three neighbours are free too.

    Below those that Linux gives to outgoing connections (`ip_local_port_range`): the demo binds them only when it is set up.
    """
    while True:
        port = secrets.choice(range(20_000, 32_000, 4))
        with contextlib.ExitStack() as opened:
            try:
                for number in range(port, port + 4):
                    opened.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
            return port
