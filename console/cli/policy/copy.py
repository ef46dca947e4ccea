"""`torwart policy copy`: the rules and cases in force, as files to edit."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json, fail, print_json, say
from console.cli.policy.output import refuse, store_of
from policies.problems import PolicyErrors


def copy(
    folder: Annotated[Path, typer.Argument(help="A new folder: it must not exist yet.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Write the rules and cases that are in force into a folder, to change them there. Nothing is in force until it is activated."""
    try:
        newest = store_of(config).versions.newest()
    except PolicyErrors as errors:
        refuse(errors, as_json)
    files = sorted(path for path in newest.folder.iterdir() if path.name.endswith(".yaml"))
    if folder.exists():
        fail(f"{folder} exists already: name a folder that does not, so that nothing of yours is written over")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        draft.mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, draft / path.name)
        draft.rename(folder)  # all of it or nothing
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        fail(f"not copied: {error.strerror}: {error.filename}")
    if as_json:
        print_json({"folder": str(folder), "files": [path.name for path in files], "version": newest.number})
        return
    say(f"{len(files)} files of version {newest.number} are in {folder}. Change them, then: torwart policy check {folder}")
