"""What about keys nobody does alone: removing a person's last one, and giving one to a person about whom a serious alert is open (E87).

Whoever does it asks first; when a second person has said yes with the own key, the same call again does it, once (`auth.approvals`).
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Engine

from auth.approvals import ApprovalKind, Approvals, Shown
from auth.keys import Keys, LastKeyError
from auth.storage import reading
from auth.suspicion import is_suspected
from auth.tables import Key, Person
from policies.needs import AnyOf, Approval

CONSENT = AnyOf((Approval(1, "owner"), Approval(1, "admin")))
"""Of those who hand out keys."""
TOKEN_HOURS = 24.0


class ConsentNeededError(Exception):
    """A second person was asked; the text says what to do."""

    def __init__(self, request_id: str) -> None:
        super().__init__("a second person has to agree, on the page Approvals; then do the same once more")
        self.request_id = request_id


class KeyConsent:
    """Removals and tokens that may need a second person."""

    def __init__(self, engine: Engine, keys: Keys, approvals: Approvals) -> None:
        self._engine = engine
        self._keys = keys
        self._approvals = approvals

    def remove(self, key_id: str, by: Person | None) -> Key:
        """Remove a key; the last one only when a second person has said yes to exactly that.

        Raises ConsentNeededError, LookupError, `approvals.TooManyOpenError`.
        """
        name = by.pseudonym if by else None
        try:
            return self._keys.remove(key_id, name)
        except LastKeyError:
            pass
        with reading(self._engine) as session:
            key = session.get_one(Key, key_id)
            person = session.get_one(Person, key.person_id)
        kind, digest = ApprovalKind.KEY_REMOVAL, _digest("key removed", key.id, person.id)
        if self._approvals.take(kind, by.id if by else None, digest) is None:
            raise self._asked(kind, by, person, digest, f"the last key of {person.pseudonym} is removed")
        return self._keys.remove(key_id, name, seconded=True)

    def token(self, person_id: str, by: Person | None, hours: float = TOKEN_HOURS) -> str:
        """A one-time token for a person's next key; with a second person's yes while a serious alert about them is open.

        Raises ConsentNeededError, `enrolment.TokenError`, `approvals.TooManyOpenError`.
        """
        with reading(self._engine) as session:
            person = session.get(Person, person_id)
            alone = person is None or not is_suspected(session, person)
        by_id = by.id if by else None
        if alone or person is None:
            return self._keys.enrolment.issue(person_id, by_id, hours)
        kind, digest = ApprovalKind.KEY_RECOVERY, _digest("key given", person_id, by_id or "")
        if self._approvals.take(kind, by_id, digest) is None:
            raise self._asked(kind, by, person, digest, f"{person.pseudonym} gets a key while a serious alert about them is open")
        return self._keys.enrolment.issue(person_id, by_id, hours, seconded=True)

    def _asked(self, kind: ApprovalKind, by: Person | None, subject: Person, digest: str, line: str) -> ConsentNeededError:
        shown = Shown(action=kind.value, lines=(line,))
        request = self._approvals.ask(
            kind=kind, requester=by.id if by else None, digest=digest, shown=shown, need=CONSENT, subject=subject.id
        )
        return ConsentNeededError(request.id)


def _digest(*parts: str) -> str:
    hashed = hashlib.sha256(b"torwart key consent 1")
    for part in parts:
        data = part.encode()
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()
