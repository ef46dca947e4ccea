"""What every command of `torwart-agent` takes, and how it ends when something is not possible."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from agent.settings import AgentSettings, read_settings
from auth.config_file import ConfigError

NOT_WELL, WRONG = 1, 2
Config = Annotated[Path, typer.Option("--config", envvar="TORWART_AGENT_CONFIG", help="The agent's configuration file.")]
DEFAULT_CONFIG = Path("agent.yaml")
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]


def settings_of(config: Path) -> AgentSettings:
    """The configuration file; ends the command where it cannot be used."""
    try:
        return read_settings(config)
    except ConfigError as error:
        fail(*error.errors)


def print_json(document: Any) -> None:
    """For programs."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def fail(*lines: str) -> NoReturn:
    """End the command: it is not possible."""
    for line in lines:
        typer.echo(f"torwart-agent: {line}", err=True)
    raise typer.Exit(WRONG)
