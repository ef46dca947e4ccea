"""What every command of an installation has in common: its options, its exit codes, and how it speaks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.exceptions import TyperException
from typer.rich_utils import rich_format_error

from auth.config_file import in_words

WRONG = 2
"""Exit code: something cannot be used or done as it is."""

Config = Annotated[Path, typer.Option("--config", envvar="TORWART_CONFIG", help="Torwart's configuration file.")]
DEFAULT_CONFIG = Path("torwart.yaml")
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]

out, err = Console(highlight=False), Console(stderr=True, highlight=False)


def run(app: typer.Typer, *, prog_name: str, args: Sequence[str] | None = None) -> NoReturn:
    """Run a command; ends the process with its exit status: as typer does it, but for two things.

    Typer has pydantic check what was typed, and shows its words as they are. And what is broken off at a prompt ends with 2, since 1 says
    that something was found.
    """
    try:
        status = app(args=args, prog_name=prog_name, standalone_mode=False)
    except typer.Abort:
        err.print(f"{prog_name.split()[0]}: broken off", style="red", markup=False)
        sys.exit(WRONG)
    except TyperException as error:
        error.message = in_words(error.message)
        rich_format_error(error)  # type: ignore[arg-type]
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


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
