"""`torwart policy activate`: put rules in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auth.command_line import DEFAULT_CONFIG, Config, Json
from console.cli.policy.activation import By, Widen, put_in_force


def activate(
    path: Annotated[Path, typer.Argument(help="Folder of rules with their cases, or one file.")],
    by: By = None,
    widen: Widen = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Put rules in force, if they have no error, all cases are green, and what is wider is confirmed. Gateways take them at once."""
    put_in_force(config, by, widen, as_json, lambda store, who, confirmed: store.activate(path, who, confirmed=confirmed))
