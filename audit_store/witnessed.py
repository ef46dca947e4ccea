"""A producer's record whose weightiest events count only when a place outside knows of them (attacks X14).

Before an export goes out, a key comes in, a status or a role changes or rules come into force, the producer signs where its chain ends,
and one of the configured places takes that: whoever cuts the end of the record afterwards contradicts it. Where none takes it, the act is
denied.

What only takes away (a freeze, a locked key, a status nearer to the last day) is stated too, but does not wait for a place: else cutting
the road to the places would keep somebody from being stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from audit_store.event import Event, EventAction, Phase
from audit_store.outside import NotWitnessedError
from audit_store.spool import Head as SpoolHead
from audit_store.spool import Spool, SpoolError
from audit_store.spool_waiting import Receipt
from audit_store.statement import Body, End, Head, Statement
from audit_store.statements import StatementsError
from policies.effect import EXPORTS
from policies.request import Level, Status

_MUST = frozenset(
    {
        EventAction.KEY_ENROLLED,
        EventAction.KEY_METADATA_LOADED,
        EventAction.TOKEN_ISSUED,
        EventAction.PERSON_UNFROZEN,
        EventAction.POLICY_ACTIVATED,
        EventAction.EVENTS_REMOVED,
    }
)
"""Wait for a place."""
_SHOULD = frozenset({EventAction.KEY_LOCKED, EventAction.KEY_REMOVED, EventAction.PERSON_FROZEN, EventAction.PERSON_ERASED})
"""Are stated, and do not wait."""
_CHANGES = frozenset({EventAction.STATUS_CHANGED, EventAction.LEVEL_CHANGED})
_EXPORTS = frozenset(action.value for action in EXPORTS)
_LADDERS = (tuple(status.value for status in Status), tuple(level.value for level in Level))
"""From the widest to the narrowest."""


class Signer(Protocol):
    """Signs and keeps statements (`audit_store.statements.Statements`)."""

    def sign(self, signer: str, body: Body) -> Statement:
        """The signer's next statement. Raises StatementsError."""

    def close(self) -> None:
        """May be called twice."""


class Witness(Protocol):
    """Gets statements out of the house (`audit_store.outside.Outside`)."""

    def must_have(self, statement: Statement) -> None:
        """Raises NotWitnessedError."""

    def close(self) -> None:
        """May be called twice."""


class WitnessedSpool(Spool):
    """A spool that states its end before weighty events are released. Opened by `witnessed`."""

    signer: Signer
    witness: Witness

    def begin(self, signer: Signer, witness: Witness) -> None:
        """Once, before the first event. Both are closed with the spool."""
        self.signer, self.witness = signer, witness
        self._stating = threading.Lock()
        self._stated = (0, 0)

    def append(self, event: Event) -> Receipt:
        """As `Spool.append`. Raises NotWitnessedError too: the event is recorded, and what it is about must not happen."""
        receipt = super().append(event)
        if (must := waits(event)) is not None:
            self._state(receipt, must=must)
        return receipt

    def append_all(self, events: Sequence[Event]) -> list[Receipt]:
        """As `Spool.append_all`. Raises NotWitnessedError too."""
        receipts = super().append_all(events)
        asked = [must for event in events if (must := waits(event)) is not None]
        if asked:
            self._state(receipts[-1], must=any(asked))
        return receipts

    async def append_soon(self, event: Event) -> Receipt:
        """As `Spool.append_soon`. Raises NotWitnessedError too."""
        receipt = await super().append_soon(event)
        if (must := waits(event)) is not None:
            await asyncio.to_thread(self._state, receipt, must=must)
        return receipt

    def state_end(self) -> None:
        """Have a place know where this record ends now, and with it everything before. Raises SpoolError, NotWitnessedError."""
        head = self.head()
        self._state(Receipt(head.sequence, head.hash, head.epoch), must=True)

    def close(self) -> None:
        """As `Spool.close`."""
        super().close()
        self.witness.close()
        self.signer.close()

    def _state(self, receipt: Receipt, *, must: bool) -> None:
        """One statement for all that wait at once: it is about the end of the chain, which is behind all of them."""
        if not must:
            with contextlib.suppress(StatementsError, SpoolError):
                self._sign(self.head())  # it leaves with what is delivered next
            return
        with self._stating:
            if (receipt.epoch, receipt.sequence) <= self._stated:
                return
            head = self.head()
            try:
                statement = self._sign(head)
            except StatementsError as error:
                raise NotWitnessedError(f"the checkpoint that must come first cannot be signed: {error}") from error
            self.witness.must_have(statement)
            self._stated = (head.epoch, head.sequence)

    def _sign(self, head: SpoolHead) -> Statement:
        return self.signer.sign(self.producer, Head(End(self.producer, head.epoch, head.sequence, head.hash)))


def witnessed(folder: Path, producer: str, signer: Signer, witness: Witness) -> WitnessedSpool:
    """Open or make the spool of a producer (`Spool.open`). Raises SpoolError."""
    spool = WitnessedSpool.open(folder, producer)
    spool.begin(signer, witness)
    return spool


def waits(event: Event) -> bool | None:
    """True if the event must be known outside before it is released, False if it is only stated; None for all others."""
    if event.action in _MUST:
        return True
    if event.action in _SHOULD:
        return False
    ours = event.document["torwart"]
    if event.action is EventAction.ROLES_CHANGED:
        return "added" in ours.get("words", {})
    if event.action in _CHANGES:
        return not _narrows(ours.get("words", {}))
    if event.action is EventAction.ACCESS and ours["act"]["phase"] == Phase.RELEASED:
        return True if "manifest" in ours or ours["act"]["action"] in _EXPORTS else None
    return None


def _narrows(words: Mapping[str, Any]) -> bool:
    """True for a status that is nearer to the last day than the one before, and for a closer watch."""
    before, after = words.get("from"), words.get("to")
    return any(before in ladder and after in ladder and ladder.index(after) > ladder.index(before) for ladder in _LADDERS)
