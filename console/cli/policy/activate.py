"""`torwart policy activate`: put rules in force."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.house import open_house
from console.cli.policy.output import RED, print_results, refuse, result_as_json
from policies.problems import PolicyErrors
from policies.store import Change, PolicyStore, RedCasesError


def activate(
    path: Annotated[Path, typer.Argument(help="Folder of rules with their cases, or one file.")],
    by: Annotated[str | None, typer.Option("--by", help="The person who does it: CRM account, e-mail address, pseudonym or id.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Put rules in force, if they have no error and all their cases are green. Gateways take them at once."""
    with open_house(config) as house:
        state = house.installation.state
        who = house.person(by).pseudonym if by is not None else "command line"
    try:
        number = _activated(state, path, who)
    except PolicyErrors as errors:
        refuse(errors, as_json)
    except RedCasesError as error:
        if as_json:
            print_json({"activated": None, "cases": [result_as_json(result) for result in error.red], "red": len(error.red)})
        else:
            print_results(list(error.red))
            say("Not activated: what was in force stays.")
        raise typer.Exit(RED) from None
    except SpoolError as error:
        fail(f"it could not be recorded, therefore nothing was changed: {error}")
    except OSError as error:
        fail(f"not activated: {error.strerror}: {error.filename}")
    if as_json:
        print_json({"activated": number})
    else:
        say(f"Version {number} is in force.")


def _activated(state: Path, path: Path, who: str) -> int:
    spool = Spool.open(state / "spool" / "cli", "cli")
    try:
        return PolicyStore(state / "policies", record=lambda change: _record(spool, change)).activate(path, who)
    finally:
        spool.close()


def _record(spool: Spool, change: Change) -> None:
    """One event, whoever is `by`: a pseudonym or our own word, never a name."""
    action = EventAction.POLICY_ACTIVATED if change.activated else EventAction.POLICY_REFUSED
    numbers: dict[str, int | str] = {"version": change.version, "digest": change.digest[:16], "by": change.by}
    numbers |= {} if change.activated else {"errors": change.errors, "red": change.red}
    outcome = "success" if change.activated else "failure"
    spool.append(plain_event(action, at=datetime.now(UTC), subject="policy", outcome=outcome, numbers=numbers))
