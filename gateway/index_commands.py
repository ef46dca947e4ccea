"""`torwart index`: build the index of the clients, look at it, and ask whether a value is a client's."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from auth.command_line import DEFAULT_CONFIG, Config, Json, err, fail, print_json, say
from auth.installation import ConfigError, Installation, check_rights
from detectors.client_index.build import Built
from detectors.client_index.index import ClientIndex
from detectors.knowledge import KnowledgeError
from gateway.crm.discover import ProfileError, load_profile
from gateway.crm.profile import FullReadError
from gateway.index_build import build_from_crm, build_from_table
from gateway.index_csv import KINDS, TableError
from gateway.settings import CrmSettings, read_settings

FOUND = 1
"""Exit code: the value is a client's."""
_MAX_SECRET_BYTES = 4096
_MAX_VALUE_BYTES = 64 * 1024
_DAY_SECONDS = 86_400

app = typer.Typer(help="The client index: recognises clients in what leaves the house, by keyed hashes.", no_args_is_help=True)


@app.command()
def build(
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="A table of the clients (CSV, UTF-8, headings), each with the number that the CRM itself uses."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="What a column is, where the heading does not say: phone=HEADING; may be repeated.")
    ] = None,
    account: Annotated[str | None, typer.Option("--account", help="CRM account that may read all clients: the CRM itself is read.")] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the account's password; without it: asked.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Read all clients and build the index anew; what was learned since the last build stays in it."""
    if (csv is None) == (account is None):
        fail("name either a table (--csv clients.csv) or a CRM account that may read all clients (--account NAME)")
    named = _named(column or [])
    with _opened(config) as (installation, settings, spool):
        password = _password(account, password_file) if account is not None else ""
        begun = time.monotonic()
        with _progress("bytes" if csv is not None else "clients", quiet=as_json) as progress:
            if csv is not None:
                built = build_from_table(installation.state, settings, csv, named, progress)
            else:
                profile = load_profile(settings)
                built = asyncio.run(build_from_crm(installation.state, settings, profile, account or "", password, progress))
        seconds = time.monotonic() - begun
        numbers: dict[str, int | str] = {"clients": built.clients, "keys": built.keys, "source": "table" if csv is not None else "crm"}
        spool.append(plain_event(EventAction.INDEX_BUILT, at=datetime.now(UTC), numbers=numbers))
    if as_json:
        print_json(asdict(built) | {"seconds": round(seconds, 3)})
        return
    say(f"{built.clients:,} clients, {built.keys:,} keys, {built.size:,} bytes, {seconds:.1f} seconds")
    _say_notes(built)


@app.command()
def stats(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """What is in the index: clients, keys, size, age, and what was learned since it was built."""
    with _opened(config) as (installation, _, _):
        found = ClientIndex(installation.state).stats()
    age = max(int(time.time()) - found.generation, 0)
    if as_json:
        print_json(asdict(found) | {"bytes_per_key": round(found.bytes_per_key, 2), "age_seconds": age})
        return
    built = datetime.fromtimestamp(found.generation, UTC)
    say(f"clients      {found.clients:,}")
    say(f"keys         {found.keys:,} ({', '.join(f'{kind} {count:,}' for kind, count in found.kinds.items())})")
    say(f"size         {found.size:,} bytes ({found.bytes_per_key:.1f} per key)")
    say(f"built        {built:%Y-%m-%d %H:%M:%S} UTC ({age // _DAY_SECONDS} days ago)")
    say(f"learned      {found.live_keys:,} keys of {found.live_clients:,} clients since")
    say(f"left out     {found.shared:,} values that too many clients share")


@app.command()
def probe(
    value: Annotated[
        str | None, typer.Argument(help="The value. Other users of this machine can see it while the command runs: better leave it out.")
    ] = None,
    value_file: Annotated[Path | None, typer.Option("--value-file", help="File that holds the value.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Is this phone number, e-mail address or tax number a client's? Without a value it is asked for. That somebody asked is recorded.

    Exit code 1: it is a client's; 0: it is not.
    """
    with _opened(config) as (installation, _, spool):
        asked = _value(value, value_file)
        if not asked.strip():
            fail("there is no value: name one, or write one to standard input")
        index = ClientIndex(installation.state)
        spool.append(
            plain_event(EventAction.RECORD_VIEWED, at=datetime.now(UTC), subject="the client index", numbers={"by": "command line"})
        )
        found = {client: sorted(kinds) for client, kinds in index.find(asked).clients.items()}
    if as_json:
        print_json({"is_client": bool(found), "clients": found})
    elif found:
        for client, kinds in found.items():
            say(f"client {client}, by {' and '.join(kinds)}")
    else:
        say("no client's")
    raise typer.Exit(FOUND if found else 0)


# pieces


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Installation, CrmSettings, Spool]]:
    """The installation and the command line's own spool. What cannot be used or recorded ends the command with exit code 2."""
    os.umask(0o077)
    try:
        installation, settings = read_settings(config)
        check_rights(installation.state)
        spool = Spool.open(installation.spool("cli"), installation.producer("cli"))
        try:
            yield installation, settings, spool
        finally:
            spool.close()
    except (ConfigError, TableError) as error:
        fail(*error.errors)
    except SpoolError as error:
        fail(f"it could not be recorded: {error}")
    except (KnowledgeError, ProfileError, FullReadError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'the index'}: {error.strerror}")


@contextmanager
def _progress(unit: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    columns = TextColumn(f"{unit}: {{task.completed:,.0f}} of {{task.total:,.0f}}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task("", total=1)
        yield lambda done, total: bar.update(task, completed=done, total=max(total, 1))


def _named(columns: list[str]) -> dict[str, str]:
    """Heading -> what it is."""
    named = {}
    for words in columns:
        what, equals, heading = words.partition("=")
        if not equals or what not in KINDS or not heading:
            fail(f"--column {words}: write KIND=HEADING; kinds are {', '.join(KINDS)}")
        named[heading] = what
    return named


def _password(account: str, path: Path | None) -> str:
    if path is None:
        return str(typer.prompt(f"Password of {account}", hide_input=True, err=True))
    text = _read(path, _MAX_SECRET_BYTES)
    if not text:
        fail(f"{path} is empty: the first line must be the password")
    return text


def _value(value: str | None, path: Path | None) -> str:
    if value is not None:
        return value
    if path is not None:
        return _read(path, _MAX_VALUE_BYTES)
    if sys.stdin.isatty():
        return str(typer.prompt("Value", err=True))
    return sys.stdin.read(_MAX_VALUE_BYTES).strip()


def _read(path: Path, most: int) -> str:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        fail(f"{path} is too long: at most {most} bytes")
    try:
        return data.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        fail(f"{path} is not UTF-8")


def _say_notes(built: Built) -> None:
    if built.shared:
        say(f"{built.shared:,} values were left out: too many clients share each of them, so it names nobody")
    if built.merged:
        say(f"{built.merged:,} entries learned since the last build were taken over")
    if not built.keys:
        say("no phone number, e-mail address or tax number was found: nobody can be recognised")
