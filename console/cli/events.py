"""`torwart events`: read the record, ask it, and verify that it is as it was written."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from audit_store import elastic_search
from audit_store.event import EventAction, Phase, reasons_of
from audit_store.log import Log, Logged, Problem
from audit_store.search import LIMIT_MAX, Question, answer
from audit_store.spool import readers
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.elastic import check, install, reading_elastic
from console.cli.house import open_house
from console.cli.record import open_record, printable

BROKEN = 1
"""Exit code: the record is not as it was written."""
FOLLOW_SECONDS = 0.5
_PSEUDONYM = re.compile(r"P-[0-9A-F]{8}")
_AGO = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_NOT_COVERED = "Not covered yet: somebody who rewrites log and spools together; signed checkpoints outside the machine will show that."

app = typer.Typer(help="The record: newest events, search, verification.", no_args_is_help=True)
app.command("elastic-install")(install)
app.command("elastic-check")(check)


class Via(StrEnum):
    """Who answers a question."""

    LOG = "log"
    ELASTIC = "elastic"


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
        _show(found, as_json)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            found = record.log.read(after, LIMIT_MAX)
            after = found[-1].sequence if found else after
            _show(found, as_json)


@app.command("search")
def ask(
    person: Annotated[str | None, typer.Option("--person", help="Pseudonym, CRM account, e-mail address or id.")] = None,
    act: Annotated[str | None, typer.Option("--act", help="Id of an act: all of its events.")] = None,
    action: Annotated[EventAction | None, typer.Option("--action", help="What it is about.")] = None,
    phase: Annotated[Phase | None, typer.Option("--phase", help="Where the act stands.")] = None,
    observed: Annotated[
        str | None,
        typer.Option("--observed", help="A rule in warn-only mode that would have acted, as `torwart policy diff` names it: 4:ID."),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="2026-05-12, 2026-05-12T09:30, or ago: 90m, 2h, 3d.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="As --since; exclusive.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="How many.")] = 100,
    after: Annotated[int, typer.Option("--after", min=0, help="Go on behind this number (with --newest: before it).")] = 0,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first.")] = False,
    config: Config = DEFAULT_CONFIG,
    via: Annotated[Via, typer.Option("--via", help="Who answers: the record, or Elasticsearch as the reader.")] = Via.LOG,
    as_json: Json = False,
) -> None:
    """Events that meet all that is given. That somebody looked is recorded."""
    pseudonym = _pseudonym(person, config)
    times = [_time(word, name) for word, name in ((since, "--since"), (until, "--until"))]
    question = Question(pseudonym, act, action, phase, times[0], times[1], limit, after, newest, observed)
    with open_record(config, looked_at=pseudonym or act or "a search") as record:
        if via is Via.ELASTIC:
            with reading_elastic(record.sections) as elastic:
                found = elastic_search.answer(elastic, question)
        else:
            found = answer(record.log, question)
    if as_json:
        print_json({"events": [_as_json(row) for row in found], "limit": limit})
        return
    _show(found, as_json=False)
    if len(found) == limit:
        say(f"There may be more: --after {found[-1].sequence}")
    elif not found:
        say("No event meets all of that.")


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


def _pseudonym(person: str | None, config: Path) -> str | None:
    if person is None or _PSEUDONYM.fullmatch(person):
        return person
    with open_house(config) as house:
        return house.person(person).pseudonym


def _time(word: str | None, option: str) -> datetime | None:
    """A date, a time (without zone: that of this machine), or so long ago."""
    if word is None:
        return None
    try:
        if ago := _AGO.fullmatch(word):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(word).astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} {word!r} is no time: write 2026-05-12, 2026-05-12T09:30, or how long ago: 90m, 2h, 3d")


def _last(log: Log) -> int:
    newest = log.tail(1)
    return newest[0].sequence if newest else 0


def _show(rows: list[Logged], as_json: bool) -> None:
    for row in rows:
        if as_json:
            typer.echo(json.dumps(_as_json(row), separators=(",", ":")))
        else:
            say(_line(row))


def _as_json(row: Logged) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "received": row.received.isoformat(timespec="milliseconds"),
        "producer": row.producer,
        "epoch": row.epoch,
        "producer_sequence": row.producer_sequence,
        "document": row.document,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "sequence": problem.sequence,
        "producer": problem.producer,
        "producer_sequence": problem.producer_sequence,
        "text": problem.text,
    }


def _line(row: Logged) -> str:
    """One event in one line: number, time, who, what, how it ended, how many clients, why."""
    document = row.document
    event, ours = document.get("event", {}), document.get("torwart", {})
    act, clients = ours.get("act", {}), ours.get("clients")
    words = [
        f"{row.sequence:>7}",
        str(document.get("@timestamp", "–")),
        f"{row.producer:<8}",
        f"{document.get('user', {}).get('id', '–'):<10}",
        str(act.get("action") or event.get("action", "(unreadable)")),
        str(act.get("phase") or event.get("outcome", "")),
    ]
    if clients:
        words.append(" ".join(f"{name} {clients.get(f'{name}_count', '–')}" for name in ("asked", "shown", "taken")))
    if subject := ours.get("subject"):
        words.append(f"→ {subject}")
    words += [because.for_reviewer("en") for because in reasons_of(document)]
    words += [f"{name}={value}" for part in ("numbers", "words") for name, value in ours.get(part, {}).items()]
    return printable("  ".join(words))
