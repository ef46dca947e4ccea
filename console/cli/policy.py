"""`torwart policy`: check rules, run their cases, show and activate the policy in force."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from auth.installation import ConfigError, load_installation
from policies.cases import Result, run_cases
from policies.load import load
from policies.problems import PolicyErrors
from policies.rule import Policy, ReachText, Rule
from policies.store import SHIPPED, Change, PolicyStore, RedCasesError

RED, WRONG = 1, 2
"""Exit codes: cases are red; rules, settings or files have an error."""

app = typer.Typer(help="Rules: check them, run their cases, see and change what is in force.", no_args_is_help=True)
_out, _err = Console(highlight=False), Console(stderr=True, highlight=False)

Rules = Annotated[Path | None, typer.Argument(help="Folder of rules, or one file. Left out: the shipped starter rules.")]
Json = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]
InForce = Annotated[Path | None, typer.Option("--config", help="Torwart's configuration file: show what is in force there.")]
Config = Annotated[Path, typer.Option("--config", help="Torwart's configuration file.")]


@app.command()
def check(path: Rules = None, as_json: Json = False) -> None:
    """Read all rules and their cases; name every error with its place and what would be right."""
    source = path or SHIPPED
    try:
        policy = load(source)
        cases = run_cases(source, policy)
    except PolicyErrors as errors:
        _refuse(errors, as_json)
    if as_json:
        _print_json({"errors": [], "rules": len(policy.rules), "cases": len(cases), "version": policy.version})
    else:
        _out.print(f"{len(policy.rules)} rules and {len(cases)} cases read, no error. Next: torwart policy test {path or ''}".rstrip())


@app.command("test")
def run(path: Rules = None, as_json: Json = False) -> None:
    """Run the cases that lie beside the rules. Exit 1 if one is red."""
    source = path or SHIPPED
    try:
        results = run_cases(source, load(source))
    except PolicyErrors as errors:
        _refuse(errors, as_json)
    red = [result for result in results if not result.green]
    if as_json:
        _print_json({"cases": [_as_json(result) for result in results], "red": len(red)})
    else:
        _print_results(results)
    if red or not results:
        raise typer.Exit(RED)


@app.command()
def show(path: Rules = None, config: InForce = None, as_json: Json = False) -> None:
    """The rules as a table: those in force with --config, else those of a folder."""
    try:
        policy = load(path or SHIPPED) if config is None else PolicyStore(_folder(config)).current()
    except PolicyErrors as errors:
        _refuse(errors, as_json)
    if as_json:
        rules = [rule.text.model_dump(mode="json", by_alias=True, exclude_none=True) for rule in policy.rules]
        _print_json({"version": policy.version, "export_threshold": policy.threshold.model_dump(), "rules": rules})
    else:
        _print_policy(policy)


@app.command()
def activate(
    path: Annotated[Path, typer.Argument(help="Folder of rules with their cases, or one file.")],
    config: Config,
    by: Annotated[str, typer.Option("--by", help="Who does it: a word without blanks, for the record.")] = "cli",
    as_json: Json = False,
) -> None:
    """Put rules in force, if they have no error and all their cases are green. Gateways take them at once."""
    folder = _folder(config)
    try:
        spool = Spool.open(folder.parent / "spool" / "cli", "cli")
        try:
            number = PolicyStore(folder, record=lambda change: _record(spool, change)).activate(path, by)
        finally:
            spool.close()
    except PolicyErrors as errors:
        _refuse(errors, as_json)
    except RedCasesError as error:
        if as_json:
            _print_json({"activated": None, "cases": [_as_json(result) for result in error.red], "red": len(error.red)})
        else:
            _print_results(list(error.red))
            _err.print("Not activated: what was in force stays.", style="red")
        raise typer.Exit(RED) from None
    except (SpoolError, OSError) as error:
        _err.print(f"Not activated: {error}", style="red", markup=False)
        raise typer.Exit(WRONG) from None
    if as_json:
        _print_json({"activated": number})
    else:
        _out.print(f"Version {number} is in force.")


def _folder(config: Path) -> Path:
    try:
        installation, _ = load_installation(config)
    except ConfigError as error:
        _err.print(str(error), style="red", markup=False)
        raise typer.Exit(WRONG) from None
    return installation.state / "policies"


def _record(spool: Spool, change: Change) -> None:
    action = EventAction.POLICY_ACTIVATED if change.activated else EventAction.POLICY_REFUSED
    numbers: dict[str, int | str] = {"version": change.version, "digest": change.digest[:16], "by": change.by[:40]}
    numbers |= {} if change.activated else {"errors": change.errors, "red": change.red}
    outcome = "success" if change.activated else "failure"
    spool.append(plain_event(action, at=datetime.now(UTC), subject="policy", outcome=outcome, numbers=numbers))


def _refuse(errors: PolicyErrors, as_json: bool) -> NoReturn:
    if as_json:
        members = ("file", "line", "column", "message", "hint")
        _print_json({"errors": [{name: getattr(error, name) for name in members} for error in errors.errors]})
    else:
        for error in errors.errors:
            _err.print(str(error), markup=False, soft_wrap=True)
        many = len(errors.errors)
        _err.print(f"{many} error{'s' if many > 1 else ''}: nothing of it is used, what was in force stays.", style="red")
    raise typer.Exit(WRONG)


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "file": result.file,
        "line": result.line,
        "name": result.name,
        "action": result.action.value,
        "green": result.green,
        "wrong": list(result.wrong),
        "rules": list(result.decision.rules),
    }


def _print_results(results: list[Result]) -> None:
    """One line per case; a table of actions is one line as long as it is green."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "case", "act", "what differs"):
        table.add_column(heading, overflow="fold")
    seen: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        seen.setdefault((result.file, result.line), []).append(result)
    for (file, line), group in seen.items():
        red = [result for result in group if not result.green]
        for result in red or group[:1]:
            act = result.action.value if red or len(group) == 1 else f"all {len(group)}"
            wrong = "\n".join(result.wrong) and f"{file}:{line}\n" + "\n".join(result.wrong)
            table.add_row("[red]red[/]" if red else "[green]ok[/]", _plain(result.name), act, _plain(wrong))
    _out.print(table)
    count = sum(not result.green for result in results)
    if not results:
        _err.print("There is no case: write what the rules must do into NAME.cases.yaml.", style="red")
    else:
        _out.print(f"{len(results)} decisions, {count} red." if count else f"{len(results)} decisions, all as expected.")


