"""`torwart people change`, `unbind`, `leave`, `plans`: who somebody is, and what is set for a day to come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from auth.approval_request import ReasonMissingError, TooManyOpenError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.key_consent import ConsentNeededError
from auth.people import PeopleError
from auth.person_values import PersonChange
from auth.tables import Person
from console.cli.house import By, House, Who, called, named, open_house, print_table
from console.cli.people_consent import role_consent, say_asked
from console.cli.people_cut import cut_members, print_cut

NOBODY = "none"
"""On the command line: no team, no territory, no manager."""


def change(
    who: Who,
    name: Annotated[str | None, typer.Option("--name", help="Full name.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="Address at the firm.")] = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="All roles from now on; may be repeated.")] = None,
    team: Annotated[str | None, typer.Option("--team", help=f"Or {NOBODY!r}.")] = None,
    manager: Annotated[str | None, typer.Option("--manager", help=f"The person that this one reports to, or {NOBODY!r}.")] = None,
    territory: Annotated[str | None, typer.Option("--territory", help=f"Or {NOBODY!r}.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="de, en or ru.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Of a role that others have to agree to: for them.")] = None,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Change who a person is: roles, team, manager, territory, name, address, language. It holds at the next request."""
    with open_house(config) as house:
        person = house.person(who)
        wanted = PersonChange()
        if name is not None:
            wanted["name"] = name
        if email is not None:
            wanted["email"] = email
        if role:
            wanted["roles"] = role
        if team is not None:
            wanted["team"] = None if team == NOBODY else team
        if territory is not None:
            wanted["territory"] = None if territory == NOBODY else territory
        if manager is not None:
            wanted["manager_id"] = None if manager == NOBODY else house.person(manager).id
        if language is not None:
            wanted["language"] = language
        if not wanted:
            fail("say what is to be different: `torwart people change --help` names all")
        try:
            changed = role_consent(house).change(person.id, wanted, house.by(by), reason)
        except ConsentNeededError as asked:
            say_asked(asked, as_json=as_json)
            return
        except (PeopleError, TooManyOpenError, ReasonMissingError) as error:
            fail(str(error))
    names = [one.removesuffix("_id") for one in changed]
    if as_json:
        print_json({"pseudonym": person.pseudonym, "changed": names})
    else:
        say(f"{_named(person)}: {', '.join(names)} changed." if names else f"{_named(person)}: nothing is different.")


def unbind(
    who: Who,
    account: Annotated[str, typer.Argument(help="CRM account, spelled as the CRM spells it.")],
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Say that a CRM account is this person's no longer: what it had signed in ends, and nobody can sign in with it."""
    with open_house(config) as house:
        person = house.person(who)
        try:
            cut = house.people.unbind(person.id, account, house.by(by))
        except PeopleError as error:
            fail(str(error))
    if as_json:
        print_json({"pseudonym": person.pseudonym, "account": account, "cut": cut_members(cut)})
        return
    say(f"{account} is not {_named(person)}'s any more.")
    print_cut(cut)


def leave(
    who: Who,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day away.")] = None,
    last: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day away.")] = None,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Say from when until when a person is away. Without days: they are not."""
    with open_house(config) as house:
        person = house.person(who)
        days = tuple(day.date() if day is not None else None for day in (first, last))
        try:
            house.people.set_leave(person.id, days[0], days[1], house.by(by))
        except PeopleError as error:
            fail(str(error))
    told = [day.isoformat() if day is not None else None for day in days]
    if as_json:
        print_json({"pseudonym": person.pseudonym, "from": told[0], "until": told[1]})
    else:
        say(f"{_named(person)}: away from {told[0]} until {told[1]}." if told[0] else f"{_named(person)}: not away.")


def plans(
    drop: Annotated[str | None, typer.Option("--drop", metavar="PERSON", help="Drop what is planned for this person.")] = None,
    by: By = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """The statuses that are planned for a day. The end of a last day is among them; another status drops it."""
    with open_house(config) as house:
        if drop is not None:
            person = house.person(drop)
            try:
                dropped = house.plans.withdraw(person.id, house.by(by))
            except PeopleError as error:
                fail(str(error))
            if as_json:
                print_json({"pseudonym": person.pseudonym, "dropped": dropped})
            else:
                say(f"{_named(person)}: {dropped} dropped.")
            return
        rows = _planned(house)
        house.looked_at("people", [row["pseudonym"] for row in rows])
    if as_json:
        print_json({"plans": rows})
        return
    print_table(("day", "pseudonym", "name", "status"), [(row["on"], row["pseudonym"], row["name"] or "–", row["status"]) for row in rows])


def _planned(house: House) -> list[dict[str, Any]]:
    people = {person.id: person for person in house.people.all()}
    return [
        {
            "pseudonym": people[plan.person_id].pseudonym,
            "name": named(people[plan.person_id].name),
            "status": plan.status,
            "on": plan.day,
            "automatic": plan.automatic,
        }
        for plan in house.plans.all()
        if plan.person_id in people  # a row that was written by hand may name nobody: `torwart people check`
    ]


def _named(person: Person) -> str:
    return called(person)
