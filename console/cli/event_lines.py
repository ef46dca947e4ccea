"""Events as lines of text and as JSON, for the commands that show them."""

from __future__ import annotations

import json
from typing import Any

import typer

from audit_store.event import reasons_of
from audit_store.log import Logged
from auth.command_line import say
from console.cli.record import printable


def show(rows: list[Logged], as_json: bool) -> None:
    """Each event on a line of its own."""
    for row in rows:
        if as_json:
            typer.echo(json.dumps(event_json(row), separators=(",", ":")))
        else:
            say(event_line(row))


def event_json(row: Logged) -> dict[str, Any]:
    """An event with its place in the log, for programs."""
    return {
        "sequence": row.sequence,
        "received": row.received.isoformat(timespec="milliseconds"),
        "producer": row.producer,
        "epoch": row.epoch,
        "producer_sequence": row.producer_sequence,
        "document": row.document,
    }


def event_line(row: Logged) -> str:
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
