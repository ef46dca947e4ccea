"""`torwart people check` and `accept`: rows that are not as Torwart wrote them, and how one of them counts again."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import inspect

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.person_values import PeopleError
from auth.row_alarms import RowAlarms, person_of
from auth.row_repair import accept_person
from auth.sealed_rows import SealedRow
from console.cli.house import House, Who, called, open_house, print_table
from console.cli.people_consent import role_consent

FOUND = 1
"""Exit status: there are such rows."""


def check(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Name the rows about people and approvals that give nothing, because no process of Torwart left them so."""
    with open_house(config) as house:
        rows = RowAlarms(house.engine, house.record, house.pseudonyms).doubtful()
        found = [_about(house, row) for row in rows]
        house.looked_at("people", sorted({pseudonym for _, pseudonym, _ in found if pseudonym}))
    if as_json:
        print_json({"rows": [{"table": table, "person": pseudonym or None, "cause": cause} for table, pseudonym, cause in found]})
    elif found:
        causes = {"seal": "written or changed by something else", "older": "an older copy of the row"}
        print_table(("table", "person", "why"), [(table, who or "–", causes.get(cause or "", "")) for table, who, cause in found])
        say("They give nothing. Find out who wrote them, compare with `torwart events`, correct, then: torwart people accept PERSON")
    else:
        say("Everything is as Torwart wrote it.")
    if found:
        raise typer.Exit(FOUND)


def _about(house: House, row: SealedRow) -> tuple[str, str, str | None]:
    person = person_of(row)
    return inspect(type(row)).local_table.name, house.pseudonyms.of(person) if person else "", row.doubt


def accept(
    who: Who,
    confirm: Annotated[str, typer.Option("--confirm", help="The person's pseudonym, once more.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Let what stands about a person count again, after you have looked at it. Roles that need a second person are taken out."""
    with open_house(config) as house:
        person = house.person(who)
        if confirm.upper() != person.pseudonym:
            fail(f"this is {called(person)}: to accept what stands there, add --confirm {person.pseudonym}")
        withheld = role_consent(house).by_hand_only()
        try:
            done = accept_person(house.engine, house.record, house.pseudonyms, person.id, withheld)
        except PeopleError as error:
            fail(str(error))
    if as_json:
        print_json({"pseudonym": person.pseudonym, "withheld": list(done.withheld), "ended": done.ended})
        return
    say(f"What stands about {called(person)} counts from the next request on.")
    if done.withheld:
        say(f"Not given: {', '.join(done.withheld)}. Give such a role by `torwart people change`: it needs a second person's yes.")
    if done.ended:
        say(f"Sign-ins that ended: {done.ended}.")
