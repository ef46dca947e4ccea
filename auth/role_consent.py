"""Who gives somebody a role that hands out keys does not do it alone: else one person could make the second one that all else asks for.

Whoever does it asks first; when a second person has said yes with the own key, the same call again does it, once (`auth.approvals`).
The command line is nobody, so there it takes two people's keys. Before any administrator has a key, nobody could say yes: then it is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from sqlalchemy import Engine, select

from auth.approvals import ApprovalKind, Approvals, Shown
from auth.console_sessions import may_sign_in
from auth.cut import Cut
from auth.key_consent import ConsentNeededError
from auth.people import People
from auth.person_values import PeopleError, PersonChange, cleaned
from auth.storage import reading
from auth.tables import Key, Person
from policies.needs import Approval, holds
from policies.request import Status

RAISING = frozenset({"owner", "admin"})
"""Roles that hand out keys and change people."""
ADMINISTRATORS = "owner|admin"
EXPIRES_SECONDS = 24 * 3600


class RoleConsent:
    """Changes of people, of which those that give one of these roles need a second person."""

    def __init__(self, engine: Engine, people: People, approvals: Approvals, *, proven: bool = True) -> None:
        """`proven`: whether `by` has signed in. Who is only named, as on the command line, is nobody here: else whoever types could name
        a colleague, and then agree with the own key.
        """
        self._proven = proven
        self._engine = engine
        self._people = people
        self._approvals = approvals

    def change(self, person_id: str, change: PersonChange, by: str | None, reason: str | None = None) -> tuple[str, ...]:
        """As `People.change`. Raises ConsentNeededError, `approvals.TooManyOpenError` and `ReasonMissingError` too."""
        person = self._people.by_id(person_id)
        wanted = cleaned(change)
        given = RAISING & (set(wanted.get("roles", ())) - set(person.roles if person is not None else ()))
        if person is not None and given and by != person_id and self.is_asked_for():
            self._second(_digest("role", person.id, *sorted(given)), f"{person.pseudonym}: {_listed(given)}", by, reason, person.id)
        return self._people.change(person_id, change, by)

    def add(self, values: PersonChange, accounts: Iterable[str], by: str | None, reason: str | None = None) -> Person:
        """As `People.add`. Raises ConsentNeededError, `approvals.TooManyOpenError` and `ReasonMissingError` too."""
        wanted = cleaned(values)
        if (given := RAISING & set(wanted["roles"])) and self.is_asked_for():
            if self._people.find(wanted["email"]) is not None:
                raise PeopleError("this e-mail address belongs to somebody else: choose another, or change that person")
            line = f"{wanted['name']} <{wanted['email']}>: {_listed(given)}"  # a name alone could be a colleague's
            self._second(_digest("person", wanted["email"], *sorted(given)), line, by, reason, None)
        return self._people.add(
            wanted["name"],
            wanted["email"],
            wanted["roles"],
            wanted.get("language", "de"),
            accounts,
            by=by,
            team=wanted.get("team"),
            territory=wanted.get("territory"),
            manager_id=wanted.get("manager_id"),
        )

    def set_status(self, person_id: str, status: Status, by: str | None, reason: str | None = None) -> list[Cut]:
        """As `People.set_status`; who was gone and comes back with such a role is given it. Raises as `change` does."""
        person = self._people.by_id(person_id)
        given = RAISING & set(person.roles) if person is not None and person.status == Status.GONE.value != status.value else None
        if person is not None and given and by != person_id and self.is_asked_for():
            self._second(_digest("back", person.id, *sorted(given)), f"{person.pseudonym}: {_listed(given)}", by, reason, person.id)
        return self._people.set_status(person_id, status, by, reason)

    def by_hand_only(self) -> Collection[str]:
        """Roles that no table may give: each needs its own yes."""
        return RAISING if self.is_asked_for() else frozenset()

    def is_asked_for(self) -> bool:
        """Whether any administrator has a key to say yes with."""
        with reading(self._engine) as session:
            with_key = select(Key.person_id).where(Key.locked_at.is_(None))
            people = session.scalars(select(Person).where(Person.id.in_(with_key)))
            return any(may_sign_in(one) and holds(ADMINISTRATORS, one.roles) for one in people)

    def _second(self, digest: str, line: str, by: str | None, reason: str | None, subject: str | None) -> None:
        by = by if self._proven else None
        if self._approvals.take(ApprovalKind.ROLE, by, digest) is not None:
            return
        request = self._approvals.ask(
            kind=ApprovalKind.ROLE,
            requester=by,
            digest=digest,
            shown=Shown(ApprovalKind.ROLE.value, lines=(line,)),
            need=Approval(1 if by is not None else 2, ADMINISTRATORS, EXPIRES_SECONDS),
            reason=reason,
            subject=subject,
        )
        raise ConsentNeededError(request.id)


def _listed(roles: Iterable[str]) -> str:
    return ", ".join(sorted(roles))


def _digest(*parts: str) -> str:
    hashed = hashlib.sha256(b"torwart role consent 1")
    for part in parts:
        data = part.encode()
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()
