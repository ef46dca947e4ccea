"""`torwart events`: read the record, ask it, and verify that it is as it was written."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import Annotated, Any

import typer

from audit_store.log import Log, Problem
from audit_store.search import LIMIT_MAX
from audit_store.spool import readers
from auth.command_line import DEFAULT_CONFIG, Config, Json, print_json, say
from console.cli import events_reindex, events_search
from console.cli.elastic import check, install
from console.cli.event_lines import show
from console.cli.record import open_record, printable

BROKEN = 1
"""Exit code: the record is not as it was written."""
FOLLOW_SECONDS = 0.5
_NOT_COVERED = "Not covered yet: somebody who rewrites log and spools together; signed checkpoints outside the machine will show that."

app = typer.Typer(help="The record: newest events, search, verification.", no_args_is_help=True)
app.command("elastic-install")(install)
app.command("elastic-check")(check)
app.command("search")(events_search.ask)
app.command("timeline")(events_search.timeline)
app.command("reindex")(events_reindex.reindex)


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
        show(found, as_json)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            found = record.log.read(after, LIMIT_MAX)
            after = found[-1].sequence if found else after
            show(found, as_json)


@app.command()
def verify(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Compute every chain again and compare the log with the producers' own spools. Exit 1 if anything is not as it was written."""
    with open_record(config) as record, ExitStack() as opened:
        spools = readers(record.installation.state / "spool")
        for spool in spools:
            opened.callback(spool.close)
        problems = record.log.verify(*spools)
        events = _last(record.log)
        waiting = sum(max(0, spool.head().sequence - record.log.cursor(spool.producer)) for spool in spools)
    if as_json:
        listed = [_problem(problem) for problem in problems]
        print_json({"events": events, "producers": [spool.producer for spool in spools], "waiting": waiting, "problems": listed})
    else:
        for problem in problems:
            say(printable(str(problem)))
        names = ", ".join(spool.producer for spool in spools) or "none"
        if problems:
            say(f"{len(problems)} problems in {events} events (spools compared: {names}). Keep the state folder as it is and look into it.")
        else:
            say(f"{events} events are as they were written (spools compared: {names}; {waiting} not in the log yet).")
        say(_NOT_COVERED)
    if problems:
        raise typer.Exit(BROKEN)


def _last(log: Log) -> int:
    newest = log.tail(1)
    return newest[0].sequence if newest else 0


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "sequence": problem.sequence,
        "producer": problem.producer,
        "producer_sequence": problem.producer_sequence,
        "text": problem.text,
    }
