"""`torwart people accounts`: whose each CRM account is, and which ones are nobody's."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, print_json, say
from auth.unmapped import Unmapped
from console.cli.house import House, named, open_house, print_table


def accounts(
    unmapped: Annotated[
        bool, typer.Option("--unmapped", help="Names that were refused at the CRM's door, more than once, because they are nobody's.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """The accounts of the CRM with their people; several may be one person's. With --unmapped: those that are nobody's."""
    with open_house(config) as house:
        rows = _nobodys(house) if unmapped else _everybodys(house)
        house.looked_at("accounts", [row["pseudonym"] for row in rows if "pseudonym" in row])
    if as_json:
        print_json({"accounts": rows})
    elif not unmapped:
        print_table(("CRM account", "pseudonym", "name"), [(row["account"] or "–", row["pseudonym"], row["name"] or "–") for row in rows])
    elif rows:
        print_table(("CRM account", "refused", "last"), [(row["account"], str(row["times"]), row["last"]) for row in rows])
        say("If it is somebody's: torwart people bind PERSON ACCOUNT")
    else:
        say("Nobody was refused more than once in the last 30 days because the account is nobody's.")


def _everybodys(house: House) -> list[dict[str, Any]]:
    people = {person.id: person for person in house.people.all()}
    owners = house.people.all_accounts()
    if named("") is None:  # an account is as good as a name
        return [{"account": None, "pseudonym": people[owner].pseudonym, "name": None} for owner in owners.values()]
    return [{"account": account, "pseudonym": people[owner].pseudonym, "name": people[owner].name} for account, owner in owners.items()]


def _nobodys(house: House) -> list[dict[str, Any]]:
    found = Unmapped(house.engine, house.credential_key).all()
    return [{"account": row.account, "times": row.times, "last": row.last_at.isoformat(timespec="seconds")} for row in found]
