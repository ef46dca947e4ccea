"""`torwart people sessions`: what somebody is signed in to, and ending it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.console_sessions import ADMINISTRATOR, ConsoleSessions
from auth.open_sessions import OpenSession, OpenSessions
from console.cli.house import House, Who, called, named, open_house, print_table

ALL = "all"


def sessions(
    who: Who,
    end: Annotated[str | None, typer.Option("--end", metavar="ID|all", help="End this one, or all sign-ins.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """What a person is signed in to: Torwart's pages, the CRM, the proxy. `--end` cuts at once.

    `all` leaves what an administrator gave out: a key of the CRM, the log-in for the proxy.
    """
    with open_house(config) as house:
        person = house.person(who)
        known = _known(house)
        found = known.of(person.id)
        ended: list[str] = []
        if end is None:
            house.looked_at(person.pseudonym)
        elif end == ALL:
            known.end_all(person.id, ADMINISTRATOR)
            left = {one.id for one in known.of(person.id)}
            ended = [one.id for one in found if one.id not in left]
        elif known.end(person.id, end, ADMINISTRATOR):
            ended = [end]
        else:
            fail(f"{called(person)} has no such session: the command without --end names all")
    if as_json:
        shown = [_as_json(one) for one in found] if end is None else []
        print_json({"pseudonym": person.pseudonym, "sessions": shown, "ended": ended})
    elif end is not None:
        say(f"Ended: {', '.join(ended) or 'nothing was open'}")
    else:
        rows = [tuple(str(value or "–") for value in _as_json(one).values()) for one in found]
        print_table(("id", "what", "CRM account", "device", "from", "since", "last used", "suspended"), rows)


def _known(house: House) -> OpenSessions:
    console = ConsoleSessions(house.engine, house.record, house.credential_key, house.installation.sessions)
    return OpenSessions(console, house.sessions)


def _as_json(one: OpenSession) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "account": named(one.account) or None,
        "device": one.device or None,
        "source": one.source,
        "since": _time(one.since),
        "last_used": _time(one.last_used) if one.last_used else None,
        "suspended": one.suspended,
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
