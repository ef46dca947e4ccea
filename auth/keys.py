"""Hardware keys: who has which, and every check of an assertion. The checks of a registration stand in `auth.registration`.

The checks of an assertion (WebAuthn section 7.2, and what the library leaves to the relying party):

 0. the challenge is used up before the answer is looked at (by the caller: `touch`, `signin` and others)
 1. the answer has the shape of a public-key credential; no member is too large
 2. the client data is one JSON object with unique members, of type `webauthn.get`
 3. its challenge is the one given
 4. its origin is Torwart's own, exactly: scheme, host and port
 5. nobody embeds the page: `crossOrigin` is not true, there is no `topOrigin`
 6. the credential is known, not locked, and belongs to this person
 7. the user handle, where one is given, names this person
 8. the hash of the relying party id is ours
 9. the user was present and verified (PIN or biometry), read from the signed data, whatever was asked for
10. a credential that is backed up could be backed up, and could so from the beginning; the key is of the class that is demanded
11. the signature is right, by an algorithm that was offered, the row of the key is as it was recorded, and its hours, if any, not over
12. the counter has grown; a counter that goes back locks the key
13. nothing else was registered or signed with this answer at the same time

All causes give one text; the cause stands in the record alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, or_, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.assertion import Assertion
from auth.client_data import CeremonyFault, check_client_data, decode, read_client_data
from auth.config_file import ConfigError
from auth.console_sessions import may_sign_in
from auth.enrolment import CEREMONY_SECONDS, REGISTER, Enrolment
from auth.flags import check_flags
from auth.key_models import KeyModels
from auth.key_settings import KeySettings
from auth.notices import NoticeKind, tell
from auth.options import creation_options, request_options
from auth.people import PEOPLE
from auth.registration import plain_label, read_registration
from auth.row_seal import RowSeal, tampered
from auth.storage import database_now, grow, reading, writing
from auth.tables import EnrolmentToken, Key, Person
from auth.usable_keys import is_over
from auth.webauthn import ALGORITHMS, Signed, read_signed, verify_signature
from policies.request import KeyClass

REMOVED = "removed"
"""Why a key is locked that was taken away: it stands in no list any more."""
COPIED = "possible_clone"
"""Why a key is locked whose counter went back: somebody may have a copy of it (WebAuthn section 6.1.1)."""
_KEPT = or_(Key.locked_why.is_(None), Key.locked_why != REMOVED)


class KeyRefusedError(Exception):
    """A key or its answer was not accepted. The text is the same for every cause; `cause` is a code for record and tests."""

    def __init__(self, cause: str) -> None:
        super().__init__("The key was not accepted. Please try again, or ask your administrator.")
        self.cause = cause


class LastKeyError(Exception):
    """A person's last usable key is removed by nobody alone."""

    def __init__(self) -> None:
        super().__init__("it is the person's last key: a second person has to agree")


@dataclass(frozen=True, slots=True)
class VerifiedTouch:
    """An assertion that passed every check."""

    key_id: str
    person_id: str
    at: datetime
    user_verified: bool
    assertion: Mapping[str, Any]
    """What was verified, to be kept as evidence: ids, client data, authenticator data, signature."""


