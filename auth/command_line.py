"""What every command of an installation has in common: its options, its exit codes, and how it speaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

WRONG = 2
"""Exit code: something cannot be used or done as it is."""

Config = Annotated[Path, typer.Option("--config", envvar="TORWART_CONFIG", help="Torwart's configuration file.")]
DEFAULT_CONFIG = Path("torwart.yaml")
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]

out, err = Console(highlight=False), Console(stderr=True, highlight=False)


def fail(*lines: str) -> NoReturn:
    """End the command with these lines on stderr and exit code 2."""
    for line in lines:
        err.print(f"torwart: {line}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(WRONG)


def say(text: str) -> None:
    """One line for people."""
    out.print(text, markup=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """One document for programs."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
