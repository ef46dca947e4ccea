"""What a table of people would change: compared with everybody who is there, with every fault at once, before anything is touched."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.people_csv import ACCOUNTS, EMAIL, MANAGER, PSEUDONYM, ROLES, Fault, PeopleTableError, Row
from auth.person_values import CHANGED
from auth.personal_data import is_erased
from auth.tables import CrmAccount, Person
from policies.request import Status

ADMINISTRATORS = frozenset({"owner", "admin"})
"""Somebody who works here must have one of them."""
NEW_LANGUAGE = "de"
"""Of somebody new where the table has no such column, as on the command line."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One person and what is to be different. Members as in `PersonChange`, and `accounts`, `status`."""

    person_id: str | None
    """None: the person is new."""
    pseudonym: str | None
    name: str
    email: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    manager_email: str | None = None
    """Of a manager who is new in the same table: `manager_id` is known only when that person was added."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that would happen."""

    new: tuple[Difference, ...]
    changed: tuple[Difference, ...]
    gone: tuple[Difference, ...]
    """Whom the table does not name; empty unless it is said to be complete."""
    same: int
    """People of whom nothing is different."""

    @property
    def all(self) -> tuple[Difference, ...]:
        return (*self.new, *self.changed, *self.gone)

    @property
    def digest(self) -> str:
        """Of exactly this: what is taken over is what was looked at. Hexadecimal SHA-256."""
        told = [[one.person_id, one.email, one.before, one.after, one.manager_email] for one in self.all]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def compare(
    session: Session,
    rows: list[Row],
    faults: Iterable[Fault],
    roles: Collection[str],
    *,
    complete: bool,
    by: str | None,
    by_hand: Collection[str] = (),
) -> Comparison:
    """Compare. `roles`: those that are known; `complete`: who is not in the table is gone; `by`: person id of who imports; `by_hand`: roles
    that no table gives.

    Raises PeopleTableError with the faults of reading and its own.
    """
    return _Comparing(session, rows, list(faults), frozenset(roles), by, frozenset(by_hand)).result(complete=complete)


