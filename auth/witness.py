"""Enrolment in person: an administrator touches the own key first, and with that a colleague may register one on the same machine.

The touch is a ceremony of its own, for one administrator and one colleague, once. What comes of it is an ordinary one-time token with a
short life: registration itself takes the one road that there is (`keys.complete_registration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from audit_store.event import Event, EventAction, plain_event
from auth.client_data import CeremonyFault, challenge_of, credential_of, decode, read_client_data
from auth.double import makes_two
from auth.enrolment import CEREMONY_SECONDS, Enrolment, TokenError
from auth.keys import Keys
from auth.storage import reading
from auth.suspicion import is_suspected
from auth.tables import Person

WITNESS = "witness"
"""Purpose of the ceremony."""
TOKEN_MINUTES = 10
"""Time for the colleague, who stands beside: to find the key and to set its PIN."""


class SecondNeededError(TokenError):
    """A serious alert about the colleague is open, or it is another administrator: one is not enough (E87, `auth.key_consent`)."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the administrator's touch gave."""

    token: str
    """For one key of the colleague."""
    key_id: str
    """The administrator's key that was touched."""


class Witness:
    """The ceremony of the administrator. Who may be one is asked by the caller."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], keys: Keys) -> None:
        self._engine = engine
        self._record = record
        self._keys = keys
        self._enrolment = Enrolment(engine, record)

    def begin(self, witness_id: str, person_id: str) -> tuple[dict[str, Any], str]:
        """Options for `navigator.credentials.get` with the administrator's keys, and the id of the ceremony.

        Raises TokenError for oneself, KeyRefusedError for an administrator without a key, and SecondNeededError.
        """
        if witness_id == person_id:
            raise TokenError("nobody is the witness of their own key: ask another administrator")
        with reading(self._engine) as session:
            person = session.get(Person, person_id)
            if person is not None and (is_suspected(session, person) or makes_two(session, person, witness_id)):
                raise SecondNeededError("a second administrator has to agree to this key: issue a one-time link, which asks for that")
        ceremony_id, challenge = self._enrolment.begin(WITNESS, _pair(witness_id, person_id))
        return self._keys.options(witness_id, challenge, CEREMONY_SECONDS), ceremony_id

    def complete(self, witness_id: str, person_id: str, ceremony_id: str, response: Mapping[str, Any]) -> Witnessed:
        """A token for the colleague's key, recorded with both. Raises KeyRefusedError (recorded), TokenError."""
        try:
            _, inner = credential_of(response)
            challenge = challenge_of(read_client_data(decode(inner.get("clientDataJSON"))))
            self._enrolment.consume(WITNESS, challenge, _pair(witness_id, person_id), ceremony_id)
        except CeremonyFault as fault:
            raise self._keys.refused(fault.cause, self._person(witness_id)) from None
        touch = self._keys.verify_assertion(witness_id, challenge, response)
        witness, person = self._person(witness_id), self._person(person_id)
        if witness is None or person is None:
            raise TokenError("there is no such person")
        said = {"key": touch.key_id}
        event = EventAction.ENROLMENT_WITNESSED
        self._record(plain_event(event, at=datetime.now(UTC), pseudonym=witness.pseudonym, subject=person.pseudonym, numbers=said))
        return Witnessed(self._keys.issue_token(person_id, witness_id, TOKEN_MINUTES / 60), touch.key_id)

    def _person(self, person_id: str) -> Person | None:
        with reading(self._engine) as session:
            return session.get(Person, person_id)


def _pair(witness_id: str, person_id: str) -> str:
    """Binds the ceremony to both."""
    return f"{witness_id} {person_id}"