def _print_policy(policy: Policy) -> None:
    table = Table(title=f"Policy {policy.version}", box=None, pad_edge=False, title_justify="left")
    for heading in ("rule", "who", "acts", "effect", "what for"):
        table.add_column(heading, overflow="fold")
    for rule in policy.rules:
        table.add_row(*(_plain(cell) for cell in _row(rule)))
    _out.print(table)


def _row(rule: Rule) -> tuple[str, str, str, str, str]:
    text = rule.text
    who = ", ".join(sorted(text.roles)) if not isinstance(text.roles, str) else "anybody"
    who += f" ({', '.join(sorted(text.status))})" if text.status else ""
    acts = ", ".join(sorted(text.actions)) if not isinstance(text.actions, str) else "every act"
    parts = [text.effect.value]
    parts += [_reached(text.reaches)] if text.reaches else []
    parts += [f"needs {text.require.value}"] if text.require else []
    parts += ["own only"] if text.keep == "own" else []
    parts += [f"{name} masked for {text.masked_for}" for name in text.masks or ()]
    parts += [f"at most {text.limit.percent:g} % of the {text.limit.of.value} a day"] if text.limit else []
    return text.id, who, acts, ", ".join(parts), text.about.strip()


def _reached(reach: ReachText) -> str:
    share = f"{reach.count}" if reach.percent is None else f"{reach.percent:g} % of the {reach.of.value}"
    return f"from {reach.counter} {share} on"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
