"""`torwart people level`: watch somebody more closely for a while, for a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.people import PeopleError
from console.cli.house import Who, called, open_house
from policies.request import Level

DAYS = 7
"""How long a level holds unless somebody says otherwise."""


def level(
    who: Who,
    level: Annotated[Level, typer.Argument(help="How closely the person is watched from now on; normal ends what was set.")],
    reason: Annotated[str, typer.Option("--reason", help="Why. For the people page; in the record only under encryption.")],
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="When it ends by itself.")] = DAYS,
    by: Annotated[str | None, typer.Option("--by", help="The person who does it: CRM account, e-mail address, pseudonym or id.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Watch a person more closely for some days: rules may say something else at each level. It holds at the next request."""
    until = datetime.now(UTC) + timedelta(days=days)
    with open_house(config) as house:
        person = house.person(who)
        try:
            house.levels.set(person.id, level, until, reason, house.person(by).id if by is not None else None)
        except PeopleError as error:
            fail(str(error))
    ends = until.isoformat(timespec="seconds") if level is not Level.NORMAL else None
    if as_json:
        print_json({"pseudonym": person.pseudonym, "level": level.value, "until": ends})
    else:
        say(f"{called(person)}: {level.value}" + (f" until {ends}." if ends else "."))
