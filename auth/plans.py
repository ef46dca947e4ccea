"""Statuses that are planned for a day: who plans them, and who carries them out when the day has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Engine, select

from audit_store.event import Event, EventAction
from audit_store.pseudonyms import Pseudonyms
from auth.belongings import forget, is_of, missing
from auth.cut import Cut
from auth.people_tables import DONE, OVERTAKEN, PLANNED, WITHDRAWN, StatusPlan
from auth.person_record import PersonRecord
from auth.person_values import PeopleError
from auth.standing import PEOPLE, Why, add_plan, end_plan, local_day, narrows, open_plans, put_status
from auth.storage import database_now, grow, reading, writing
from auth.tables import Person
from policies.request import Status

FARTHEST_DAYS = 3 * 366
"""A day farther away than any notice period is a slip of the pen."""
_END_LOST = (
    "what was deleted may be the end of the last day, which nobody drops: `torwart people status PERSON gone`, "
    "or `torwart people accept PERSON`, which plans it anew"
)


@dataclass(frozen=True, slots=True)
class Carried:
    """A plan whose day has come."""

    pseudonym: str
    status: Status
    cut: tuple[Cut, ...]


class Plans:
    """The planned statuses of one installation. All is recorded before it holds; `by` is a person id, None for the command line."""

    def __init__(self, engine: Engine, record: Callable[[Event], object], pseudonyms: Pseudonyms) -> None:
        self._engine = engine
        self._record = PersonRecord(record, pseudonyms)

    def plan(self, person_id: str, status: Status, day: date, by: str | None, reason: str | None = None) -> StatusPlan:
        """From the beginning of that day on the person has this status; an earlier plan of the same status is void.

        Raises PeopleError for an unknown person, for oneself, for a day that is not to come, and for a status that gives rights.
        """
        if by == person_id:
            raise PeopleError("nobody changes their own status: ask another administrator")
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None:
                raise PeopleError("there is no such person: `torwart people list` names all")
            today = local_day(database_now(session))
            if not today < day <= today + timedelta(days=FARTHEST_DAYS):
                raise PeopleError(f"a status is planned for a day from tomorrow on, within three years, not for {day.isoformat()}")
            if not narrows(Status(person.status), status):
                raise PeopleError(f"{status.value} gives more than {person.status}, or the same: it can be set, not planned")
            return add_plan(session, person, status, day, Why(by, reason), self._record)

    def withdraw(self, person_id: str, by: str | None) -> int:
        """Drop what is planned for a person, except the end of a last day that has begun; how many plans that were.

        A plan that somebody deleted in the database is one of them, and is missed no longer (`auth.belongings`).
        Raises PeopleError for an unknown person, for oneself, and where only such a plan is left that may be the end of a last day.
        """
        if by == person_id:
            raise PeopleError("nobody changes their own status: ask another administrator")
        with writing(self._engine) as session:
            person = session.get(Person, person_id)
            if person is None:
                raise PeopleError("there is no such person: `torwart people list` names all")
            now = database_now(session)
            waiting = open_plans(session, person_id)
            plans = [plan for plan in waiting if not plan.automatic or not plan.genuine]
            end_is_lost = _end_is_lost(person, waiting)
            if end_is_lost and not plans:
                raise PeopleError(_END_LOST)
            for plan in plans:
                end_plan(plan, WITHDRAWN, person, now, by, self._record)
            lost = 0 if end_is_lost else forget(person, StatusPlan)
            if lost:
                self._record.say(EventAction.STATUS_PLAN_ENDED, person, now, by, {"missing": lost, "why": WITHDRAWN})
            if plans or lost:
                grow(session, PEOPLE)
            return len(plans) + lost

    def of(self, person_id: str) -> list[StatusPlan]:
        """What is planned for a person, in the order of the days."""
        with reading(self._engine) as session:
            return open_plans(session, person_id)

    def all(self) -> list[StatusPlan]:
        """What is planned for everybody, in the order of the days."""
        with reading(self._engine) as session:
            return open_plans(session)

    def carry_out(self) -> list[Carried]:
        """Do what is due by the database's clock: each plan once, however many processes ask, also after days in which nobody did.

        One that cannot be recorded waits and keeps no other waiting; the last error is raised at the end.
        """
        done: list[Carried] = []
        failed: Exception | None = None
        tried: set[str] = set()
        while (plan_id := self._due(tried)) is not None:  # a last day that is long over is followed by its end
            tried.add(plan_id)
            try:
                carried = self._carry_out(plan_id)
            except Exception as error:  # noqa: BLE001 -- raised below; the others are not kept waiting
                failed = error
            else:
                done += [carried] if carried is not None else []
        if failed is not None:
            raise failed
        return done

    def _due(self, tried: set[str]) -> str | None:
        with reading(self._engine) as session:
            now = database_now(session)
            due = select(StatusPlan.id).where(StatusPlan.state == PLANNED, StatusPlan.due_at <= now).order_by(StatusPlan.due_at)
            return next((plan_id for plan_id in session.scalars(due) if plan_id not in tried), None)

    def _carry_out(self, plan_id: str) -> Carried | None:
        with writing(self._engine) as session:  # under the lock it is looked again: another process may have been first
            plan = session.get_one(StatusPlan, plan_id)
            if plan.state != PLANNED or not plan.genuine:
                return None
            person, status = session.get_one(Person, plan.person_id), Status(plan.status)
            plan.ended_at = database_now(session)
            if not narrows(Status(person.status), status):
                end_plan(plan, OVERTAKEN, person, plan.ended_at, None, self._record)
                return None
            plan.state = DONE
            session.flush()
            cut = put_status(session, person, status, Why(None, plan.reason, plan.day), self._record)
            return Carried(person.pseudonym, status, tuple(cut))


def _end_is_lost(person: Person, waiting: Iterable[StatusPlan]) -> bool:
    """Whether what is missed may be the end of a last day that has begun: the list of a person says no more than that it was a plan."""
    if person.status != Status.LAST_DAY.value or any(plan.automatic and plan.genuine for plan in waiting):
        return False
    return any(is_of(name, StatusPlan) for name in missing(person))
