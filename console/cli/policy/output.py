"""What the commands about rules print alike: errors with their places, results of cases; and where the rules in force lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from audit_store.pseudonyms import SecretError
from auth.command_line import WRONG, fail, print_json, say
from auth.installation import ConfigError, load_installation
from auth.policy_signature import PolicyKey
from console.cli.house import print_table
from policies.cases import Result
from policies.problems import PolicyErrors
from policies.store import PolicyStore

RED = 1
"""Exit code: cases are red."""

Rules = Annotated[Path | None, typer.Argument(help="Folder of rules, or one file. Left out: the shipped rules.")]
InForce = Annotated[Path | None, typer.Option("--config", help="Torwart's configuration file: show what is in force there.")]


def refuse(errors: PolicyErrors, as_json: bool) -> NoReturn:
    """Print every error with its place, then end the command with exit code 2: nothing of rules with an error is used."""
    if as_json:
        members = ("file", "line", "column", "message", "hint")
        print_json({"errors": [{name: getattr(error, name) for name in members} for error in errors.errors]})
        raise typer.Exit(WRONG)
    many = len(errors.errors)
    fail(*map(str, errors.errors), f"{many} error{'s' if many > 1 else ''}: nothing of it is used.")


def print_results(results: list[Result]) -> None:
    """Per red decision what differs and where it comes from; if there is none, one line per case."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        groups.setdefault((result.file, result.line), []).append(result)
    rows: list[tuple[str, ...]] = []
    for (file, line), group in groups.items():
        red = [result for result in group if not result.green]
        for result in red:
            rows.append(("red", result.title, result.action.value, "\n".join((f"{file}:{line}", *result.wrong, *result.because))))
        if not red and all(result.green for result in results):
            one = len(group) == 1
            rows.append(("ok", group[0].title if one else group[0].name, group[0].action.value if one else f"all {len(group)}", ""))
    print_table(("", "case", "act", "what differs"), rows)
    count = sum(not result.green for result in results)
    if results:
        say(f"{len(results)} decision{'' if len(results) == 1 else 's'}, {f'{count} red' if count else 'all as expected'}.")
    else:
        say("There is no case: write what the rules must do into NAME.cases.yaml.")


def result_as_json(result: Result) -> dict[str, Any]:
    """One decision of a case, with the codes of its reasons and the rules that made it."""
    return {
        "file": result.file,
        "line": result.line,
        "name": result.name,
        "who": result.who,
        "action": result.action.value,
        "green": result.green,
        "wrong": list(result.wrong),
        "reasons": [because.reason.code for because in result.decision.reasons],
        "rules": list(result.decision.rules),
    }


def store_of(config: Path) -> PolicyStore:
    """The rules of an installation, for reading. What cannot be used ends the command."""
    os.umask(0o077)  # the key is made here if there is none yet
    try:
        installation, _ = load_installation(config)
        return PolicyStore(installation.state / "policies", PolicyKey(installation.state / "keys"))
    except ConfigError as error:
        fail(*error.errors)
    except (SecretError, OSError) as error:
        fail(f"the key of the rules cannot be used: {error}")
