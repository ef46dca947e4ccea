"""`torwart quarantine`: files that agents put aside, and giving one back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.orders import Aside, OrderError
from console.cli.house import open_house, print_table

app = typer.Typer(help="Files that were put aside on somebody's machine: list, give back.", no_args_is_help=True)


@app.command("list")
def list_files(
    config: Config = DEFAULT_CONFIG,
    all_of_them: Annotated[bool, typer.Option("--all", help="Those given back, or left where they were, too.")] = False,
    as_json: Json = False,
) -> None:
    """Files that are aside or ordered to be, the oldest first."""
    with open_house(config) as house:
        files = [file for file in house.orders.all() if all_of_them or file.state not in ("left", "given_back")]
        house.looked_at("files put aside", [file.person.pseudonym for file in files])
        if as_json:
            print_json({"files": [_as_json(file) for file in files]})
            return
        rows = [(file.handle, file.state, file.last.cause or "", file.person.pseudonym, _moment(file), file.first.act_id) for file in files]
    print_table(("handle", "state", "why not", "person", "ordered", "act"), rows)


@app.command()
def release(
    handle: Annotated[str, typer.Argument(metavar="FILE", help="As the alert and the notice beside the file name it, or its act.")],
    by: Annotated[str, typer.Option("--by", help="The reviewer who decides it: CRM account, e-mail address, pseudonym or id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why. It is recorded under encryption.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Have a file put back where it was. Its machine does it when it asks next, within a minute; never over another file."""
    with open_house(config) as house:
        try:
            file = house.orders.release(handle, house.person(by).id, reason)
        except OrderError as error:
            fail(str(error))
        document = _as_json(file)
    if as_json:
        print_json(document)
    else:
        say(f"{file.handle} of {file.person.pseudonym}: ordered to be put back. `torwart quarantine list --all` shows when it is.")


def _as_json(file: Aside) -> dict[str, Any]:
    return {
        "handle": file.handle,
        "state": file.state,
        "cause": file.last.cause,
        "person": file.person.pseudonym,
        "agent": file.first.agent_id,
        "act": file.first.act_id,
        "ordered_at": file.first.wanted_at.isoformat(),
        "reason": file.last.reason,
    }


def _moment(file: Aside) -> str:
    return f"{file.first.wanted_at.astimezone():%Y-%m-%d %H:%M}"
