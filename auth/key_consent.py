"""What about keys nobody does alone: removing a person's last one, and giving one to a person about whom a serious alert is open (E87) or
to another administrator.

Whoever does it asks first; when a second person has said yes with the own key, the same call again does it, once (`auth.approvals`).
The command line is nobody, so there it takes two people's keys. Before any administrator has a key, nobody could say yes: then it is done.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Engine

from auth.approval_request import ApprovalKind, Shown
from auth.approvals import Approvals
from auth.double import makes_two
from auth.enrolment import TokenError
from auth.keys import Keys, LastKeyError
from auth.storage import reading
from auth.suspicion import is_suspected
from auth.tables import Key, Person
from auth.voices import ADMINISTRATORS, administrators
from policies.needs import Approval

EXPIRES_SECONDS = 24 * 3600
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

    def remove(self, key_id: str, by: Person | None, reason: str | None = None) -> Key:
        """Remove a key; the last one only when a second person has said yes to exactly that. `by` None: the command line.

        Raises ConsentNeededError, LookupError, `approvals.TooManyOpenError` and `ReasonMissingError`.
        """
        name = by.pseudonym if by else None
        try:
            return self._keys.remove(key_id, name)
        except LastKeyError:
            pass
        with reading(self._engine) as session:
            key = session.get_one(Key, key_id)
            person = session.get_one(Person, key.person_id)
        digest = _digest("key removed", key.id, person.id)
        self._second(ApprovalKind.KEY_REMOVAL, by, person, digest, f"the last key of {person.pseudonym} is removed", reason)
        return self._keys.remove(key_id, name, seconded=True)

    def token(self, person_id: str, by: Person | None, hours: float = TOKEN_HOURS, reason: str | None = None) -> str:
        """A one-time token for a person's next key; with a second person's yes while a serious alert about them is open, and for another
        administrator (`auth.double`).

        Raises ConsentNeededError, `enrolment.TokenError`, `approvals.TooManyOpenError` and `ReasonMissingError`.
        """
        with reading(self._engine) as session:
            person = session.get(Person, person_id)
            suspected = person is not None and is_suspected(session, person)
            double = person is not None and by is not None and makes_two(session, person, by.id)
        by_id = by.id if by else None
        if person is None or not (suspected or double):
            return self._keys.enrolment.issue(person_id, by_id, hours)
        if suspected and by is not None and not self._somebody_could():
            raise TokenError("a serious alert about this person is open, and no administrator has a key to agree with: close it first")
        why = "while a serious alert about them is open" if suspected else f"as {', '.join(sorted(person.roles))}"
        line = f"{person.pseudonym} gets a key {why}"
        self._second(ApprovalKind.KEY_RECOVERY, by, person, _digest("key given", person_id, by_id or ""), line, reason)
        return self._keys.enrolment.issue(person_id, by_id, hours, seconded=True)

    def _second(self, kind: ApprovalKind, by: Person | None, subject: Person, digest: str, line: str, reason: str | None) -> None:
        by_id = by.id if by else None
        if not self._somebody_could() or self._approvals.take(kind, by_id, digest) is not None:
            return
        request = self._approvals.ask(
            kind=kind,
            requester=by_id,
            digest=digest,
            shown=Shown(kind.value, lines=(line,)),
            need=Approval(1 if by is not None else 2, ADMINISTRATORS, EXPIRES_SECONDS),
            reason=reason,
            subject=subject.id,
        )
        raise ConsentNeededError(request.id)

    def _somebody_could(self) -> bool:
        """Whether any administrator has a key to say yes with (`auth.usable_keys`)."""
        with reading(self._engine) as session:
            return bool(administrators(session))


def _digest(*parts: str) -> str:
    hashed = hashlib.sha256(b"torwart key consent 1")
    for part in parts:
        data = part.encode()
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()
