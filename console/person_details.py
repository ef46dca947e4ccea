"""What a person's page says of who somebody is: team, manager, accounts, machines, and what is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.people_tables import StatusPlan
from auth.person_values import LANGUAGES
from auth.standing import start_of
from auth.tables import Person
from console.language import Speech
from console.services import Services, Who
from console.words import N_, STATUSES, word

_LANGUAGES = {"de": N_("German"), "en": N_("English"), "ru": N_("Russian")}


@dataclass(frozen=True, slots=True)
class Plan:
    """A status that is planned."""

    words: str
    at: datetime
    automatic: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A machine of the person with our agent."""

    label: str
    heard: datetime | None
    ended: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Details:
    """Who somebody is. What would say who is behind a pseudonym is empty where names are not shown (law 11)."""

    email: str
    accounts: tuple[str, ...]
    team: str
    territory: str
    language: str
    manager: tuple[str, Who] | None
    """Address of the page, and who it is."""
    reports: tuple[tuple[str, Who], ...]
    since: datetime | None
    leave: tuple[datetime, datetime] | None
    """First and last day."""
    plans: tuple[Plan, ...]
    devices: tuple[Device, ...]
    languages: tuple[Choice, ...]

    @property
    def about(self) -> list[str]:
        """Pseudonyms of other people that are named."""
        return [who.pseudonym for _, who in (*((self.manager,) if self.manager else ()), *self.reports)]


def details(services: Services, person: Person, speech: Speech) -> Details:
    """Everything about one person."""
    shown = services.installation.names == "shown"
    above = services.people.by_id(person.manager_id) if person.manager_id is not None else None
    leave = _leave(person)
    return Details(
        email=person.email if shown else "",
        accounts=tuple(services.people.accounts(person.id)) if shown else (),
        team=person.team or "",
        territory=person.territory or "",
        language=word(_LANGUAGES, person.language, speech),
        manager=_linked(services, above) if above is not None else None,
        reports=tuple(_linked(services, one) for one in services.people.reports(person.id)),
        since=person.status_since,
        leave=leave,
        plans=tuple(_plan(plan, speech) for plan in services.plans.of(person.id)),
        devices=tuple(
            Device(one.label if shown else "", one.last_seen_at, one.removed_at is not None) for one, _ in services.agents.all(person.id)
        ),
        languages=language_choices(person.language, speech),
    )


def language_choices(chosen: str, speech: Speech) -> tuple[Choice, ...]:
    """The languages of the pages."""
    return tuple(Choice(code, word(_LANGUAGES, code, speech), code == chosen) for code in LANGUAGES)


def _linked(services: Services, person: Person) -> tuple[str, Who]:
    return f"/people/{person.id}", services.who(person)


def _leave(person: Person) -> tuple[datetime, datetime] | None:
    if person.leave_from is None or person.leave_until is None:
        return None
    last = person.leave_until.astimezone().date() - timedelta(days=1)
    return person.leave_from, start_of(last)


def _plan(plan: StatusPlan, speech: Speech) -> Plan:
    return Plan(word(STATUSES, plan.status, speech), plan.due_at, plan.automatic)
