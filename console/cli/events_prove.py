"""`torwart events prove`: a short proof for somebody who has neither the record nor Torwart (`deploy/verify_record.py --proof`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from audit_store.chain import epoch_start
from audit_store.log import Entry, Log
from audit_store.looks import asked_for, people_in
from audit_store.merkle import consistency_path, inclusion_path
from audit_store.statement import Statement, Tree
from audit_store.statements import FILE, FOLDER, Statements, StatementsError
from audit_store.trees import leaf_of
from auth.command_line import DEFAULT_CONFIG, Config, fail, print_json
from console.cli.events_export import entry_members
from console.cli.record import Record, open_record

VERSION = 1
"""Of a proof."""
_BATCH = 1_000


def prove(
    event: Annotated[str | None, typer.Argument(metavar="[EVENT]", help="An event: its number in the log, or its id.")] = None,
    grown: Annotated[
        tuple[int, int] | None,
        typer.Option("--grown", metavar="NUMBER NUMBER", help="Two statements about one day: that the second has all that the first had."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print a proof, as JSON: that one event is in what was stated, or (--grown) that what was stated only grew.

    The proof of an event holds the event itself. That somebody looked is recorded.
    """
    if (event is None) == (grown is None):
        fail("name one event, or two statements with --grown")
    try:
        with open_record(config, looked_at=asked_for(act=event) if event is not None else "two statements") as record:
            print_json(_included(record, event) if event is not None else _grown(record, *(grown or (0, 0))))
    except StatementsError as error:
        fail(str(error))


def _included(record: Record, word: str) -> dict[str, Any]:
    entry, before = _find(record.log, word)
    record.saw(people=people_in([entry.canonical]))
    if not entry.canonical:
        fail(f"event {entry.sequence} was taken away when its time was over: what is left is its hash")
    statement, tree = _covering(record, entry.sequence)
    leaves = _leaves(record.log, tree)
    index = entry.sequence - tree.first
    return {
        "torwart": "inclusion",
        "version": VERSION,
        **entry_members(entry),
        "before": before.hex(),
        "index": index,
        "path": [node.hex() for node in inclusion_path(leaves, index)],
        "statement": statement.note(),
    }


def _grown(record: Record, smaller: int, larger: int) -> dict[str, Any]:
    notes = {statement.number: (statement, tree) for statement, tree in _stated(record)}
    if smaller not in notes or larger not in notes:
        fail(f"this machine has not stated {smaller} and {larger} about the log")
    (first, old), (second, new) = notes[smaller], notes[larger]
    if old.day != new.day or old.size > new.size:
        fail("only two statements about the same day can be compared, the older one first: each day has a tree of its own")
    path = consistency_path(_leaves(record.log, new), old.size)
    path_text = [node.hex() for node in path]
    return {"torwart": "consistency", "version": VERSION, "smaller": first.note(), "larger": second.note(), "path": path_text}


def _find(log: Log, word: str) -> tuple[Entry, bytes]:
    """The event, and the hash before it in its producer's chain."""
    known: dict[tuple[str, int], bytes] = {}
    after, mark = 0, f'"id":"{word}"'.encode()
    while rows := log.entries(after, _BATCH):
        for row in rows:
            if word == str(row.sequence) or mark in row.canonical:
                return row, known.get((row.producer, row.epoch), epoch_start(row.producer, row.epoch))
            known[row.producer, row.epoch] = row.hash
        after = rows[-1].sequence
    fail(f"no event has the number or id {word}")


def _stated(record: Record) -> list[tuple[Statement, Tree]]:
    state = record.installation.state
    if not (state / FOLDER / FILE).exists():
        return []
    statements = Statements.open(state, machine=record.installation.machine, reading=True)
    try:
        after, found = 0, list[tuple[Statement, Tree]]()
        while rows := statements.after(statements.trees, after, _BATCH):
            found += [(row, row.body) for row in rows if isinstance(row.body, Tree)]
            after = rows[-1].number
        return found
    finally:
        statements.close()


def _covering(record: Record, sequence: int) -> tuple[Statement, Tree]:
    """The first statement whose tree has the entry."""
    found = next(((statement, tree) for statement, tree in _stated(record) if tree.first <= sequence <= tree.last), None)
    return (
        found if found is not None else fail(f"nothing was stated about event {sequence} yet: try again in a minute (`torwart up` states)")
    )


def _leaves(log: Log, tree: Tree) -> Sequence[bytes]:
    after, found = tree.first - 1, list[bytes]()
    while rows := log.entries(after, _BATCH, until=tree.last):
        found += [leaf_of(row) for row in rows]
        after = rows[-1].sequence
    if len(found) != tree.size:
        fail("the log is not what was stated: torwart events verify")
    return found