class Keys:
    """The registered keys of one installation. `origin` is Torwart's own; `rp_id` its host."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        rp_id: str,
        origin: str,
        seal: RowSeal,
        settings: KeySettings | None = None,
    ) -> None:
        """`seal`: the installation's. `settings`: what is asked of new keys, and which models count as verified."""
        self._engine = engine
        self._record = record
        self._seal = seal
        self._settings = settings or KeySettings()
        self.models = KeyModels(engine, record, seal, self._settings.models)
        self._rp_id = rp_id
        self._origin = origin
        self._rp_id_hash = hashlib.sha256(rp_id.encode()).digest()
        self.enrolment = Enrolment(engine, record, seal)

    def of(self, person_id: str) -> list[Key]:
        """All keys of a person, locked ones too, oldest first; none that was removed."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Key).where(Key.person_id == person_id, _KEPT).order_by(Key.created_at)))

    def all(self) -> list[Key]:
        """All keys of everybody; none that was removed."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Key).where(_KEPT).order_by(Key.created_at)))

    def issue_token(self, person_id: str, by: str | None, hours: float = 24, *, demo: bool = False) -> str:
        """A one-time token for the person's next key. Raises `enrolment.TokenError`. `demo` marks the key that comes of it for ever."""
        return self.enrolment.issue(person_id, by, hours, demo=demo)

    def begin_registration(self, token: str) -> tuple[dict[str, Any], str]:
        """Options for `navigator.credentials.create` in JSON, and the id of the ceremony. Raises KeyRefusedError for a token of no use."""
        person = self.enrolment.person_of(token)
        if person is None:
            raise self.refused("token", None)
        ceremony_id, challenge = self.enrolment.begin(REGISTER, token)
        options = creation_options(self._rp_id, person, challenge, ALGORITHMS, CEREMONY_SECONDS, self.of(person.id))
        return options, ceremony_id

    def complete_registration(self, token: str, response: Mapping[str, Any], label: str = "") -> Key:
        """Register the key that answered. Uses up the challenge in any case and the token if all is well. Raises KeyRefusedError."""
        person = self.enrolment.person_of(token)  # 0
        try:
            key = read_registration(
                response,
                lambda challenge: self.enrolment.consume(REGISTER, challenge, token),
                self._origin,
                self._rp_id_hash,
            )
            key.label = plain_label(label)
            with writing(self._engine) as session:
                return self._insert(session, token, key)
        except CeremonyFault as fault:
            raise self.refused(fault.cause, person) from None

    def class_of(self, key: Key, within: Connection | None = None) -> KeyClass:
        """What kind of key it is today; asked `within` a transaction, if one is given."""
        return self.models.class_of(key, within)

    def options(
        self, person_id: str | None, challenge: bytes, timeout_seconds: float, least: KeyClass = KeyClass.HARDWARE
    ) -> dict[str, Any]:
        """Options for `navigator.credentials.get` in JSON; person None: any discoverable key (sign-in). `least`: only such keys.

        Raises KeyRefusedError for a person without a usable key: an empty list would allow every key (CVE-2026-46419).
        """
        mine = self.of(person_id) if person_id is not None else []
        allowed = [key for key in mine if key.locked_at is None and self.class_of(key).meets(least)]
        if person_id is not None and not allowed:
            raise KeyRefusedError("no_key")
        return request_options(self._rp_id, challenge, timeout_seconds, allowed)

    def verify_assertion(
        self, person_id: str | None, challenge: bytes, response: Mapping[str, Any], least: KeyClass = KeyClass.HARDWARE
    ) -> VerifiedTouch:
        """Run checks 1 to 13 on an answer to this challenge. Person None (sign-in): whose key it is, the user handle must say too.

        `least`: a weaker key is refused.

        The caller has used up the challenge before. Raises KeyRefusedError; the refusal, and a lock, are recorded.
        """
        person, key_id = None, None
        try:
            answer = Assertion.of(response)  # 1
            with reading(self._engine) as session:
                person = session.get(Person, person_id) if person_id is not None else None
                key = session.scalar(select(Key).where(Key.credential_id == answer.credential_id))
                key_id = key.id if key else None
                if key is None or (person_id is not None and person is None):
                    raise CeremonyFault("unknown_key")
                if person_id is not None and key.person_id != person_id:  # 6
                    raise CeremonyFault("foreign_key")
                person = session.get_one(Person, key.person_id)
            signed = self.check(answer, key, person, challenge, least, named=person_id is None)
            at = self._count(key.id, signed.counter)  # 12, 13
        except CeremonyFault as fault:
            raise self.refused(fault.cause, person, key_id) from None
        return VerifiedTouch(key.id, key.person_id, at, signed.user_verified, answer.evidence())

    def check(
        self,
        answer: Assertion,
        key: Key,
        person: Person,
        challenge: bytes,
        least: KeyClass = KeyClass.HARDWARE,
        *,
        named: bool = False,
        within: Connection | None = None,
    ) -> Signed:
        """Checks 2 to 11 of an answer by this key of this person; with `named`, the answer must say whose it is.

        Neither row is read or written. What else is asked of the database is asked `within` a transaction, if one is given: whoever holds
        the write lock must not wait for another connection. Raises CeremonyFault.
        """
        self._check_claims(answer, key, challenge)
        _check_handle(answer.user_handle, person, needed=named)  # 7
        signed = self._check_proof(answer, key, within)
        if not self.models.class_of(key, within).meets(least):  # 10
            raise CeremonyFault("key_class")
        return signed

    def check_again(self, session: Session, person_id: str, challenge: bytes, assertion: Mapping[str, Any]) -> Key:
        """Run the checks again on a touch that was kept as evidence, but for the counter, which has grown since; the key of it.

        Raises KeyRefusedError. Nothing is recorded: the caller knows what was to stand on it.
        """
        try:
            answer = Assertion.kept(assertion)
            key = session.scalar(select(Key).where(Key.credential_id == answer.credential_id))
            if key is None or key.person_id != person_id:  # 6
                raise CeremonyFault("foreign_key")
            self._check_claims(answer, key, challenge)
            self._check_proof(answer, key, session.connection())
        except CeremonyFault as fault:
            raise KeyRefusedError(fault.cause) from None
        return key

    def lock(self, key_id: str, by: str | None, why: str = "administrator") -> Key:
        """Lock a key for good. `by` is a pseudonym, None for the command line. Raises LookupError for an unknown key."""
        with writing(self._engine) as session:
            key = session.get(Key, key_id)
            if key is None:
                raise LookupError("there is no such key: `torwart keys list` names all")
            if key.locked_at is None:
                self._lock(session, key, why, by)
            return key

    def lock_copied(self, session: Session, key_id: str) -> None:
        """Lock a key whose counter has gone back (12), in this transaction."""
        key = session.get_one(Key, key_id)
        self._lock(session, key, COPIED, session.get_one(Person, key.person_id).pseudonym)

    def rename(self, key_id: str, person_id: str, label: str) -> bool:
        """Give an own key another name; False if it is not this person's."""
        with writing(self._engine) as session:
            key = session.get(Key, key_id)
            if key is None or key.person_id != person_id or key.locked_why == REMOVED:
                return False
            key.label = plain_label(label)
            return True

    def remove(self, key_id: str, by: str | None, *, seconded: bool = False) -> Key:
        """Take a key away for good. Its row stays, locked: what it has signed can still be checked. `by` is a pseudonym or None.

        Raises LookupError for an unknown key, LastKeyError for a person's last usable one that no second person has said yes to.
        """
        with writing(self._engine) as session:
            key = session.get(Key, key_id)
            if key is None or key.locked_why == REMOVED:
                raise LookupError("there is no such key: `torwart keys list` names all")
            others = select(Key.id).where(
                Key.person_id == key.person_id, Key.locked_at.is_(None), Key.lent_until.is_(None), Key.id != key.id
            )
            if key.locked_at is None and not seconded and session.scalar(others.limit(1)) is None:
                raise LastKeyError
            self._lock(session, key, REMOVED, by)
            return key

    def _insert(self, session: Session, token: str, key: Key) -> Key:
        issued, person = self.enrolment.use(session, token)
        if session.scalar(select(Key.id).where(Key.credential_id == key.credential_id)) is not None:  # 13
            raise CeremonyFault("key_known")
        key.id, key.person_id, key.demo, key.created_at = secrets.token_hex(12), person.id, issued.demo, database_now(session)
        key.lent_until = issued.lent_until
        standing, key_class = self.models.standing(key), self.models.class_of(key)
        if not key_class.meets(self._settings.least) or not KeyClass(issued.most or KeyClass.VERIFIED).meets(key_class):  # 14
            raise CeremonyFault("key_class")
        session.add(key)
        session.flush()
        said: dict[str, int | str] = {
            "algorithm": key.algorithm,
            "model": key.aaguid,
            "attestation": key.attestation,
            "standing": standing.value,
            "class": key_class.value,
        }
        self._record(plain_event(EventAction.KEY_ENROLLED, at=datetime.now(UTC), pseudonym=person.pseudonym, subject=key.id, numbers=said))
        self._seal.put(key)  # 15
        if not key.demo:
            tell(session, NoticeKind.KEY, person.id, key.created_at)
        return key

    def _check_claims(self, answer: Assertion, key: Key, challenge: bytes) -> None:
        data = read_client_data(answer.client_data)
        check_client_data(data, kind="webauthn.get", challenge=challenge, origin=self._origin)  # 2-5
        if key.locked_at is not None:  # 6
            raise CeremonyFault("locked_key")

    def _check_proof(self, answer: Assertion, key: Key, within: Connection | None) -> Signed:
        signed = read_signed(answer.signed)
        check_flags(signed, self._rp_id_hash)  # 8-10
        if signed.backup_eligible != key.backup_eligible:  # 10
            raise CeremonyFault("backup_changed")
        verify_signature(key.public_key, answer.signed + hashlib.sha256(answer.client_data).digest(), answer.signature)  # 11
        self._check_seal(key, within)  # 11
        return signed

    def _check_seal(self, key: Key, within: Connection | None) -> None:
        if not self._seal.holds(key, Key):  # the touch reads it without the mapper
            self._record(tampered("keys", key.id, pseudonym=None, cause="seal"))
            raise CeremonyFault("seal")
        if key.lent_until is not None:
            with reading(within if within is not None else self._engine) as session:
                if is_over(key, database_now(session)):
                    raise CeremonyFault("lent_key")

    def _count(self, key_id: str, counter: int) -> datetime:
        """Check 12 in one transaction: of two answers with the same counter, one wins."""
        with writing(self._engine) as session:
            key = session.get_one(Key, key_id)
            person = session.get_one(Person, key.person_id)
            if key.locked_at is not None or not may_sign_in(person):
                raise CeremonyFault("locked_key")
            cloned = has_gone_back(key, counter)
            if cloned:
                self._lock(session, key, COPIED, person.pseudonym)
            else:
                key.sign_count, key.last_used_at = counter, database_now(session)
        if cloned:
            raise CeremonyFault("counter")
        return datetime.now(UTC)

    def _lock(self, session: Session, key: Key, why: str, by: str | None) -> None:
        person, genuine = session.get_one(Person, key.person_id), self._seal.holds(key)
        key.locked_at, key.locked_why = database_now(session), why
        grow(session, PEOPLE)  # every gateway forgets the touches of its sessions: one may have been this key's
        said = {"key": key.id, "why": why}
        action = EventAction.KEY_REMOVED if why == REMOVED else EventAction.KEY_LOCKED
        self._record(plain_event(action, at=datetime.now(UTC), pseudonym=by, subject=person.pseudonym, numbers=said))
        if genuine:
            self._seal.put(key)

    def refused(self, cause: str, person: Person | None, key_id: str | None = None) -> KeyRefusedError:
        """The refusal to raise, recorded with its cause. For the ceremonies that are built on keys."""
        name = person.pseudonym if person else None
        said = {"cause": cause}
        event = plain_event(EventAction.KEY_REFUSED, at=datetime.now(UTC), pseudonym=name, subject=key_id, outcome="failure", numbers=said)
        self._record(event)
        return KeyRefusedError(cause)


def refuse_demo(engine: Engine) -> None:
    """Raises ConfigError while a key or an open token of the demo is in the database (attacks X17)."""
    with reading(engine) as session:
        demo = session.scalar(select(Key.id).where(Key.demo)) or session.scalar(
            select(EnrolmentToken.hash).where(EnrolmentToken.demo, EnrolmentToken.used_at.is_(None))
        )
    if demo is not None:
        raise ConfigError(["the database holds a key or token of the demo — start with a new state folder"])


def has_gone_back(key: Key, counter: int) -> bool:
    """Whether a key that counts has signed with a counter that it had before (12); one that never counts says 0 each time."""
    return bool(counter or key.sign_count) and counter <= key.sign_count


def _check_handle(handle: object, person: Person, *, needed: bool) -> None:
    if handle is None and not needed:
        return
    if handle is None or not hmac.compare_digest(decode(handle, limit=64), person.user_handle):
        raise CeremonyFault("user_handle")
