"""`torwart events retention`: take out of the record what is older than the settings say, or say what that would be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from audit_store.log import Log, LogError
from audit_store.retention import Kept
from audit_store.retention_run import BusyError, Retention
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.house import House, open_house


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many events it would be; changes nothing.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Take the content of old events out of the record, as the section `retention` says. `torwart up` does it once a day by itself.

    Which events is recorded, signed and verified (docs/record.md). Events of people about whom an alert is open stay.
    """
    try:
        with open_house(config) as house:
            log = Log.open(house.installation.log)
            try:
                work = _retention(house, log)
                if dry_run:
                    plan = work.plan()
                    counts, taken_out, waiting, held = dict(plan.counts), 0, 0, plan.held
                else:
                    done = work.run()
                    counts, taken_out, waiting, held = done.counts, done.taken_out, done.waiting, None
            finally:
                log.close()
    except BusyError:
        fail("another run is under way: try again in a minute")
    except LogError as error:
        fail(f"nothing more is taken out: {error}")
    days = house.installation.retention.days
    if as_json:
        classes = {kept.value: {"days": days.get(kept), "events": counts.get(kept, 0)} for kept in Kept}
        print_json({"dry_run": dry_run, "classes": classes, "taken_out": taken_out, "waiting": waiting, "people_held": held})
        return
    for kept in Kept:
        kept_for = f"{days[kept]} days" if kept in days else "for ever"
        say(f"{kept.value}: kept {kept_for}, {counts.get(kept, 0)} events are over")
    if dry_run:
        say(f"Nothing was changed. The events of {held} people stay in any case.")
    else:
        say(f"{taken_out} events have lost their content." + (f" {waiting} follow in some minutes." if waiting else ""))


def _retention(house: House, log: Log) -> Retention:
    installation = house.installation
    return Retention(
        engine=house.engine,
        log=log,
        own=house.spool,
        spool=installation.spool("cli"),
        state=installation.state,
        days=installation.retention.days,
        hold=frozenset(installation.retention.hold),
        now=lambda: datetime.now(UTC),
    )