class _Comparing:
    def __init__(
        self, session: Session, rows: list[Row], faults: list[Fault], roles: frozenset[str], by: str | None, by_hand: frozenset[str]
    ) -> None:
        self.rows, self.faults, self.roles, self.by, self.by_hand = rows, faults, roles, by, by_hand
        self.people = {person.id: person for person in session.scalars(select(Person).order_by(Person.name, Person.id))}
        self.accounts: dict[str, list[str]] = {}
        self.owner: dict[str, str] = {}
        for account, person_id in session.execute(select(CrmAccount.account, CrmAccount.person_id).order_by(CrmAccount.account)):
            self.accounts.setdefault(person_id, []).append(account)
            self.owner[account] = person_id
        self.by_email = {person.email: person for person in self.people.values()}
        self.by_pseudonym = {person.pseudonym: person for person in self.people.values()}
        self.whose: dict[int, Person | None] = {}
        """Line -> who it is; None: somebody new."""

    def result(self, *, complete: bool) -> Comparison:
        self._match()
        self._check_accounts()
        new, changed, same = [], [], 0
        for row in self.rows:
            person = self.whose[row.line]
            self._check_roles(row)
            if person is None:
                new.append(self._newcomer(row))
            elif one := self._difference(row, person):
                changed.append(one)
            else:
                same += 1
        gone = self._gone() if complete else []
        found = Comparison(tuple(new), tuple(changed), tuple(gone), same)
        self._check_managers(found)
        self._check_oneself(found)
        if self.faults:
            raise PeopleTableError(self.faults)
        self._check_somebody_administers(found)
        return found

    def _match(self) -> None:
        seen: dict[str, int] = {}
        for row in self.rows:
            person = self.by_email.get(row.email)
            if row.pseudonym is not None:
                named = self.by_pseudonym.get(row.pseudonym)
                if named is None:
                    self.faults.append(row.fault(PSEUDONYM, "nobody is called so: leave it empty for somebody new"))
                elif person is not None and person is not named:
                    self.faults.append(row.fault(EMAIL, "belongs to somebody else"))
                person = named or person
            key = person.id if person is not None else row.email
            if key in seen and row.email:
                self.faults.append(row.fault(EMAIL, f"this person stands in line {seen[key]} already"))
            seen.setdefault(key, row.line)
            if person is not None and is_erased(person):
                self.faults.append(row.fault(EMAIL, "this person was erased"))
            self.whose[row.line] = person

    def _check_roles(self, row: Row) -> None:
        for role in row.values.get("roles", ()):
            if role not in self.roles:
                self.faults.append(row.fault(ROLES, f"nobody has the role {role!r} and no rule names it: allow it by name if it is meant"))
        person = self.whose[row.line]
        has = set(person.roles if person is not None else ())
        wanted = set(row.values.get("roles", has))
        if person is not None and person.status == Status.GONE.value and row.status not in (None, Status.GONE):
            has = set()  # who comes back is given them anew
        if given := self.by_hand & (wanted - has):
            self.faults.append(row.fault(ROLES, f"{', '.join(sorted(given))} needs a second person's yes: give it by hand"))

    def _check_accounts(self) -> None:
        first: dict[str, int] = {}
        for row in self.rows:
            person = self.whose[row.line]
            for account in row.accounts or ():
                owner = self.owner.get(account)
                if account in first:
                    self.faults.append(row.fault(ACCOUNTS, f"{account} stands in line {first[account]} already"))
                elif owner is not None and (person is None or owner != person.id) and not self._gives_up(owner, account):
                    self.faults.append(row.fault(ACCOUNTS, f"{account} belongs to somebody else"))
                first.setdefault(account, row.line)

    def _gives_up(self, owner: str, account: str) -> bool:
        """Whether the table itself takes the account away from who has it."""
        theirs = [row for row in self.rows if (person := self.whose[row.line]) is not None and person.id == owner]
        return any(row.accounts is not None and account not in row.accounts for row in theirs)

    def _newcomer(self, row: Row) -> Difference:
        for name in ("name", "roles") if row.pseudonym is None else ():
            if name not in row.values:
                self.faults.append(Fault(row.line, 0, f"is new: the table needs a column {name} for that"))
        after: dict[str, Any] = {"language": NEW_LANGUAGE, **row.values, "accounts": list(row.accounts or ())}
        if row.status is not None and row.status is not Status.ACTIVE:
            after["status"] = row.status.value
        manager, email = self._manager(row)
        if manager is not None:
            after["manager_id"] = manager
        return Difference(None, None, row.values.get("name", ""), row.email, {}, after, email)

    def _difference(self, row: Row, person: Person) -> Difference | None:
        wanted: dict[str, Any] = dict(row.values)
        manager, email = self._manager(row)
        if row.manager is not None and email is None:
            wanted["manager_id"] = manager
        different = [name for name in CHANGED if name in wanted and wanted[name] != getattr(person, name)]
        before: dict[str, Any] = {name: getattr(person, name) for name in different}
        after: dict[str, Any] = {name: wanted[name] for name in different}
        has = self.accounts.get(person.id, [])
        if row.accounts is not None and set(row.accounts) != set(has):
            before["accounts"], after["accounts"] = has, sorted(row.accounts)
        if row.status is not None and row.status.value != person.status:
            before["status"], after["status"] = person.status, row.status.value
        if email is not None:
            before["manager_id"] = person.manager_id
        if not before:
            return None
        return Difference(person.id, person.pseudonym, person.name, person.email, before, after, email)

    def _manager(self, row: Row) -> tuple[str | None, str | None]:
        """The id of the manager, or the e-mail address of one who is new; both None: nobody."""
        word = row.manager
        if not word:
            return None, None
        found = self.by_email.get(word.lower()) or self.by_pseudonym.get(word.upper())
        if found is None and (owner := self.owner.get(word)) is not None:
            found = self.people[owner]
        if found is not None:
            return found.id, None
        if any(one.email == word.lower() and self.whose[one.line] is None for one in self.rows):
            return None, word.lower()
        self.faults.append(row.fault(MANAGER, "nobody is called so, here or in the table: an e-mail address, an account or a pseudonym"))
        return None, None

    def _gone(self) -> list[Difference]:
        named = {person.id for person in self.whose.values() if person is not None}
        left = [person for person in self.people.values() if person.id not in named and person.status != Status.GONE.value]
        gone = {"status": Status.GONE.value}
        return [Difference(one.id, one.pseudonym, one.name, one.email, {"status": one.status}, dict(gone)) for one in left]

    def _check_managers(self, found: Comparison) -> None:
        """Nobody is over themselves, when everything is done."""
        above: dict[str, str | None] = {person.email: self._email(person.manager_id) for person in self.people.values()}
        for one in (*found.new, *found.changed):
            if one.manager_email is not None:
                above[one.email] = one.manager_email
            elif "manager_id" in one.after:
                above[one.email] = self._email(one.after["manager_id"])
        for row in self.rows:
            person = self.whose[row.line]
            start = person.email if person is not None else row.email
            passed, step = {start}, above.get(start)
            while step is not None and step not in passed:
                passed.add(step)
                step = above.get(step)
            if step == start and row.manager is not None:
                self.faults.append(row.fault(MANAGER, "nobody is their own manager, not over others either"))

    def _email(self, person_id: str | None) -> str | None:
        person = self.people.get(person_id) if person_id is not None else None
        return person.email if person is not None else None

    def _check_oneself(self, found: Comparison) -> None:
        """Law 9: what nobody does by hand, nobody does by a table."""
        if self.by is not None and any(one.person_id == self.by for one in found.all):
            line = next((row.line for row in self.rows if (who := self.whose[row.line]) is not None and who.id == self.by), 1)
            self.faults.append(Fault(line, 0, "this changes who imports it: nobody changes their own entry, ask another administrator"))

    def _check_somebody_administers(self, found: Comparison) -> None:
        after: dict[str, tuple[Collection[str], str]] = {one.id: (one.roles, one.status) for one in self.people.values()}
        for one in found.all:
            roles, status = after.get(one.person_id or one.email, ((), Status.ACTIVE.value))
            after[one.person_id or one.email] = one.after.get("roles", roles), one.after.get("status", status)
        before = any(_administers(one.roles, one.status) for one in self.people.values())
        if before and not any(_administers(*one) for one in after.values()):
            raise PeopleTableError([Fault(1, 0, "afterwards nobody could administer Torwart: keep somebody with the role owner or admin")])


def _administers(roles: Collection[str], status: str) -> bool:
    return not ADMINISTRATORS.isdisjoint(roles) and status != Status.GONE.value


def words_of(members: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Members as text, for people: lists with blanks between, nobody as nothing; `names`: person id -> what to call them."""
    told: dict[str, str] = {}
    for name, value in members.items():
        if name == "manager_id":
            told["manager"] = names.get(value, "") if value else ""
        elif isinstance(value, list | tuple):
            told[name] = " ".join(value)
        else:
            told[name] = str(value) if value is not None else ""
    return told
