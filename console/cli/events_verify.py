"""`torwart events verify`: is the record as it was written? Against itself, the spools, signed statements, and Elasticsearch."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import OperationalError

from audit_store.consumer import position_of
from audit_store.database import DatabaseError
from audit_store.elastic import ElasticError
from audit_store.elastic_compare import CHANGED, FOREIGN, MISSING, spans
from audit_store.log import Log, LogError, Problem, exists
from audit_store.outside_folder import FolderPlace, read_place
from audit_store.pseudonyms import SecretError
from audit_store.shipping import SHIPPED
from audit_store.signing_key import SigningKey
from audit_store.spool import SpoolError, SpoolReader, readers
from audit_store.statement import StatementError, find, fingerprint, read_verifier_line
from audit_store.statement_verify import Collected, Comparison, Kept, collect
from audit_store.statements import FILE as STATEMENTS_FILE
from audit_store.statements import FOLDER as STATEMENTS_FOLDER
from audit_store.statements import Statements, StatementsError
from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from auth.installation import ConfigError, Installation, Sections, load_installation
from console.cli.elastic import differences_of, opened, reading_elastic, settings_of
from console.cli.record import printable

BROKEN = 1
"""Exit code: the record is not as it was written."""
SHOWN = 100
PROGRESS_EVENTS = 50_000
HERE = "this machine"
_ELASTIC = {
    MISSING: "is missing in Elasticsearch",
    CHANGED: "is another one in Elasticsearch",
    FOREIGN: "is in Elasticsearch alone: it was forged",
}
_DAILY = "torwart-*-????-??-??.txt"
_FINGERPRINT = re.compile(r"[0-9A-F]{4}(-[0-9A-F]{4}){4}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")

Checkpoints = Annotated[
    list[Path] | None,
    typer.Option("--checkpoints", help="Folder or file with signed statements, a saved mail too; else the folders of outside."),
]
Key = Annotated[
    list[str] | None,
    typer.Option("--key", help="Fingerprint, public key, or a file with one; else outside.key of the settings. From elsewhere than here!"),
]


@dataclass(slots=True)
class _Found:
    events: int = 0
    producers: list[str] = field(default_factory=list)
    waiting: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    elastic: str | None = None


def verify(
    checkpoints: Checkpoints = None,
    key: Key = None,
    elastic: Annotated[bool, typer.Option("--elastic", help="Compare with Elasticsearch too, as the reader.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Compute every chain again, and compare the log with the producers' own spools and with what was stated about it.

    Exit 1 if anything is not as it was written: the first bad or missing place of each harm is named.
    """
    try:
        installation, sections = load_installation(config)
        places = _places(installation, checkpoints)
        own = _own(installation)
        collected = collect([*places, own], _trusted(installation, key))
        found = _verified(installation, collected)
        empty = [place.name for place in places if checkpoints and not place.statements]
        found.problems += [Problem(None, None, None, f"{name} has no statement: is it the right place?") for name in empty]
        if elastic:
            _of_elastic(installation, sections, found)
    except ConfigError as error:
        fail(*error.errors)
    except (LogError, SpoolError, StatementsError, ElasticError, SecretError, DatabaseError, OperationalError, OSError) as error:
        fail(f"the record cannot be verified: {error}")
    found.problems = sorted(collected.problems + found.problems, key=_place)[:SHOWN]
    found.notes = [*([found.elastic] if found.elastic else []), *_notes(places, collected, key, installation)]
    _tell(found, places, collected, as_json)
    if found.problems:
        raise typer.Exit(BROKEN)


def _places(installation: Installation, given: Sequence[Path] | None) -> list[Kept]:
    """What lies outside: where it was said, else in the configured folders."""
    if given:
        absent = [path for path in given if not path.exists()]
        if absent:
            fail(*(f"{path} is not there: mount it, or name another place" for path in absent))
        return [Kept(str(path), read_place(path), whole=path.is_dir() and any(path.glob(_DAILY))) for path in given]
    found = []
    for folder in installation.outside.settings.folders:
        if not folder.is_dir():
            fail(f"{folder} is not there: mount it, or name what was kept elsewhere with --checkpoints")
        name = FolderPlace(folder).name
        found.append(Kept(name, read_place(folder), whole=True, took=_took(installation, name)))
    return found


def _took(installation: Installation, place: str) -> dict[str, int]:
    """What this machine remembers to have put there: it helps against a place that was emptied, and against nobody who has this machine."""
    if not (installation.state / STATEMENTS_FOLDER / STATEMENTS_FILE).exists():
        return {}
    statements = Statements.open(installation.state, reading=True)
    try:
        return {signer: sent.number for signer, sent in statements.sent(place).items()}
    finally:
        statements.close()


def _own(installation: Installation) -> Kept:
    if not (installation.state / STATEMENTS_FOLDER / STATEMENTS_FILE).exists():
        return Kept(HERE, (), own=True)
    statements = Statements.open(installation.state, reading=True)
    try:
        notes = statements.notes()
    finally:
        statements.close()
    unreadable = [StatementError("it has not the form of one")]
    return Kept(HERE, [found for note in notes for found in find(note) or unreadable], whole=True, own=True)


def trusted_keys(words: Iterable[str]) -> list[str]:
    """Fingerprints and public keys (hexadecimal) that the words on the command line are, or the files that they name. Ends the command."""
    return [_key(word) or _key_in(word) for word in words]


def _key(word: str) -> str | None:
    plain = word.strip()
    if _FINGERPRINT.fullmatch(plain.upper()):
        return plain.upper()
    if _HEXADECIMAL.fullmatch(plain.lower()):
        return plain.lower()
    public = read_verifier_line(plain)
    return public.hex() if public is not None else None


