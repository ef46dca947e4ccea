"""An installation with a client index, a real forward proxy in this process, and a server outside behind it."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit_store.client_sets import decode_ids
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool
from auth.assignments import Assignments
from auth.keys import Keys
from auth.people import People
from auth.policy_signature import PolicyKey
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from deploy.demo.outside import Outside
from deploy.demo.software_key import SoftwareKey
from deploy.demo.tryton_process import free_port
from detectors.budget import Limits
from detectors.client_index.build import Build
from detectors.client_index.identifier import Identifier, Kind
from detectors.client_index.index import ClientIndex
from detectors.scanner import Scanner
from gateway import watch
from gateway.forward.assemble import Assembled, assemble
from gateway.forward.places import Resolver, resolve
from gateway.forward.reading import Scans
from gateway.forward.server import LIMITS, Proxy
from gateway.forward.settings import Forward, read_forward
from policies.store import SHIPPED, Confirmation, PolicyStore, WideningError
from tests.services.outside import NAMES
from tests.services.waiting import talk

CLIENTS = 120
SECRET = "a-log-in-secret-of-anna"
_CONFIG = """\
state: state
language: de
names: shown
torwart:
  url: http://torwart.localhost:{torwart}
  listen: 127.0.0.1:{torwart}
crm:
  url: http://crm.localhost:{crm}
  listen: 127.0.0.1:{crm}
  upstream: http://127.0.0.1:{upstream}
proxy:
  listen: 127.0.0.1:{port}
  allow: [{allow}]
  destinations: {{cloud.localhost: cloud, webmail.localhost: webmail, messenger.localhost: messenger}}
"""
_CASES = """\
cases:
  - name: what names no client goes out
    given: {roles: [manager], resource: content, own: 0, channel: website, destination: web.example, action: upload}
    expect: allow
