"""A machine whose agent obeys orders, in the test's process: files, a record, a scan that suspects everything, and somebody who signs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.aside import FOLDER, Aside
from agent.identity import Identity
from agent.journal import FILE, Journal
from agent.observe import Observer, Result
from agent.orders import Orders
from agent.places import Places
from agent.seen import Seen
from agent.settings import Kind, Place
from audit_store.spool import Spool
from auth.agent_order import Order, Verb
from auth.agent_signature import encode, public_bytes
from detectors.verdict import Verdict

AGENT, PSEUDONYM = "00000000000000ff", "P-00000001"
HANDLE = "7F3A19C2"
CONTENT = b"a client\n" * 100


class Machine:
    """Stores are open from the start; `close` and `open` are an end and a new start."""

    def __init__(self, folder: Path, *, key: Ed25519PrivateKey | None = None) -> None:
        self.stick, self.docs, self.state = folder / "stick", folder / "docs", folder / "state"
        for path in (self.stick, self.docs, self.state):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.key = key or Ed25519PrivateKey.generate()
        self.identity = Identity(AGENT, PSEUDONYM, "http://torwart.localhost", encode(public_bytes(self.key)))
        self.offered: list[tuple[bytes, bytes]] = []
        """What the server answers: order and signature."""
        self.asked: list[int] = []
        self.moved: list[Path] = []
        self.now = lambda: datetime.now(UTC)
        self.open()

    def open(self) -> None:
        self.spool = Spool.open(self.state / "spool", self.identity.producer)
        self.seen = Seen(self.state / "seen.db")
        self.journal = Journal(self.state / FILE)
        self.places = Places((Place(path=self.stick, place=Kind.REMOVABLE), Place(path=self.docs, place=Kind.FOLDER)))
        self.aside = Aside(self.state, self.places, self.seen, self.journal)
        self.observer = Observer(
            places=self.places,
            seen=self.seen,
            spool=self.spool,
            device=self.identity.producer,
            pseudonym=PSEUDONYM,
            scan=lambda content, *, name=None: Verdict(suspected=frozenset({1}), size=len(content)),
            ours=self.aside.is_writing,
        )
        self.orders = Orders(
            ask=self._ask,
            identity=self.identity,
            journal=self.journal,
            aside=self.aside,
            seen=self.seen,
            spool=self.spool,
            moved=lambda file: self.moved.append(file.path),
            now=lambda: self.now(),
        )
        self.orders.recover()

    def close(self) -> None:
        self.journal.close()
        self.seen.close()
        self.spool.close()

    def arrives(self, name: str = "urlaub.csv", content: bytes = CONTENT, *, folder: Path | None = None) -> tuple[Path, str]:
        """A file comes and is told of: its path, and the id of the event."""
        path = (folder or self.stick) / name
        path.write_bytes(content)
        assert self.observer.look(path) is Result.TOLD
        return path, str(self.told()[-1]["event"]["id"])

    def order(self, event: str, verb: Verb = Verb.QUARANTINE, counter: int | None = None, **changes: Any) -> Order:
        """An order as the server would give it."""
        number = max([self.journal.last(), *(int(order.split(b"\n")[2]) for order, _ in self.offered)]) + 1
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        digest = sha256(CONTENT).hexdigest()
        return replace(Order(AGENT, counter or number, expires, verb, event, digest, HANDLE), **changes)

    def offers(self, *orders: Order) -> None:
        """The server signs these and has them ready."""
        self.offered += [(order.signed_bytes(), self.key.sign(order.signed_bytes())) for order in orders]

    def obeys(self, *orders: Order) -> None:
        """One round with these orders alone."""
        self.offered = []
        self.offers(*orders)
        self.orders.step()
        self.offered = []

    def told(self, action: str | None = None) -> list[dict[str, Any]]:
        """Events of the record."""
        events: list[dict[str, Any]] = [json.loads(row.canonical) for row in self.spool.read(0, 10_000)]
        return [event for event in events if action in (None, event["event"]["action"])]

    def outcomes(self, action: str = "file-quarantined") -> list[tuple[str, str]]:
        """Outcome and cause of each."""
        return [(one["event"]["outcome"], one["torwart"].get("words", {}).get("cause", "")) for one in self.told(action)]

    def refusals(self) -> list[str]:
        """Causes of refused orders."""
        return [cause for _, cause in self.outcomes("order-refused")]

    def held(self) -> list[bytes]:
        """What lies in the folder of files put aside."""
        return [path.read_bytes() for path in sorted((self.state / FOLDER).iterdir())]

    def _ask(self, last: int) -> httpx.Response:
        self.asked.append(last)
        found = [{"order": order.decode("utf-8", "replace"), "signature": encode(signature)} for order, signature in self.offered]
        return httpx.Response(200, json={"orders": found})
