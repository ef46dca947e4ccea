"""What the commands about rules print alike: errors with their places, results of cases; and where the rules in force lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from auth.command_line import WRONG, fail, print_json, say
from auth.installation import ConfigError, load_installation
from console.cli.house import print_table
from policies.cases import Result
from policies.problems import PolicyErrors

RED = 1
"""Exit code: cases are red."""

Rules = Annotated[Path | None, typer.Argument(help="Folder of rules, or one file. Left out: the shipped starter rules.")]
InForce = Annotated[Path | None, typer.Option("--config", help="Torwart's configuration file: show what is in force there.")]


def refuse(errors: PolicyErrors, as_json: bool) -> NoReturn:
    if as_json:
        members = ("file", "line", "column", "message", "hint")
        print_json({"errors": [{name: getattr(error, name) for name in members} for error in errors.errors]})
        raise typer.Exit(WRONG)
    many = len(errors.errors)
    fail(*map(str, errors.errors), f"{many} error{'s' if many > 1 else ''}: nothing of it is used.")


def print_results(results: list[Result]) -> None:
    """One line per case; a table of actions is one line as long as it is green."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        groups.setdefault((result.file, result.line), []).append(result)
    rows: list[tuple[str, ...]] = []
    for (file, line), group in groups.items():
        red = [result for result in group if not result.green]
        for result in red or group[:1]:
            act = result.action.value if red or len(group) == 1 else f"all {len(group)}"
            rows.append(("red" if red else "ok", result.name, act, "\n".join((f"{file}:{line}", *result.wrong)) if red else ""))
    print_table(("", "case", "act", "what differs"), rows)
    count = sum(not result.green for result in results)
    if results:
        say(f"{len(results)} decisions, {count} red." if count else f"{len(results)} decisions, all as expected.")
    else:
        say("There is no case: write what the rules must do into NAME.cases.yaml.")


def result_as_json(result: Result) -> dict[str, Any]:
    return {
        "file": result.file,
        "line": result.line,
        "name": result.name,
        "action": result.action.value,
        "green": result.green,
        "wrong": list(result.wrong),
        "rules": list(result.decision.rules),
    }


def policies_folder(config: Path) -> Path:
    try:
        installation, _ = load_installation(config)
    except ConfigError as error:
        fail(*error.errors)
    return installation.state / "policies"
