"""`torwart people accept`: what stands about a person counts again, or somebody who was deleted is gone."""

from __future__ import annotations

from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.deleted_people import accept_deletion, deleted_people
from auth.person_values import PeopleError
from auth.row_repair import accept_person
from console.cli.house import House, Who, called, open_house
from console.cli.people_consent import role_consent
from console.cli.people_cut import cut_members, print_cut


def accept(
    who: Who,
    confirm: Annotated[str, typer.Option("--confirm", help="The person's pseudonym, once more.")],
    account: Annotated[list[str] | None, typer.Option("--account", help="A doubtful account of the CRM that is right.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Let what stands about a person count again, after you have looked at it. Roles that need a second person are taken out.

    Somebody who was deleted is gone from then on.
    """
    with open_house(config) as house:
        if (deleted := _deleted_one(house, who)) is not None:
            _accept_deletion(house, deleted, confirm, account or [], as_json=as_json)
            return
        person = house.person(who)
        if confirm.upper() != person.pseudonym:
            fail(f"this is {called(person)}: to accept what stands there, add --confirm {person.pseudonym}")
        withheld = role_consent(house).by_hand_only()
        try:
            done = accept_person(house.engine, house.record, house.pseudonyms, person.id, withheld, account or [])
        except PeopleError as error:
            fail(str(error))
    if as_json:
        left, withheld_roles = list(done.left), list(done.withheld)
        members = {"withheld": withheld_roles, "ended": done.ended, "left": left, "gone_from": done.gone_from}
        print_json({"pseudonym": person.pseudonym, **members})
        return
    say(f"What stands about {called(person)} counts from the next request on.")
    if done.withheld:
        say(f"Not given: {', '.join(done.withheld)}. Give such a role by `torwart people change`: it needs a second person's yes.")
    if done.gone_from is not None:
        say(f"The end of the last day was missing and is planned anew: gone from {done.gone_from}.")
    if done.ended:
        say(f"Sign-ins that ended: {done.ended}.")
    if done.left:
        say(f"Accounts that stay nobody's: {', '.join(done.left)}. Add those that are right with --account.")


def _deleted_one(house: House, who: str) -> str | None:
    """The id of somebody who was deleted, by pseudonym or id: nothing else is known of them."""
    names = {house.pseudonyms.of(one): one for one in deleted_people(house.engine)}
    return who if who in names.values() else names.get(who.upper())


def _accept_deletion(house: House, person_id: str, confirm: str, account: list[str], *, as_json: bool) -> None:
    pseudonym = house.pseudonyms.of(person_id)
    if confirm.upper() != pseudonym:
        fail(f"this is {pseudonym}, who was deleted: to accept that, add --confirm {pseudonym}")
    if account:
        fail("no account counts for somebody who was deleted: add the person anew, `torwart people add`")
    try:
        cut = accept_deletion(house.engine, house.record, house.pseudonyms, person_id)
    except PeopleError as error:
        fail(str(error))
    if as_json:
        print_json({"pseudonym": pseudonym, "gone": True, "cut": cut_members(cut)})
        return
    say(f"{pseudonym} is gone, and missed no longer. Whoever works here still is added anew: torwart people add NAME EMAIL ...")
    print_cut(cut)
