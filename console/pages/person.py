"""One person: the day, the levers, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from audit_store.spool import SpoolError
from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.cut import Cut
from auth.enrolment import TokenError
from auth.key_consent import ConsentNeededError, KeyConsent
from auth.levels import effective
from auth.people import PeopleError
from auth.standing import narrows
from auth.tables import Person
from console.alert_view import day_events, reasons_of, titles
from console.fresh_touch import need_touch
from console.language import Speech
from console.levers import cut_lines, flash, status_choices, way_back
from console.person_details import details
from console.render import page
from console.services import Services
from console.timeline import timeline
from console.visitor import Visitor, administrator_intends, reviewer, reviewer_intends, services_of
from console.words import LEVELS, N_, STATUS_CHIPS, STATUSES, role_words, word
from policies.request import Level, Status

router = APIRouter(prefix="/people/{person_id}")
ALERTS_SHOWN = 10
_LEVELS = tuple(Level)
"""From the widest to the closest."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert of this person."""

    id: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LevelLine:
    """How closely the person is watched."""

    value: str
    words: str
    until: datetime | None
    """None: not set by hand."""
    reason: str
    choices: list[tuple[str, str]]


@router.get("")
def person(request: Request, person_id: str, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """The person. Looking is recorded. The address may name the pseudonym, as mails do."""
    services = services_of(request)
    return _page(request, found, services, _known(services, person_id))


@router.post("/freeze")
def freeze(
    request: Request, person_id: str, found: Annotated[Visitor, Depends(reviewer_intends)], back: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Cut everything that this person has open, and refuse the rest."""
    services, viewer = services_of(request), viewer_of(found)
    subject = somebody_else(services, person_id, viewer)
    cut = services.people.freeze(subject.id, viewer.id)
    return go_back(back, subject, "frozen" if _holds(services, subject, cut, viewer) else "frozen_not_shown")


@router.post("/unfreeze")
def unfreeze(
    request: Request, person_id: str, found: Annotated[Visitor, Depends(reviewer_intends)], back: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Lift the freeze."""
    services, viewer = services_of(request), viewer_of(found)
    subject = somebody_else(services, person_id, viewer)
    need_touch(request, found, N_("Lift the freeze"))
    try:
        services.people.unfreeze(subject.id, viewer.id)
    except PeopleError:
        return go_back(back, subject, "refused")
    return go_back(back, subject, "unfrozen")


@router.post("/status")
def status(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(reviewer_intends)],
    status: Annotated[Status, Form()],
    sure: Annotated[str, Form(max_length=5)],
    back: Annotated[str, Form(max_length=200)] = "",
    on: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Say how the person stands to the firm, now or from the beginning of a day on."""
    services, viewer = services_of(request), viewer_of(found)
    subject = somebody_else(services, person_id, viewer)
    if sure != "yes":
        return go_back(back, subject, "refused")
    if not on and not narrows(Status(subject.status), status):  # what takes away is urgent; a plan only ever does
        need_touch(request, found, N_("Change the status"))
    try:
        if on:
            services.plans.plan(subject.id, status, date.fromisoformat(on), viewer.id)
            return go_back(back, subject, "planned")
        cut = services.role_consent().set_status(subject.id, status, viewer.id)
    except ConsentNeededError:
        return go_back(back, subject, "asked")
    except ReasonMissingError:
        return go_back(back, subject, "reason_missing")
    except (PeopleError, TooManyOpenError, ValueError):
        return go_back(back, subject, "refused")
    if status is Status.GONE and not _holds(services, subject, cut, viewer):
        return go_back(back, subject, "gone_not_shown")
    return go_back(back, subject, "gone" if status is Status.GONE else "status")


@router.post("/level")
def level(
    request: Request,
    person_id: str,
    found: Annotated[Visitor, Depends(reviewer_intends)],
    level: Annotated[Level, Form()],
    days: Annotated[int, Form(ge=1, le=90)],
    reason: Annotated[str, Form(max_length=500)],
    back: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Watch the person more closely for some days, for a reason; less closely, or not as long, with a touch."""
    services, viewer = services_of(request), viewer_of(found)
    subject = somebody_else(services, person_id, viewer)
    set_before, until = services.levels.of(subject.id), datetime.now(UTC) + timedelta(days=days)
    now = effective(Status(subject.status), set_before, datetime.now(UTC))
    if _LEVELS.index(level) < _LEVELS.index(now) or (set_before is not None and until < set_before.until):
        need_touch(request, found, N_("Set the level"))
    try:
        services.levels.set(subject.id, level, until, reason, viewer.id)
    except PeopleError:
        return go_back(back, subject, "refused")
    return go_back(back, subject, "level")


@router.post("/token")
def token(request: Request, person_id: str, found: Annotated[Visitor, Depends(administrator_intends)]) -> Response:
    """Issue a one-time link for the person's next key; it is shown on this answer only. Nobody issues one for themselves (attacks X2)."""
    services, viewer = services_of(request), viewer_of(found)
    subject = somebody_else(services, person_id, viewer)
    need_touch(request, found, N_("Issue a one-time link"))
    try:
        secret = KeyConsent(services.engine, services.keys, services.approvals).token(subject.id, viewer)
    except ConsentNeededError:
        return go_back("", subject, "asked")
    except ReasonMissingError:
        return go_back("", subject, "reason_missing")
    except (TokenError, TooManyOpenError):
        return go_back("", subject, "refused")
    link = f"{services.installation.torwart_url}/enrol/{secret}"
    return _page(request, found, services, subject, link=link)


def _page(request: Request, found: Visitor, services: Services, subject: Person, **more: Any) -> Response:
    """The page. That somebody looks is recorded before it is shown."""
    viewer = viewer_of(found)
    values = _shown(request, services, subject, viewer, found.speech)
    services.viewed(viewer, subject.pseudonym, about=values["details"].about if values["details"] is not None else ())
    return page(request, found, "person.html", **{**values, **more})


def _shown(request: Request, services: Services, subject: Person, viewer: Person, speech: Speech) -> dict[str, Any]:
    own = subject.id == viewer.id
    who = services.who(subject)
    alerts = [alert for alert in services.alerts.list() if alert.pseudonym == subject.pseudonym][:ALERTS_SHOWN]
    return {
        "person": subject,
        "who": who,
        "title": who.name or who.pseudonym,
        "roles": role_words(subject.roles, speech),
        "own": own,
        "status": word(STATUSES, subject.status, speech),
        "chip": STATUS_CHIPS.get(subject.status, ""),
        "statuses": status_choices(speech),
        "level": _level(services, subject, speech),
        "details": None if own else details(services, subject, speech),
        "cuts": cut_lines(services, subject, speech),
        "keys": services.keys.of(subject.id),
        "timeline": [] if own else timeline(day_events(services, subject.pseudonym, datetime.now(UTC)), speech),
        "alerts": [AlertLine(alert.id, " · ".join(titles(reasons_of(alert), speech)), alert.opened_at) for alert in alerts],
        "back": f"/people/{subject.id}",
        "flash": flash(request, speech),
        "link": None,
    }


def _level(services: Services, subject: Person, speech: Speech) -> LevelLine:
    row = services.levels.of(subject.id)
    value = effective(Status(subject.status), row, datetime.now(UTC)).value
    choices = [(code, speech.say(words)) for code, words in LEVELS.items()]
    return LevelLine(value, word(LEVELS, value, speech), row.until if row else None, row.reason if row else "", choices)


def _holds(services: Services, subject: Person, cut: list[Cut], viewer: Person) -> bool:
    """Whether all that was cut is refused when it is tried, and every gateway knows it. What cannot be recorded is not shown to hold."""
    try:
        return services.trial().of(subject, cut, viewer.pseudonym).holds
    except SpoolError:
        return False


def _known(services: Services, key: str) -> Person:
    found = services.people.by_id(key) or services.people.by_pseudonym(key)
    if found is None:
        raise HTTPException(404)
    return found


def somebody_else(services: Services, person_id: str, viewer: Person) -> Person:
    """Nobody acts on their own status, access or keys (law 9)."""
    subject = _known(services, person_id)
    if subject.id == viewer.id:
        raise HTTPException(403)
    return subject


def viewer_of(found: Visitor) -> Person:
    """Who looks. Raises HTTPException 403."""
    if found.person is None:
        raise HTTPException(403)
    return found.person


def go_back(back: str, subject: Person, done: str) -> Response:
    """To the page that a lever was pulled on, which then says what was done (`console.levers`)."""
    return RedirectResponse(f"{way_back(back, f'/people/{subject.id}')}?done={done}", 303)
