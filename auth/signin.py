"""Sign-in to the console with a key and nothing else: the key itself says whose it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine

from audit_store.event import Event
from auth.client_data import CeremonyFault, challenge_of, credential_of, decode, read_client_data
from auth.console_sessions import NOWHERE, REPLACED, ConsoleSessions, Seat
from auth.enrolment import CEREMONY_SECONDS, SIGN_IN, Enrolment
from auth.keys import Keys
from policies.request import KeyClass


class SignIn:
    """The ceremony of the sign-in page; it ends in a session of `sessions`."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], keys: Keys, sessions: ConsoleSessions) -> None:
        self._enrolment = Enrolment(engine, record)
        self._keys = keys
        self._sessions = sessions

    def begin(self) -> tuple[dict[str, Any], str]:
        """Options for `navigator.credentials.get` in JSON, and the id of the ceremony."""
        ceremony_id, challenge = self._enrolment.begin(SIGN_IN)
        return self._keys.options(None, challenge, CEREMONY_SECONDS), ceremony_id

    def complete(self, state_id: str, response: Mapping[str, Any], seat: Seat = NOWHERE, *, replaces: str | None = None) -> str:
        """The token of a new console session; the one that this browser had before (`replaces`) ends.

        Raises KeyRefusedError, with one text for all causes; the refusal is recorded.
        """
        try:
            _, inner = credential_of(response)
            challenge = challenge_of(read_client_data(decode(inner.get("clientDataJSON"))))
            self._enrolment.consume(SIGN_IN, challenge, ceremony_id=state_id)
        except CeremonyFault as fault:
            raise self._keys.refused(fault.cause, None) from None
        touch = self._keys.verify_assertion(None, challenge, response, KeyClass.SYNCED)  # a person, no act
        try:
            token = self._sessions.open(touch.person_id, touch.key_id, seat)
        except PermissionError:
            raise self._keys.refused("person", None, touch.key_id) from None
        if replaces is not None and (before := self._sessions.find(replaces)) is not None:
            self._sessions.end(before[0].id, REPLACED)
        return token
