"""`torwart policy test`: run the cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from auth.command_line import Json, err, fail, print_json
from console.cli.policy.output import RED, Rules, print_results, refuse, result_as_json
from policies.cases import run_cases
from policies.junit import junit, junit_errors
from policies.load import load
from policies.problems import PolicyErrors
from policies.store import SHIPPED

Xml = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML too, for a CI.")]


def run(path: Rules = None, as_json: Json = False, xml: Xml = None) -> None:
    """Run the cases that lie beside the rules. Exit 1 if one is red."""
    source = path or SHIPPED
    start = time.monotonic()
    try:
        with _progress() as tell:
            results = run_cases(source, load(source), tell)
    except PolicyErrors as errors:
        _write(xml, junit_errors(errors.errors))
        refuse(errors, as_json)
    _write(xml, junit(results, time.monotonic() - start))
    red = [result for result in results if not result.green]
    if as_json:
        print_json({"cases": [result_as_json(result) for result in results], "red": len(red)})
    else:
        print_results(results)
    if red or not results:
        raise typer.Exit(RED)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, gone when it is done; nothing elsewhere."""
    columns = (TextColumn("cases"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("cases", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write(file: Path | None, document: bytes) -> None:
    if file is None:
        return
    try:
        file.write_bytes(document)
    except OSError as error:
        fail(f"the results cannot be written: {error.strerror}: {file}")
