"""`torwart policy versions`: what was in force, since when, by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from auth.command_line import DEFAULT_CONFIG, Config, Json, print_json, say
from console.cli.house import print_table
from console.cli.policy.output import store_of
from policies.problems import PolicyErrors
from policies.signing import Statement
from policies.versions import Versions


def versions(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """All versions with who activated them and when. One that cannot be trusted is listed with what is wrong with it."""
    kept = store_of(config).versions
    numbers = kept.numbers()
    lines = [_line(kept, number, in_force=number == numbers[-1]) for number in numbers]
    if as_json:
        print_json({"versions": lines})
    elif lines:
        print_table(("version", "since", "by", "rules", "cases", "digest", ""), (_row(line) for line in lines))
    else:
        say("No version yet: the first start puts the shipped rules in force, or run `torwart policy activate PATH`.")


def _line(kept: Versions, number: int, *, in_force: bool) -> dict[str, Any]:
    try:
        statement = kept.version(number).statement
        if in_force:
            kept.newest()
    except PolicyErrors as errors:
        return {"version": number, "active": False, "wrong": [str(error) for error in errors.errors]}
    return {"version": number, "active": in_force, **_facts(statement)}


def _facts(statement: Statement) -> dict[str, Any]:
    confirmed = statement.confirmed
    return {
        "since": statement.at.isoformat(timespec="seconds"),
        "by": statement.by,
        "rules": statement.rules,
        "cases": statement.cases,
        "digest": statement.content,
        "rollback_to": statement.rollback_to,
        "widenings": confirmed.widenings if confirmed else 0,
        "confirmed_by": confirmed.by if confirmed else None,
    }


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    if "wrong" in line:
        return (str(line["version"]), "", "", "", "", "", "cannot be used: " + "; ".join(line["wrong"]))
    notes = ["in force"] if line["active"] else []
    notes += [f"rules of version {line['rollback_to']} again"] if line["rollback_to"] else []
    notes += [f"{line['widenings']} widenings confirmed by {line['confirmed_by']}"] if line["widenings"] else []
    since = f"{datetime.fromisoformat(line['since']).astimezone():%Y-%m-%d %H:%M}"
    return (str(line["version"]), since, line["by"], str(line["rules"]), str(line["cases"]), line["digest"][:8], ", ".join(notes))
