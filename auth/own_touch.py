"""A touch of one's own key on Torwart's pages: for a new app, its removal, new recovery codes, or before something that gives authority.

The sign-in alone is not enough for these: a page that was left open must not make a further road in somebody's name (law 8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine

from audit_store.event import Event
from auth.client_data import CeremonyFault, challenge_of, credential_of, decode, read_client_data
from auth.enrolment import CEREMONY_SECONDS, Enrolment
from auth.keys import Keys
from auth.storage import reading
from auth.tables import Key, Person

OWN = "own"
"""Purpose of the ceremony."""


class What(StrEnum):
    """What the touch is for; one for something else does not do."""

    TOTP = "totp"
    """An authenticator app is enrolled."""
    TOTP_REMOVAL = "totp-removal"
    KEY = "key"
    """A further key."""
    CODES = "codes"
    """New recovery codes; the earlier ones are void."""
    AGAIN = "again"
    """A form that gives authority; `about` is its digest (`console.fresh_touch`)."""


_LASTING = frozenset({What.TOTP, What.CODES})
"""What would outlive a key that the emergency envelope lends for some hours."""


class OwnTouch:
    """The ceremony of whoever is signed in."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], keys: Keys) -> None:
        self._engine = engine
        self._keys = keys
        self._enrolment = Enrolment(engine, record)

    def begin(self, person_id: str, what: What, about: str = "") -> tuple[dict[str, Any], str]:
        """Options for `navigator.credentials.get` with the person's keys, and the id of the ceremony. Raises KeyRefusedError.

        `about`: what exactly the touch is for, where `what` has many.
        """
        ceremony_id, challenge = self._enrolment.begin(OWN, f"{person_id} {what} {about}")
        return self._keys.options(person_id, challenge, CEREMONY_SECONDS), ceremony_id

    def complete(self, person_id: str, what: What, ceremony_id: str, response: Mapping[str, Any], about: str = "") -> str:
        """Id of the key that was touched for exactly this, once. Raises KeyRefusedError; the refusal is recorded."""
        try:
            _, inner = credential_of(response)
            challenge = challenge_of(read_client_data(decode(inner.get("clientDataJSON"))))
            self._enrolment.consume(OWN, challenge, f"{person_id} {what} {about}", ceremony_id)
        except CeremonyFault as fault:
            with reading(self._engine) as session:
                person = session.get(Person, person_id)
            raise self._keys.refused(fault.cause, person) from None
        key_id = self._keys.verify_assertion(person_id, challenge, response).key_id
        with reading(self._engine) as session:
            person, key = session.get(Person, person_id), session.get_one(Key, key_id)
            if key.lent_until is not None and what in _LASTING:
                raise self._keys.refused("lent_key", person, key_id)
        return key_id
