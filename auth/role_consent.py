"""Who gives somebody a role that hands out keys, or says yes for others, does not do it alone: else one person could make the second one
that all else asks for.

Whoever does it asks first; when a second person has said yes with the own key, the same call again does it, once (`auth.approvals`).
The command line is nobody, so there it takes two people's keys. Before any administrator has a key, nobody could say yes: then the command
line does it, and no page. Roles that say yes for others and hand out no keys ask only where there is somebody to ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable

from sqlalchemy import Engine

from auth.approval_request import ApprovalKind, Shown
from auth.approvals import Approvals
from auth.cut import Cut
from auth.key_consent import ConsentNeededError
from auth.people import People
from auth.person_values import PeopleError, PersonChange, cleaned
from auth.storage import reading
from auth.tables import Person
from auth.voices import ADMINISTRATORS, administrators
from policies.needs import Approval
from policies.request import Status

RAISING = frozenset({"owner", "admin"})
"""Roles that hand out keys and change people."""
REVIEWING = "security"
"""Role that reveals names and stops recoveries, whatever the rules say."""
EXPIRES_SECONDS = 24 * 3600


class RoleConsent:
    """Changes of people, of which those that give one of these roles need a second person."""

    def __init__(
        self,
        engine: Engine,
        people: People,
        approvals: Approvals,
        *,
        proven: bool = True,
        approvers: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """`proven`: whether `by` has signed in. Who is only named, as on the command line, is nobody here: else whoever types could name
        a colleague, and then agree with the own key. `approvers`: roles that the rules in force name for an approval.
        """
        self._proven = proven
        self._approvers = approvers
        self._engine = engine
        self._people = people
        self._approvals = approvals

    def change(self, person_id: str, change: PersonChange, by: str | None, reason: str | None = None) -> tuple[str, ...]:
        """As `People.change`. Raises ConsentNeededError, `approvals.TooManyOpenError` and `ReasonMissingError` too."""
        person = self._people.by_id(person_id)
        wanted = cleaned(change)
        given = self._asked(set(wanted.get("roles", ())) - set(person.roles if person is not None else ()), by, person_id)
        if person is not None and given and by != person_id:
            self._second(_digest("role", person.id, *sorted(given)), f"{person.pseudonym}: {_listed(given)}", by, reason, person.id)
        return self._people.change(person_id, change, by)

    def add(self, values: PersonChange, accounts: Iterable[str], by: str | None, reason: str | None = None) -> Person:
        """As `People.add`. Raises ConsentNeededError, `approvals.TooManyOpenError` and `ReasonMissingError` too."""
        wanted = cleaned(values)
        if given := self._asked(set(wanted["roles"]), by, None):
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
        back = person is not None and person.status == Status.GONE.value != status.value
        given = self._asked(set(person.roles), by, person_id) if person is not None and back else None
        if person is not None and given and by != person_id:
            self._second(_digest("back", person.id, *sorted(given)), f"{person.pseudonym}: {_listed(given)}", by, reason, person.id)
        return self._people.set_status(person_id, status, by, reason)

    def by_hand_only(self) -> Collection[str]:
        """Roles that no table may give: each needs its own yes."""
        others = {REVIEWING, *self._approvers()} - RAISING if self._somebody_else(None, None) else set()
        return RAISING | others if self._proven or self.is_asked_for() else frozenset()

    def is_asked_for(self) -> bool:
        """Whether any administrator has a key to say yes with (`auth.usable_keys`)."""
        with reading(self._engine) as session:
            return bool(administrators(session))

    def _asked(self, given: Collection[str], by: str | None, subject: str | None) -> frozenset[str]:
        """Those of the roles for which others are asked now.

        Raises PeopleError on a page where no administrator has a key to say yes with: whoever is there has the role lent by the emergency
        envelope, or a key that proves no act, and would make one that lasts.
        """
        raising, approving = RAISING & {*given}, {REVIEWING, *self._approvers()} & {*given} - RAISING
        if not raising and not approving:
            return frozenset()
        if not self.is_asked_for():
            if self._proven and by is not None:
                raise PeopleError("no administrator has a key to agree with: register one for an owner or administrator first")
            return frozenset()
        return frozenset(raising | (approving if self._somebody_else(by, subject) else set()))

    def _somebody_else(self, by: str | None, subject: str | None) -> bool:
        """Whether there are as many others as would have to say yes."""
        asker = by if self._proven else None
        with reading(self._engine) as session:
            return len(administrators(session, {asker, subject})) >= (1 if asker is not None else 2)

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
