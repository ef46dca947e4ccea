"""A console and agents as processes of their own, in a firm whose clients are known: what is copied on a desk ends in the central log.

Processes are forks of one that has imported everything; what runs is `console.server.run` and `torwart-agent run`, whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

import agent.cli
import console.server
from agent.enroll import enrol
from agent.identity import Identity
from agent.seen import Seen
from agent.server import Server
from audit_store.event import EventAction
from audit_store.log import Log, Logged
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.search import search
from audit_store.spool import Spool, SpoolReader, readers
from auth.agent_alarms import AgentAlarms
from auth.agents import Agents
from auth.people import People
from auth.sealed_database import open_sealed
from auth.tables import Person
from deploy.demo.tryton_process import free_port
from detectors.client_index.build import Build
from detectors.client_index.identifier import Identifier, Kind
from tests.services.waiting import until

READY_SECONDS = 30.0
CLIENTS = 3_000
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["console.server", "agent.cli"])
_CONFIG = """\
state: state
language: de
names: shown
torwart:
  url: {url}
  listen: 127.0.0.1:{listen}
crm:
  url: http://crm.localhost:{other}
"""


def email(number: int) -> str:
    """The address of client `number`."""
    return f"kunde{number}@haus-{number % 97}.example"


def table(numbers: Iterable[int]) -> bytes:
    """A CSV file of these clients, long enough for its digest to be recorded (`audit_store.event.DIGEST_FROM_BYTES`)."""
    return (f"{'Name':<60},E-Mail\n" + "".join(f"Kunde {number},{email(number)}\n" for number in numbers)).encode()


def build_index(state: Path, numbers: Iterable[int] = range(CLIENTS)) -> None:
    """Make the clients known to an installation."""
    build = Build(state, ["DE"])
    build.add(Identifier(str(number), Kind.EMAIL, email(number)) for number in numbers)
    build.finish()


@dataclass
class Child:
    """A process that a test starts again and again."""

    run: Callable[..., object]
    arguments: tuple[object, ...]
    said: Path
    process: ForkServerProcess | None = None

    def start(self) -> None:
        self.process = _FORKS.Process(target=_run, args=(self.run, self.arguments, self.said))
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process is not None
        assert self.process.pid is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def kill(self) -> None:
        """SIGKILL, by its id."""
        assert self.process is not None
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        """End it politely, if it runs."""
        if self.process is not None and self.process.is_alive():
            self.process.terminate()
            self.process.join(READY_SECONDS)


@dataclass
class Desk:
    """An employee's machine: a stick, a folder, and the agent."""

    folder: Path
    person: Person
    agent: Child
    identity: Identity | None = None

    @property
    def config(self) -> Path:
        return self.folder / "agent.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "agent-state"

    @property
    def stick(self) -> Path:
        return self.folder / "stick"

    @property
    def docs(self) -> Path:
        return self.folder / "docs"

    def copy(self, name: str, numbers: Iterable[int], *, to: Path | None = None) -> Path:
        """Put a table of clients on the stick, as a copy program does."""
        path = (to or self.stick) / name
        path.write_bytes(table(numbers))
        return path

    def recorded(self) -> list[Mapping[str, Any]]:
        """What the agent has recorded itself."""
        reader = SpoolReader.open(self.state / "spool")
        try:
            return [json.loads(row.canonical) for row in reader.read(0, 1_000_000)]
        finally:
            reader.close()

    def looked_at(self) -> int:
        """How many files that are there the agent has looked at."""
        seen = Seen(self.state / "seen.db")
        try:
            return seen.count()
        finally:
            seen.close()

    def configure(self, url: str, **more: float) -> None:
        """Write the agent's configuration; `more` are further members."""
        lines = [f"url: {url}", "state: agent-state", "rest_seconds: 0.3"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        lines += ["watch:", f"  - {{path: {self.stick}, place: removable}}", f"  - {{path: {self.docs}, place: folder}}"]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass
class Office:
    """One installation and the desks that belong to it."""

    folder: Path
    port: int
    """Of the address that everybody knows."""
    console: Child
    desks: list[Desk] = field(default_factory=list)
    listen: int = 0
    """The console's own port, where a road lies before it; 0: the same."""

    def configure(self) -> None:
        """Write the configuration."""
        text = _CONFIG.format(url=self.url, listen=self.listen or self.port, other=free_port())
        (self.folder / "torwart.yaml").write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://torwart.localhost:{self.port}"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self) -> None:
        """Start the console and wait until it takes connections."""
        self.console.start()
        until(lambda: self._listens() or not self.console.alive, READY_SECONDS, what="the console")
        assert self.console.alive, self.console.said.read_text(encoding="utf-8")

    def desk(self, name: str = "anna", **more: float) -> Desk:
        """A new desk whose agent is enrolled and does not run yet."""
        with self.people() as (people, agents):
            person = people.by_account(name) or people.add(f"{name.title()} Muster", f"{name}@firma.example", ["manager"], "de", [name])
            token = agents.issue(person.id, None)
        folder = self.folder / f"desk-{name}-{len(self.desks)}"
        desk = Desk(folder, person, Child(agent.cli.run, (folder / "agent.yaml",), folder / "said.log"))
        for path in (folder, desk.stick, desk.docs):
            path.mkdir(mode=0o700)
        desk.configure(self.url, **more)
        server = Server(self.url)
        desk.identity = enrol(server, desk.state, token, "desk")
        server.close()
        self.desks.append(desk)
        return desk

    @contextmanager
    def people(self) -> Iterator[tuple[People, Agents]]:
        """People and agents, as the command line opens them."""
        engine = open_sealed(self.state / "torwart.db", self.state)
        spool = Spool.open(self.state / "spool" / "cli", "cli")
        try:
            people = People(engine, spool.append, Pseudonyms(secret(self.state / "keys", "pseudonym.key")))
            yield people, Agents(engine, spool.append, AgentAlarms(spool.append), self.url)
        finally:
            spool.close()
            engine.dispose()

    def events(self, action: EventAction | None = None) -> list[Logged]:
        """What the central log has, in its order."""
        log = Log.open(self.state / "log", reading=True)
        try:
            found: list[Logged] = []
            while batch := search(log, action=action, limit=1_000, after=found[-1].sequence if found else 0):
                found += batch
            return found
        finally:
            log.close()

    def copies(self) -> list[Mapping[str, Any]]:
        """The acts that agents' events became."""
        return [event.document for event in self.events(EventAction.ACCESS) if event.document["torwart"]["act"]["action"] == "file_copy"]

    def digests(self) -> list[str]:
        """Of every file that agents told of, one for each event."""
        return [event.document["file"]["hash"]["sha256"] for event in self.events(EventAction.FILE_SEEN)]

    def refusals(self) -> list[str]:
        """Causes of the refusals that were recorded."""
        return [str(event.document["torwart"]["words"]["cause"]) for event in self.events(EventAction.AGENT_REFUSED)]

    def problems(self) -> list[str]:
        """What the verification of the whole record finds; the console is stopped."""
        log = Log.open(self.state / "log")
        spools = readers(self.state / "spool")
        try:
            for spool in spools:
                log.take(spool)
            alarms = [str(entry.document) for entry in log.tail(1_000_000) if entry.document["event"]["action"] == "store-alarm"]
            return [*alarms, *(str(problem) for problem in log.verify(*spools))]
        finally:
            for spool in spools:
                spool.close()
            log.close()

    def close(self) -> None:
        for desk in self.desks:
            desk.agent.stop()
        self.console.stop()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.listen or self.port)) == 0


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A console that runs, in a firm of 3,000 clients."""
    port = free_port()
    folder = tmp_path / "firm"
    folder.mkdir(mode=0o700)
    config = folder / "torwart.yaml"
    made = Office(folder, port, Child(console.server.run, (config,), folder / "console.log"))
    made.configure()
    (folder / "state").mkdir(mode=0o700)
    build_index(made.state)
    made.start()
    try:
        yield made
    finally:
        made.close()


def moments(seed: int) -> random.Random:
    """Moments of a test that has to be different each time, and can be run again."""
    return random.Random(seed)  # noqa: S311 -- moments, not secrets


def _run(run: Callable[..., object], arguments: tuple[object, ...], said: Path) -> None:
    """In the process: what it prints goes to a file."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    raise SystemExit(run(*arguments))