def _key_in(word: str) -> str:
    try:
        found = _key(Path(word).read_text("utf-8"))
    except (OSError, UnicodeError):
        found = None
    if found is None:
        fail(f"--key {word!r} is neither a fingerprint such as 7F3A-91C2-D4E5-F607-18A9, nor a public key, nor a file with one")
    return found


def _trusted(installation: Installation, given: Sequence[str] | None) -> list[str]:
    if given:
        return trusted_keys(given)
    if installation.outside.settings.key is not None:
        return [installation.outside.settings.key]
    key = SigningKey(installation.state / "keys")
    return [fingerprint(key.load(make=False).public_key().public_bytes_raw())] if key.exists else []


def _verified(installation: Installation, collected: Collected) -> _Found:
    comparison, found = Comparison(collected.statements), _Found()
    with ExitStack() as opened:
        spools = readers(installation.state / "spool")
        for spool in spools:
            opened.callback(spool.close)
        found.producers = [spool.producer for spool in spools]
        if exists(installation.log):
            log = Log.open(installation.log, reading=True)
            opened.callback(log.close)
            found.problems = log.verify(*spools, watch=_with_progress(comparison))
            found.waiting = sum(max(0, spool.head().sequence - log.cursor(spool.producer)) for spool in spools)
        elif not collected.statements and not spools:
            fail(f"there is no record in {installation.state} yet: `torwart up` begins it")
        else:
            found.problems = [Problem(1, None, None, f"missing, and all after it: there is no log in {installation.state}")]
        found.problems += comparison.finish(found.problems, _waiting(spools))
        found.events = comparison.entries
    return found


def _last(log: Log) -> int:
    newest = log.tail(1)
    return newest[0].sequence if newest else 0


def _waiting(spools: Iterable[SpoolReader]) -> Callable[[str, int, int], bytes | None]:
    by_name = {spool.producer: spool for spool in spools}

    def hash_of(producer: str, epoch: int, sequence: int) -> bytes | None:
        rows = by_name[producer].read(sequence - 1, 1) if producer in by_name else []
        return rows[0].hash if rows and (rows[0].epoch, rows[0].sequence) == (epoch, sequence) else None

    return hash_of


def _with_progress(comparison: Comparison) -> Callable[[int, int, str, int, int, bytes], list[Problem]]:
    if not sys.stderr.isatty():
        return comparison

    def watch(sequence: int, received: int, producer: str, epoch: int, number: int, digest: bytes) -> list[Problem]:
        if not sequence % PROGRESS_EVENTS:
            print(f"\r{sequence:,} events", end="", file=sys.stderr, flush=True)
        return comparison(sequence, received, producer, epoch, number, digest)

    return watch


def _of_elastic(installation: Installation, sections: Sections, found: _Found) -> None:
    with opened(installation) as (engine, log), reading_elastic(sections) as elastic:
        shipped = position_of(engine, SHIPPED)
        differences = differences_of(log, elastic, shipped, settings_of(sections))
        left = _last(log) - shipped
    for one, last in spans(differences):
        more = "" if last == one.sequence else f", and all up to {last}"
        found.problems.append(Problem(one.sequence or None, None, None, f"{_ELASTIC[one.kind]}{more}"))
    found.elastic = f"{shipped} events were compared with Elasticsearch; {left} were not sent there yet."


def _place(problem: Problem) -> tuple[bool, int]:
    return problem.sequence is None, problem.sequence or 0


def _notes(places: Sequence[Kept], collected: Collected, key: Sequence[str] | None, installation: Installation) -> list[str]:
    """What this run could not show."""
    notes = []
    if not places:
        notes.append("No place outside was compared: who can write everything on this machine is not seen (docs/record.md).")
    if not key and installation.outside.settings.key is None:
        notes.append("The key was taken from this machine: give the fingerprint that was written down with --key.")
    if collected.newest is None:
        notes.append("Nothing was stated about this record yet.")
    return notes


def _tell(found: _Found, places: Sequence[Kept], collected: Collected, as_json: bool) -> None:
    newest = collected.newest
    if as_json:
        print_json(
            {
                "events": found.events,
                "producers": found.producers,
                "waiting": found.waiting,
                "statements": len(collected.statements),
                "stated_until": newest.isoformat(timespec="milliseconds") if newest else None,
                "places": [place.name for place in places],
                "keys": [fingerprint(public) for public in collected.keys],
                "problems": [_problem(problem) for problem in found.problems],
                "notes": found.notes,
            }
        )
        return
    for problem in found.problems:
        say(printable(str(problem)))
    compared = f"spools compared: {', '.join(found.producers) or 'none'}"
    if found.problems:
        more = f"at least {SHOWN}" if len(found.problems) == SHOWN else str(len(found.problems))
        say(f"{more} problems in {found.events} events ({compared}). Keep the state folder as it is and look into it.")
    else:
        say(f"{found.events} events are as they were written ({compared}; {found.waiting} not in the log yet).")
    if newest is not None:
        names = ", ".join(place.name for place in places) or HERE
        keys = ", ".join(fingerprint(public) for public in collected.keys) or "none"
        say(f"Compared with {len(collected.statements)} signed statements up to {newest:%Y-%m-%d %H:%M:%S} UTC ({names}; key {keys}).")
    for note in found.notes:
        say(note)


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "sequence": problem.sequence,
        "producer": problem.producer,
        "producer_sequence": problem.producer_sequence,
        "text": problem.text,
    }
