"""`torwart events`: read the record, ask it, and verify that it is as it was written."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated

import typer

from audit_store.event import EventAction
from audit_store.log import Log, Logged
from audit_store.search import LIMIT_MAX
from auth.command_line import DEFAULT_CONFIG, Config
from console.cli import (
    events_export,
    events_key,
    events_places,
    events_prove,
    events_reindex,
    events_retention,
    events_search,
    events_spools,
    events_verify,
)
from console.cli.elastic import check, install
from console.cli.event_lines import show
from console.cli.record import open_record

FOLLOW_SECONDS = 0.5

app = typer.Typer(help="The record: newest events, search, verification, proofs for others.", no_args_is_help=True)
app.command("elastic-install")(install)
app.command("elastic-check")(check)
app.command("search")(events_search.ask)
app.command("timeline")(events_search.timeline)
app.command("reindex")(events_reindex.reindex)
app.command("verify")(events_verify.verify)
app.command("export")(events_export.export)
app.command("prove")(events_prove.prove)
app.command("places")(events_places.places)
app.command("key")(events_key.key)
app.command("spools")(events_spools.spools)
app.command("retention")(events_retention.retention)


@app.command()
def tail(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=LIMIT_MAX, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes; end with Ctrl-C.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON document a line.")] = False,
) -> None:
    """The newest events, oldest of them first. That somebody looked is recorded."""
    with open_record(config, looked_at="the newest events") as record, suppress(KeyboardInterrupt):
        found = record.log.tail(lines)
        after = found[-1].sequence if found else _last(record.log)
        record.saw(found)
        show(found, as_json)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            found = record.log.read(after, LIMIT_MAX)
            after = found[-1].sequence if found else after
            record.saw(row for row in found if not _is_a_look_from_here(row))
            show(found, as_json)


def _is_a_look_from_here(row: Logged) -> bool:
    """Who follows sees the looks that following makes: they are not recorded again, or it would never end."""
    return row.document.get("event", {}).get("action") == EventAction.RECORD_VIEWED and "user" not in row.document


def _last(log: Log) -> int:
    newest = log.tail(1)
    return newest[0].sequence if newest else 0
