"""An agent in the hands of a test: signs what it likes, in its own spool or in no spool at all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_store.chain import FIRST_EPOCH, epoch_start, link
from audit_store.event import Content, Event, file_event
from audit_store.spool import Stored
from auth.agent_signature import AGENT_HEADER, COUNTER_HEADER, SIGNATURE_HEADER, encode, enrolment_bytes, public_bytes, request_bytes
from policies.request import Channel


def seen(device: str, pseudonym: str, *, suspected: Iterable[int] = (1, 2, 3), unread: Iterable[str] = ()) -> Event:
    """A file as an agent tells of it."""
    return file_event(
        at=datetime.now(UTC),
        pseudonym=pseudonym,
        device=device,
        channel=Channel.REMOVABLE,
        content=Content(4_711, "0" * 64, "csv"),
        suspected=list(suspected),
        unread=unread,
    )


def chained(producer: str, documents: Iterable[bytes], *, after: Stored | None = None, epoch: int | None = None) -> list[Stored]:
    """Rows as the producer's spool would have them."""
    epoch = epoch or (after.epoch if after else FIRST_EPOCH)
    previous = after.hash if after and after.epoch == epoch else epoch_start(producer, epoch)
    rows = []
    for sequence, canonical in enumerate(documents, after.sequence + 1 if after else 1):
        previous = link(previous, producer=producer, epoch=epoch, sequence=sequence, canonical=canonical)
        rows.append(Stored(producer, epoch, sequence, canonical, previous))
    return rows


def delivery(rows: Iterable[Stored]) -> bytes:
    """The body of a delivery."""
    said = [{"epoch": row.epoch, "sequence": row.sequence, "event": row.canonical.decode(), "hash": row.hash.hex()} for row in rows]
    return json.dumps({"rows": said}).encode()


@dataclass
class Forger:
    """Holds the key of an agent."""

    origin: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: str = "0" * 16
    pseudonym: str = ""
    counters: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def producer(self) -> str:
        return f"agent-{self.id}"

    @property
    def public_key(self) -> bytes:
        return public_bytes(self.key)

    def proof(self, token: str) -> bytes:
        return self.key.sign(enrolment_bytes(origin=self.origin, token=token, public_key=self.public_key))

    def wish(self, token: str, label: str = "desk") -> dict[str, str]:
        """The body of an enrolment."""
        return {"token": token, "public_key": encode(self.public_key), "proof": encode(self.proof(token)), "label": label}

    def headers(
        self, method: str, target: str, body: bytes = b"", *, counter: int | None = None, agent: str | None = None
    ) -> Mapping[str, str]:
        """The headers of a signed request."""
        number = next(self.counters) if counter is None else counter
        name = agent or self.id
        signed = request_bytes(origin=self.origin, agent=name, counter=number, method=method, target=target, body=body)
        return {AGENT_HEADER: name, COUNTER_HEADER: str(number), SIGNATURE_HEADER: encode(self.key.sign(signed))}

    def rows(self, *events: Event, after: Stored | None = None, epoch: int | None = None) -> list[Stored]:
        """Events in this agent's chain."""
        return chained(self.producer, [event.canonical() for event in events], after=after, epoch=epoch)

    def files(self, count: int, after: Stored | None = None) -> list[Stored]:
        """So many files, in this agent's chain."""
        return self.rows(*(seen(self.producer, self.pseudonym) for _ in range(count)), after=after)
