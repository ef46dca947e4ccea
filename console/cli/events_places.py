"""`torwart events places`: how the places outside are doing."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from audit_store.outside import Outside
from audit_store.statements import Statements, StatementsError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.installation import ConfigError, check_rights, load_installation
from auth.outside import open_outside

FAILING = 1
"""Exit code: a place takes nothing."""


def places(
    again: Annotated[
        str | None, typer.Option("--again", metavar="PLACE", help="A place that is empty for a good reason gets everything again.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Send what is due to every place outside now, and say how each is doing. Exit 1 if one takes nothing."""
    os.umask(0o077)
    try:
        installation, _ = load_installation(config)
        check_rights(installation.state)
        statements, outside = open_outside(installation)
        try:
            if again is not None:
                if again not in outside.states:
                    fail(f"no place is called {again!r}; there are: {', '.join(outside.states) or 'none'}")
                statements.forget_sent(again)
            outside.deliver(at_once=True)
            found = _found(statements, outside)
        finally:
            outside.close()
            statements.close()
    except ConfigError as error:
        fail(*error.errors)
    except StatementsError as error:
        fail(str(error))
    if as_json:
        print_json({"places": found})
    else:
        for place in found:
            has = f"{place['waiting']} statements not there yet, newest taken {place['taken_at'] or 'never'}"
            say(f"{place['name']}: {place['advice'] or 'well'} ({has})")
        if not found:
            say("No place outside is set up: whoever has this machine can rewrite the record unseen. See docs/record.md, section outside.")
    if any(place["trouble"] for place in found):
        raise typer.Exit(FAILING)


def _found(statements: Statements, outside: Outside) -> list[dict[str, Any]]:
    found = []
    for name, state in outside.states.items():
        sent = statements.sent(name)
        taken_at = max((one.at for one in sent.values()), default=None)
        found.append(
            {
                "name": name,
                "trouble": state.trouble.value if state.trouble else None,
                "advice": state.advice,
                "waiting": state.waiting,
                "taken_at": taken_at.isoformat(timespec="seconds") if taken_at else None,
                "has": {signer: one.number for signer, one in sorted(sent.items())},
            }
        )
    return found
