"""`torwart policy test`: run the cases."""

from __future__ import annotations

import typer

from auth.command_line import Json, print_json
from console.cli.policy.output import RED, Rules, print_results, refuse, result_as_json
from policies.cases import run_cases
from policies.load import load
from policies.problems import PolicyErrors
from policies.store import SHIPPED


def run(path: Rules = None, as_json: Json = False) -> None:
    """Run the cases that lie beside the rules. Exit 1 if one is red."""
    source = path or SHIPPED
    try:
        results = run_cases(source, load(source))
    except PolicyErrors as errors:
        refuse(errors, as_json)
    red = [result for result in results if not result.green]
    if as_json:
        print_json({"cases": [result_as_json(result) for result in results], "red": len(red)})
    else:
        print_results(results)
    if red or not results:
        raise typer.Exit(RED)