"""
"""No rules are activated without one."""


def email(number: int) -> str:
    """The address of a made-up client."""
    return f"kunde{number}@client{number}.example"


def phone(number: int) -> str:
    """The telephone number of a made-up client, as people write it."""
    return f"+49 151 2{number:07d}"


def rows(*numbers: int) -> bytes:
    """A table of clients as an export has it."""
    lines = ["Name;Telefon;E-Mail", *(f"Kunde {number};{phone(number)};{email(number)}" for number in numbers)]
    return "\r\n".join(lines).encode()


@dataclass(slots=True)
class Firm:
    """An installation on disk: Anna and Boris, Anna's clients are those with odd numbers."""

    folder: Path
    ports: Sequence[int] = ()
    """Ports of servers outside that are allowed beside the public internet."""
    more: str = ""
    """Lines for the section `proxy`."""
    anna: str = ""
    port: int = field(default_factory=free_port)
    torwart: int = field(default_factory=free_port)
    crm: int = field(default_factory=free_port)
    upstream: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        os.umask(0o077)
        shutil.copytree(_made(), self.folder)
        self.folder.chmod(0o700)
        self.anna = (self.folder / "anna").read_text(encoding="ascii")
        allow = ", ".join(f"{name}.localhost:{port}" for port in self.ports for name in NAMES)
        text = _CONFIG.format(port=self.port, torwart=self.torwart, crm=self.crm, upstream=self.upstream, allow=allow)
        self.config.write_text(text + self.more, encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "torwart.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def read(self) -> Forward:
        """The configuration, read."""
        forward = read_forward(self.config)
        assert forward is not None
        return forward

    def activate(self, rules: str) -> None:
        """Other rules than the shipped ones, as the next version; what becomes wider is confirmed."""
        folder = self.folder / "rules"
        folder.mkdir(exist_ok=True)
        (folder / "rules.yaml").write_text(rules, encoding="utf-8")
        (folder / "rules.cases.yaml").write_text(_CASES, encoding="utf-8")
        store = PolicyStore(self.state / "policies", PolicyKey(self.state / "keys"))
        try:
            store.activate(folder, "torwart")
        except WideningError as wider:
            store.activate(folder, "torwart", confirmed=Confirmation(digest=wider.widenings.digest, by="torwart"))

    @property
    def origin(self) -> str:
        """Torwart's own pages."""
        return f"http://torwart.localhost:{self.torwart}"

    def token(self, person: str | None = None) -> str:
        """What Anna, or another person, registers a key with."""
        with _keys(self) as keys:
            return keys.issue_token(person or self.anna, None)

    def enrol(self, person: str | None = None) -> SoftwareKey:
        """A key in the hand of Anna, or of another person, registered by the ordinary token."""
        key, token = SoftwareKey(), self.token(person)
        with _keys(self) as keys:
            options, _ = keys.begin_registration(token)
            keys.complete_registration(token, key.create(options, self.origin))
        return key

    def people(self) -> AbstractContextManager[tuple[People, Sessions, Assignments]]:
        """People, sessions and assignments, for an administrator's measures."""
        return _house(self.state)


@cache
def _made() -> Path:
    """A firm that was made once per process, to be copied."""
    made = Path(tempfile.mkdtemp(prefix="torwart-firm-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    state = made / "state"
    state.mkdir(mode=0o700)
    with _house(state) as (people, sessions, assignments):
        anna = people.add("Anna Adler", "anna@firma.example", ["manager"], accounts=["anna"])
        people.add("Boris Berg", "boris@firma.example", ["manager"], accounts=["boris"])
        owners = made / "owners.csv"
        lines = [f"{number},{'anna' if number % 2 else 'boris'}" for number in range(1, CLIENTS + 1)]
        owners.write_text("\n".join(["client_id,person", *lines]) + "\n", encoding="utf-8")
        assignments.import_csv(owners)
        sessions.bind(SECRET, "proxy", anna.id, "anna")
        (made / "anna").write_text(anna.id, encoding="ascii")
    build = Build(state, ("DE",))
    for number in range(1, CLIENTS + 1):
        client = str(number)
        build.add([Identifier(client, Kind.EMAIL, email(number)), Identifier(client, Kind.PHONE, phone(number))])
    build.finish()
    PolicyStore(state / "policies", PolicyKey(state / "keys")).activate(SHIPPED, "torwart")
    return made


@cache
def _scanner() -> Scanner:
    """Real workers that know the firm, shared by the tests of a process."""
    scanner = Scanner(ClientIndex(_made() / "state"), Limits())
    atexit.register(scanner.close)
    return scanner


@contextmanager
def _house(state: Path) -> Iterator[tuple[People, Sessions, Assignments]]:
    engine, spool = open_sealed(state / "torwart.db", state), Spool.open(state / "spool" / "cli", "cli")
    pseudonyms, key = Pseudonyms(secret(state / "keys", "pseudonym.key")), secret(state / "keys", "credential.key")
    try:
        record = spool.append
        yield People(engine, record, pseudonyms), Sessions(engine, record, key), Assignments(engine, record)
    finally:
        spool.close()
        engine.dispose()


@contextmanager
def _keys(firm: Firm) -> Iterator[Keys]:
    engine, spool = open_sealed(firm.state / "torwart.db", firm.state), Spool.open(firm.state / "spool" / "cli", "cli")
    try:
        yield Keys(engine, spool.append, "torwart.localhost", firm.origin, RowSeal.of(firm.state))
    finally:
        spool.close()
        engine.dispose()


@dataclass(slots=True)
class Heard:
    """An answer as a client read it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> Mapping[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.headers, self.body[:300])
        found: Mapping[str, Any] = json.loads(self.body)
        return found


@dataclass(slots=True)
class WayOut:
    """A running proxy."""

    firm: Firm
    port: int
    parts: Assembled
    far: Outside
    proxy: Proxy

    def record(self) -> list[Mapping[str, Any]]:
        """What the proxy recorded, in order."""
        return [json.loads(row.canonical) for row in self.parts.spool.read(0, 100_000)]

    def acts(self) -> list[Mapping[str, Any]]:
        """What it recorded of requests."""
        return [one for one in self.record() if one["event"]["action"] in ("access", "refused", "connection-refused", "tunnel-unread")]

    def whats(self) -> list[str]:
        """Why requests and connections were refused, in words of ours."""
        found = []
        for act in self.acts():
            ours = act["torwart"]
            found += [one.get("words", {}).get("what", one["code"]) for one in ours.get("reasons", ())]
            if "what" in ours.get("words", {}):
                found.append(ours["words"]["what"])
        return found

    def at(self, name: str = "cloud") -> str:
        """Host and port of a server outside."""
        return f"{name}.localhost:{self.far.port}"

    async def talk(self, *pieces: bytes, seconds: float = 10.0) -> bytes:
        """Send bytes to the proxy, give what came back until it closed the connection or the time was over."""
        return await talk(self.port, *pieces, seconds=seconds)

    async def send(self, method: str, name: str, target: str, body: bytes = b"", *, log_in: str | None = SECRET, **headers: str) -> Heard:
        """One request by the proxy on a connection of its own; `_` in a header's name is `-`."""
        lines = [f"{method} http://{self.at(name)}{target} HTTP/1.1", f"Host: {self.at(name)}", "Connection: close"]
        if log_in is not None:
            lines.append(f"Proxy-Authorization: Basic {basic(log_in)}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
        return heard(await self.talk("\r\n".join([*lines, "", ""]).encode() + body))


def basic(secret_text: str) -> str:
    """Credentials of RFC 7617."""
    return base64.b64encode(f"anna:{secret_text}".encode()).decode()


def heard(raw: bytes) -> Heard:
    """Split an answer; its body as it came, chunks put together."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), raw[:200]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding") == "chunked":
        pieces, rest = [], body
        while True:
            size, _, rest = rest.partition(b"\r\n")
            if not int(size, 16):
                break
            pieces.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        body = b"".join(pieces)
    return Heard(int(lines[0].split()[1]), headers, body)


def multipart(name: str, content: bytes, *, boundary: str = "b0undary") -> tuple[bytes, str]:
    """A form with one file, and its Content-Type."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def clients_of(act: Mapping[str, Any]) -> frozenset[str]:
    """The clients that an upload's event names."""
    return decode_ids(act["torwart"]["clients"]["asked"])


@asynccontextmanager
async def running(
    firm: Firm, far: Outside, *, resolver: Resolver = resolve, limits: watch.Limits = LIMITS, scanner: Scans | None = None
) -> AsyncIterator[WayOut]:
    """A proxy on this firm, ended with the block; with the workers of all tests, unless others are given."""
    forward = firm.read()
    parts = assemble(forward, resolver=resolver, scanner=scanner or _scanner())
    proxy = Proxy(forward.proxy, parts.judge, parts.authority, parts.record_refused, limits=limits)
    try:
        port = await proxy.start()
        try:
            yield WayOut(firm, port, parts, far, proxy)
        finally:
            await proxy.stop()
    finally:
        parts.close()


@pytest.fixture
def firm_outside(tmp_path: Path, far: Outside) -> Iterator[Firm]:
    return Firm(tmp_path / "firm", [far.port])


@pytest.fixture
async def way_out(firm_outside: Firm, far: Outside) -> AsyncIterator[WayOut]:
    far.arrivals.seen.clear()
    far.arrivals.messages.clear()
    async with running(firm_outside, far) as one:
        yield one
