"""`torwart-agent quarantine`: files of this machine that were put aside, and the way back of one that was released."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agent.journal import ASIDE, FILE, GIVEN, GIVING, LEFT, TAKING, WAITS, File, Journal
from agent.options import DEFAULT_CONFIG, NOT_WELL, Config, Json, fail, print_json, settings_of
from audit_store.sqlite_file import StoreError

app = typer.Typer(help="Files of this machine that were put aside.", no_args_is_help=True)
_WORDS = {
    TAKING: "is being put aside",
    LEFT: "was to be put aside and was left",
    ASIDE: "is aside; only Torwart can release it",
    GIVING: "is being put back",
    WAITS: "is released and could not be put back yet: torwart-agent quarantine release HANDLE",
    GIVEN: "was put back",
}


@app.command("list")
def list_files(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Files that were put aside, the oldest first."""
    journal = _journal(config, reading=True)
    files = journal.all() if journal is not None else []
    if as_json:
        print_json({"files": [_said(file) for file in files]})
        return
    for file in files:
        cause = f" ({file.cause})" if file.cause else ""
        typer.echo(f"{file.handle}  {_moment(file)}  {file.path}  {_WORDS[file.state]}{cause}")
    if not files:
        typer.echo("Nothing was put aside here.")


@app.command()
def release(handle: Annotated[str, typer.Argument(metavar="HANDLE")], config: Config = DEFAULT_CONFIG) -> None:
    """Put back a file that Torwart has released, once its folder is there again. Exit code 1: it was not released."""
    journal = _journal(config)
    files = [file for file in journal.all() if file.handle == handle.strip().upper()] if journal is not None else []
    if journal is None or not files:
        fail(f"no file {handle!r} was put aside here: torwart-agent quarantine list")
    file = files[-1]
    if file.state != WAITS:
        typer.echo(f"torwart-agent: {file.handle} {_WORDS[file.state]}.", err=True)
        raise typer.Exit(NOT_WELL)
    journal.ask(file.event)
    typer.echo(f"{file.handle}: the running agent puts it back into {file.path.parent} within seconds, if that folder is there.")


def _journal(config: Path, *, reading: bool = False) -> Journal | None:
    path = settings_of(config).state / FILE
    try:
        return Journal(path, reading=reading) if path.exists() else None
    except StoreError as error:
        fail(str(error))


def _said(file: File) -> dict[str, object]:
    return {"handle": file.handle, "at": _moment(file), "path": str(file.path), "state": file.state, "cause": file.cause}


def _moment(file: File) -> str:
    return datetime.fromtimestamp(file.at, UTC).isoformat(timespec="seconds")
