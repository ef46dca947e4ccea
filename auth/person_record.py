"""How a change of a person gets into the record: who did it and to whom under their pseudonyms, words about them under encryption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from audit_store.event import Event, EventAction, plain_event
from audit_store.pseudonyms import Pseudonyms
from auth.tables import Person


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Records one change of a person inside the transaction that makes it: what cannot be recorded does not happen."""

    record: Callable[[Event], object]
    pseudonyms: Pseudonyms

    def name(self, by: str | None) -> str | None:
        """The pseudonym of a person id; None for the command line."""
        return self.pseudonyms.of(by) if by else None

    def say(
        self,
        action: EventAction,
        person: Person,
        at: datetime,
        by: str | None,
        said: Mapping[str, int | str] | None = None,
        sealed: Mapping[str, str] | None = None,
    ) -> None:
        """`by` is a person id, None for command line and clock; `said` are words of ours, `sealed` those of `audit_store.sealing`."""
        self.record(plain_event(action, at=at, pseudonym=self.name(by), subject=person.pseudonym, numbers=said, sealed=sealed))
