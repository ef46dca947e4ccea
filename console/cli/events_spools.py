"""`torwart events spools`: how full the producers' own records on this machine are, and what the log does not have of them yet."""

from __future__ import annotations

import typer

from audit_store.spool_room import ALARM_SHARE
from auth.command_line import DEFAULT_CONFIG, Config, Json, print_json, say
from console.cli.record import open_record
from console.trimming import fills

FILLING = 1


def spools(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """How full the spools of this machine are. Exit 1 if one has reached 80 % of its limit."""
    with open_record(config) as record:
        settings = record.installation.record
        found = fills(record.installation.state / "spool", record.log, own_bytes=settings.spool_bytes, agent_bytes=settings.agent_bytes)
    if as_json:
        print_json(
            [{"producer": one.producer, "used_bytes": one.used_bytes, "cap_bytes": one.cap_bytes, "waiting": one.waiting} for one in found]
        )
    else:
        for one in found:
            say(f"{one.producer}: {one.share:.1%} of {one.cap_bytes // 1024**2} MiB, {one.waiting} events not in the log yet")
    if any(one.share >= ALARM_SHARE for one in found):
        raise typer.Exit(FILLING)
