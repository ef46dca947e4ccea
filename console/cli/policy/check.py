"""`torwart policy check`: every error of rules and cases at its place, and what is suspicious in rules without an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from auth.command_line import Json, fail, print_json, say
from console.cli.house import House, open_house
from console.cli.policy.output import Rules, refuse, store_of
from policies.analysis import Remark, analyse
from policies.judged import Judged, judged
from policies.load import RulePlace
from policies.problems import PolicyErrors
from policies.store import SHIPPED
from policies.vocabulary import VOCABULARY, Vocabulary, read_vocabulary

Compared = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Configuration file: compare with its CRM's fields and its people's roles. Without a PATH: what is in force."
    ),
]


def check(path: Rules = None, config: Compared = None, as_json: Json = False) -> None:
    """Read all rules and their cases; name every error with its place, and warn of what can never act or reaches too far."""
    try:
        source = path or (SHIPPED if config is None else store_of(config).versions.newest().folder)
        found = judged(source)
    except PolicyErrors as errors:
        refuse(errors, as_json)
    vocabulary, roles = (None, None) if config is None else _of(config)
    remarks = sorted(analyse(found.policy, vocabulary, roles), key=lambda remark: found.places[remark.rule])
    if as_json:
        warnings = [_as_json(remark, found.places) for remark in remarks]
        counts = {"rules": len(found.places), "cases": len(found.results), "version": found.policy.version}
        print_json({"errors": [], "warnings": warnings, **counts, "fields_compared": vocabulary is not None})
    else:
        _print(found, remarks, vocabulary, path, named=config is not None)


def _of(config: Path) -> tuple[Vocabulary | None, frozenset[str]]:
    """What the CRM can deliver, if its gateway has started once, and the roles that people have."""
    with open_house(config) as house:
        return _vocabulary(house), frozenset(role for person in house.people.all() for role in person.roles)


def _vocabulary(house: House) -> Vocabulary | None:
    try:
        return read_vocabulary(house.installation.state / VOCABULARY)
    except ValueError as error:
        fail(str(error))


def _print(found: Judged, remarks: list[Remark], vocabulary: Vocabulary | None, path: Path | None, *, named: bool) -> None:
    for remark in remarks:
        file, line, column = found.places[remark.rule]
        say(f"{file}:{line}:{column}: warning: {remark.rule} {remark.message} ({remark.hint})")
    if vocabulary is None:
        how = "start its gateway once" if named else "name one with --config, after its gateway has started once"
        say(f"Fields and record attributes were not compared with a CRM: {how}.")
    warned = f", {len(remarks)} warning{'' if len(remarks) == 1 else 's'}" if remarks else ""
    counts = f"{len(found.places)} rules and {len(found.results)} cases read, no error{warned}."
    say(f"{counts} Next: torwart policy test {path or ''}".rstrip() if path is not None or not named else counts)


def _as_json(remark: Remark, places: Mapping[str, RulePlace]) -> dict[str, object]:
    members = ("rule", "code", "message", "hint", "widens")
    return dict(places[remark.rule]._asdict()) | {name: getattr(remark, name) for name in members}
