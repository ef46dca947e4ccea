"""`torwart people erase`: delete who somebody was, after they have left."""

from __future__ import annotations

from typing import Annotated

import typer

import console.notify  # noqa: F401 # its table is one of those that erasure goes through
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.erasure import erase as erase_person
from auth.people import PeopleError
from console.cli.house import Who, called, open_house

NOT_REACHED = (
    "backups of the state folder or the database, until you let them lapse",
    "mails that were sent and pages that were printed or copied; alert mails name the pseudonym only",
    "files that left in exports: where they carry a mark, it names who exported them",
    "the CRM's own data",
)
"""What no command can delete."""


def erase(
    who: Who,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="PSEUDONYM", help="The person's pseudonym, typed again; else it is asked for.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Delete who a person was who is gone: name, address, accounts, keys, sign-ins, words about them. It cannot be taken back.

    What was counted, exported and recorded stays under the pseudonym, and the record verifies as before.
    """
    with open_house(config) as house:
        person = house.person(who)
        if confirm is None:
            if as_json:
                fail("with --json, say which person is meant: --confirm PSEUDONYM")
            confirm = typer.prompt(f"This deletes who {called(person)} was, for ever. Type the pseudonym to go on")
        if confirm.strip().upper() != person.pseudonym:
            fail(f"{confirm!r} is not the pseudonym of this person: nothing was deleted")
        try:
            done = erase_person(house.engine, house.record, person.id)
        except PeopleError as error:
            fail(str(error))
        copies = sorted(path.name for path in house.installation.state.glob("*.schema-*"))
    not_reached = [*(f"the copy {name} in the state folder, made before an update: delete it" for name in copies), *NOT_REACHED]
    if as_json:
        facts = {"pseudonym": done.pseudonym, "deleted": done.deleted, "emptied": done.emptied, "overwritten": done.overwritten}
        print_json({**facts, "not_reached": not_reached})
        return
    say(f"{done.pseudonym} is erased: {sum(done.deleted.values())} rows deleted, {sum(done.emptied.values())} emptied.")
    if not done.overwritten:
        say("The database may still hold old copies of it in free pages.")
        say("SQLite: stop Torwart and repeat this command. PostgreSQL: have it run VACUUM FULL.")
    say("Not reached:")
    for one in not_reached:
        say(f"- {one}")
