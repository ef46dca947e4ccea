"""How a row that is not as Torwart wrote it counts again: somebody who has looked at it says so, on the machine itself (decision 0020)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select

from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.belongings import adopt, missing
from auth.person_record import PersonRecord
from auth.person_values import PeopleError
from auth.sealed_rows import MISSING, accept
from auth.sessions import SESSIONS
from auth.standing import PEOPLE, plan_lost_end
from auth.storage import grow, writing
from auth.tables import ConsoleSession, CrmAccount, CrmSession, Person


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was done."""

    withheld: tuple[str, ...]
    """Roles that the row named and that are not given by this."""
    ended: int
    """Doubtful sign-ins and sessions that were deleted: their person signs in again."""
    left: tuple[str, ...]
    """Doubtful accounts that stay nobody's."""
    gone_from: str | None = None
    """The day (ISO 8601) from whose beginning on the person is gone: the end of the last day was missing and is planned anew."""


def accept_person(
    engine: Engine,
    record: Callable[[Event], object],
    pseudonyms: Pseudonyms,
    person_id: str,
    withheld: Collection[str],
    accounts: Collection[str] = (),
) -> Accepted:
    """Let what stands about a person count from now on, and of their doubtful accounts of the CRM these. Recorded before it holds.

    `withheld`: roles that need a second person's yes (`auth.role_consent`); they are taken out, and given by the ordinary road. An account
    that is not named stays nobody's: whoever wrote one beside the person's row would become this person by it. A doubtful level stays the
    strictest until it is set anew (`auth.levels`). What is not there any more is missed no longer (`auth.belongings`), but for the end of
    a last day that has begun, which nobody drops: it is planned anew.
    Raises PeopleError for an unknown person, one about whom nothing is doubtful, and an account that is not theirs or not doubtful.
    """
    said = PersonRecord(record, pseudonyms)
    with writing(engine) as session:
        person = session.get(Person, person_id)
        if person is None:
            raise PeopleError("there is no such person: `torwart people list` names all")
        doubtful = {
            row.account: row for row in session.scalars(select(CrmAccount).where(CrmAccount.person_id == person_id)) if not row.genuine
        }
        if unknown := sorted(set(accounts) - doubtful.keys()):
            raise PeopleError(f"{', '.join(unknown)}: no doubtful account of this person: `torwart people check` names them")
        signed_in: list[CrmSession | ConsoleSession] = [
            *session.scalars(select(CrmSession).where(CrmSession.person_id == person_id)),
            *session.scalars(select(ConsoleSession).where(ConsoleSession.person_id == person_id)),
        ]
        about, sessions = [doubtful[account] for account in sorted(set(accounts))], [row for row in signed_in if not row.genuine]
        if person.genuine and not about and not sessions:
            more = f"; name the accounts that are right with --account: {', '.join(sorted(doubtful))}" if doubtful else ""
            raise PeopleError(f"the person's own row is as Torwart wrote it{more}")
        forged = person.doubt not in (None, MISSING)
        taken = tuple(sorted(set(person.roles) & set(withheld))) if forged else ()
        words: dict[str, int | str] = {"what": "seal", "status": person.status, "frozen": int(person.frozen), "accounts": len(about)}
        if gone := sorted({name.partition(":")[0] for name in missing(person)}):
            words["missing"] = " ".join(gone)
        said.say(EventAction.PERSON_CHANGED, person, datetime.now(UTC), None, words)
        if taken:
            said.say(EventAction.ROLES_CHANGED, person, datetime.now(UTC), None, {"removed": " ".join(taken)})
        if taken:
            person.roles = [role for role in person.roles if role not in taken]
        for row in about:
            accept(row)
        adopt(session, person, about)
        end = plan_lost_end(session, person, said)
        for one in sessions:
            session.delete(one)
        session.flush()
        grow(session, PEOPLE)
        if sessions:
            grow(session, SESSIONS)
        return Accepted(taken, len(sessions), tuple(sorted(doubtful.keys() - set(accounts))), end.day if end is not None else None)
