"""`torwart policy`: check rules, run their cases, show and activate the policy in force."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from audit_store.event import EventAction, plain_event
from audit_store.spool import Spool, SpoolError
from auth.command_line import DEFAULT_CONFIG, WRONG, Config, Json, fail, print_json, say
from auth.installation import ConfigError, load_installation
from console.cli.house import open_house, print_table
from policies.cases import Result, run_cases
from policies.document import LimitText, ReachText, written_need
from policies.load import load
from policies.problems import PolicyErrors
from policies.rule import Policy, Rule
from policies.store import SHIPPED, Change, PolicyStore, RedCasesError

RED = 1
"""Exit code: cases are red."""

app = typer.Typer(help="Rules: check them, run their cases, see and change what is in force.", no_args_is_help=True)

Rules = Annotated[Path | None, typer.Argument(help="Folder of rules, or one file. Left out: the shipped starter rules.")]
InForce = Annotated[Path | None, typer.Option("--config", help="Torwart's configuration file: show what is in force there.")]


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
        print_json({"errors": [], "rules": len(policy.rules), "cases": len(cases), "version": policy.version})
    else:
        say(f"{len(policy.rules)} rules and {len(cases)} cases read, no error. Next: torwart policy test {path or ''}".rstrip())


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
        print_json({"cases": [_as_json(result) for result in results], "red": len(red)})
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
        print_json({"version": policy.version, "export_threshold": policy.threshold.model_dump(), "rules": rules})
    else:
        _print_policy(policy)


@app.command()
def activate(
    path: Annotated[Path, typer.Argument(help="Folder of rules with their cases, or one file.")],
    by: Annotated[str | None, typer.Option("--by", help="The person who does it: CRM account, e-mail address, pseudonym or id.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Put rules in force, if they have no error and all their cases are green. Gateways take them at once."""
    with open_house(config) as house:
        state = house.installation.state
        who = house.person(by).pseudonym if by is not None else "command line"
    try:
        number = _activated(state, path, who)
    except PolicyErrors as errors:
        _refuse(errors, as_json)
    except RedCasesError as error:
        if as_json:
            print_json({"activated": None, "cases": [_as_json(result) for result in error.red], "red": len(error.red)})
        else:
            _print_results(list(error.red))
            say("Not activated: what was in force stays.")
        raise typer.Exit(RED) from None
    except SpoolError as error:
        fail(f"it could not be recorded, therefore nothing was changed: {error}")
    except OSError as error:
        fail(f"not activated: {error.strerror}: {error.filename}")
    if as_json:
        print_json({"activated": number})
    else:
        say(f"Version {number} is in force.")


def _activated(state: Path, path: Path, who: str) -> int:
    spool = Spool.open(state / "spool" / "cli", "cli")
    try:
        return PolicyStore(state / "policies", record=lambda change: _record(spool, change)).activate(path, who)
    finally:
        spool.close()


def _folder(config: Path) -> Path:
    try:
        installation, _ = load_installation(config)
    except ConfigError as error:
        fail(*error.errors)
    return installation.state / "policies"


def _record(spool: Spool, change: Change) -> None:
    """One event, whoever is `by`: a pseudonym or our own word, never a name."""
    action = EventAction.POLICY_ACTIVATED if change.activated else EventAction.POLICY_REFUSED
    numbers: dict[str, int | str] = {"version": change.version, "digest": change.digest[:16], "by": change.by}
    numbers |= {} if change.activated else {"errors": change.errors, "red": change.red}
    outcome = "success" if change.activated else "failure"
    spool.append(plain_event(action, at=datetime.now(UTC), subject="policy", outcome=outcome, numbers=numbers))


def _refuse(errors: PolicyErrors, as_json: bool) -> NoReturn:
    if as_json:
        members = ("file", "line", "column", "message", "hint")
        print_json({"errors": [{name: getattr(error, name) for name in members} for error in errors.errors]})
        raise typer.Exit(WRONG)
    many = len(errors.errors)
    fail(*map(str, errors.errors), f"{many} error{'s' if many > 1 else ''}: nothing of it is used.")


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


def _print_policy(policy: Policy) -> None:
    say(f"Policy {policy.version}")
    print_table(("rule", "who", "acts", "effect", "what for"), (_row(rule) for rule in policy.rules))


def _row(rule: Rule) -> tuple[str, str, str, str, str]:
    text = rule.text
    who = ", ".join(sorted(text.roles)) if not isinstance(text.roles, str) else "anybody"
    who += f" ({', '.join(sorted(text.status))})" if text.status else ""
    acts = ", ".join(sorted(text.actions)) if not isinstance(text.actions, str) else "every act"
    parts = [text.effect.value]
    parts += [_reached(text.reaches)] if text.reaches else []
    parts += [f"needs {written_need(text.require)}"] if text.require else []
    parts += ["own only"] if text.keep == "own" else []
    parts += [f"{name} masked for {text.masked_for}" for name in text.masks or ()]
    parts += [_limited(text.limit)] if text.limit else []
    return text.id, who, acts, ", ".join(parts), text.about.strip()


def _reached(reach: ReachText) -> str:
    share = f"{reach.count}" if reach.percent is None else f"{reach.percent:g} % of the {reach.of.value}"
    return f"from {reach.counter} {share} on"


def _limited(limit: LimitText) -> str:
    share = f"{limit.count}" if limit.percent is None else f"{limit.percent:g} % of the {limit.of.value}"
    return f"at most {share} by {limit.counter}"
