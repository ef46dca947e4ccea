"""`torwart policy check`: every error of rules and cases, at its place."""

from __future__ import annotations

from auth.command_line import Json, print_json, say
from console.cli.policy.output import Rules, refuse
from policies.cases import run_cases
from policies.load import load
from policies.problems import PolicyErrors
from policies.store import SHIPPED


def check(path: Rules = None, as_json: Json = False) -> None:
    """Read all rules and their cases; name every error with its place and what would be right."""
    source = path or SHIPPED
    try:
        policy = load(source)
        cases = run_cases(source, policy)
    except PolicyErrors as errors:
        refuse(errors, as_json)
    if as_json:
        print_json({"errors": [], "rules": len(policy.rules), "cases": len(cases), "version": policy.version})
    else:
        say(f"{len(policy.rules)} rules and {len(cases)} cases read, no error. Next: torwart policy test {path or ''}".rstrip())
