"""How a person stands to the firm, changed inside one transaction: status, what was planned of it, and what is cut with it.

A plan only ever takes away: it names a status nearer to the end than the one before, so that nothing is given by a clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from audit_store.event import EventAction
from audit_store.sealing import seal
from auth.cut import GONE, Cut, cut_off
from auth.people_tables import OVERTAKEN, PLANNED, WITHDRAWN, StatusPlan
from auth.person_record import PersonRecord
from auth.storage import database_now, grow
from auth.tables import Person
from policies.request import Status

PEOPLE = "people"
"""Kind of rows in `revisions`."""
_LADDER = tuple(Status)
"""From the widest to the narrowest."""


@dataclass(frozen=True, slots=True)
class Why:
    """Who changes a status and why."""

    by: str | None
    """Person id; None: the command line, or the clock."""
    reason: str | None = None
    """In their words: for the people page, in the record only under encryption."""
    planned: str | None = None
    """The day for which it was planned."""


def put_status(session: Session, person: Person, status: Status, why: Why, record: PersonRecord) -> list[Cut]:
    """Change the status now, with what follows from it: plans that it overtakes, the end of a last day, the cut of who is gone.

    Recorded before it holds. What was cut; empty for everybody who is not gone.
    """
    now = database_now(session)
    before = person.status
    person.status, person.status_reason, person.status_since = status.value, why.reason, now
    grow(session, PEOPLE)
    said: dict[str, int | str] = {"from": before, "to": status.value}
    if why.planned is not None:
        said["planned"] = why.planned
    sealed = seal(session, person.pseudonym, why.reason, now) if why.reason else None
    record.say(EventAction.STATUS_CHANGED, person, now, why.by, said, sealed)
    for plan in open_plans(session, person.id):
        if (ended := _ends(plan, status)) is not None:
            end_plan(plan, ended, person, now, why.by, record)
    if status is Status.LAST_DAY:
        _plan_end(session, person, date.fromisoformat(why.planned) if why.planned is not None else local_day(now), why.by, record)
    if status is not Status.GONE:
        return []
    return cut_off(session, person, now, GONE, record.name(why.by), record.record)


def plan_lost_end(session: Session, person: Person, record: PersonRecord) -> StatusPlan | None:
    """Plan the end of a last day that has begun where nothing says it any more; None where none has begun, or its end is there. Recorded.

    A day that is over has its end behind it: then the plan is due at once.
    """
    if person.status != Status.LAST_DAY or any(plan.automatic and plan.genuine for plan in open_plans(session, person.id)):
        return None
    now = database_now(session)
    return _plan_end(session, person, local_day(min(person.status_since or now, now)), None, record)


def _plan_end(session: Session, person: Person, last_day: date, by: str | None, record: PersonRecord) -> StatusPlan:
    return add_plan(session, person, Status.GONE, last_day + timedelta(days=1), Why(by), record, automatic=True)


def add_plan(
    session: Session, person: Person, status: Status, day: date, why: Why, record: PersonRecord, *, automatic: bool = False
) -> StatusPlan:
    """Plan a status for the beginning of a day. Recorded. The caller has seen to it that it makes sense."""
    now = database_now(session)
    for plan in open_plans(session, person.id):
        if plan.status == status.value:
            end_plan(plan, WITHDRAWN, person, now, why.by, record)
    plan = StatusPlan(
        id=secrets.token_hex(12),
        person_id=person.id,
        status=status.value,
        day=day.isoformat(),
        due_at=start_of(day),
        reason=why.reason,
        by=why.by,
        automatic=automatic,
        made_at=now,
        state=PLANNED,
    )
    session.add(plan)
    grow(session, PEOPLE)
    sealed = seal(session, person.pseudonym, why.reason, now) if why.reason else None
    record.say(EventAction.STATUS_PLANNED, person, now, why.by, {"to": status.value, "on": plan.day}, sealed)
    return plan


def end_plan(plan: StatusPlan, state: str, person: Person, now: datetime, by: str | None, record: PersonRecord) -> None:
    """Say that a plan will not happen. Recorded. One that is not genuine is deleted: it could not be sealed as ended."""
    session = object_session(plan)
    if session is not None and not plan.genuine:
        session.delete(plan)
    else:
        plan.state, plan.ended_at = state, now
    record.say(EventAction.STATUS_PLAN_ENDED, person, now, by, {"to": plan.status, "on": plan.day, "why": state})


def open_plans(session: Session, person_id: str | None = None) -> list[StatusPlan]:
    """Plans that wait, of one person or of everybody, in the order of their days.

    Those that are not genuine are among them, whatever they say.
    """
    question = select(StatusPlan)
    if person_id is not None:
        question = question.where(StatusPlan.person_id == person_id)
    return [
        plan for plan in session.scalars(question.order_by(StatusPlan.due_at, StatusPlan.id)) if plan.state == PLANNED or not plan.genuine
    ]


def status_at(status: Status, plans: Iterable[StatusPlan], now: datetime) -> Status:
    """The status that holds: a plan whose day has come counts even where nobody has carried it out yet.

    One that no process of ours left like this is the strictest, and has come: it was changed to be milder, or later (attacks X12).
    """
    due = [Status(plan.status) if plan.genuine else Status.GONE for plan in plans if plan.due_at <= now or not plan.genuine]
    return max([status, *due], key=_LADDER.index)


def is_away(person: Person, now: datetime) -> bool:
    """Whether the person is on leave at that time."""
    return person.leave_from is not None and person.leave_until is not None and person.leave_from <= now < person.leave_until


def narrows(before: Status, after: Status) -> bool:
    """Whether the second one is nearer to the end than the first."""
    return _LADDER.index(after) > _LADDER.index(before)


def local_day(at: datetime) -> date:
    """The day on the clock of this machine."""
    return at.astimezone().date()


def start_of(day: date) -> datetime:
    """The first moment of a day on the clock of this machine, in UTC."""
    return datetime.combine(day, time()).astimezone(UTC)


def _ends(plan: StatusPlan, status: Status) -> str | None:
    """Who stays, and who no longer has a last day, is not gone by what was planned before; a narrower status makes a wider plan idle.

    One that is not genuine stays until somebody drops it: what it says, even its status, is nothing to go by.
    """
    if not plan.genuine:
        return None
    if status is Status.ACTIVE or plan.automatic:
        return OVERTAKEN if status is Status.GONE else WITHDRAWN
    return None if narrows(status, Status(plan.status)) else OVERTAKEN
