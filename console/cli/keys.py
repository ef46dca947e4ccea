"""`torwart keys`: which hardware keys are registered, and locking a lost one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.tables import Key
from console.cli.house import House, open_house, print_table

app = typer.Typer(help="Hardware keys: which are registered, and locking a lost one.", no_args_is_help=True)


@app.command("list")
def list_all(
    who: Annotated[str | None, typer.Argument(metavar="[PERSON]", help="Only this person's.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """All keys, or those of one person."""
    with open_house(config) as house:
        keys = house.keys.all() if who is None else house.keys.of(house.person(who).id)
        found = [_as_json(house, key) for key in keys]
        house.looked_at("keys", [key["pseudonym"] for key in found])
    if as_json:
        print_json({"keys": found})
        return
    rows = [
        (k["id"], f"{k['name']} ({k['pseudonym']})", k["label"], k["created_at"], k["last_used_at"] or "", k["locked"] or "") for k in found
    ]
    print_table(("key", "person", "label", "registered", "last used", "locked because"), rows)


@app.command()
def lock(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Id as `torwart keys list` shows it.")], config: Config = DEFAULT_CONFIG
) -> None:
    """Lock a key for good: it is refused from now on. For a new one: `torwart people token`."""
    with open_house(config) as house:
        try:
            key = house.keys.lock(key_id, None)
        except LookupError as error:
            fail(str(error.args[0]))
    say(f"Key {key.id} is locked.")


def _as_json(house: House, key: Key) -> dict[str, Any]:
    person = house.people.by_id(key.person_id)
    return {
        "id": key.id,
        "name": person.name if person else "",
        "pseudonym": person.pseudonym if person else "",
        "label": key.label,
        "created_at": _time(key.created_at),
        "last_used_at": _time(key.last_used_at) if key.last_used_at else None,
        "locked": key.locked_why if key.locked_at else None,
        "demo": key.demo,
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
