"""`torwart`: one table of commands, each loaded only when it is called, so that no process imports another."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

__all__ = ["COMMANDS", "Command", "main"]

WRONG = 2
"""Exit status: the command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives. Named by text: the command line knows all processes, but loads only the one that is called."""

    app: str
    """`module:attribute` of a typer application."""
    words: str
    """What it is for, in one line."""

    @property
    def is_here(self) -> bool:
        """True if this installation has it."""
        return find_spec(self.app.partition(":")[0]) is not None


COMMANDS: Mapping[str, Command] = {
    "init": Command("gateway.commands:init", "write a commented configuration file"),
    "up": Command("gateway.commands:up", "start gateway, console and proxy"),
    "policy": Command("console.cli.policy:app", "check, test and show the rules"),
    "people": Command("console.cli.people:app", "people: accounts, clients, status, freeze, proxy log-ins, machines"),
    "keys": Command("console.cli.keys:app", "keys: what they are worth, links, locking, removing"),
    "index": Command("gateway.index_commands:app", "the client index: build, stats, probe"),
    "scan": Command("console.cli.scan:app", "files and folders: do they hold clients?"),
    "trace": Command("console.cli.trace:app", "a file: from which exports it came"),
    "events": Command("console.cli.events:app", "the record: tail, search, timeline, verify; its copy in Elasticsearch"),
    "alerts": Command("console.cli.alerts:app", "alerts: list, show, close"),
    "quarantine": Command("console.cli.quarantine:app", "files that were put aside on a machine: list, release"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the first word names; ends the process with its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("help", "--help", "-h"):
        print(_help())
        raise SystemExit(0)
    command = COMMANDS.get(words[0])
    if command is None or not command.is_here:
        print(_unknown(words[0]), file=sys.stderr)
        raise SystemExit(WRONG)
    module, _, attribute = command.app.partition(":")
    import_module("auth.command_line").run(getattr(import_module(module), attribute), args=words[1:], prog_name=f"torwart {words[0]}")


def _help() -> str:
    here = {name: command for name, command in COMMANDS.items() if command.is_here}
    width = max(map(len, here))
    lines = [f"  {name:<{width}}  {command.words}" for name, command in here.items()]
    return "\n".join(("Torwart keeps the client base in the house.", "", "Usage: torwart COMMAND [--help]", "", *lines))


def _unknown(word: str) -> str:
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean `torwart {near[0]}`?" if near else "`torwart help` lists all commands"
    return f"torwart: there is no command {word!r}: {hint}"
